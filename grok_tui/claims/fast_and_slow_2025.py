"""S1: the post "Grokking fast and slow", 2025: its two unfinished sections, with the evidence against them beside."""

from .claim import Claim, Curves, Setup
from .criteria import each, equal, median, never, reached, share
from .figures import at, first, largest, last, last_step, least, t_grok, t_mem, weight_decay

EVERY_STEP = ("measure.budget=0.5",)
"""For runs of tens of steps: measure everything at every step."""
DRIFT = "kernel/drift"
NO_DECAY = equal(each(weight_decay), 0)
GROKS_LATE = reached(each(t_grok)) & (each(t_grok) > each(t_mem))
GROKS_VERY_LATE = reached(each(t_grok)) & (each(t_grok) > 3 * each(t_mem))

# section "Grokking can be seen without weight decay"

MODADD = Claim(
    id="gd-modadd", source="S1a", figure="after arXiv 2310.06110, figure 2",
    title="Modular addition by gradient descent",
    says="A quadratic network groks addition mod 23 by plain gradient descent without weight decay.",
    published="memorises by about step 2,000, generalises at 3,000 to 4,000 (another learning rate and loss scale)",
    rule=GROKS_LATE & NO_DECAY,
    setups=(Setup("GD", "kumar-modadd"),),
)  # fmt: skip

COMMITTEE = Claim(
    id="committee", source="S1a", figure="after arXiv 2310.06110, figure 4", title="A committee of two",
    says="Two hidden units with fixed readouts grok a quadratic target by plain gradient descent without weight decay.",
    published="one seed: the test loss rises to 2.1 and is below .05 by step 10,000",
    rule=(share(each(last("test/loss") / first("test/loss")) < 0.01) >= 0.5)
    & (each(last("kernel/distance")) > 0.01)
    & NO_DECAY,
    setups=(Setup("GD", "kumar-poly", ("train.steps=20000",)),),
    plot=Curves(("test/loss", "train/loss")), seeds=10, quick_seeds=6,
)  # fmt: skip

LINEAR = Claim(
    id="linear", source="S1a", figure="after arXiv 2310.16441", title="A linear estimator",
    says="A linear student of a linear teacher generalises late without weight decay, if an answer within a tolerance "
    "counts as right.",
    published="delay ln(1 / (1 - sqrt(lambda))) / (2 eta (1 - sqrt(lambda))^2), about 5,600 at lambda .9, eta .1 "
    "(asymptotic)",
    rule=GROKS_VERY_LATE & NO_DECAY,
    setups=(Setup("GD", "linear"),),
)  # fmt: skip

RFM = Claim(
    id="rfm", source="S1a", figure="after arXiv 2407.20199", title="A recursive feature machine",
    says="A kernel machine that updates its features groks modular addition: no weight decay, no gradient descent.",
    published="p 61: test accuracy flat for about 8 iterations, then jumps to about 1; train accuracy 1 throughout",
    rule=(each(first("test/acc")) < 0.1) & reached(each(t_grok)),
    setups=(Setup("RFM", "rfm", EVERY_STEP),),
    shown=(each(last("test/acc")),),
)  # fmt: skip

ADAMW_NO_DECAY = Claim(
    id="adamw-no-decay", source="S1a", figure="counter-evidence: arXiv 2301.05217, 2603.13331",
    title="AdamW without weight decay",
    says="A network that groks by AdamW with weight decay does not grok without weight decay, even in ten times as "
    "many steps.",
    published="two papers saw no grokking without weight decay in their steps; arXiv 2201.02177 saw it after 1e6 steps",
    rule=reached(each(t_grok, "wd 1"))
    & reached(each(t_mem, "wd 0"))
    & never(each(t_grok, "wd 0"))
    & (each(last_step, "wd 0") >= 10 * median(t_grok, "wd 1")),
    setups=(Setup("wd 1", "modadd-fast", stop_on_grok=True), Setup("wd 0", "modadd-no-decay")),
    plot=Curves(("test/acc", "norm/weight"), log_y=False), shown=(each(last("test/acc"), "wd 0"),),
)  # fmt: skip

# section "Grokking can be seen in purely feature learning regimes": there is no lazy phase to leave

RFM_FEATURES = Claim(
    id="rfm-features", source="S1b", figure="after arXiv 2407.20199", title="Features from the first iteration",
    says="The recursive feature machine has train accuracy 1 at every iteration, and its kernel changes from the first "
    "one on: it groks with no lazy phase.",
    published="train accuracy 1 at every iteration; no lazy to rich transition",
    rule=equal(each(least("train/acc")), 1)
    & (each(at("kernel/distance", 1)) > 1e-3)
    & reached(each(t_grok))
    & (each(t_grok) > 1),
    setups=(Setup("RFM", "rfm", EVERY_STEP),),
    plot=Curves(("kernel/distance", "test/acc", "train/acc"), log_x=False, log_y=False),
    shown=(each(last("kernel/distance")),),
)  # fmt: skip

XOR = Claim(
    id="xor", source="S1b", figure="after arXiv 2310.02541, figure 1", title="XOR clusters",
    says="A first step that is far larger than the initial weights learns features from the start. After it the train "
    "labels are fitted and test accuracy is at chance. The network then groks without any lazy phase.",
    published="train accuracy 1 and test accuracy about .5 after step 1, test accuracy about 1 by step 15 (d 40,000, "
    "n 200; scaled down here, with 5 % of the labels flipped)",
    rule=(each((at("norm/weight", 1) / first("norm/weight")).named("weight norm at step 1 over the start")) > 100)
    & (each(at("train/acc", 1)) >= 0.9)
    & (each(at("test/acc", 1)) < 0.65)
    & (each(t_grok) > 1)
    & (each(t_grok) < 100),
    setups=(Setup("XOR", "xor-cluster", EVERY_STEP),),
    shown=(each(last("test/acc")),),
)  # fmt: skip

STILL = Claim(
    id="still-kernel", source="S1b", figure="control: arXiv 2310.16441",
    title="The opposite: a kernel that cannot move",
    says="A linear estimator generalises late with a kernel drift of exactly 0: no features are learnt at all.",
    published="the kernel is fixed by construction",
    rule=equal(each(largest(DRIFT)), 0) & GROKS_VERY_LATE,
    setups=(Setup("GD", "linear"),),
    plot=Curves(("test/acc", "train/acc", DRIFT), log_y=False),
)  # fmt: skip
