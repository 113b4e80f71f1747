"""`grok-tui runs`: what was trained so far."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..config.fields import steerable
from ..errors import UsageError
from ..store import runs as store_runs
from ..store.reader import RunReader
from ..store.rundir import ENDED, RunDir
from ..verdict import verdict
from . import options, output

app = typer.Typer(help="List, show and remove runs.", no_args_is_help=True)

Which = Annotated[list[str], typer.Argument(help="Runs: ids, unique prefixes, paths, or latest.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def summary(run: RunDir, info: dict[str, Any]) -> dict[str, Any]:
    """What one line says of a run."""
    result = {"t_mem": None, "t_grok": None, "delay": None} | (info.get("result") or {})
    return {
        "run": run.id,
        "path": str(run.path),
        "status": info["status"],
        "step": (info.get("progress") or {}).get("step", 0),
        **result,
    }


@app.command("list")
def list_(runs: options.Runs = options.RUNS, json: options.Json = False) -> None:
    """One line a run, oldest first; directories that are no runs are named on stderr and skipped."""
    found, skipped = store_runs.listed(runs)
    lines = [summary(run, info) for run, info in found]
    if json:
        for line in lines:
            output.json_line(line)
    elif lines:
        header = ("run", "status", "step", "t_mem", "t_grok", "delay")
        output.table(header, ([_shown(line[key]) for key in header] for line in lines))
    else:
        output.note(f"no runs in {runs}")
    for reason in skipped:
        output.note(f"skipped {reason}")


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


@app.command()
def show(run: options.Run = "latest", runs: options.Runs = options.RUNS, json: options.Json = False) -> None:
    """Everything about one run: its state, its last row, and what happened."""
    reader = RunReader(store_runs.find(run, runs))
    last = {name: reader.last(name) for name in reader.columns[1:]}
    if json:
        output.json_line({**reader.info, "verdict": asdict(verdict(reader)), "last": last, "events": reader.events})
        return
    info = reader.info
    for key in ("id", "status", "started", "ended", "parameters", "error"):
        if info.get(key) is not None:
            output.data(f"{key:12} {info[key]}")
    for key, value in summary(reader.run, info).items():
        if key in ("step", "t_mem", "t_grok", "delay"):
            output.data(f"{key:12} {_shown(value)}")
    found = verdict(reader)
    for key, value in (("verdict", found.says), *(("", text) for text in found.more), ("theory", found.theory)):
        if value:
            output.data(f"{key:12} {value}")
    output.data(f"{'measuring':12} {info['progress']['measuring']:.1%} of the computing{skipped(info)}")
    if "seeds" in info:
        output.data(f"{'seeds':12} {len(info['seeds'])}, of which {info['result'].get('grokked', 0)} have grokked")
    for key, value in {key: value for key, value in last.items() if value is not None and "@" not in key}.items():
        output.data(f"{key:18} {value:.6g}")
    for key, value in steerable(reader.config).items():
        changed = [event["new"] for event in reader.of_type("steered") if event["key"] == key]
        output.data(f"{key:18} {value:g}" + "".join(f" -> {new:g}" for new in changed))
    for event in reader.of_type("phase", "marked", "failed"):
        output.data(f"step {event['step']:>9,}  {event.get('phase') or event.get('label') or event['type']}")


def skipped(info: dict[str, Any]) -> str:
    """What the measuring budget has forbidden."""
    counts = info["progress"].get("skipped") or info.get("skipped") or {}
    told = [f"{count} {name}" for name, count in counts.items() if count]
    return f"; skipped {' and '.join(told)}" if told else ""


@app.command()
def rm(which: Which, runs: options.Runs = options.RUNS, yes: Yes = False) -> None:
    """Remove runs for good; one that still trains is refused."""
    found = [store_runs.find(text, runs) for text in which]
    for run in found:
        if run.info()["status"] not in ENDED:
            raise UsageError(f"{run.id} is still training; stop it first")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("runs rm asks before it removes; without a terminal give --yes")
        names = "\n  ".join(run.id for run in found)
        typer.confirm(f"Remove for good?\n  {names}\n", abort=True, err=True)
    for run in found:
        store_runs.remove(run)
        output.note(f"removed {run.id}")
