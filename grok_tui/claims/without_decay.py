"""S1, "Grokking can be seen without weight decay": four ways, and the counter-evidence beside them."""

from __future__ import annotations

from math import isfinite
from statistics import median

from .claim import Cell, Claim, Curves, Finding, Runs
from .figures import EVERY_STEP, first, is_late, last, listed, over, spread, t_grok, t_mem


def without_decay(runs: Runs) -> bool:
    """Whether no run had any weight decay."""
    return all(run.config.optim.weight_decay == 0 for label in runs for run in runs[label])


def judge_modadd(runs: Runs) -> Finding:
    """Every seed groks late."""
    found = runs["GD"]
    said = f"t_mem {listed(over(found, t_mem))}; t_grok {listed(over(found, t_grok))}"
    late = all(is_late(run) for run in found)
    return Finding(said, late and without_decay(runs), spread(runs, t_grok))


MODADD = Claim(
    id="gd-modadd",
    source="S1a",
    figure="after arXiv 2310.06110, figure 2",
    title="Modular addition by gradient descent",
    says="A quadratic network groks addition mod 23 by plain gradient descent without weight decay.",
    published="memorised by about 2,000, generalises at 3,000 to 4,000 (their learning rate: another loss scale)",
    rule="every seed groks, later than it memorises, at weight decay 0",
    cells=(Cell("GD", "kumar-modadd"),),
    judge=judge_modadd,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
)


def judge_committee(runs: Runs) -> Finding:
    """Most seeds reach 1 % of the first test loss, their kernel turned."""
    found = runs["GD"]
    ratios = over(found, lambda run: last(run, "test/loss") / first(run, "test/loss"))
    learnt = [ratio for ratio in ratios if ratio < 0.01]
    moved = min(over(found, lambda run: last(run, "kernel/distance")))
    said = (
        f"{len(learnt)} of {len(found)} seeds end below 1 % of the first test loss; kernel distance {moved:.3f} or more"
    )
    return Finding(said, len(learnt) >= len(found) / 2 and moved > 0.01 and without_decay(runs), listed(ratios))


COMMITTEE = Claim(
    id="committee",
    source="S1a",
    figure="after arXiv 2310.06110, figure 4",
    title="A committee of two",
    says="Two hidden units with fixed readouts grok a quadratic target by plain gradient descent without weight decay.",
    published="test loss from a peak of 2.1 to below .05 by 10,000 steps (one seed)",
    rule="at least half of the seeds end below 1 % of their first test loss, with a kernel distance above .01 in all",
    cells=(Cell("GD", "kumar-poly", ("train.steps=20000",)),),
    judge=judge_committee,
    plot=Curves(("test/loss", "train/loss")),
    seeds=10,
    quick_seeds=6,
)


def judge_linear(runs: Runs) -> Finding:
    """Accuracy on test more than three times as late as on train."""
    found = runs["GD"]
    said = f"t_mem {listed(over(found, t_mem))}; t_grok {listed(over(found, t_grok))}"
    late = all(is_late(run, 3) for run in found)
    return Finding(said, late and without_decay(runs), spread(runs, t_grok))


LINEAR = Claim(
    id="linear",
    source="S1a",
    figure="after arXiv 2310.16441",
    title="A linear estimator",
    says="A linear student of a linear teacher generalises late, counted within a tolerance, without weight decay.",
    published="delay ln(1 / (1 - sqrt(lambda))) / (2 eta (1 - sqrt(lambda))^2), about 5,600 at lambda .9, eta .1 "
    "(asymptotic)",
    rule="on every seed t_grok is more than three times t_mem, at weight decay 0",
    cells=(Cell("GD", "linear"),),
    judge=judge_linear,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
)


def judge_rfm(runs: Runs) -> Finding:
    """Test accuracy starts at chance and rises."""
    found = runs["RFM"]
    begin = over(found, lambda run: first(run, "test/acc"))
    ends = over(found, lambda run: last(run, "test/acc"))
    said = f"t_grok {listed(over(found, t_grok))} iterations; test accuracy from {listed(begin)} to {listed(ends)}"
    return Finding(said, max(begin) < 0.1 and all(isfinite(t) for t in over(found, t_grok)), spread(runs, t_grok))


RFM = Claim(
    id="rfm",
    source="S1a",
    figure="after arXiv 2407.20199",
    title="A recursive feature machine",
    says="A kernel machine that updates its features groks modular addition: no weight decay, no gradient descent.",
    published="p 61: test accuracy flat for about 8 iterations, then jumps to about 1; train accuracy 1 throughout",
    rule="on every seed test accuracy is below .1 before the first update and passes .9 later",
    cells=(Cell("RFM", "rfm", EVERY_STEP),),
    judge=judge_rfm,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
)


def judge_no_decay(runs: Runs) -> Finding:
    """Without decay none groks within ten times the step at which all do with it."""
    without, decayed = runs["wd 0"], runs["wd 1"]
    groks, best = over(decayed, t_grok), over(without, lambda run: last(run, "test/acc"))
    steps = min(float(run.steps[-1]) for run in without)
    holds = not any(isfinite(t_grok(run)) for run in without) and all(isfinite(t) for t in groks)
    holds &= steps >= 10 * median(groks) and all(isfinite(t_mem(run)) for run in without)
    said = (
        f"wd 1: t_grok {listed(groks)}; wd 0: memorised at {listed(over(without, t_mem))}, test accuracy {listed(best)}"
    )
    return Finding(f"{said} at step {steps:,.0f}", holds)


NO_DECAY = Claim(
    id="adamw-no-decay",
    source="S1a",
    figure="counter-evidence: arXiv 2301.05217, 2603.13331",
    title="AdamW without weight decay",
    says="The network that groks by AdamW with weight decay does not without it, in the same budget or ten times it.",
    published="no grokking without weight decay in budget (two papers); arXiv 2201.02177 saw it after 1e6 steps",
    rule="with weight decay 1 every seed groks; with 0 every seed memorises and none groks within ten times the median",
    cells=(Cell("wd 1", "modadd-fast", (), True), Cell("wd 0", "modadd-no-decay")),
    judge=judge_no_decay,
    plot=Curves(("test/acc", "norm/weight"), log_y=False),
)
