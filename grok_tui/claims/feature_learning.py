"""S1, "Grokking can be seen in purely feature learning regimes": no lazy phase to leave; and the opposite control."""

from __future__ import annotations

from math import isfinite

from .claim import Cell, Claim, Curves, Finding, Runs
from .figures import EVERY_STEP, at, first, is_late, largest, last, listed, over, spread, t_grok


def judge_rfm(runs: Runs) -> Finding:
    """Train accuracy is 1 at every iteration while the kernel moves from the first."""
    found = runs["RFM"]
    least = over(found, lambda run: float(run.series("train/acc")[1].min()))
    moved = over(found, lambda run: at(run, "kernel/distance", 1))
    ends = over(found, lambda run: last(run, "kernel/distance"))
    late = over(found, t_grok)
    holds = min(least) == 1 and min(moved) > 1e-3 and all(isfinite(t) and t > 1 for t in late)
    said = f"least train accuracy {listed(least)}; kernel distance {listed(moved)} after one iteration, {listed(ends)}"
    return Finding(f"{said} at last; t_grok {listed(late)}", holds, spread(runs, t_grok))


RFM = Claim(
    id="rfm-features",
    source="S1b",
    figure="after arXiv 2407.20199",
    title="Features from the first iteration",
    says="The recursive feature machine has train accuracy 1 at every iteration and its kernel moves from the first: "
    "it groks with no lazy phase.",
    published="train accuracy 1 at every iteration; no lazy to rich transition",
    rule="on every seed train accuracy is 1 in every row, the kernel distance after one iteration is above .001, and "
    "test accuracy passes .9 after more than one iteration",
    cells=(Cell("RFM", "rfm", EVERY_STEP),),
    judge=judge_rfm,
    plot=Curves(("kernel/distance", "test/acc", "train/acc"), log_x=False, log_y=False),
)


def judge_xor(runs: Runs) -> Finding:
    """The first step dwarfs the initial weights and fits; test accuracy comes later."""
    found = runs["XOR"]
    grown = over(found, lambda run: at(run, "norm/weight", 1) / first(run, "norm/weight"))
    train, test = (over(found, lambda run, c=c: at(run, c, 1)) for c in ("train/acc", "test/acc"))  # type: ignore[misc]
    ends, late = over(found, lambda run: last(run, "test/acc")), over(found, t_grok)
    holds = min(train) >= 0.9 and max(test) < 0.65 and min(grown) > 100 and all(1 < t < 100 for t in late)
    said = f"after one step: norm x{listed(grown)}, train accuracy {listed(train)}, test {listed(test)}"
    return Finding(f"{said}; t_grok {listed(late)}, last test {listed(ends)}", holds, spread(runs, t_grok))


XOR = Claim(
    id="xor",
    source="S1b",
    figure="after arXiv 2310.02541, figure 1",
    title="XOR clusters",
    says="A step that dwarfs the initial weights learns features from the start: after one step the train labels are "
    "fitted and test accuracy is at chance; it groks without any lazy phase.",
    published="train 1 and test about .5 at step 1, test about 1 by step 15 (d 40,000, n 200; scaled down here)",
    rule="on every seed: after one step the norm is over 100 times its start, train accuracy is .9 or more (5 % of the "
    "labels are flipped) and test below .65; test accuracy passes .9 after more than one step",
    cells=(Cell("XOR", "xor-cluster", EVERY_STEP),),
    judge=judge_xor,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
)


def judge_still(runs: Runs) -> Finding:
    """Late generalisation with a kernel that cannot move."""
    found = runs["GD"]
    drift = max(over(found, lambda run: largest(run, "kernel/drift")))
    late = all(is_late(run, 3) for run in found)
    measured = min(len(run.series("kernel/drift")[1]) for run in found)
    said = f"largest drift {drift:g} over at least {measured} kernels a run; t_grok {listed(over(found, t_grok))}"
    return Finding(said, drift == 0 and late, spread(runs, t_grok))


STILL = Claim(
    id="still-kernel",
    source="S1b",
    figure="control: arXiv 2310.16441",
    title="The opposite: a kernel that cannot move",
    says="A linear estimator generalises late with a kernel drift of exactly 0: no features are learnt at all.",
    published="the kernel is fixed by construction",
    rule="kernel drift is exactly 0 in every kernel measured, and t_grok is more than three times t_mem on every seed",
    cells=(Cell("GD", "linear"),),
    judge=judge_still,
    plot=Curves(("test/acc", "train/acc", "kernel/drift"), log_y=False),
)
