"""What is asked before a run starts, stops or is left alone, and what is said on the terminal after the app."""

import os
from pathlib import Path
from shlex import quote
from typing import Any

from rich.text import Text

from ..store.rundir import RunDir
from .catalog import Listing
from .question import CANCEL, Answer, Question
from .run_view import seeds_of, training_info
from .static_text import literal

STOP = Answer(("s",), "stop", "stop and save", "it can go on later from where it stopped")


def doing(info: dict[str, Any] | None) -> str:
    """`modadd-fast seed 0 is training`."""
    if info is None:
        return "a run is training"
    return f"{info.get('name')} {seeds_of(info)} is {'paused' if info['status'] == 'paused' else 'training'}"


def quit_question(info: dict[str, Any] | None, in_process: bool) -> Question:
    """What becomes of the training; a second q takes the first answer."""
    is_paused = info is not None and info["status"] == "paused"
    why = "it stays paused, and keeps its memory" if is_paused else "training goes on, at full speed"
    answers = [Answer(("d", "q", "D"), "detach", "leave it", why), STOP, Answer(("escape", "n"), "stay", "stay here")]
    if in_process:
        answers = [Answer(("s", "q"), STOP.name, STOP.label, "training lives inside this app"), answers[2]]
    return Question(doing(info), answers)


def stop_question(info: dict[str, Any]) -> Question:
    return Question(f"{doing(info)}: stop it?", [STOP, CANCEL])


def question_before_start(others: list[RunDir]) -> Question:
    """What becomes of the runs that are training, before another one starts."""
    infos = [info for run in others if (info := training_info(run))]
    title = doing(infos[0]) if len(infos) == 1 else f"{len(infos)} runs are training"
    what = "it" if len(infos) == 1 else "them"
    return Question(
        f"{title} already",
        [
            Answer(("k",), "keep", f"keep {what}", "both train at once, and each is slower"),
            Answer(("s",), "stop", f"stop {what}", f"save and stop {what}, then start"),
            CANCEL,
        ],
    )


def farewell(listing: Listing, watched: RunDir | None, runs: Path) -> Text | None:
    """What goes on without the app, and how to watch it again; None if nothing does."""
    lines = []
    info = training_info(watched)
    if info is not None and watched is not None:
        is_here = runs.absolute() == Path("runs").absolute() and not os.environ.get("GROK_TUI_RUNS")
        goes_on = "stays paused" if info["status"] == "paused" else "goes on training"
        lines.append(f"{info.get('name')} {seeds_of(info)} {goes_on}.")
        lines.append(f"To watch it: grok-tui attach {quote(watched.id if is_here else str(watched.path))}")
    others = len(listing.training(besides=watched))
    if others:
        are = "another run is" if others == 1 else f"{others} other runs are"
        lines.append(f"{are[0].upper()}{are[1:]} training: grok-tui runs list")
    return literal(Text("\n".join(lines))) if lines else None
