"""`grok-tui doctor`: what this machine and this terminal can do, and how to mend what they cannot."""

import importlib.metadata
import locale
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UsageError
from ..store import lock
from ..store.rundir import check_runs_dir
from . import options, output

PACKAGES = ("torch", "textual", "plotext", "rich", "typer", "numpy", "msgspec", "safetensors")


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what is there, and advice where it could be better."""

    what: str
    found: str
    advice: str = ""


def doctor(runs: options.Runs = options.RUNS, json: options.Json = False) -> None:
    """Look at terminal, colours, devices and versions."""
    for finding in [*versions(), *terminal(), *devices(), runs_directory(runs)]:
        if json:
            output.json_line(asdict(finding))
            continue
        output.data(f"{finding.what:16} {finding.found}")
        if finding.advice:
            output.data(f"{'':16} -> {finding.advice}")


def versions() -> list[Finding]:
    """Versions of what grok-tui stands on."""
    found = [Finding("grok-tui", importlib.metadata.version("grok-tui")), Finding("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append(Finding(name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append(Finding(name, "not installed", "pip install grok-tui again"))
    return found


def terminal() -> list[Finding]:
    """What can be drawn here."""
    term, colours = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    found = []
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        found.append(Finding("terminal", "none", "the app needs one (ssh -t); grok-tui run does not"))
    elif term in ("", "dumb"):
        found.append(Finding("terminal", f"TERM={term}", "export TERM=xterm-256color, or use grok-tui run"))
    else:
        found.append(Finding("terminal", f"TERM={term}"))
    if colours in ("truecolor", "24bit"):
        found.append(Finding("colours", "16 million"))
    else:
        advice = "fine; for finer colours export COLORTERM=truecolor, which ssh does not pass on by itself"
        found.append(Finding("colours", "256" if "256" in term else "few", advice))
    size = shutil.get_terminal_size()
    small = "make it 80x24 or larger" if size.columns < 80 or size.lines < 24 else ""
    found.append(Finding("size", f"{size.columns}x{size.lines}", small))
    encoding = locale.getpreferredencoding()
    unicode = "" if "UTF" in encoding.upper() else "export LANG=C.UTF-8, or curves cannot be drawn"
    found.append(Finding("encoding", encoding, unicode))
    if os.environ.get("TMUX"):
        found.append(Finding("tmux", answer_of("tmux", "-V")))
    return found


def answer_of(*command: str) -> str:
    """What another program prints, or that it is not there."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"{command[0]} is not on PATH here"
    return done.stdout.strip() or "unknown"


def devices() -> list[Finding]:
    """Where training can run."""
    try:
        import torch
    except ImportError as error:
        return [Finding("torch", f"cannot be imported: {error}", "pip install grok-tui again")]
    found = [Finding("cpu", f"{platform.machine()}, {torch.get_num_threads()} threads of {os.cpu_count()} cores")]
    for i in range(torch.cuda.device_count()):
        found.append(Finding(f"cuda:{i}", torch.cuda.get_device_name(i)))
    if not torch.cuda.is_available():
        found.append(Finding("cuda", "none"))
    if torch.backends.mps.is_available():
        found.append(Finding("mps", "available"))
    return found


def runs_directory(runs: Path) -> Finding:
    """Whether runs can be kept."""
    try:
        check_runs_dir(runs)
    except UsageError as error:
        return Finding("runs", str(runs), str(error))
    folder = next(path for path in (runs, *runs.absolute().parents) if path.exists())
    locks = "" if lock.works(folder) else "this file system has no locks: two engines may train one run at once"
    return Finding("runs", f"{runs}, {shutil.disk_usage(folder).free / 1e9:.0f} GB free", locks)
