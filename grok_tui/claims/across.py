"""Across theories: what every account has to meet.  arXiv 2606.13753."""

from __future__ import annotations

from math import hypot, isfinite, log
from statistics import median

from ..store.read import RunReader
from .claim import Cell, Claim, Curves, Finding, Points, Runs
from .rules import at, by_label, fitted, listed, medians, number, of_line, over, spread, t_grok

GROKKED = 2648


def judge_parity(runs: Runs) -> Finding:
    """Within a third of the published step."""
    groks = over(runs["m 1000"], t_grok)
    middle = median(groks)
    said = (
        f"median t_grok {number(middle)}; norm there {listed(at(r, 'norm/weight', t_grok(r)) for r in runs['m 1000'])}"
    )
    return Finding(said, 2 / 3 * GROKKED <= middle <= 4 / 3 * GROKKED, spread(runs, t_grok))


PARITY = Claim(
    id="parity",
    source="X",
    figure="sparse parity",
    title="Sparse parity by AdamW",
    says="The parity of 3 of 30 bits from 1,000 examples groks under AdamW with weight decay 1.",
    published="t_grok 2,648 at n 30, m 1,000; norm 20.6",
    rule="the median t_grok is within a third of 2,648",
    cells=(Cell("m 1000", "parity", (), True),),
    judge=judge_parity,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
    seeds=5,
    quick_seeds=2,
)

PUBLISHED_NORM = {"wd 3": 49.0, "wd 1": 54.6, "wd 0.3": 63.0}


def norm_at_grok(run: RunReader) -> float:
    """sqrt(‖E‖^2 + ‖W1‖^2 + ‖W2‖^2) at t_grok, the norm of the weight matrices."""
    return hypot(*(at(run, f"norm/{name}", t_grok(run)) for name in ("E", "W1", "W2")))


def judge_critical_norm(runs: Runs) -> Finding:
    """Each within 5 % of the published one."""
    norms = medians(runs, norm_at_grok)
    holds = all(abs(norms[label] / PUBLISHED_NORM[label] - 1) < 0.05 for label in norms)
    return Finding(f"W_c {by_label(norms)}", holds, spread(runs, norm_at_grok))


CRITICAL_NORM = Claim(
    id="critical-norm",
    source="X",
    figure="critical norm",
    title="The norm at which it groks",
    says="Free runs grok when the norm of their weight matrices has come down to one value W_c, which falls as weight "
    "decay rises.",
    published="W_c 54.5-54.7 at p 59, wd 1; 49, 55, 63 at wd 3, 1, .3; scatter of 1-2 % over seeds",
    rule="the median over seeds is within 5 % of the published W_c at each weight decay",
    cells=(
        Cell("wd 3", "modadd-mlp", ("optim.weight_decay=3",), True),
        Cell("wd 1", "modadd-mlp", (), True),
        Cell("wd 0.3", "modadd-mlp", ("optim.weight_decay=0.3", "train.steps=40000"), True),
    ),
    judge=judge_critical_norm,
    plot=Points(
        "weight decay",
        "norm of the weight matrices at t_grok",
        lambda runs: [
            (label, run.config.optim.weight_decay, norm_at_grok(run)) for label in runs for run in runs[label]
        ],
        log_x=True,
    ),
    seeds=3,
    quick=("wd 3", "wd 1"),
)

PUBLISHED_CLAMP = {"rho 0.85": 587, "rho 1.0": 1256, "rho 1.15": 8007}


def rho_of(label: str) -> float:
    """Held norm over W_c."""
    return float(label.removeprefix("rho "))


def judge_clamp(runs: Runs) -> Finding:
    """Each within a third of the published step; and the exponent."""
    groks = medians(runs, t_grok)
    near = all(2 / 3 <= step / PUBLISHED_CLAMP[label] <= 4 / 3 for label, step in groks.items())
    points = [(rho_of(label), log(t_grok(run))) for label in runs for run in runs[label] if isfinite(t_grok(run))]
    line = fitted(points)
    return Finding(f"t_grok {by_label(groks)}; ln t_grok: {of_line(line)}", near, spread(runs, t_grok))


CLAMP = Claim(
    id="clamp",
    source="X",
    figure="clamp law",
    title="The norm held by hand",
    says="Hold the weight norm at rho W_c from step 500 on, and the step of grokking follows it exponentially.",
    published="lr 8e-3: t_grok 587 at rho .85, 1,256 at 1, 8,007 at 1.15; lr 1e-3: exponent 7.64 [7.47, 7.81]",
    rule="the median t_grok at each rho is within a third of the published one",
    cells=(
        Cell("rho 0.85", "modadd-clamp-low", (), True),
        Cell("rho 1.0", "modadd-clamp", (), True),
        Cell("rho 1.15", "modadd-clamp-high", (), True),
    ),
    judge=judge_clamp,
    plot=Points(
        "held norm / W_c",
        "t_grok",
        lambda runs: [(label, rho_of(label), t_grok(run)) for label in runs for run in runs[label]],
        log_y=True,
        line=True,
    ),
    seeds=3,
    quick=("rho 0.85", "rho 1.0"),
)

CLAIMS = (PARITY, CRITICAL_NORM, CLAMP)
