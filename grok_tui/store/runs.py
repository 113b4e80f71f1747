"""Many runs: listing a directory of them, and finding the one a user means."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest
from .rundir import ENDED, RunDir


def listed(runs: Path) -> tuple[list[tuple[RunDir, dict[str, Any]]], list[str]]:
    """Every run below `runs`, oldest first, with its run.json; and a line for each directory that is not one."""
    found, skipped = [], []
    if not runs.is_dir():
        return [], []
    for path in sorted(runs.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        run = RunDir(path)
        try:
            found.append((run, run.info()))
        except UsageError as error:
            skipped.append(str(error))
    found.sort(key=lambda item: str(item[1].get("started", "")))
    return found, skipped


def find(text: str, runs: Path) -> RunDir:
    """The run that `text` names: an id, a unique prefix of one, a path, or `latest`."""
    if "/" in text or Path(text).is_dir():
        run = RunDir(Path(text))
        run.info()
        return run
    found, _ = listed(runs)
    if not found:
        raise UsageError(f"{text}: no runs in {runs}; start one with grok-tui run, or name another --runs")
    if text == "latest":
        return found[-1][0]
    ids = {run.id: run for run, _ in found}
    if text in ids:
        return ids[text]
    matches = [run for run_id, run in ids.items() if run_id.startswith(text) or run_id.endswith(f"_{text}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{text}: names {len(matches)} runs: {', '.join(run.id for run in matches[:4])}; give more of it"
        )
    raise UsageError(f"{text}: no such run in {runs}; {nearest(text, [*ids, 'latest'])}")


def remove(run: RunDir) -> None:
    """Delete a run for good; refuse one that an engine holds."""
    if run.info()["status"] not in ENDED:
        raise UsageError(f"{run.id} is still training; stop it first")
    shutil.rmtree(run.path)
