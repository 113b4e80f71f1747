"""The table of rules: the first one whose condition holds gives the verdict.

In its texts {braces} hold a fact or a phrase of sentence.py. A sentence of `more` is left out if it names something
that the run does not have.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .facts import LOST, SAME, STILL, Facts, below
from .series import direction

DELAY_LAW, LAZY_TO_RICH, NEITHER = "delay law", "lazy to rich", "neither theory"
When = Callable[[Facts], object]


@dataclass(frozen=True)
class Rule:
    """If `when` holds: one sentence, sentences that add to it, and the theory that the run is evidence for."""

    when: When
    says: str
    more: tuple[str, ...] = ()
    theory: str = ""


def on(stage: str, regime: str = "", also: When = lambda f: True) -> When:
    """The condition that a run is at this stage, in this regime (empty: in any), and that `also` holds."""
    return lambda f: f.stage == stage and regime in ("", f.regime) and also(f)


NOT_FINITE = re.compile(r"\b(nan|inf)\b")
MEMORISED = "Memorised {memorised_at}."
GROKKED = "Grokked {grokked_at}, {delay} after it memorised"
ENDED = "Finished at {unit} {step} without grokking"
CONTINUE = "To go on with a smaller learning rate, in a new run: grok-tui resume {run} --set optim.lr={smaller_lr}"
TARGET = "The target is eigenvector {eigenvector} of the kernel at the start."
BESIDE = (
    "The test loss of the linearised network is still {twin}.",
    "The weight norm was set from {rescale.old} to {rescale.new} at step {rescale.step}.",
    TARGET,
)
LAW = "The delay law: test accuracy rises once the weight norm is low enough."
WAIT = "The delay law: the wait grows exponentially with the norm that is held."
LOWER = "The delay law: the lower the norm is held, the sooner the run groks."
CONFIRMED = "The delay law predicts this: the norm comes down first, then test accuracy rises."
NOT_LOWERED = "The delay law predicts this: nothing brought the norm down."
SHRINKS = "Per step the squared norm shrinks by {rate} × learning rate × weight decay."
ONCE = "A norm that is set once hardly changes when a run groks; a norm that is held does."
NO_DESCENT = "There is no gradient descent and no weight decay."
LINEAR = "A linear model learns no features{nothing_decays}: neither theory applies."
SCALE = "A change of the kernel by 0 is none, by 1 the most (1 - cosine with the kernel at the start)."
HIGH = "The test loss stays high until features are learnt."
LEARNT = "From lazy to rich: features were learnt, and the test loss followed."
NOT_LEARNT = "So hardly any features were learnt. The kernel's drift, which counts its size, is {drift} by now."

# fmt: off
RULES = (
    # the run itself
    Rule(lambda f: f.status == "starting", "The engine is starting: it loads PyTorch, which takes a few seconds."),
    Rule(lambda f: f.status == "failed" and NOT_FINITE.search(f.reason), "Diverged at step {step}: {reason}.",
         ("The last good checkpoint is at step {checkpoint}.", CONTINUE)),
    Rule(lambda f: f.status == "failed", "Failed at step {step}: {reason}.",
         ("The last checkpoint is at step {checkpoint}. To go on from it: grok-tui resume {run}",)),
    Rule(lambda f: f.status == "interrupted", "Stopped at {unit} {step}; it can go on from its last checkpoint."),
    Rule(lambda f: f.status == "paused", "Paused at {unit} {step}."),

    # not memorised
    Rule(lambda f: f.stage in ("fitting", "unfitted") and f.has_collapsed,
         "The weights have shrunk to almost nothing: weight decay is stronger than the gradient.",
         ("The weight norm went from {start.norm} to {now.norm}, and nothing was learnt.",)),
    Rule(on("unfitted"), "Finished at {unit} {step} without memorising; train loss {train_loss}."),
    Rule(on("fitting", also=lambda f: f.train_acc is not None),
         "Fitting the train data: train accuracy {train_acc}, test accuracy {test_acc}."),
    Rule(on("fitting", also=lambda f: f.train_loss is not None),
         "Fitting the train data: train loss {train_loss}, test loss {test_loss}."),
    Rule(on("fitting"), "Training has begun; no row has been measured yet."),

    # generalised, but not for good, or not late
    Rule(on("grokked", also=lambda f: below(f.test_acc, LOST, f.config.phase.test_acc)),
         "Grokked {grokked_at}, but test accuracy has since fallen to {test_acc}."),
    Rule(on("grokked", also=lambda f: f.has_too_few_rows),
         "Memorised {memorised_at} and generalised {grokked_at}: too few rows to tell the delay.",
         ("A larger measure.budget allows more rows.", TARGET)),
    Rule(on("grokked", also=lambda f: (f.phases.delay or 0) <= 0),
         "Generalised {grokked_at}, no later than it memorised: there is no delay to explain.", (TARGET,)),

    # a kernel machine that learns features
    Rule(on("waiting", "kernel machine", lambda f: not f.now.distance),
         MEMORISED + " From here on each iteration learns features.",
         (NO_DESCENT, "Test accuracy is {test_acc}."), NEITHER),
    Rule(on("waiting", "kernel machine"),
         MEMORISED + " Features are learnt: the kernel has changed by {now.distance}.",
         (NO_DESCENT, "Test accuracy is {test_acc}.", SCALE), NEITHER),
    Rule(on("grokked", "kernel machine"),
         "Generalised {grokked_at}; the kernel has changed by {now.distance}.",
         ("Features alone explain it: no gradient descent, no weight decay, no lazy phase.", SCALE), NEITHER),
    Rule(on("ended", "kernel machine"), ENDED + "; the kernel has changed by {now.distance}.",
         ("Test accuracy is {test_acc}.", "More iterations or more train data may help.", SCALE), NEITHER),

    # a linear model: its kernel cannot change
    Rule(on("waiting", "linear"), MEMORISED + " " + LINEAR,
         ("Test accuracy rises by the same linear dynamics, only later.",), NEITHER),
    Rule(on("grokked", "linear"), GROKKED + ", with the kernel unchanged (drift {drift}).",
         (LINEAR, "{lag}"), NEITHER),
    Rule(on("ended", "linear"), ENDED + "; the kernel of a linear model cannot change.", (), NEITHER),

    # the norm is held
    Rule(on("waiting", "held", lambda f: not below(f.now.hold, SAME, f.at_mem.norm)),
         "The weight norm is held at {now.hold}, no lower than when it memorised: no grokking is expected.",
         (WAIT, "To let the norm move again, set hold_norm to 0."), DELAY_LAW),
    Rule(on("waiting", "held"),
         "The weight norm is held at {now.hold} ({at_mem.norm} at memorising): the lower it is, the sooner it groks.",
         (WAIT,), DELAY_LAW),
    Rule(on("grokked", "held"), GROKKED + ", with the weight norm held at {at_grok.hold}.", (LOWER,), DELAY_LAW),
    Rule(on("ended", "held", lambda f: not below(f.now.hold, SAME, f.at_mem.norm)),
         ENDED + ": the weight norm was held at {now.hold}.", (NOT_LOWERED,), DELAY_LAW),
    Rule(on("ended", "held"), ENDED + ": the weight norm was held at {now.hold}.", (LOWER,), DELAY_LAW),

    # accuracy counts answers within a tolerance
    Rule(on("waiting", "tolerance"), "Accuracy counts answers within {tolerance}; {losses}.",
         ("{lag}", *BESIDE), NEITHER),
    Rule(on("grokked", "tolerance"), GROKKED + "; {losses}.",
         ("{lag}", "Accuracy counts answers within {tolerance}.", *BESIDE), NEITHER),
    Rule(on("ended", "tolerance"), ENDED + "; {losses}.", ("{lag}", "Test accuracy is {test_acc}."), NEITHER),

    # weight decay brings the norm down
    Rule(on("waiting", "decay", lambda f: f.is_weak(f.wd)),
         "Weight decay is {decay} and the weight norm is {now.norm}{not_falling}: no grokking is expected.",
         ("Weight decay was changed last at step {turn.step}.",
          "The delay law: nothing brings the norm down now; more weight decay would.", *BESIDE), DELAY_LAW),
    Rule(on("waiting", "decay", lambda f: f.rescale and f.rescale.step >= (f.turn.step if f.turn else 0)),
         "The weight norm was set from {rescale.old} to {rescale.new} at step {rescale.step}; it is {now.norm} now.",
         (SHRINKS, ONCE), DELAY_LAW),
    Rule(on("waiting", "decay", lambda f: f.turn and f.is_weak(f.turn.old) and f.step > f.turn.step),
         "Weight decay is {wd} again since step {turn.step}: the weight norm went from {turn.norm} to {now.norm}.",
         (SHRINKS, LAW), DELAY_LAW),
    Rule(on("waiting", "decay", lambda f: direction(f.norm_change) == "rising"),
         MEMORISED + " The weight norm still rises ({now.norm}); weight decay will bring it down.",
         ("Test accuracy stays at chance until the norm has come down.",), DELAY_LAW),
    Rule(on("waiting", "decay", lambda f: direction(f.norm_change) == "falling"),
         MEMORISED + " Weight decay brings the weight norm down, from {norm_top} to {now.norm} so far.",
         (SHRINKS, LAW), DELAY_LAW),
    Rule(on("waiting", "decay"), MEMORISED + " The weight norm has settled at {now.norm}; the test loss should fall.",
         (SHRINKS, "The lower the norm settles, the sooner the run groks."), DELAY_LAW),
    Rule(on("grokked", "decay", lambda f: below(f.at_grok.norm, SAME, f.norm_top)),
         GROKKED + "; the weight norm fell from {norm_top} to {at_grok.norm}.",
         (SHRINKS, CONFIRMED, *BESIDE), DELAY_LAW),
    Rule(on("grokked", "decay"), GROKKED + ", though the weight norm did not fall ({at_grok.norm}).",
         ("Features were learnt all the same: the kernel has changed by {now.distance}.", *BESIDE)),
    Rule(on("ended", "decay", lambda f: f.is_weak(f.wd)),
         ENDED + ": weight decay was {decay}, and the weight norm {stayed} {now.norm}.",
         (NOT_LOWERED, *BESIDE), DELAY_LAW),
    Rule(on("ended", "decay"), ENDED + "; the weight norm came to {now.norm}.",
         ("More steps or more weight decay may help.", SHRINKS, *BESIDE), DELAY_LAW),

    # features were learnt before it memorised
    Rule(on("waiting", "early"), "Features were learnt from the start, without a lazy phase. {early}",
         ("{pull}", "The kernel has changed by {now.distance} so far.", *BESIDE), NEITHER),
    Rule(on("grokked", "early"), GROKKED + "; features were learnt from the start, without a lazy phase.",
         ("{early}", "{pull}", *BESIDE), NEITHER),
    Rule(on("ended", "early"), ENDED + "; features were learnt from the start, without a lazy phase.",
         ("{early}", "{pull}", *BESIDE), NEITHER),

    # the kernel has to change
    Rule(on("waiting", "lazy", lambda f: f.now.distance is None),
         MEMORISED + " The kernel, which shows when features are learnt, has not been measured.",
         ("{pull}",), LAZY_TO_RICH),
    Rule(on("waiting", "lazy", lambda f: below(f.now.distance, STILL)),
         MEMORISED + " The kernel has hardly changed (by {now.distance}): training is lazy so far.",
         (HIGH, "{pull_if_any}", *BESIDE), LAZY_TO_RICH),
    Rule(on("waiting", "lazy"),
         "From lazy to rich: features are learnt, the kernel has changed by {now.distance}{norm_rises}.",
         (*BESIDE, "{pull}", SCALE), LAZY_TO_RICH),
    Rule(on("grokked", "lazy", lambda f: f.at_grok.distance is None),
         GROKKED + ". The kernel, which shows features, was not measured then.", ("{pull}", *BESIDE)),
    Rule(on("grokked", "lazy", lambda f: below(f.at_grok.distance, STILL)),
         GROKKED + "; the kernel had hardly changed (by {at_grok.distance}).", (NOT_LEARNT, "{pull_if_any}", *BESIDE)),
    Rule(on("grokked", "lazy"), GROKKED + ": by then the kernel had changed by {at_grok.distance}.",
         (LEARNT, "The weight norm went from {start.norm} to {at_grok.norm}.", "{pull}", *BESIDE, SCALE), LAZY_TO_RICH),
    Rule(on("ended", "lazy", lambda f: below(f.now.distance, STILL)),
         ENDED + ": training stayed lazy, the kernel changed by {now.distance} only.",
         ("The test loss is {test_loss}.", *BESIDE), LAZY_TO_RICH),
    Rule(on("ended", "lazy"), ENDED + ", although the kernel has changed by {now.distance}.",
         ("The test loss is {test_loss}.", *BESIDE), LAZY_TO_RICH),
)
# fmt: on
