"""S2: the delay law: weight decay brings the norm down.  arXiv 2603.13331; interventions of arXiv 2605.18845."""

from math import log

from ..science.fits import Contraction, contraction_rate
from ..store.reader import RunReader
from .claim import Claim, Curves, Points, Setup
from .criteria import Criterion, correlation, each, median, never, r2, reached, rises, slope, within
from .figures import Figure, at, delay, first, largest, last, last_step, lr, ratio, t_grok, t_mem, weight_decay

PRESET = "delay-addition"
BASE_STEPS = 4000
BASE = (f"train.steps={BASE_STEPS}",)
WDS = (
    Setup("wd 1", PRESET, BASE),
    *(Setup(f"wd {wd}", PRESET, (f"optim.weight_decay={wd}",), stop_on_grok=True) for wd in (0.5, 0.3, 0.1)),
)
LRS = (
    Setup("lr 2e-3", PRESET, ("optim.lr=2e-3",), stop_on_grok=True),
    Setup("lr 1e-3", PRESET, BASE),
    Setup("lr 5e-4", PRESET, ("optim.lr=5e-4",), stop_on_grok=True),
)

inverse_wd = Figure("1 / weight decay", lambda run: 1 / weight_decay(run))
inverse_lr = Figure("1 / learning rate", lambda run: 1 / lr(run))

WD_LAW = Claim(
    id="wd-law", source="S2", figure="weight decay sweep", title="t_grok against 1 / weight decay",
    says="The step of grokking is inversely proportional to the weight decay.",
    published="t_grok 2,100 at wd 1, 3,150 at .5, 4,900 at .3, 12,700 at .1; slope {} [1,082, 1,271], R² .971",
    rule=rises(t_grok, "from each weight decay to the next smaller one")
    & (r2(inverse_wd, t_grok) >= 0.9)
    & within(slope(inverse_wd, t_grok), 1182, factor=1.5),
    setups=WDS,
    plot=Points(inverse_wd, t_grok, line=True), quick=("wd 1", "wd 0.5", "wd 0.3"), seeds=2,
)  # fmt: skip

LR_LAW = Claim(
    id="lr-law", source="S2", figure="learning rate sweep", title="t_grok against 1 / learning rate",
    says="The step of grokking is inversely proportional to the learning rate (here from 2e-3 to 5e-4).",
    published="t_grok 840 at lr 2e-3, 1,760 at 1e-3, 5,280 at 5e-4, 35,680 at 2e-4; R² .92",
    rule=rises(t_grok, "from each learning rate to the next smaller one") & (r2(inverse_lr, t_grok) >= 0.9),
    setups=LRS,
    plot=Points(inverse_lr, t_grok, line=True), seeds=2,
)  # fmt: skip


def predicted(run: RunReader) -> float:
    fall = ratio(at("norm/V", t_mem)(run), at("norm/V", t_grok)(run))
    return log(fall) / (2 * lr(run) * weight_decay(run))


delay_of_the_law = Figure("ln(V_mem / V_grok) / (2 lr wd)", predicted)

LOG_NORM = Claim(
    id="log-norm", source="S2", figure="predicted against observed", title="Delay against log V_mem / V_post",
    says="The delay is ln(V_mem / V_post) over the contraction rate; V is the squared norm. Here V_mem is V at t_mem, "
    "V_post is V at t_grok, and the rate is 2 lr wd.",
    published="r .91, slope 1.08 (paper); r .836, slope 2.03 (released data, which uses 1 / (2 lr wd))",
    rule=correlation(delay_of_the_law, delay, 4) >= 0.8,
    setups=(*WDS, LRS[0], LRS[2]),
    plot=Points(delay_of_the_law, delay, line=True), quick=("wd 1", "wd 0.5", "wd 0.3", "lr 2e-3", "lr 5e-4"), seeds=2,
)  # fmt: skip


def contraction(run: RunReader) -> Contraction:
    """The fit of V = A exp(-gamma t) + C to the rows from t_mem on; gamma per step."""
    steps, squared = run.series("norm/V")
    after = steps >= t_mem(run)
    return contraction_rate(steps[after], squared[after])


gamma = Figure("gamma (fitted to V from t_mem to the end)", lambda run: contraction(run).gamma)

CONTRACTION = Claim(
    id="contraction", source="S2", figure="base cell", title="How fast the norm contracts",
    says="After memorising V = A exp(-gamma t) + C, with gamma between lr wd and 2 lr wd.",
    published="gamma {} at lr 1e-3, wd 1; R² .9991",
    rule=within(median(gamma), 0.0014, share=0.3)
    & (each(Figure("R² of that fit", lambda run: contraction(run).r2)) > 0.95),
    setups=WDS[:1],
    plot=Curves(("norm/V",), log_x=False),
)  # fmt: skip

OPERATIONS = Claim(
    id="operations", source="S2", figure="base cell; multiplication", title="Addition and multiplication",
    says="The same transformer groks addition and multiplication mod p.",
    published="addition: t_mem 800, t_grok 1,840 ± 215 at p 97; multiplication: t_mem 200-600, t_grok 3,920 at p 97",
    rule=reached(each(t_grok)) & (each(t_grok) > each(t_mem)),
    setups=(Setup("addition", PRESET, BASE), Setup("multiplication", "delay-multiplication", stop_on_grok=True)),
    shown=(median(delay),), seeds=2,
)  # fmt: skip

PARITY_CONTROL = Claim(
    id="parity-control", source="S2", figure="sparse parity", title="Negative control: parity with much data",
    says="With 25,000 examples of sparse parity there is no grokking, though the same weight decay acts. A delay of up "
    "to 200 steps, one interval of the paper's log, counts as none.",
    published="delay 0, 0, -120 at n 20, 30, 40; V at the end 1.64-1.97 of V_mem",
    rule=each(Figure("size of the delay", lambda run: abs(delay(run)))) <= 200,
    setups=(Setup("n 30", "delay-parity", ("train.steps=3000",)),),
    shown=(each((last("norm/V") / at("norm/V", t_mem)).named("V at the end over V_mem")),),
)  # fmt: skip

SGD = Claim(
    id="sgd", source="S2", figure="SGD control", title="SGD fails where AdamW groks",
    says="Plain SGD at the same learning rate and weight decay does not grok: weight decay is stronger than the "
    "gradient, and the weights vanish before anything is memorised.",
    published="SGD never memorises; V falls to 3.6e-5",
    rule=(each(largest("train/acc"), "SGD") < 0.05)
    & (each(last("norm/V") / first("norm/V"), "SGD") < 1e-3)
    & reached(each(t_grok, "AdamW")),
    setups=(Setup("AdamW", PRESET, BASE), Setup("SGD", "delay-sgd", ("train.steps=5000",))),
    plot=Curves(("norm/V",)), seeds=2,
)  # fmt: skip

LONG_STEPS = 6000


def intervention(id: str, title: str, says: str, published: str, touched: Setup, effect: Criterion) -> Claim:
    """A claim of block F: what is done to the norm at t_mem, and whether the run then groks."""
    return Claim(
        id=id,
        source="S2",
        figure="arXiv 2605.18845, block F",
        title=title,
        says=says,
        published=published,
        rule=(each(t_grok, "untouched") <= BASE_STEPS) & effect,
        setups=(Setup("untouched", PRESET, BASE), touched),
        shown=(each(last("test/acc"), touched.label),),
        seeds=2,
    )


def no_grokking(label: str) -> Criterion:
    return never(each(t_grok, label)) & (each(last_step, label) >= LONG_STEPS)


WD_OFF = intervention(
    "wd-off",
    "Weight decay taken away at t_mem",
    "Without weight decay from t_mem on the run does not grok.",
    "0 of 3 runs grok in 30,000 steps",
    Setup("wd 0", "delay-wd-off", (f"train.steps={LONG_STEPS}",)),
    no_grokking("wd 0"),
)
FREEZE = intervention(
    "norm-freeze",
    "Norm frozen at t_mem",
    "With the norm frozen from t_mem on the run does not grok, though weight decay still turns the weights.",
    "0 of 3 runs grok in 30,000 steps",
    Setup("frozen", "delay-freeze", (f"train.steps={LONG_STEPS}",)),
    no_grokking("frozen"),
)
RESCALE = intervention(
    "norm-rescale",
    "Norm rescaled once at t_mem",
    "Rescaling the weights once at t_mem does not stop grokking.",
    "3 of 3 runs grok; the MLP of arXiv 2606.13753 groks at 4,576, and at 5,395 without rescaling",
    Setup("x0.7", "delay-rescale", stop_on_grok=True),
    reached(each(t_grok, "x0.7")),
)
