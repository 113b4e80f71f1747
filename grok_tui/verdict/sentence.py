"""A verdict in words: the texts of a rule, filled in with the numbers of a run."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..numbers import grouped, ratio, short
from ..store.reader import RunReader
from .facts import BEHIND, LAGS, LAGS_FROM, STAYED, Facts, below, facts
from .rules import RULES, Rule
from .series import Time, direction, unit_of

LONGEST = 100
"""Characters of what a failed run says of its reason; the rest is in engine.log."""


@dataclass(frozen=True)
class Verdict:
    """What a run shows: one sentence, sentences that add to it, and the theory that the run is evidence for."""

    says: str
    more: tuple[str, ...] = ()
    theory: str = ""


def verdict(reader: RunReader) -> Verdict:
    """What the run shows so far."""
    found, info = judge(facts(reader)), reader.info
    if "seeds" not in info:
        return found
    grokked = (info.get("result") or {}).get("grokked") or 0
    return replace(found, more=(f"These are medians of {len(info['seeds'])} seeds; {grokked} grokked.", *found.more))


def judge(f: Facts) -> Verdict:
    """The verdict for these facts. A run that is paused or stopped says as well what it shows so far."""
    found = fill(rule_for(f), f)
    if f.status not in ("paused", "interrupted"):
        return found
    so_far = judge(replace(f, status="running"))
    return Verdict(found.says, (so_far.says, *so_far.more), so_far.theory)


def rule_for(f: Facts) -> Rule:
    """The first rule that holds."""
    return next(rule for rule in RULES if rule.when(f))


def fill(rule: Rule, f: Facts) -> Verdict:
    """The texts of a rule with the phrases and numbers of a run."""

    def text(of: str) -> str:
        return re.sub(PLACE, lambda match: "unknown" if (found := phrase(f, match[1])) is None else found, of)

    known = [of for of in rule.more if all(phrase(f, name) is not None for name in re.findall(PLACE, of))]
    return Verdict(text(rule.says), tuple(map(text, known)), rule.theory)


PLACE = r"{([\w.]+)}"


def phrase(f: Facts, name: str) -> str | None:
    """The phrase of this name, or the fact: `step`, `now.norm`. None if the run has none."""
    if name in PHRASES:
        return PHRASES[name](f)
    value: Any = f
    for part in name.split("."):
        value = getattr(value, part, None)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return grouped(value)
    return ratio(value) if name.endswith(("distance", "acc")) else short(value)


def when(f: Facts, time: Time | None) -> str | None:
    """`at step 32`, or `between steps 758 and 772`: the rows do not tell more."""
    if time is None:
        return None
    if time.width:
        return f"between {unit_of(f.config)}s {grouped(time.after or 0)} and {grouped(time.step)}"
    return f"at {unit_of(f.config)} {grouped(time.step)}"


def delay(f: Facts) -> str:
    """`1 step`, `about 740 steps`."""
    steps, is_exact = f.phases.delay or 0, not any(t and t.width for t in (f.phases.mem, f.phases.grok))
    return f"{'' if is_exact else 'about '}{grouped(steps)} {unit_of(f.config)}{'' if steps == 1 else 's'}"


def losses(f: Facts) -> str:
    """When the losses fell, or what they are."""
    if f.train_halved is None or f.test_halved is None:
        return f"train loss {short(f.train_loss)}, test loss {short(f.test_loss)}"
    return f"train loss halved by step {grouped(f.train_halved)}, test loss by step {grouped(f.test_halved)}"


def lag(f: Facts) -> str | None:
    """What the losses tell of a delay, if accuracy counts answers within a tolerance."""
    if not f.tolerance or f.train_halved is None or f.test_halved is None:
        return None
    if f.test_halved <= LAGS * max(f.train_halved, LAGS_FROM):
        return "Both losses fall together: the delay comes from the threshold of the accuracy."
    return "The test loss falls later, too."


def early(f: Facts) -> str:
    """What shows that features were learnt when it memorised."""
    by = f"By step {grouped(f.phases.t_mem or 0)}"
    if f.has_grown:
        return f"{by} the weight norm had grown from {short(f.start.norm)} to {short(f.at_mem.norm)}."
    return f"{by} the kernel had changed by {ratio(f.at_mem.distance)}."


def pull(f: Facts) -> str:
    """Whether weight decay acts."""
    if not f.ever_decayed:
        return "There is no weight decay."
    return f"Weight decay {short(f.wd, 2)} acts, too." if f.wd else "Weight decay is off now."


def reason(f: Facts) -> str:
    """Why it failed: one line, without the step, which is said before."""
    line = re.sub(r"^diverged at step \d+: ", "", f.reason.strip().partition("\n")[0]).rstrip(".")
    line = line or "the engine gave no reason; see engine.log"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


PHRASES: dict[str, Callable[[Facts], str | None]] = {
    "unit": lambda f: unit_of(f.config),
    "memorised_at": lambda f: when(f, f.phases.mem),
    "grokked_at": lambda f: when(f, f.phases.grok),
    "delay": delay,
    "losses": losses,
    "lag": lag,
    "early": early,
    "pull": pull,
    "pull_if_any": lambda f: pull(f) if f.ever_decayed else None,
    "reason": reason,
    "smaller_lr": lambda f: None if f.lr_field is None else short(f.lr_field / 10),
    "twin": lambda f: short(f.twin_loss) if below(f.test_loss, 1 / BEHIND, f.twin_loss) else None,
    "eigenvector": lambda f: str(f.config.task.k) if f.config.task.name == "eigenvector" else None,
    "rate": lambda f: short(f.contraction, 2) if f.contraction else None,
    "decay": lambda f: f"only {short(f.wd, 2)}" if f.wd else "off",
    "not_falling": lambda f: "" if direction(f.norm_change) == "falling" else ", not falling",
    "stayed": lambda f: "stayed at" if abs(f.norm_change) < STAYED else "ended at",
    "nothing_decays": lambda f: "" if f.ever_decayed else " and nothing shrinks its weights",
    "norm_rises": lambda f: (
        f", while the weight norm rises from {short(f.start.norm)} to {short(f.now.norm)}"
        if direction(f.norm_change) == "rising"
        else ""
    ),
}
"""Phrases that are more than a number."""
