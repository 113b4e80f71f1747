"""X: numbers that every theory has to meet.  arXiv 2606.13753."""

from math import hypot, log

from ..store.reader import RunReader
from .claim import Claim, Curves, Points, Setup
from .criteria import median, slope, within
from .figures import Figure, at, t_grok, weight_decay

THIRD = 1 / 3
W_C = 54.6
"""The published norm at which free runs grok: p 59, weight decay 1."""
norm_at_grok = at("norm/weight", t_grok)

PARITY = Claim(
    id="parity", source="X", figure="sparse parity", title="Sparse parity by AdamW",
    says="The parity of 3 of 30 bits from 1,000 examples groks under AdamW with weight decay 1.",
    published="t_grok {} at n 30, m 1,000; weight norm 20.6",
    rule=within(median(t_grok), 2648, share=THIRD),
    setups=(Setup("m 1000", "parity", stop_on_grok=True),),
    shown=(median(norm_at_grok),), seeds=5, quick_seeds=2,
)  # fmt: skip

TIMESCALE = Claim(
    id="timescale", source="X", figure="free runs", title="When the embedding MLP groks",
    says="Addition mod 59 by the embedding MLP groks at the published steps, which differ by a factor of 6 between the "
    "two learning rates.",
    published="median t_grok {} at lr 1e-3 (up to 5,131); {} at lr 8e-3",
    rule=within(median(t_grok), {"lr 1e-3": 5091, "lr 8e-3": 805}, share=THIRD),
    setups=(
        Setup("lr 1e-3", "modadd-mlp", stop_on_grok=True),
        Setup("lr 8e-3", "modadd-fast", stop_on_grok=True),
    ),
)  # fmt: skip

TRANSFORMER = Claim(
    id="transformer", source="X", figure="transformer without LayerNorm", title="When the transformer groks",
    says="A one-layer transformer without LayerNorm groks addition mod 59 at the published step and at the published "
    "weight norm.",
    published="t_grok {}; W_c {}",
    rule=within(median(t_grok), 4371, share=THIRD) & within(median(norm_at_grok), 36.9, share=0.05),
    setups=(Setup("free", "modadd-transformer", stop_on_grok=True),),
    plot=Curves(("test/acc", "norm/weight"), log_y=False), quick_seeds=0,
    tried="it groks at the published norm, but later: the paper does not say the scale of the initial positional "
    "embedding. Here it is that of the token embedding; other scales were not tried",
)  # fmt: skip


def matrices_at_grok(run: RunReader) -> float:
    return hypot(*(at(f"norm/{name}", t_grok)(run) for name in ("E", "W1", "W2")))


norm_of_matrices = Figure("norm of the weight matrices at t_grok", matrices_at_grok)

CRITICAL_NORM = Claim(
    id="critical-norm", source="X", figure="critical norm", title="The norm at which it groks",
    says="Free runs grok when the norm of their weight matrices has come down to one value W_c, which falls as weight "
    "decay rises.",
    published="W_c {} at wd 3, {} at wd 1, {} at wd .3, p 59; scatter of 1-2 % over seeds",
    rule=within(median(norm_of_matrices), {"wd 3": 49, "wd 1": W_C, "wd 0.3": 63}, share=0.05),
    setups=(
        Setup("wd 3", "modadd-mlp", ("optim.weight_decay=3",), stop_on_grok=True),
        Setup("wd 1", "modadd-mlp", stop_on_grok=True),
        Setup("wd 0.3", "modadd-mlp", ("optim.weight_decay=0.3", "train.steps=40000"), stop_on_grok=True),
    ),
    plot=Points(weight_decay, norm_of_matrices, log_x=True), quick=("wd 3", "wd 1"),
)  # fmt: skip


def held_norm(run: RunReader) -> float:
    return float(next(entry.set["optim.hold_norm"] for entry in run.config.schedule))


rho = Figure("held norm / W_c", lambda run: held_norm(run) / W_C)
ln_t_grok = Figure("ln t_grok", lambda run: log(t_grok(run)))

CLAMP = Claim(
    id="clamp", source="X", figure="clamp law", title="The norm held by hand",
    says="Hold the weight norm at rho W_c from step 500 on, and the step of grokking grows exponentially with rho.",
    published="lr 8e-3: t_grok {} at rho .85, {} at 1, {} at 1.15; lr 1e-3: exponent 7.64 [7.47, 7.81]",
    rule=within(median(t_grok), {"rho 0.85": 587, "rho 1.0": 1256, "rho 1.15": 8007}, share=THIRD),
    setups=(
        Setup("rho 0.85", "modadd-clamp-low", stop_on_grok=True),
        Setup("rho 1.0", "modadd-clamp", stop_on_grok=True),
        Setup("rho 1.15", "modadd-clamp-high", stop_on_grok=True),
    ),
    plot=Points(rho, t_grok, log_y=True, line=True), shown=(slope(rho, ln_t_grok),), quick=("rho 0.85", "rho 1.0"),
)  # fmt: skip
