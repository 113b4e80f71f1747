"""What a run's directory says about it, in the terms the screens use."""

from __future__ import annotations

import os
from typing import Any

from ..config.fields import ALIASES, NORM, has_norm
from ..store.reader import RunReader
from ..store.rundir import ENDED
from ..verdict.series import HOLD, knobs_of
from . import theme

SHORT = {key: alias for alias, key in ALIASES.items()}
"""Field -> the short name that screens use for it."""

STATUS = {
    "starting": ("○", "starting", theme.DIM),
    "running": ("●", "training", theme.GOOD),
    "paused": ("‖", "paused", theme.WARN),
    "finished": ("✓", "finished", theme.TEXT),
    "failed": ("✗", "failed", theme.BAD),
    "interrupted": ("!", "interrupted", theme.WARN),
}
"""Status of run.json -> sign, word and colour; the sign and the word tell it without the colour."""


def is_live(info: dict[str, Any]) -> bool:
    """Whether an engine has this run in hand."""
    return info["status"] not in ENDED


def status_of(info: dict[str, Any]) -> tuple[str, str, str]:
    """Sign, word and colour of a run's status."""
    return STATUS.get(info["status"], ("?", str(info["status"]), theme.DIM))


def short_name(key: str) -> str:
    """`wd` for optim.weight_decay; the bare field name where there is no short one."""
    return SHORT.get(key, key.rpartition(".")[2])


def speed_of(reader: RunReader) -> float:
    """Steps per second as the engine counts them."""
    return float((reader.info.get("progress") or {}).get("steps_per_second") or 0.0)


def seeds_of(info: dict[str, Any]) -> str:
    """Its seed; or how many there are, and how many of them have grokked."""
    if "seeds" not in info:
        return f"seed {info.get('seed')}"
    grokked = (info.get("result") or {}).get("grokked", 0)
    return f"{len(info['seeds'])} seeds" + (f", {grokked} grokked" if grokked else "")


def measuring_of(info: dict[str, Any]) -> str:
    """What measuring takes of the computing, and what was skipped to keep it small."""
    progress = info.get("progress") or {}
    skipped = progress.get("skipped") or info.get("skipped") or {}
    told = [f"{count} {name}" for name, count in skipped.items() if count]
    share = f"measuring {100 * float(progress.get('measuring') or 0):.0f} %"
    return f"{share}, skipped {' and '.join(told)}" if told else share


FIRST = ("optim.weight_decay", "optim.lr", "optim.ridge", HOLD)
"""The knobs that matter most."""


def knobs_shown(reader: RunReader) -> dict[str, float]:
    """The knobs in the order in which they matter; a norm that is free is none."""
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
    return float((paced[-1].get("pace") if paced else reader.info["asked"].get("pace")) or 0.0)


def takes_every_core(reader: RunReader) -> bool:
    """Whether training keeps every core here busy: at full speed, on as many threads as there are cores."""
    return not pace_of(reader) and reader.info["used"].get("threads", 1) >= (os.cpu_count() or 1)
