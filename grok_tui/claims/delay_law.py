"""S2: the delay law, weight decay bringing the norm down.  arXiv 2603.13331; interventions of arXiv 2605.18845."""

from __future__ import annotations

from math import isfinite, log, nan
from statistics import median

from ..science.fits import contraction_rate
from ..store.reader import RunReader
from .claim import Cell, Claim, Curves, Finding, Points, Runs
from .figures import (
    at,
    by_label,
    correlation,
    delay,
    first,
    fitted,
    is_late,
    largest,
    last,
    listed,
    medians,
    of_line,
    ordered,
    over,
    spread,
    t_grok,
    t_mem,
)

BASE = Cell("wd 1", "delay-addition", ("train.steps=4000",))
WDS = (
    BASE,
    Cell("wd 0.5", "delay-addition", ("optim.weight_decay=0.5",), True),
    Cell("wd 0.3", "delay-addition", ("optim.weight_decay=0.3",), True),
    Cell("wd 0.1", "delay-addition", ("optim.weight_decay=0.1",), True),
)
LRS = (
    Cell("lr 2e-3", "delay-addition", ("optim.lr=2e-3",), True),
    Cell("lr 1e-3", "delay-addition", ("train.steps=4000",)),
    Cell("lr 5e-4", "delay-addition", ("optim.lr=5e-4",), True),
)


def wd_of(run: RunReader) -> float:
    """Weight decay."""
    return run.config.optim.weight_decay


def lr_of(run: RunReader) -> float:
    """Learning rate."""
    return run.config.optim.lr


def all_of(runs: Runs) -> list[tuple[str, RunReader]]:
    """Every run with its cell's label."""
    return [(label, run) for label in runs for run in runs[label]]


def judge_wd(runs: Runs) -> Finding:
    """t_grok is a straight line in 1/wd."""
    line = fitted((1 / wd_of(run), t_grok(run)) for _, run in all_of(runs))
    groks = medians(runs, t_grok)
    holds = line.r2 >= 0.9 and ordered(list(groks.values())) and 1182 / 1.5 <= line.slope <= 1182 * 1.5
    return Finding(
        f"t_grok {by_label(groks)}; {of_line(line)}", holds, spread(runs, t_grok), {"slope": line.slope, "r2": line.r2}
    )


WD_LAW = Claim(
    id="wd-law",
    source="S2",
    figure="weight decay sweep",
    title="t_grok against 1 / weight decay",
    says="The step of grokking is inversely proportional to the weight decay.",
    published="t_grok 2,100 at wd 1, 3,150 at .5, 4,900 at .3, 12,700 at .1; slope 1,182 [1,082, 1,271], R² .971",
    rule="t_grok rises from wd to wd as it falls, and is a line in 1/wd with R² of .9 or more and a slope within a "
    "factor of 1.5 of 1,182",
    cells=WDS,
    judge=judge_wd,
    plot=Points(
        "1 / weight decay", "t_grok", lambda runs: [(n, 1 / wd_of(r), t_grok(r)) for n, r in all_of(runs)], line=True
    ),
    quick=("wd 1", "wd 0.5", "wd 0.3"),
    seeds=2,
)


def judge_lr(runs: Runs) -> Finding:
    """t_grok rises with 1/lr; the line's fit is reported."""
    line = fitted((1 / lr_of(run), t_grok(run)) for _, run in all_of(runs))
    groks = medians(runs, t_grok)
    return Finding(
        f"t_grok {by_label(groks)}; {of_line(line)}",
        line.r2 >= 0.9 and ordered(list(groks.values())),
        spread(runs, t_grok),
        {"slope": line.slope, "r2": line.r2},
    )


LR_LAW = Claim(
    id="lr-law",
    source="S2",
    figure="learning rate sweep",
    title="t_grok against 1 / learning rate",
    says="The step of grokking is inversely proportional to the learning rate.",
    published="t_grok 840 at lr 2e-3, 1,760 at 1e-3, 5,280 at 5e-4, 35,680 at 2e-4; R² .92",
    rule="t_grok rises from lr to lr as it falls, and is a line in 1/lr with R² of .9 or more (2e-3 to 5e-4 only)",
    cells=LRS,
    judge=judge_lr,
    plot=Points(
        "1 / learning rate", "t_grok", lambda runs: [(n, 1 / lr_of(r), t_grok(r)) for n, r in all_of(runs)], line=True
    ),
    seeds=2,
)


def predicted(run: RunReader) -> float:
    """ln(V_mem / V_grok) / (2 lr wd): steps that the law gives for the delay."""
    if not (isfinite(t_mem(run)) and isfinite(t_grok(run))):
        return nan
    ratio = at(run, "norm/V", t_mem(run)) / at(run, "norm/V", t_grok(run))
    return log(ratio) / (2 * lr_of(run) * wd_of(run))


def judge_log_norm(runs: Runs) -> Finding:
    """The observed delay correlates with the law's."""
    points = [(predicted(run), delay(run)) for _, run in all_of(runs)]
    points = [(x, y) for x, y in points if isfinite(x) and isfinite(y)]
    if len(points) < 4:
        return Finding(f"{len(points)} runs grok", None)
    line, r = fitted(points), correlation(points)
    return Finding(f"r {r:.3f} over {len(points)} runs; {of_line(line)}", r >= 0.8, "", {"r": r, "points": points})


LOG_NORM = Claim(
    id="log-norm",
    source="S2",
    figure="predicted against observed",
    title="Delay against log V_mem / V_post",
    says="The delay is ln(V_mem / V_post) over the contraction rate, V the squared norm.",
    published="r .91, slope 1.08 (paper); r .836, slope 2.03 (released data, which uses 1 / (2 lr wd))",
    rule="over all weight decays and learning rates the delay correlates with ln(V_mem / V_grok) / (2 lr wd) with r of "
    ".8 or more; V_post is taken at t_grok, V_mem at the first row past t_mem",
    cells=(*WDS, LRS[0], LRS[2]),
    judge=judge_log_norm,
    plot=Points(
        "ln(V_mem / V_grok) / (2 lr wd), steps",
        "delay, steps",
        lambda runs: [(n, predicted(r), delay(r)) for n, r in all_of(runs)],
        line=True,
    ),
    quick=("wd 1", "wd 0.5", "wd 0.3", "lr 2e-3", "lr 5e-4"),
    seeds=2,
)


def rate(run: RunReader) -> tuple[float, float]:
    """Fitted gamma of V after t_mem, a step, and R^2 of the fit."""
    steps, squared = run.series("norm/V")
    after = steps >= t_mem(run)
    fit = contraction_rate(steps[after], squared[after])
    return fit.gamma, fit.r2


def judge_contraction(runs: Runs) -> Finding:
    """gamma is within 30 % of .0014, and the exponential fits."""
    fits = [rate(run) for run in runs["wd 1"]]
    gammas = [gamma for gamma, _ in fits]
    middle = median(gammas)
    said = f"gamma {middle:.5f} = {middle / 1e-3:.2f} lr wd; R² of the fits {listed(r2 for _, r2 in fits)}"
    holds = 0.7 * 0.0014 <= middle <= 1.3 * 0.0014 and min(r2 for _, r2 in fits) > 0.95
    return Finding(said, holds, f"{min(gammas):.5f}-{max(gammas):.5f}", {"gamma": gammas})


CONTRACTION = Claim(
    id="contraction",
    source="S2",
    figure="base cell",
    title="How fast the norm contracts",
    says="After memorising V = A exp(-gamma t) + C, with gamma between lr wd and 2 lr wd.",
    published="gamma .00140 at lr 1e-3, wd 1, that is 1.4 lr wd; R² .9991",
    rule="the median of gamma, fitted from t_mem to step 4,000, is within 30 % of .0014, and every R² is over .95",
    cells=(BASE,),
    judge=judge_contraction,
    plot=Curves(("norm/V",), log_x=False),
    seeds=3,
)


def judge_operations(runs: Runs) -> Finding:
    """Both operations grok late."""
    delays, groks = medians(runs, delay), medians(runs, t_grok)
    late = all(is_late(run) for _, run in all_of(runs))
    return Finding(f"t_grok {by_label(groks)}; delay {by_label(delays)}", late, spread(runs, t_grok))


OPERATIONS = Claim(
    id="operations",
    source="S2",
    figure="base cell; multiplication",
    title="Addition and multiplication",
    says="The same transformer groks addition and multiplication mod p.",
    published="addition: t_mem 800, t_grok 1,840 ± 215 at p 97; multiplication: t_mem 200-600, t_grok 3,920 at p 97",
    rule="every run groks, later than it memorises",
    cells=(
        Cell("addition", "delay-addition", ("train.steps=4000",)),
        Cell("multiplication", "delay-multiplication", (), True),
    ),
    judge=judge_operations,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
    seeds=2,
)

ROW_GAP = 200.0


def judge_parity_control(runs: Runs) -> Finding:
    """No delay beyond one interval of logging."""
    delays = over(runs["n 30"], delay)
    ratios = over(runs["n 30"], lambda run: last(run, "norm/V") / at(run, "norm/V", t_mem(run)))
    said = f"delay {listed(delays)}; V at the end over V_mem {listed(ratios)}"
    return Finding(said, all(abs(d) <= ROW_GAP for d in delays), spread(runs, delay))


PARITY_CONTROL = Claim(
    id="parity-control",
    source="S2",
    figure="sparse parity",
    title="Negative control: parity with much data",
    says="With 25,000 examples of sparse parity there is no grokking, though the same weight decay acts.",
    published="delay 0, 0, -120 at n 20, 30, 40; V at the end 1.64-1.97 of V_mem",
    rule=f"on every seed the delay is at most one interval of logging, {ROW_GAP:g} steps",
    cells=(Cell("n 30", "delay-parity", ("train.steps=3000",)),),
    judge=judge_parity_control,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
)


def judge_sgd(runs: Runs) -> Finding:
    """SGD never memorises while its weights vanish; AdamW groks."""
    ratios = over(runs["SGD"], lambda run: last(run, "norm/V") / first(run, "norm/V"))
    best = over(runs["SGD"], lambda run: largest(run, "train/acc"))
    groks = over(runs["AdamW"], t_grok)
    holds = max(best) < 0.05 and max(ratios) < 1e-3 and all(isfinite(t) for t in groks)
    said = f"SGD: best train accuracy {listed(best)}, V at the end over the start {listed(ratios)}"
    return Finding(f"{said}; AdamW: t_grok {listed(groks)}", holds)


SGD = Claim(
    id="sgd",
    source="S2",
    figure="SGD control",
    title="SGD fails where AdamW groks",
    says="Plain SGD at the same learning rate and weight decay does not grok. The reason: the decay outruns the "
    "gradient and the weights collapse before anything is memorised.",
    published="never memorises, V falls to 3.6e-5",
    rule="SGD's train accuracy stays below .05 and V falls below a thousandth of its start; AdamW groks on every seed",
    cells=(Cell("AdamW", "delay-addition", ("train.steps=4000",)), Cell("SGD", "delay-sgd", ("train.steps=5000",))),
    judge=judge_sgd,
    plot=Curves(("norm/V",)),
    seeds=2,
)


def intervention(id: str, title: str, says: str, published: str, cell: Cell, groks: bool) -> Claim:
    """A claim of block F: what is done to the norm at t_mem, and whether the run groks after it."""

    def judge(runs: Runs) -> Finding:
        untouched, touched = over(runs["untouched"], t_grok), over(runs[cell.label], t_grok)
        accuracy = over(runs[cell.label], lambda run: last(run, "test/acc"))
        steps = over(runs[cell.label], lambda run: last_step(run))
        holds = all(isfinite(t) == groks for t in touched) and all(isfinite(t) for t in untouched)
        said = f"t_grok untouched {listed(untouched)}, {cell.label} {listed(touched)}"
        return Finding(f"{said}; last test accuracy {listed(accuracy)} at {listed(steps)}", holds)

    return Claim(
        id=id,
        source="S2",
        figure="arXiv 2605.18845, block F",
        title=title,
        says=says,
        published=published,
        rule=f"every untouched run groks by step 4,000; {'every' if groks else 'no'} run that is touched at t_mem groks"
        f"{'' if groks else ' by step 6,000'}",
        cells=(Cell("untouched", "delay-addition", ("train.steps=4000",)), cell),
        judge=judge,
        plot=Curves(("test/acc", "train/acc"), log_y=False),
        seeds=2,
    )


def last_step(run: RunReader) -> float:
    """The step of the last row."""
    return float(run.steps[-1])


WD_OFF = intervention(
    "wd-off",
    "Weight decay taken away at t_mem",
    "Without weight decay from t_mem on the run does not grok.",
    "0 of 3 in 30,000 steps",
    Cell("wd 0", "delay-wd-off", ("train.steps=6000",)),
    groks=False,
)
FREEZE = intervention(
    "norm-freeze",
    "Norm frozen at t_mem",
    "With the norm frozen from t_mem on the run does not grok, though weight decay still turns the weights.",
    "0 of 3 in 30,000 steps",
    Cell("frozen", "delay-freeze", ("train.steps=6000",)),
    groks=False,
)
RESCALE = intervention(
    "norm-rescale",
    "Norm rescaled once at t_mem",
    "Rescaling the weights once at t_mem does not stop grokking.",
    "3 of 3; on the MLP of arXiv 2606.13753: 4,576 at 0.7, control 5,395",
    Cell("x0.7", "delay-rescale", (), True),
    groks=True,
)
