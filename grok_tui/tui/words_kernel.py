"""What is said where the kernel is at stake: it turns, cannot turn, had turned before, or does not matter."""

from __future__ import annotations

from ..numbers import compact, ratio, short
from .facts import STILL, TURNED, Facts
from .told import LAZY_TO_RICH, NEITHER, Regime, Sentence, beside, count, late, mem, pulls, risen

# recursive feature machine


def machine_waiting(f: Facts) -> Sentence:
    """Fitted exactly, turning."""
    more = ("No gradient descent, no weight decay.", f"Test accuracy {ratio(f.acc[1])}.")
    if not f.distance:
        return Sentence(f"Memorised at iteration {mem(f)}; from here each iteration learns features.", more, NEITHER)
    start = "Train accuracy 1 at every iteration"
    if f.lowest_train_acc is None or f.lowest_train_acc < 0.995:
        start = f"Memorised at iteration {mem(f)}"
    return Sentence(f"{start}; the kernel has turned by {ratio(f.distance)}: features.", more, NEITHER)


def machine_grokked(f: Facts) -> Sentence:
    """Generalised by features alone."""
    return Sentence(
        f"Generalised at iteration {count(f.phases.t_grok or 0)}; the kernel has turned by {ratio(f.distance)}.",
        ("Features alone: no gradient descent, no weight decay, no lazy phase.",),
        NEITHER,
    )


def machine_ended(f: Facts) -> Sentence:
    """Not enough iterations, or data."""
    reached = f"test accuracy {ratio(f.acc[1])}; kernel distance {ratio(f.distance)}"
    more = ("More iterations, or more train data, may do it.",)
    return Sentence(f"Finished after {count(f.step)} iterations at {reached}.", more, NEITHER)


# a linear model: the kernel cannot move


def linear_waiting(f: Facts) -> Sentence:
    """Only the same dynamics, later."""
    what = ", whatever decays" if f.ever_decayed else " and nothing decays"
    return Sentence(
        f"Memorised. The kernel cannot move{what}: neither theory speaks.",
        ("Test accuracy follows by the same linear dynamics, only later.",),
        NEITHER,
    )


def linear_grokked(f: Facts) -> Sentence:
    """A delay without features."""
    what = "No features" if f.ever_decayed else "No features, no weight decay"
    return Sentence(
        f"Generalised at {late(f)} late, with kernel drift {short(f.drift)}.",
        (f"{what}: neither theory accounts for it.", *loss_told(f)),
        NEITHER,
    )


def linear_ended(f: Facts) -> Sentence:
    """It cannot learn features."""
    return Sentence(f"Finished at {count(f.step)} without generalising; the kernel never moved.", (), NEITHER)


# accuracy by a tolerance


def loss_told(f: Facts) -> tuple[str, ...]:
    """What the losses say of the delay, where accuracy counts answers within a tolerance."""
    train, test = f.halved
    if not f.tolerance or train is None or test is None:
        return ()
    if test <= 2 * max(train, 5):
        return ("The losses fall together: the delay is the threshold's.",)
    return ("The test loss lags as well.",)


def losses(f: Facts) -> str:
    """`the losses halved at 120 and 150`, or what they are."""
    train, test = f.halved
    if train is None or test is None:
        return f"train loss {short(f.loss[0])}, test {short(f.loss[1])}"
    return f"the losses halved at {compact(train)} and {compact(test)}"


def tolerant_waiting(f: Facts) -> Sentence:
    """Accuracy waits for a threshold."""
    says = f"Accuracy counts answers within {short(f.tolerance, 1)}; {losses(f)}."
    return Sentence(says, (*loss_told(f), *beside(f)), NEITHER)


def tolerant_grokked(f: Facts) -> Sentence:
    """Late by accuracy."""
    says = f"Accuracy came {count(f.phases.delay or 0)} steps late, at {count(f.phases.t_grok or 0)}; {losses(f)}."
    return Sentence(says, (*loss_told(f), *beside(f)), NEITHER)


def tolerant_ended(f: Facts) -> Sentence:
    """The threshold was not reached."""
    return Sentence(f"Finished at {count(f.step)}, accuracy {ratio(f.acc[1])}; {losses(f)}.", loss_told(f), NEITHER)


# features before it memorised


def has_features_early(f: Facts) -> bool:
    """Whether features were learnt by t_mem, and no theory of the norm is at stake."""
    has_turned = f.distance_at_mem is not None and f.distance_at_mem > TURNED
    return (has_turned or f.has_grown) and (not f.ever_decayed or f.theory in ("neither", "lazy to rich"))


def features(f: Facts) -> str:
    """What shows that there were features when it memorised."""
    if f.has_grown:
        return f"norm {short(f.norm_start)} → {short(f.norm_at_mem)} by step {mem(f)}"
    return f"kernel distance {ratio(f.distance_at_mem)} by step {mem(f)}"


def early_waiting(f: Facts) -> Sentence:
    """No lazy phase to leave."""
    return Sentence(
        f"Features from the start, no lazy phase: {features(f)}.",
        (f"{pulls(f).capitalize()}.", f"Kernel distance {ratio(f.distance)} now.", *beside(f)),
        NEITHER,
    )


def early_grokked(f: Facts) -> Sentence:
    """Late, but not for want of features."""
    return Sentence(
        f"Grokked at {late(f)} late; features from the start, no lazy phase.",
        (f"{features(f).capitalize()}.", f"{pulls(f).capitalize()}.", *beside(f)),
        NEITHER,
    )


def early_ended(f: Facts) -> Sentence:
    """Features, and no generalisation."""
    return Sentence(
        f"Finished at {count(f.step)} without grokking; features from the start, no lazy phase.",
        (f"{features(f).capitalize()}.", f"{pulls(f).capitalize()}.", *beside(f)),
        NEITHER,
    )


# the kernel has to move


def lazy_waiting(f: Facts) -> Sentence:
    """No weight decay from the start, or a preset of lazy to rich with some."""
    pull = (f"{pulls(f).capitalize()}.",) if f.ever_decayed else ()
    if f.distance is None:
        return Sentence(f"Memorised at {mem(f)}: watch the kernel.", pull or ("No weight decay.",), LAZY_TO_RICH)
    if f.is_still:
        stays = f.step > 10 * max(f.phases.t_mem or 0, 10)
        how, lazy = ("stays where it was", "lazy") if stays else ("has hardly moved", "still lazy")
        return Sentence(
            f"Memorised at {mem(f)}. The kernel {how} (distance {ratio(f.distance)}): {lazy}.",
            ("Test loss hangs until features are learnt.", *pull, *beside(f)),
            LAZY_TO_RICH,
        )
    return Sentence(
        f"The kernel is moving: distance {ratio(f.distance)}{risen(f)}. From lazy to rich.",
        (*beside(f), *(pull or ("No weight decay pulls here: features are being learnt.",))),
        LAZY_TO_RICH,
    )


def lazy_grokked(f: Facts) -> Sentence:
    """The kernel moved, and the test loss followed; or it did without."""
    distance = f.distance if f.distance_at_grok is None else f.distance_at_grok
    pull = (f"{pulls(f).capitalize()}.",) if f.ever_decayed else ()
    if distance is not None and distance < STILL:
        says = f"Grokked at {late(f)} late, with the kernel hardly moved: {ratio(distance)}."
        hardly = f"By the distance; its drift is {short(f.drift)} by now. Hardly features, then."
        return Sentence(says, (hardly, *pull, *beside(f)))
    when = f"{late(f)} late" if f.ever_decayed else f"{count(f.phases.t_grok or 0)}, no weight decay"
    return Sentence(
        f"Grokked at {when}: kernel distance {ratio(distance)}, norm {short(f.norm_start)} → {short(f.norm_at_grok)}.",
        (*pull, *beside(f), f"{count(f.phases.delay or 0)} steps after memorising; drift {short(f.drift)} by now."),
        LAZY_TO_RICH,
    )


def lazy_ended(f: Facts) -> Sentence:
    """The kernel stayed, or moved in vain."""
    if f.is_still:
        return Sentence(
            f"Finished at {count(f.step)} without grokking: lazy, kernel distance {ratio(f.distance)}.",
            (f"The kernel has stayed; the test loss is {short(f.loss[1])}.", *beside(f)),
            LAZY_TO_RICH,
        )
    return Sentence(
        f"Finished at {count(f.step)} without grokking; kernel distance {ratio(f.distance)}.",
        (f"The kernel has moved; the test loss is {short(f.loss[1])}.", *beside(f)),
        LAZY_TO_RICH,
    )


MACHINE = Regime(machine_waiting, machine_grokked, machine_ended)
LINEAR = Regime(linear_waiting, linear_grokked, linear_ended)
TOLERANT = Regime(tolerant_waiting, tolerant_grokked, tolerant_ended)
EARLY = Regime(early_waiting, early_grokked, early_ended)
LAZY = Regime(lazy_waiting, lazy_grokked, lazy_ended)
