"""What is said where the norm is at stake: weight decay brings it down, or a hand holds it."""

from __future__ import annotations

from ..numbers import ratio, short
from ..verdict.series import direction
from .facts import Facts
from .told import DELAY_LAW, Regime, Sentence, beside, count, late, mem

# a norm that is held


def is_held_high(f: Facts) -> bool:
    """Whether the norm is held where it memorised, or above."""
    return f.norm_at_mem is None or f.hold >= 0.98 * f.norm_at_mem


def held_waiting(f: Facts) -> Sentence:
    """The delay law's own experiment."""
    law = "The delay law: the wait grows exponentially with the norm that is held."
    if is_held_high(f):
        says = f"The norm is held at {short(f.hold)}: the delay law expects no grokking."
        return Sentence(says, ("= hold_norm 0 lets it go.", law), DELAY_LAW)
    says = f"The norm is held at {short(f.hold)} ({short(f.norm_at_mem)} at memorising): the lower, the sooner."
    return Sentence(says, (law,), DELAY_LAW)


def held_grokked(f: Facts) -> Sentence:
    """It grokked all the same."""
    return Sentence(
        f"Grokked at {late(f)} after memorising, the norm held at {short(f.hold_at_grok)}.",
        ("The delay law: the lower the norm is held, the sooner it groks.",),
        DELAY_LAW,
    )


def held_ended(f: Facts) -> Sentence:
    """It did not."""
    more = "nothing brought the norm down." if is_held_high(f) else "the lower it is held, the sooner."
    return Sentence(
        f"Finished at {count(f.step)} without grokking: the norm was held at {short(f.hold)}.",
        (f"The delay law: {more}",),
        DELAY_LAW,
    )


# weight decay brings the norm down


def contracts(f: Facts) -> tuple[str, ...]:
    """The fitted rate, where there is one."""
    return (f"V shrinks by {short(f.contraction, 2)} lr·wd a step.",) if f.contraction else ()


def decay_waiting(f: Facts) -> Sentence:
    """Weight decay is on, or was."""
    if f.is_weak(f.wd):
        return without_decay(f)
    turn, set_ = f.steering, f.rescale
    follows = "The delay law: test accuracy follows once the norm is low enough."
    if set_ and set_.step >= (turn.step if turn else 0):
        norms = f"{short(set_.old)} → {short(set_.new)} at {count(set_.step)}, and is {short(f.norm)} now"
        return Sentence(
            f"The norm was set {norms}.",
            (*contracts(f), "Set once, it hardly changes when it groks; held, it does."),
            DELAY_LAW,
        )
    if turn and f.is_weak(turn.old) and f.step > turn.step:
        return Sentence(
            f"Weight decay is back at {short(f.wd)}: the norm went {short(turn.norm)} → {short(f.norm)} "
            f"since {count(turn.step)}.",
            (*contracts(f), follows),
            DELAY_LAW,
        )
    way = direction(f.norm_change)
    if way == "rising":
        return Sentence(
            f"Memorised at {mem(f)}. The norm still rises ({short(f.norm)}); weight decay will turn it.",
            ("Test accuracy stays at chance until the norm has come down.",),
            DELAY_LAW,
        )
    if way == "falling":
        return Sentence(
            f"Memorised at {mem(f)}. Weight decay pulls the norm down: {short(f.norm_top)} → {short(f.norm)}.",
            (*contracts(f), follows),
            DELAY_LAW,
        )
    return Sentence(
        f"Memorised at {mem(f)}. The norm has settled at {short(f.norm)}; test loss should turn.",
        (*contracts(f), "The lower the norm settles, the sooner it groks."),
        DELAY_LAW,
    )


def without_decay(f: Facts) -> Sentence:
    """Weight decay was taken away."""
    since = f" since {count(f.steering.step)}" if f.steering else ""
    what = f"off{since}" if f.wd == 0 else f"only {short(f.wd, 2)}"
    falling = "" if direction(f.norm_change) == "falling" else ", not falling"
    return Sentence(
        f"Weight decay is {what}: norm {short(f.norm)}{falling}. No grokking expected.",
        ("The delay law: nothing brings the norm down now. W or = gives it back.", *beside(f)),
        DELAY_LAW,
    )


def decay_grokked(f: Facts) -> Sentence:
    """The norm often tops out after memorising: the fall that counts is from there."""
    if f.norm_top is not None and f.norm_at_grok is not None and f.norm_at_grok < 0.98 * f.norm_top:
        says = f"Grokked at {late(f)} after memorising; the norm fell {short(f.norm_top)} → {short(f.norm_at_grok)}."
        more = "As the delay law has it: the norm came down first, test accuracy followed."
        return Sentence(says, (*contracts(f), more, *beside(f)), DELAY_LAW)
    return Sentence(
        f"Grokked at {late(f)} late, though the norm did not fall ({short(f.norm_at_grok)}).",
        (f"Kernel distance {ratio(f.distance)}: features were learnt all the same.", *beside(f)),
    )


def decay_ended(f: Facts) -> Sentence:
    """Not enough decay, or steps."""
    if f.is_weak(f.wd):
        held = "stayed at" if abs(f.norm_change) < 0.05 else "is"
        return Sentence(
            f"Finished at {count(f.step)} without grokking: weight decay off, the norm {held} {short(f.norm)}.",
            ("As the delay law has it: nothing brought the norm down.", *beside(f)),
            DELAY_LAW,
        )
    return Sentence(
        f"Finished at {count(f.step)} without grokking; the norm came to {short(f.norm)}.",
        ("More steps, or more weight decay, may do it.", *contracts(f), *beside(f)),
        DELAY_LAW,
    )


HELD = Regime(held_waiting, held_grokked, held_ended)
DECAY = Regime(decay_waiting, decay_grokked, decay_ended)
