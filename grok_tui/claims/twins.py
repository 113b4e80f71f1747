"""S0, the network beside its linearised twin and regression with its first kernel.  Kumar et al., arXiv 2310.06110."""

from __future__ import annotations

from math import isfinite

from .claim import Cell, Claim, Curves, Finding, Runs
from .figures import at, first, last, listed, when_below


def judge_twin(runs: Runs) -> Finding:
    """The network ends far below both kernel methods, and its alignment is flat until the drop."""
    ends, flat, ok = [], [], []
    for run in [run for label in runs for run in runs[label]]:
        net, twin, k0 = (last(run, column) for column in ("test/loss", "twin/test_loss", "k0/test_loss"))
        drop = when_below(run, "test/loss", 0.5 * first(run, "test/loss"))
        before = at(run, "kernel/column_alignment", 0.3 * drop) / first(run, "kernel/column_alignment")
        after = last(run, "kernel/column_alignment") / first(run, "kernel/column_alignment")
        ends.append((net, twin, k0))
        flat.append((before, after))
        ok.append(net < 0.2 * min(twin, k0) and isfinite(drop) and before - 1 < 0.5 * (after - 1))
    said = "test loss of network, twin, K_0 regression: " + " | ".join(listed(e) for e in ends)
    rises = " | ".join(f"x{a:.2f}, x{b:.2f}" for a, b in flat)
    return Finding(f"{said}; alignment over its start, before the drop and at the end: {rises}", all(ok))


TWIN = Claim(
    id="twin",
    source="S0",
    figure="figure 1",
    title="The linearised twin never gets there",
    says="The linearised network and kernel regression with the first kernel never reach the network's test loss; the "
    "kernel's alignment is flat until the test loss drops.",
    published="eps .25: test .02 at 10,000 steps; eps .02: network .02, twin .51, K_0 regression .41 at 100,000",
    rule="every run ends below a fifth of both kernel methods, and before the drop (at 30 % of the step at which the "
    "test loss halves) its alignment has made less than half of its final rise",
    cells=(
        Cell("eps 0.25", "kumar-twin"),
        Cell("eps 0.02", "kumar-twin", ("model.eps=0.02", "train.steps=60000")),
    ),
    judge=judge_twin,
    plot=Curves(("test/loss", "twin/test_loss", "k0/test_loss")),
    seeds=1,
    quick=("eps 0.25",),
)

MOMENTUM = Claim(
    id="momentum",
    source="S0",
    figure="figure 14a",
    title="The twin under momentum",
    says="With momentum 0.95 for both, the network groks and its linearised twin does not.",
    published="as figure 1 (a curve; no figures given)",
    rule="as for the claim twin",
    cells=(Cell("momentum 0.95", "kumar-momentum"),),
    judge=judge_twin,
    plot=Curves(("test/loss", "twin/test_loss", "k0/test_loss")),
    seeds=2,
)


def judge_adamw_twin(runs: Runs) -> Finding:
    """The network ends below its twin."""
    ends = [(last(r, "train/loss"), last(r, "test/loss"), last(r, "twin/test_loss")) for r in runs["AdamW"]]
    said = "last train, test, twin test loss: " + " | ".join(listed(e) for e in ends)
    return Finding(said, all(test < 0.2 * twin for _, test, twin in ends))


ADAMW_TWIN = Claim(
    id="adamw-twin",
    source="S0",
    figure="figure 14b",
    title="The twin under AdamW",
    says="Under AdamW with weight decay the network leaves its linearisation, and generalises better than its twin.",
    published="a curve; no figures given",
    rule="every run ends below a fifth of its twin's test loss",
    cells=(Cell("AdamW", "kumar-adamw", ("train.steps=10000",)),),
    judge=judge_adamw_twin,
    plot=Curves(("test/loss", "twin/test_loss", "train/loss")),
    seeds=2,
)
