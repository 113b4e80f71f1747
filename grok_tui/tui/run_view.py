"""What a run's directory says about it, in the terms the screens use."""

import os
from typing import Any

from ..config.fields import NORM, has_norm
from ..config.steering import HOLD
from ..errors import UsageError
from ..store.info import ENDED
from ..store.reader import RunReader
from ..store.rundir import RunDir
from ..verdict.series import knobs_of
from . import theme

STATUS = {
    "starting": ("○", "starting", theme.DIM),
    "running": ("●", "training", theme.GOOD),
    "paused": ("‖", "paused", theme.WARN),
    "finished": ("✓", "finished", theme.TEXT),
    "failed": ("✗", "failed", theme.BAD),
    "stopped": ("■", "stopped", theme.TEXT),
    "interrupted": ("!", "interrupted", theme.WARN),
}
"""Status -> sign, word and colour; the sign and the word tell it without the colour."""


def is_live(info: dict[str, Any]) -> bool:
    """Whether an engine has this run in hand."""
    return info["status"] not in ENDED


def training_info(run: RunDir | None) -> dict[str, Any] | None:
    """The run.json of a run that an engine has in hand; None of any other."""
    try:
        info = run.info() if run is not None else None
    except UsageError:
        return None
    return info if info is not None and is_live(info) else None


def ending_of(info: dict[str, Any]) -> str:
    """The status; an interrupted run that could say when it ended was `stopped`, others died."""
    return "stopped" if info["status"] == "interrupted" and info.get("ended") else str(info["status"])


def status_of(info: dict[str, Any]) -> tuple[str, str, str]:
    return STATUS.get(ending_of(info), ("?", str(info["status"]), theme.DIM))


def speed_of(reader: RunReader) -> float:
    """Steps per second as the engine counts them."""
    return float(reader.info["progress"]["steps_per_second"])


def seed_of(info: dict[str, Any]) -> str:
    """`s0` for seed 0, `16 seeds` for many."""
    return f"{len(info['seeds'])} seeds" if "seeds" in info else f"s{info.get('seed', '')}"


def seeds_of(info: dict[str, Any]) -> str:
    """The seed; or how many there are, and how many of them have grokked."""
    if "seeds" not in info:
        return f"seed {info.get('seed')}"
    grokked, count = info["result"].get("grokked", 0), len(info["seeds"])
    return f"{count} seeds" + (f", {grokked} of {count} grokked" if grokked else "")


def measuring_of(info: dict[str, Any]) -> str:
    """The share of the computing that measuring takes, and what was skipped to keep it small."""
    progress = info["progress"]
    counts = [f"{count} {name}" for name, count in progress.get("skipped", {}).items() if count]
    share = f"measuring {100 * progress['measuring']:.0f} %"
    return f"{share}, skipped {' and '.join(counts)}" if counts else share


FIRST = ("optim.weight_decay", "optim.lr", "optim.ridge", HOLD)
"""The knobs that matter most."""


def knobs_shown(reader: RunReader) -> dict[str, float]:
    """The knobs in the order in which they matter, without hold_norm if no norm is held."""
    return {key: value for key, value in ordered(reader).items() if key != HOLD or value}


def ordered(reader: RunReader) -> dict[str, float]:
    """All knobs, those first that matter most."""
    knobs = knobs_of(reader)
    return {key: knobs[key] for key in (*FIRST, *knobs) if key in knobs}


def settable(reader: RunReader) -> dict[str, float]:
    """All that can be set while the run trains: its knobs, and the norm of its weights."""
    return ordered(reader) | ({NORM: reader.last("norm/weight") or 1.0} if has_norm(reader.config) else {})


def pace_of(reader: RunReader) -> float:
    """Steps per second that the engine keeps to; 0: full speed."""
    paced = reader.of_type("paced")
    return float(paced[-1]["pace"] if paced else reader.info["asked"]["pace"])


def takes_every_core(reader: RunReader) -> bool:
    """Whether training keeps every core here busy: at full speed, on as many threads as there are cores."""
    return not pace_of(reader) and reader.info["used"].get("threads", 1) >= (os.cpu_count() or 1)
