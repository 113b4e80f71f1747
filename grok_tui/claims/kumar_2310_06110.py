"""S0: grokking as the transition from lazy to rich training.  Kumar et al. 2024, arXiv 2310.06110."""

from ..store.reader import RunReader
from .claim import Claim, Curves, Setup
from .criteria import among, each, falls, median, never, reached, rises, share
from .figures import Figure, at, delay, first, lag, lag_at, largest, last, last_step, t_grok, t_mem, when_below

ALIGNMENT = "kernel/column_alignment"
SHORT = "train.steps=8000"
LOSSES = Curves(("test/loss", "train/loss"))

ALPHA = Claim(
    id="alpha", source="S0", figure="figure 3a", title="Delay grows with alpha",
    says="At learning rate lr / alpha^2 the delay of the test loss grows with the output scale alpha. It vanishes as "
    "alpha goes to 0.",
    published="alpha 1/32: the test loss halves by step 26 and does not rise before; alpha 1: it first rises to 1.08 "
    "of its start; alpha 4: to 1.18; alpha 16: it does not fall within the steps of the paper",
    rule=rises(lag, "with alpha") & (median(lag, "alpha 0.03125") <= 0.05 * median(lag, "alpha 4")),
    setups=tuple(
        Setup(f"alpha {alpha:g}", "kumar-alpha", (f"model.alpha={alpha}", SHORT)) for alpha in (1 / 32, 0.25, 1, 4)
    ),
    plot=LOSSES, seeds=2, quick=("alpha 0.03125", "alpha 1", "alpha 4"),
)  # fmt: skip

EPS = Claim(
    id="eps", source="S0", figure="figure 3, eps", title="Delay falls with label alignment",
    says="The better the first kernel is aligned with the labels (large eps), the smaller the delay.",
    published="the test loss first rises to 1.08 of its start at eps 0.25, and does not rise at eps 1 or more",
    rule=falls(lag, "with eps") & rises(first(ALIGNMENT), "with eps"),
    setups=(
        Setup("eps 0.25", "kumar-alpha", ("model.alpha=1", SHORT)),
        Setup("eps 0.5", "kumar-eps", ("model.eps=0.5", SHORT)),
        Setup("eps 1", "kumar-eps", (SHORT,)),
        Setup("eps 2", "kumar-eps", ("model.eps=2", SHORT)),
    ),
    plot=LOSSES, seeds=2, quick=("eps 0.25", "eps 1"),
)  # fmt: skip

VARIANCE, LINEAR, ALIGNMENT_ERROR = "error/variance", "error/linear", "error/alignment"


def fallen(run: RunReader, column: str) -> float:
    return when_below(run, column, 0.1 * largest(column)(run))


falls_last = Figure(
    "lead of the other errors",
    lambda run: fallen(run, ALIGNMENT_ERROR) - max(fallen(run, VARIANCE), fallen(run, LINEAR)),
    "The lead is the number of steps by which the alignment error falls after the other two errors. An error has "
    "fallen when it stays below a tenth of its largest value.",
)

alignment_share = (at(ALIGNMENT_ERROR, t_mem) / at("test/loss", t_mem)).named(
    "share of the alignment error in the test loss at t_mem"
)

DECOMPOSITION = Claim(
    id="decomposition", source="S0", figure="figure 4", title="Which error falls last",
    says="The test loss has three terms. The variance and the linear error fall first. The alignment error falls last "
    "and causes the drop of the test loss.",
    published="train loss .3 at step 1,000 and 0 at 6,000; test loss highest near 1,100 and below .05 at 10,000",
    rule=among(
        each(last("test/loss") / first("test/loss")) < 0.01,
        (share(each(falls_last) > 0) > 0.5) & (median(alignment_share) > 0.5),
        fewest=2,
    ),
    setups=(Setup("eps 0.25", "kumar-poly", ("train.steps=20000",)),),
    plot=Curves(("test/loss", LINEAR, VARIANCE, ALIGNMENT_ERROR)), seeds=10, quick_seeds=6,
)  # fmt: skip

lag_70 = lag_at(0.7, "lag at 70 % of the loss")

GOLDILOCKS = Claim(
    id="goldilocks", source="S0", figure="figure 9", title="Never, late, at once",
    says="With too few examples the test loss never falls, with enough examples it falls at once, and between the two "
    "it falls late.",
    published="P 50 never generalises, P 120 groks, P 500 shows no delay",
    rule=never(median(lag_70, "P 50"))
    & reached(median(lag_70, "P 120"))
    & (median(lag_70, "P 120") > 2 * median(lag_70, "P 500"))
    & (median(lag_70, "P 120") > 2),
    setups=tuple(
        Setup(f"P {p}", "kumar-goldilocks", (f"task.n_train={p}", "train.steps=20000")) for p in (50, 120, 500)
    ),
    plot=LOSSES, shown=(median(last("test/loss") / first("test/loss")),), seeds=2,
)  # fmt: skip

RISING_NORM = Claim(
    id="rising-norm", source="S0", figure="figure 2", title="A rising norm",
    says="Modular addition groks by plain gradient descent without weight decay, while the weight norm rises.",
    published="memorises by about step 2,000, generalises at 3,000 to 4,000; the norm rises",
    rule=reached(each(t_grok))
    & (each(t_grok) > each(t_mem))
    & (each(at("norm/weight", t_mem)) > each(first("norm/weight")))
    & (each(at("norm/weight", t_grok)) > each(at("norm/weight", t_mem))),
    setups=(Setup("alpha 1", "kumar-modadd"),),
    plot=Curves(("norm/weight",), log_y=False),
)  # fmt: skip

EIGENVECTOR = Claim(
    id="eigenvector", source="S0", figure="figure 5", title="Labels that are an eigenvector",
    says="If the labels are the k-th eigenvector of the first kernel, a leading one is learnt at once, one near 70 "
    "groks, and those past 100 fail.",
    published="k 1 is learnt at once, k near 70 groks, k of 100 or more fails",
    rule=(median(lag, "k 1") < 0.1 * median(lag, "k 70"))
    & reached(median(lag, "k 70"))
    & (median(last("test/loss") / first("test/loss"), "k 150") > 0.5),
    setups=tuple(Setup(f"k {k}", "kumar-eigenvector", (f"task.k={k}",)) for k in (1, 70, 150)),
    plot=LOSSES,
)  # fmt: skip

INIT_SCALE = Claim(
    id="init-scale", source="S0", figure="figure 7", title="Initial weight scale",
    says="At learning rate lr / sigma^2 the scale sigma of the initial weights sets how lazy training is: the larger "
    "it is, the less the features change.",
    published="curves: sigma^2 alpha sets how much the kernel changes",
    rule=falls(last("kernel/distance"), "with sigma"),
    setups=tuple(
        Setup(f"sigma {s:g}", "kumar-sigma", (f"model.init_scale={s}", f"optim.lr={250 / s**2}", SHORT))
        for s in (0.5, 1, 2)
    ),
    plot=Curves(("kernel/distance",)), shown=(median(lag),), seeds=2, quick=("sigma 0.5", "sigma 2"),
)  # fmt: skip

there_at_t_mem = (at("test/acc", t_mem) / last("test/acc")).named("share of the last test accuracy at t_mem")

MNIST = Claim(
    id="mnist", source="S0", figure="figure 6a", title="MNIST with alpha",
    says="On MNIST too the delay shrinks with the output scale alpha, and vanishes as alpha goes to 0.",
    published="alpha .5: test accuracy .26 at t_mem 1,334, .49 at step 20,000, .85 at the end; alpha .001: no delay",
    rule=(median(there_at_t_mem, "alpha 0.5") < 0.75) & (median(there_at_t_mem, "alpha 0.001") > 0.9),
    setups=(
        Setup("alpha 0.5", "mnist-alpha", ("train.steps=15000",)),
        Setup("alpha 0.001", "mnist-alpha", ("model.alpha=0.001", "train.steps=6000")),
    ),
    shown=(median(last("test/acc")),), seeds=2, quick_seeds=0,
)  # fmt: skip

LR_HELD = ("optim.lr_over_alpha2=false", "optim.lr=4.8e-4")

TRANSFORMER = Claim(
    id="transformer-alpha", source="S0", figure="figure 6b", title="A transformer with alpha",
    says="In a transformer under AdamW the delay vanishes as alpha falls, at learning rate lr / alpha^2. AdamW's step "
    "does not shrink with the gradient, so this rule raises the learning rate as alpha falls. Therefore the same is "
    "shown with lr held.",
    published="p 113: the delay vanishes at alpha .15 under lr / alpha^2; with lr held: not published. Here p is 31, "
    "and 75 % of the pairs are for training",
    rule=median(delay, "lr/alpha^2, alpha 0.15") < median(delay, "lr/alpha^2, alpha 0.5"),
    setups=tuple(
        Setup(f"{rule}, alpha {alpha}", "kumar-transformer", (f"model.alpha={alpha}", *sets), stop_on_grok=True)
        for rule, sets in (("lr/alpha^2", ()), ("lr held", LR_HELD))
        for alpha in (0.5, 0.15)
    ),
    shown=(median(delay), median(t_grok)), seeds=2,
)  # fmt: skip

ACCURACY = Claim(
    id="accuracy", source="S0", figure="figure 8", title="Accuracy groks, the loss does not",
    says="In teacher-student regression, an accuracy within a tolerance groks only because of its threshold: the loss "
    "curves show no grokking.",
    published="curves: accuracy jumps late for tolerances of 1e-4 to 0.1, the loss does not",
    rule=reached(each(delay))
    & (each(delay) > 3 * each(t_mem))
    & (each(lag) < 0.1 * each(delay))
    & (each(largest("test/loss") / first("test/loss")) < 1.05),
    setups=(Setup("tolerance 1e-3", "teacher-student"),),
    plot=Curves(("test/acc", "train/acc", "test/loss")),
)  # fmt: skip

halved = Figure(
    "step at which the test loss halves", lambda run: when_below(run, "test/loss", 0.5 * first("test/loss")(run))
)
best_kernel = Figure(
    "smaller last test loss of the two kernel methods",
    lambda run: min(last("twin/test_loss")(run), last("k0/test_loss")(run)),
)


def alignment_rise(step: Figure, text: str) -> Figure:
    """By which share of its start the kernel's alignment has risen."""
    return Figure(text, lambda run: at(ALIGNMENT, step)(run) / first(ALIGNMENT)(run) - 1)


early_rise = alignment_rise(Figure("", lambda run: 0.3 * halved(run)), "rise of the alignment by 30 % of that step")
final_rise = alignment_rise(last_step, "rise of the alignment by the last step")
LEAVES_ITS_TWIN = (
    (each(last("test/loss")) < 0.2 * each(best_kernel))
    & reached(each(halved))
    & (each(early_rise) < 0.5 * each(final_rise))
)

TWIN_BEHIND = Claim(
    id="twin", source="S0", figure="figure 1", title="The linearised twin never gets there",
    says="The linearised network and kernel regression with the first kernel never reach the network's test loss. The "
    "kernel's alignment hardly changes until the test loss drops.",
    published="eps .25: test loss .02 at step 10,000; eps .02, step 100,000: network .02, twin .51, K₀ regression .41",
    rule=LEAVES_ITS_TWIN,
    setups=(
        Setup("eps 0.25", "kumar-twin"),
        Setup("eps 0.02", "kumar-twin", ("model.eps=0.02", "train.steps=60000")),
    ),
    plot=Curves(("test/loss", "twin/test_loss", "k0/test_loss")),
    shown=(each(last("twin/test_loss")), each(last("k0/test_loss"))), seeds=1, quick=("eps 0.25",),
)  # fmt: skip

MOMENTUM = Claim(
    id="momentum", source="S0", figure="figure 14a", title="The twin under momentum",
    says="With momentum 0.95 for both, the network groks and its linearised twin does not.",
    published="a curve as in figure 1, without numbers",
    rule=LEAVES_ITS_TWIN,
    setups=(Setup("momentum 0.95", "kumar-momentum"),),
    plot=Curves(("test/loss", "twin/test_loss", "k0/test_loss")),
    shown=(each(last("twin/test_loss")), each(last("k0/test_loss"))), seeds=2,
)  # fmt: skip

ADAMW_TWIN = Claim(
    id="adamw-twin", source="S0", figure="figure 14b", title="The twin under AdamW",
    says="Under AdamW with weight decay the network leaves its linearisation, and generalises better than its twin.",
    published="a curve without numbers",
    rule=each(last("test/loss")) < 0.2 * each(last("twin/test_loss")),
    setups=(Setup("AdamW", "kumar-adamw", ("train.steps=10000",)),),
    plot=Curves(("test/loss", "twin/test_loss", "train/loss")), shown=(each(last("train/loss")),), seeds=2,
)  # fmt: skip
