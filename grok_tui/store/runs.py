"""Many runs: listing a directory of them, finding the one that a user means, and removing one."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import RunHeld, UsageError, nearest
from . import lock
from .info import ENDED, moment
from .rundir import RunDir

Listed = list[tuple[RunDir, dict[str, Any]]]


def listed(runs: Path, newest: int | None = None) -> tuple[Listed, list[str]]:
    """Every run below `runs`, oldest first, with its run.json; and a line for each directory that is not a run.

    newest: read no more than so many runs, those whose names have the latest dates.
    """
    found: Listed = []
    skipped: list[str] = []
    for name in sorted(folders(runs), key=dated, reverse=True):
        if newest is not None and len(found) == newest:
            break
        run = RunDir(runs / name)
        try:
            found.append((run, run.info()))
        except UsageError as error:
            skipped.append(str(error))
    found.sort(key=lambda item: started(item[1]))
    return found, skipped[::-1]


def folders(runs: Path) -> list[str]:
    """Names of the directories below `runs`, hidden ones left out; OSError if it cannot be read."""
    try:
        with os.scandir(runs) as entries:
            return [entry.name for entry in entries if not entry.name.startswith(".") and is_folder(entry)]
    except FileNotFoundError:
        return []


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a directory, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def dated(name: str) -> tuple[bool, str]:
    """Names that begin with a date are in the order of their runs; others come before them."""
    return re.match(r"\d{4}-\d{2}-\d{2}_\d{6}_", name) is not None, name


def started(info: dict[str, Any]) -> datetime:
    """When a run started; one that does not say counts as the oldest."""
    return moment(info["started"]) or datetime.min.replace(tzinfo=UTC)


def find(text: str, runs: Path) -> RunDir:
    """The run that `text` names: an id, a path, a unique prefix of an id, or `latest`."""
    if text in folders(runs):
        found = RunDir(runs / text)
        found.info()
        return found
    if is_path(text):
        run = RunDir(Path(text))
        if run.id in ("", ".."):
            run = RunDir(Path(os.path.realpath(text)))
        run.info()
        return run
    known, _ = listed(runs)
    if not known:
        raise UsageError(f"{text}: no runs in {runs}; start one with grok-tui run, or name another --runs")
    if text == "latest":
        return known[-1][0]
    ids = {run.id: run for run, _ in known}
    matches = [run for id, run in ids.items() if id.startswith(text) or id.endswith(f"_{text}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{text}: names {len(matches)} runs: {', '.join(run.id for run in matches[:4])}; give more of it"
        )
    raise UsageError(f"{text}: no such run in {runs}; {nearest(text, ['latest', *list(ids)[-200:]])}")


def is_path(text: str) -> bool:
    """Whether `text` names a directory itself, not a run below --runs."""
    try:
        return "/" in text or Path(text).is_dir()
    except (OSError, ValueError):
        return False


def check_removable(run: RunDir, *, force: bool = False) -> None:
    """Refuse to remove what is not a run, holds the current directory, or trains."""
    info = run.info()
    if run.path.is_symlink():
        return
    path = Path(os.path.realpath(run.path))
    if whole := RunDir(path).whole():
        raise UsageError(f"{run.id} is one seed of {whole.id}; remove {whole.id}, with all of its seeds")
    if path in (here := current_folder(), *here.parents):
        raise UsageError(f"{path}: the current directory is inside it; cd to another directory first")
    if not any(map(os.path.lexists, (run.config_toml, run.events_jsonl))):
        raise UsageError(f"{run.path}: not a run: it has neither config.toml nor events.jsonl")
    if info["status"] not in ENDED and not (force and lock.probe(run.lock) is not True):
        if lock.probe(run.lock):
            raise RunHeld(f"{run.id} is still training; stop it first, with grok-tui stop {run.id}")
        raise RunHeld(f"{run.id} may still train on {info['host']}, which was alive a minute ago; --force removes it")


def remove(run: RunDir, *, force: bool = False) -> str:
    """Delete a run for good and return what was removed. A link to a run is removed, the run stays.

    A run that an engine holds is refused; with `force`, one is removed that an engine on another host may hold.
    UsageError, and nothing is deleted, if the directory is not a run.
    """
    check_removable(run, force=force)
    if run.path.is_symlink():
        run.path.unlink()
        return f"the link {run.id}; the run stays"
    path = Path(os.path.realpath(run.path))
    descriptor = hold(run, force)
    try:
        gone = path.with_name(f".removed-{path.name}")
        os.rename(path, gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise UsageError(f"{error.filename or run.path}: cannot be removed: {error.strerror}") from None
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return run.id


def hold(run: RunDir, force: bool) -> int | None:
    """Take the lock of a run that is to be removed; None if it has none that could be taken."""
    if lock.probe(run.lock) is not True and force:
        return None
    try:
        return run.acquire()
    except UsageError:
        return None  # something in it is a link, or the lock is damaged: nobody trains it


def current_folder() -> Path:
    """The current directory, without links."""
    try:
        return Path(os.path.realpath(Path.cwd()))
    except OSError:
        return Path("/")
