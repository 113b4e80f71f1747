"""S0: grokking as the transition from lazy to rich training.  Kumar et al. 2024, arXiv 2310.06110."""

from __future__ import annotations

from math import inf, isfinite
from statistics import median

from ..store.reader import RunReader
from .claim import Cell, Claim, Curves, Finding, Runs
from .figures import (
    at,
    by_label,
    delay,
    first,
    is_late,
    lag,
    largest,
    last,
    listed,
    medians,
    ordered,
    over,
    spread,
    t_grok,
    t_mem,
    when_below,
)

SHORT = "train.steps=8000"


def judge_alpha(runs: Runs) -> Finding:
    """The lag of the test loss rises with alpha, and is next to nothing at the smallest."""
    lags = medians(runs, lag)
    values = list(lags.values())
    holds = ordered(values) and (values[-1] == inf or values[0] <= 0.05 * values[-1])
    return Finding(f"lag at half the loss: {by_label(lags)}", holds, spread(runs, lag))


ALPHA = Claim(
    id="alpha",
    source="S0",
    figure="figure 3a",
    title="Delay grows with alpha",
    says="At learning rate lr / alpha^2 the delay of the test loss grows with the output scale alpha, and vanishes "
    "as alpha goes to 0.",
    published="no hump, half the loss by step 26 at alpha 1/32; hump of 1.08 at 1, of 1.18 at 4; 16 not in budget",
    rule="the steps by which the test loss halves later than the train loss rise from alpha to alpha, and at the "
    "smallest are at most 5 % of those at the largest",
    cells=tuple(
        Cell(f"alpha {alpha:g}", "kumar-alpha", (f"model.alpha={alpha}", SHORT)) for alpha in (1 / 32, 0.25, 1, 4)
    ),
    judge=judge_alpha,
    seeds=2,
    plot=Curves(("test/loss", "train/loss")),
    quick=("alpha 0.03125", "alpha 1", "alpha 4"),
)


def judge_eps(runs: Runs) -> Finding:
    """The lag falls with eps while the alignment at step 0 rises."""
    lags = medians(runs, lag)
    aligned = medians(runs, lambda run: first(run, "kernel/column_alignment"))
    holds = ordered(list(lags.values()), falling=True) and ordered(list(aligned.values()))
    said = f"lag at half the loss: {by_label(lags)}; alignment at step 0: {by_label(aligned)}"
    return Finding(said, holds, spread(runs, lag))


EPS = Claim(
    id="eps",
    source="S0",
    figure="figure 3, eps",
    title="Delay falls with label alignment",
    says="The better the first kernel is aligned with the labels (large eps), the smaller the delay.",
    published="a hump of 1.08 at eps 0.25; none at eps of 1 or more",
    rule="from eps to eps the lag at half the loss falls and the column-centred alignment at step 0 rises",
    cells=(
        Cell("eps 0.25", "kumar-alpha", ("model.alpha=1", SHORT)),
        Cell("eps 0.5", "kumar-eps", ("model.eps=0.5", SHORT)),
        Cell("eps 1", "kumar-eps", (SHORT,)),
        Cell("eps 2", "kumar-eps", ("model.eps=2", SHORT)),
    ),
    judge=judge_eps,
    seeds=2,
    plot=Curves(("test/loss", "train/loss")),
    quick=("eps 0.25", "eps 1"),
)

TERMS = ("error/linear", "error/variance", "error/alignment")


def fallen(run: RunReader, column: str) -> float:
    """When an error term stays below a tenth of its largest value."""
    return when_below(run, column, 0.1 * largest(run, column))


def judge_decomposition(runs: Runs) -> Finding:
    """In the seeds that generalise the alignment term falls last, with the test loss."""
    all_runs = runs["eps 0.25"]
    learnt = [run for run in all_runs if last(run, "test/loss") < 0.01 * first(run, "test/loss")]
    if len(learnt) < 2:
        return Finding(f"{len(learnt)} of {len(all_runs)} seeds generalise", None)
    times = {column.removeprefix("error/"): median(over(learnt, lambda r, c=column: fallen(r, c))) for column in TERMS}  # type: ignore[misc]
    late = [run for run in learnt if max(TERMS, key=lambda c: fallen(run, c)) == "error/alignment"]
    share = median(at(run, "error/alignment", t) / at(run, "test/loss", t) for run in learnt for t in [t_mem(run)])
    said = f"below a tenth at {by_label(times)}; alignment last in {len(late)} of {len(learnt)} seeds"
    return Finding(
        f"{said}; it is {share:.0%} of the test loss at t_mem",
        len(late) > len(learnt) / 2 and share > 0.5,
        f"{len(all_runs) - len(learnt)} of {len(all_runs)} seeds stick",
        {"fallen": times},
    )


DECOMPOSITION = Claim(
    id="decomposition",
    source="S0",
    figure="figure 4",
    title="Which error falls last",
    says="Of the three terms of the test loss the variance and the linear error are fitted first; the alignment error "
    "falls last, and is the drop.",
    published="train .3 at 1,000 and 0 at 6,000 steps; test peaks near 1,100, below .05 at 10,000",
    rule="over the seeds that end below 1 % of their first test loss: in most the alignment term is the last to stay "
    "below a tenth of its largest value, and it is more than half of the test loss at t_mem",
    cells=(Cell("eps 0.25", "kumar-poly", ("train.steps=20000",)),),
    judge=judge_decomposition,
    plot=Curves(("test/loss", *TERMS)),
    seeds=10,
    quick_seeds=6,
)


def lag_at_70(run: RunReader) -> float:
    """Lag at 70 % of the first loss: at P 120 the test loss falls late, and not to half."""
    return lag(run, 0.7)


def judge_goldilocks(runs: Runs) -> Finding:
    """P = 50 stays above half of its start; P = 120 lags; P = 500 does not."""
    ends = medians(runs, lambda run: last(run, "test/loss") / first(run, "test/loss"))
    lags = medians(runs, lag_at_70)
    holds = lags["P 50"] == inf and 2 * max(lags["P 500"], 1) < lags["P 120"] < inf
    said = f"lag at 70 % of the loss: {by_label(lags)}; last over first test loss: {by_label(ends)}"
    return Finding(said, holds, spread(runs, lag_at_70))


GOLDILOCKS = Claim(
    id="goldilocks",
    source="S0",
    figure="figure 9",
    title="Never, late, at once",
    says="With too few examples the test loss never falls, with enough it falls at once, and between the two late.",
    published="P 50 never generalises, P 120 groks, P 500 shows no delay",
    rule="the steps by which the test loss falls below 70 % of its start later than the train loss does: none at P 50, "
    "which never gets there, and at P 120 more than twice as many as at P 500",
    cells=tuple(Cell(f"P {p}", "kumar-goldilocks", (f"task.n_train={p}", "train.steps=20000")) for p in (50, 120, 500)),
    judge=judge_goldilocks,
    seeds=2,
    plot=Curves(("test/loss", "train/loss")),
)


def judge_rising_norm(runs: Runs) -> Finding:
    """Grokked without weight decay, the norm larger at t_grok than at step 0 and than at t_mem."""
    found = runs["alpha 1"]
    norms = [(first(r, "norm/weight"), at(r, "norm/weight", t_mem(r)), at(r, "norm/weight", t_grok(r))) for r in found]
    late = all(is_late(run) for run in found)
    said = f"t_mem {listed(over(found, t_mem))}; t_grok {listed(over(found, t_grok))}; norm at start, t_mem, t_grok: "
    return Finding(
        said + " | ".join(listed(n) for n in norms), late and all(ordered(n) for n in norms), spread(runs, t_grok)
    )


RISING_NORM = Claim(
    id="rising-norm",
    source="S0",
    figure="figure 2",
    title="A rising norm",
    says="Modular addition groks by plain gradient descent without weight decay, while the weight norm rises.",
    published="memorised by about 2,000, generalises at 3,000 to 4,000, norm rises",
    rule="every seed groks later than it memorises, and its norm is larger at t_mem than at the start and larger still "
    "at t_grok",
    cells=(Cell("alpha 1", "kumar-modadd"),),
    judge=judge_rising_norm,
    plot=Curves(("norm/weight",), log_y=False),
)


def judge_eigenvector(runs: Runs) -> Finding:
    """A leading eigenvector at once, a middle one late, a trailing one never."""
    lags = medians(runs, lag)
    ends = medians(runs, lambda run: last(run, "test/loss") / first(run, "test/loss"))
    holds = lags["k 1"] < 0.1 * lags["k 70"] and isfinite(lags["k 70"]) and ends["k 150"] > 0.5
    said = f"lag at half the loss: {by_label(lags)}; last over first test loss: {by_label(ends)}"
    return Finding(said, holds, spread(runs, lag))


EIGENVECTOR = Claim(
    id="eigenvector",
    source="S0",
    figure="figure 5",
    title="Labels that are an eigenvector",
    says="When the labels are the k-th eigenvector of the first kernel, a leading one is learnt at once, one near 70 "
    "groks, and those past 100 fail.",
    published="k 1 at once, k about 70 groks, k of 100 or more fails",
    rule="the lag at half the loss is finite at k 70 and more than ten times that at k 1; k 150 ends above half of its "
    "first test loss",
    cells=tuple(Cell(f"k {k}", "kumar-eigenvector", (f"task.k={k}",)) for k in (1, 70, 150)),
    judge=judge_eigenvector,
    plot=Curves(("test/loss", "train/loss")),
)


def judge_init_scale(runs: Runs) -> Finding:
    """The smaller the initial weights, the more the kernel moves."""
    moved = medians(runs, lambda run: last(run, "kernel/distance"))
    lags = medians(runs, lag)
    holds = ordered(list(moved.values()), falling=True)
    said = f"kernel distance at the end: {by_label(moved)}; lag at half the loss: {by_label(lags)}"
    return Finding(said, holds, spread(runs, lambda run: last(run, "kernel/distance")))


INIT_SCALE = Claim(
    id="init-scale",
    source="S0",
    figure="figure 7",
    title="Initial weight scale",
    says="The scale sigma of the initial weights sets how lazy training is, at lr / sigma^2: the larger, the less the "
    "features move.",
    published="movement governed by sigma^2 alpha (curves)",
    rule="the kernel's distance from its start, at the end, falls from sigma to sigma",
    cells=tuple(
        Cell(f"sigma {s:g}", "kumar-sigma", (f"model.init_scale={s}", f"optim.lr={250 / s**2}", SHORT))
        for s in (0.5, 1, 2)
    ),
    judge=judge_init_scale,
    plot=Curves(("kernel/distance",), log_y=True),
    quick=("sigma 0.5", "sigma 2"),
    seeds=2,
)


def there_at_t_mem(run: RunReader) -> float:
    """Share of the last test accuracy that is already there when the train data are memorised."""
    return at(run, "test/acc", t_mem(run)) / last(run, "test/acc") if isfinite(t_mem(run)) else float("nan")


def judge_mnist(runs: Runs) -> Finding:
    """Lazy: much of the test accuracy comes after t_mem; rich: all of it is there."""
    shares = medians(runs, there_at_t_mem)
    accuracies = medians(runs, lambda run: last(run, "test/acc"))
    holds = shares["alpha 0.5"] < 0.75 and shares["alpha 0.001"] > 0.9
    said = f"share of the last test accuracy there at t_mem: {by_label(shares)}; last: {by_label(accuracies)}"
    return Finding(said, holds, spread(runs, there_at_t_mem))


MNIST = Claim(
    id="mnist",
    source="S0",
    figure="figure 6a",
    title="MNIST with alpha",
    says="On MNIST too the delay shrinks with the output scale and vanishes as alpha goes to 0.",
    published="alpha .5: test .26 at t_mem 1,334, .49 at 20,000, .85 at the end; alpha .001: no delay",
    rule="at alpha .5 less than three quarters of the last test accuracy are there at t_mem, at alpha .001 more than "
    "nine tenths",
    cells=(
        Cell("alpha 0.5", "mnist-alpha", ("train.steps=15000",)),
        Cell("alpha 0.001", "mnist-alpha", ("model.alpha=0.001", "train.steps=6000")),
    ),
    judge=judge_mnist,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
    seeds=2,
    quick_seeds=0,
)


HELD = ("optim.lr_over_alpha2=false", "optim.lr=4.8e-4")


def judge_transformer(runs: Runs) -> Finding:
    """Under lr / alpha^2 the delay falls with alpha; with the learning rate held, the question is open."""
    delays, groks = medians(runs, delay), medians(runs, t_grok)
    published, held = ([delays[f"{rule}, alpha {a}"] for a in (0.5, 0.15)] for rule in ("lr/alpha^2", "lr held"))
    said = f"delay: {by_label(delays)}; t_grok: {by_label(groks)}"
    way = {True: "shrinks too", False: "does not shrink"}[held[1] < held[0]]
    return Finding(f"{said}; with lr held the delay {way}", published[1] < published[0], spread(runs, delay))


TRANSFORMER = Claim(
    id="transformer-alpha",
    source="S0",
    figure="figure 6b",
    title="A transformer with alpha",
    says="In a transformer under AdamW the delay vanishes as alpha falls, at lr / alpha^2. Confounded: AdamW's step "
    "does not shrink with the gradient, so the rule raises the learning rate; hence beside it the same with lr held.",
    published="p 113: the delay vanishes at alpha .15 under lr / alpha^2; lr held: UNKNOWN (here p 31, 75 % of pairs)",
    rule="under lr / alpha^2 the delay is smaller at alpha .15 than at .5; the other rule is shown, not judged",
    cells=(
        Cell("lr/alpha^2, alpha 0.5", "kumar-transformer", ("model.alpha=0.5",), True),
        Cell("lr/alpha^2, alpha 0.15", "kumar-transformer", ("model.alpha=0.15",), True),
        Cell("lr held, alpha 0.5", "kumar-transformer", ("model.alpha=0.5", *HELD), True),
        Cell("lr held, alpha 0.15", "kumar-transformer", ("model.alpha=0.15", *HELD), True),
    ),
    judge=judge_transformer,
    plot=Curves(("test/acc", "train/acc"), log_y=False),
    seeds=2,
)


def judge_accuracy(runs: Runs) -> Finding:
    """Accuracy within a tolerance lags far behind; the loss does not."""
    found = runs["tolerance 1e-3"]
    late, losses = over(found, delay), over(found, lag)
    mem = over(found, t_mem)
    peaks = over(found, lambda run: largest(run, "test/loss") / first(run, "test/loss"))
    holds = all(isfinite(d) and d > 3 * m for d, m in zip(late, mem, strict=True))
    holds &= all(x < 0.1 * d for x, d in zip(losses, late, strict=True)) and max(peaks) < 1.05
    said = f"accuracy: t_mem {listed(mem)}, delay {listed(late)}; lag of the loss at half: {listed(losses)}"
    return Finding(f"{said}; largest over first test loss {listed(peaks)}", holds, spread(runs, delay))


ACCURACY = Claim(
    id="accuracy",
    source="S0",
    figure="figure 8",
    title="Accuracy groks, the loss does not",
    says="In teacher-student regression the grokking of an accuracy within a tolerance is an artefact of the "
    "threshold: the loss curves show none.",
    published="accuracy jumps late for tolerances of 1e-4 to 0.1, the loss does not (curves)",
    rule="test accuracy passes one half more than three times t_mem after t_mem; the lag of the test loss at half its "
    "start is below a tenth of that, and it never rises 5 % above its start",
    cells=(Cell("tolerance 1e-3", "teacher-student"),),
    judge=judge_accuracy,
    plot=Curves(("test/acc", "train/acc", "test/loss")),
)
