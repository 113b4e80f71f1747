"""What is going on, in one plain sentence, and which theory it speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..store.read import RunReader
from .numbers import compact, grouped, ratio, short
from .reading import Phases, direction, knobs_of, phases_of, step_of, trend

DELAY_LAW = "delay law"
LAZY_TO_RICH = "lazy to rich"
NEITHER = "neither theory"

WEAK = 0.1
"""Weight decay that would shrink a weight by less than this over the whole run is as good as none."""
STILL = 0.01
"""A kernel distance below this is a kernel that has hardly moved."""


@dataclass(frozen=True)
class Sentence:
    """`says` fits on 80 columns; `more` is for wider screens."""

    says: str
    more: str = ""
    theory: str = ""


@dataclass(frozen=True)
class Steering:
    """The last change of the weight decay."""

    step: int
    old: float
    new: float
    norm: float | None
    """The weight norm when it was made."""


@dataclass(frozen=True)
class Facts:
    """All that the sentence depends on."""

    status: str
    step: int
    steps: int
    phases: Phases
    wd: float
    lr: float
    ever_decayed: bool
    """Whether there was weight decay worth the name at any time."""
    is_linear: bool
    """Whether the model's kernel cannot move."""
    acc: tuple[float | None, float | None] = (None, None)
    loss: tuple[float | None, float | None] = (None, None)
    norm: float | None = None
    norm_start: float | None = None
    norm_at_mem: float | None = None
    norm_top: float | None = None
    norm_at_grok: float | None = None
    norm_change: float = 0.0
    """Relative change over the last fifth of the steps."""
    distance: float | None = None
    drift: float | None = None
    steering: Steering | None = None
    enough_acc: float = 0.0
    """The test accuracy that counts as grokked."""
    reason: str = ""
    """Why it failed."""

    def is_weak(self, wd: float) -> bool:
        """Whether so much weight decay does next to nothing within the budget."""
        return self.lr * wd * self.steps < WEAK


def sentence(reader: RunReader) -> Sentence:
    """Say what the run is doing."""
    return say(facts(reader))


def facts(reader: RunReader) -> Facts:
    """Read what the sentence depends on."""
    knobs, phases, config = knobs_of(reader), phases_of(reader), reader.config
    wd, lr, steps = knobs.get("optim.weight_decay", 0.0), knobs.get("optim.lr", 0.0), config.train.steps
    turns = [e for e in reader.of_type("steered") if e.get("key") == "optim.weight_decay"]
    held = [config.optim.weight_decay, wd, *(float(e.get("old") or 0) for e in turns)]
    last = turns[-1] if turns else None
    norms = reader.series("norm/weight")[1]

    def at(step: int | None) -> float | None:
        return None if step is None else reader.at("norm/weight", step)

    failed = reader.of_type("failed")
    return Facts(
        status=reader.info["status"],
        step=step_of(reader),
        steps=steps,
        phases=phases,
        wd=wd,
        lr=lr,
        ever_decayed=any(lr * value * steps >= WEAK for value in held),
        is_linear=config.model.name == "linear",
        acc=(reader.last("train/acc"), reader.last("test/acc")),
        loss=(reader.last("train/loss"), reader.last("test/loss")),
        norm=reader.last("norm/weight"),
        norm_start=float(norms[0]) if len(norms) else None,
        norm_at_mem=at(phases.t_mem),
        norm_top=float(norms.max()) if len(norms) else None,
        norm_at_grok=at(phases.t_grok),
        norm_change=trend(reader, "norm/weight"),
        distance=reader.last("kernel/distance"),
        drift=reader.last("kernel/drift"),
        steering=Steering(int(last["step"]), float(last["old"]), float(last["new"]), at(int(last["step"])))
        if last
        else None,
        enough_acc=config.phase.test_acc,
        reason=str(failed[-1].get("reason") or "") if failed else str(reader.info.get("error") or ""),
    )


def say(f: Facts) -> Sentence:
    """The sentence for these facts."""
    outcome = grokked(f) if f.phases.t_grok is not None else waiting(f) if f.phases.t_mem is not None else fitting(f)
    return SAYINGS.get(f.status, lambda f, outcome: outcome)(f, outcome)


def starting(f: Facts, outcome: Sentence) -> Sentence:
    """The engine has not told anything yet."""
    return Sentence("Starting the engine: it loads torch first, which takes a few seconds.")


def failed(f: Facts, outcome: Sentence) -> Sentence:
    """It diverged, or the engine broke."""
    why = f.reason or "the engine gave no reason; see engine.log"
    return Sentence(cut(f"Failed at {count(f.step)}: {why}"), "The last finite checkpoint is kept. r runs it again.")


def interrupted(f: Facts, outcome: Sentence) -> Sentence:
    """Stopped before its end; it can be resumed."""
    return Sentence(
        f"Stopped at {count(f.step)}. space goes on from the last checkpoint.", outcome.says, outcome.theory
    )


def paused(f: Facts, outcome: Sentence) -> Sentence:
    """Held by the user."""
    return Sentence(f"Paused at {count(f.step)}: space goes on, . takes one chunk.", outcome.says, outcome.theory)


def finished(f: Facts, outcome: Sentence) -> Sentence:
    """The budget is used up, or the target reached."""
    if f.phases.t_grok is not None:
        return Sentence(outcome.says, outcome.more, outcome.theory)
    n = count(f.step)
    if f.phases.t_mem is None:
        return Sentence(f"Finished at {n} without memorising; train loss {short(f.loss[0])}.")
    if f.is_linear:
        return Sentence(f"Finished at {n} without generalising; the kernel never moved.", "", NEITHER)
    if f.ever_decayed and f.is_weak(f.wd):
        held = "stayed at" if abs(f.norm_change) < 0.05 else "is"
        return Sentence(
            f"Finished at {n} without grokking: weight decay off, the norm {held} {short(f.norm)}.",
            "As the delay law has it: nothing brought the norm down.",
            DELAY_LAW,
        )
    if f.ever_decayed:
        return Sentence(
            f"Finished at {n} without grokking; the norm came to {short(f.norm)}.",
            "More steps, or more weight decay, may do it.",
            DELAY_LAW,
        )
    return Sentence(
        f"Finished at {n} without grokking; kernel distance {ratio(f.distance)}.",
        "Without weight decay it is the kernel that has to move.",
        LAZY_TO_RICH,
    )


Saying = Callable[[Facts, Sentence], Sentence]
SAYINGS: dict[str, Saying] = {
    "starting": starting,
    "failed": failed,
    "interrupted": interrupted,
    "paused": paused,
    "finished": finished,
}
"""What to say at each status; while it trains, the outcome so far is the sentence."""


def fitting(f: Facts) -> Sentence:
    """Not memorised yet."""
    if f.acc[0] is not None:
        return Sentence(f"Fitting the train data: train accuracy {ratio(f.acc[0])}, test {ratio(f.acc[1])}.")
    if f.loss[0] is not None:
        return Sentence(f"Fitting the train data: train loss {short(f.loss[0])}, test loss {short(f.loss[1])}.")
    return Sentence("Training has begun; the first rows are on their way.")


def waiting(f: Facts) -> Sentence:
    """Memorised and not grokked: what each theory expects next."""
    if f.is_linear:
        return Sentence(
            "Memorised. The kernel cannot move and nothing decays: neither theory speaks.",
            "Test accuracy follows by the same linear dynamics, only later.",
            NEITHER,
        )
    if not f.ever_decayed:
        return waiting_for_kernel(f)
    if f.is_weak(f.wd):
        return without_decay(f)
    return with_decay(f)


def with_decay(f: Facts) -> Sentence:
    """Weight decay is on."""
    turn = f.steering
    if turn and f.is_weak(turn.old) and not f.is_weak(turn.new) and f.step > turn.step:
        return Sentence(
            f"Weight decay is back at {short(f.wd)}: the norm went {short(turn.norm)} → {short(f.norm)} "
            f"since {count(turn.step)}.",
            "The delay law: test accuracy follows once the norm is low enough.",
            DELAY_LAW,
        )
    mem = count(f.phases.t_mem or 0)
    way = direction(f.norm_change)
    if way == "rising":
        return Sentence(
            f"Memorised at {mem}. The norm still rises ({short(f.norm)}); weight decay will turn it.",
            "Test accuracy stays at chance until the norm has come down.",
            DELAY_LAW,
        )
    if way == "falling":
        return Sentence(
            f"Memorised at {mem}. Weight decay pulls the norm down: {short(f.norm_top)} → {short(f.norm)}.",
            "The delay law: test accuracy follows once the norm is low enough.",
            DELAY_LAW,
        )
    return Sentence(
        f"Memorised at {mem}. The norm has settled at {short(f.norm)}; test loss should turn.",
        "The lower the norm settles, the sooner it groks.",
        DELAY_LAW,
    )


def without_decay(f: Facts) -> Sentence:
    """Weight decay was taken away."""
    since = f" since {count(f.steering.step)}" if f.steering else ""
    what = f"off{since}" if f.wd == 0 else f"only {short(f.wd, 2)}"
    falling = "" if direction(f.norm_change) == "falling" else ", not falling"
    return Sentence(
        f"Weight decay is {what}: norm {short(f.norm)}{falling}. No grokking expected.",
        "The delay law: nothing brings the norm down now. W or = gives it back.",
        DELAY_LAW,
    )


def waiting_for_kernel(f: Facts) -> Sentence:
    """No weight decay from the start: the kernel has to move."""
    mem = count(f.phases.t_mem or 0)
    if f.distance is None:
        return Sentence(f"Memorised at {mem}, with no weight decay: watch the kernel.", "", LAZY_TO_RICH)
    if f.distance < STILL:
        return Sentence(
            f"Memorised at {mem}. The kernel has hardly moved (distance {ratio(f.distance)}): still lazy.",
            "Test loss hangs until features are learnt.",
            LAZY_TO_RICH,
        )
    norm = f", norm {short(f.norm_start)} → {short(f.norm)}" if direction(f.norm_change) == "rising" else ""
    return Sentence(
        f"The kernel is moving: distance {ratio(f.distance)}{norm}. From lazy to rich.",
        "No weight decay pulls here: features are being learnt.",
        LAZY_TO_RICH,
    )


def grokked(f: Facts) -> Sentence:
    """Past t_grok."""
    grok, delay = count(f.phases.t_grok or 0), f.phases.delay
    test_acc = f.acc[1]
    if f.enough_acc and test_acc is not None and test_acc < 0.9 * f.enough_acc:
        return Sentence(f"Grokked at {grok}, but test accuracy has fallen back to {ratio(test_acc)}.")
    if delay is None or delay <= 0:
        return Sentence(f"Generalised at {grok}, no later than it memorised: no delay to explain.")
    if f.is_linear:
        return Sentence(
            f"Generalised at {grok}, {count(delay)} steps late, with kernel drift {short(f.drift)}.",
            "No features, no weight decay: neither theory accounts for it.",
            NEITHER,
        )
    if not f.ever_decayed:
        return Sentence(
            f"Grokked at {grok}, no weight decay: kernel distance {ratio(f.distance)}, norm "
            f"{short(f.norm_start)} → {short(f.norm_at_grok)}.",
            f"{count(delay)} steps after memorising; the kernel's drift is {short(f.drift)} by now.",
            LAZY_TO_RICH,
        )
    # the norm often tops out after memorising: the fall that counts is from there
    if f.norm_top is not None and f.norm_at_grok is not None and f.norm_at_grok < 0.98 * f.norm_top:
        how = f"; the norm fell {short(f.norm_top)} → {short(f.norm_at_grok)}"
        more = "As the delay law has it: the norm came down first, test accuracy followed."
        return Sentence(f"Grokked at {grok}, {count(delay)} steps after memorising{how}.", more, DELAY_LAW)
    return Sentence(
        f"Grokked at {grok}, {count(delay)} steps late, though the norm did not fall ({short(f.norm_at_grok)}).",
        f"Kernel distance {ratio(f.distance)}: features were learnt all the same.",
        "",
    )


def count(steps: int) -> str:
    """A number of steps, short enough for the sentence."""
    return grouped(steps) if steps < 100_000 else compact(steps)


def cut(text: str, width: int = 78) -> str:
    """The first line of `text`, no longer than `width`."""
    line = text.partition("\n")[0]
    return line if len(line) <= width else line[: width - 1] + "…"
