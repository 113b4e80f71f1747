"""What is going on, in one plain sentence, and which theory it speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..numbers import ratio, short
from ..store.reader import RunReader
from .facts import Facts, facts
from .told import Regime, Sentence, count, cut
from .words_kernel import EARLY, LAZY, LINEAR, MACHINE, TOLERANT, has_features_early
from .words_norm import DECAY, HELD


def sentence(reader: RunReader) -> Sentence:
    """Say what the run is doing; of many seeds, what the one in the middle does."""
    told = say(facts(reader))
    seeds = reader.info.get("seeds")
    return replace(told, more=(f"So does the median of {len(seeds)} seeds.", *told.more)) if seeds else told


def say(f: Facts) -> Sentence:
    """The sentence for these facts."""
    outcome = grokked(f) if f.phases.t_grok is not None else waiting(f) if f.phases.t_mem is not None else fitting(f)
    return SAYINGS.get(f.status, lambda f, outcome: outcome)(f, outcome)


def regime(f: Facts) -> Regime:
    """What governs a run that has memorised, told from its config and from what was measured."""
    if f.is_kernel_machine:
        return MACHINE
    if f.is_linear:
        return LINEAR
    if f.hold_at_grok if f.phases.t_grok is not None else f.hold:
        return HELD
    if f.tolerance:
        return TOLERANT
    if f.theory == "delay law":
        return DECAY
    if has_features_early(f) and f.theory != "lazy to rich":
        return EARLY
    return LAZY if not f.ever_decayed or f.theory == "lazy to rich" else DECAY


def starting(f: Facts, outcome: Sentence) -> Sentence:
    """The engine has not told anything yet."""
    return Sentence("Starting the engine: it loads torch first, which takes a few seconds.")


def failed(f: Facts, outcome: Sentence) -> Sentence:
    """It diverged, or the engine broke."""
    why = f.reason or "the engine gave no reason; see engine.log"
    return Sentence(cut(f"Failed at {count(f.step)}: {why}"), ("The last finite checkpoint is kept. r runs it again.",))


def interrupted(f: Facts, outcome: Sentence) -> Sentence:
    """Stopped before its end; it can be resumed."""
    says = f"Stopped at {count(f.step)}. space goes on from the last checkpoint."
    return Sentence(says, (outcome.says, *outcome.more), outcome.theory)


def paused(f: Facts, outcome: Sentence) -> Sentence:
    """Held by the user."""
    says = f"Paused at {count(f.step)}: space goes on, . takes one chunk."
    return Sentence(says, (outcome.says, *outcome.more), outcome.theory)


def finished(f: Facts, outcome: Sentence) -> Sentence:
    """The budget is used up, or the target reached."""
    if f.phases.t_grok is not None:
        return outcome
    if f.phases.t_mem is not None:
        return regime(f).ended(f)
    n = f"{'iteration ' if f.is_kernel_machine else ''}{count(f.step)}"
    if f.has_collapsed:
        return Sentence(f"Finished at {n}: the weights collapsed, weight decay outran the gradient.")
    return Sentence(f"Finished at {n} without memorising; train loss {short(f.loss[0])}.")


SAYINGS: dict[str, Callable[[Facts, Sentence], Sentence]] = {
    "starting": starting,
    "failed": failed,
    "interrupted": interrupted,
    "paused": paused,
    "finished": finished,
}
"""What to say at each status; while it trains, the outcome so far is the sentence."""


def fitting(f: Facts) -> Sentence:
    """Not memorised yet."""
    if f.has_collapsed:
        return Sentence(
            "The weights collapsed: weight decay outruns the gradient; nothing is learnt.",
            (f"Norm {short(f.norm_start)} → {short(f.norm)}.",),
        )
    if f.acc[0] is not None:
        return Sentence(f"Fitting the train data: train accuracy {ratio(f.acc[0])}, test {ratio(f.acc[1])}.")
    if f.loss[0] is not None:
        return Sentence(f"Fitting the train data: train loss {short(f.loss[0])}, test loss {short(f.loss[1])}.")
    return Sentence("Training has begun; the first rows are on their way.")


def waiting(f: Facts) -> Sentence:
    """Memorised and not grokked: what each theory expects next."""
    return regime(f).waiting(f)


def grokked(f: Facts) -> Sentence:
    """Past t_grok."""
    grok, delay, test_acc = count(f.phases.t_grok or 0), f.phases.delay, f.acc[1]
    if f.enough_acc and test_acc is not None and test_acc < 0.9 * f.enough_acc:
        return Sentence(f"Grokked at {grok}, but test accuracy has fallen back to {ratio(test_acc)}.")
    if delay is None or delay <= 0:
        target = f"The target is eigenvector {f.eigenvector} of the kernel at init."
        says = f"Generalised at {grok}, no later than it memorised: no delay to explain."
        return Sentence(says, (target,) if f.eigenvector else ())
    return regime(f).grokked(f)
