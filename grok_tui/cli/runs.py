"""`grok-tui runs`: what was trained so far."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from math import nan
from typing import Annotated, Any

import typer

from ..config.fields import steerable
from ..errors import GrokError, UsageError, plain
from ..numbers import between, duration
from ..store import runs as store_runs
from ..store.events import describe
from ..store.info import age
from ..store.reader import RunReader
from ..store.rundir import RunDir
from ..verdict.sentence import verdict
from . import options, output

app = typer.Typer(help="List, show and remove runs.", no_args_is_help=True)

Which = Annotated[list[str], typer.Argument(help="Runs: ids, unique prefixes, paths, or latest.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", help="Also a run that an engine on another host may still train.")]
Newest = Annotated[int | None, typer.Option("--newest", min=1, help="Only so many runs, by the dates in their names.")]

TIMES = ("t_mem", "t_grok", "delay")
LAST_ROWS = 5


def summary(run: RunDir, info: dict[str, Any]) -> dict[str, Any]:
    """What one line says of a run."""
    return {
        "run": run.id,
        "path": str(run.path),
        "preset": info["preset"],
        "status": info["status"],
        "step": info["progress"]["step"],
        **dict.fromkeys(TIMES),
        **info["result"],
        "seeds": len(info.get("seeds", [0])),
        "started": info["started"],
        "bytes": run.size(),
        "changed": changed(info["command"]),
    }


def changed(command: list[str]) -> str:
    """What the command line of a run changed in its preset."""
    sets = [value for option, value in pairwise(command) if option == "--set"]
    return " ".join(text.partition(".")[2] if "." in text.partition("=")[0] else text for text in sets)


@app.command("list")
def list_(runs: options.Runs = options.RUNS, newest: Newest = None, json: options.Json = False) -> None:
    """One line per run, oldest first; directories that are no runs are named on stderr and skipped."""
    found, skipped = store_runs.listed(runs, newest)
    if json:
        for run, info in found:
            output.json_line(summary(run, info))
    elif found:
        header = ("run", "status", "step", *TIMES, "seeds", "size", "age", "changed")
        output.table(header, ([_shown(cells[key]) for key in header] for cells in map(_cells, found)))
    else:
        output.note(f"no runs in {runs}")
    for reason in skipped:
        output.note(f"skipped {reason}")


def _cells(item: tuple[RunDir, dict[str, Any]]) -> dict[str, Any]:
    run, info = item
    about = summary(run, info)
    seconds = age(info)
    short = about["changed"] if len(about["changed"]) <= 32 else about["changed"][:31] + "…"
    return about | {
        "size": f"{about['bytes'] / 1e6:.1f} MB",
        "age": "-" if seconds is None else duration(seconds) if seconds < 172_800 else f"{seconds / 86_400:.0f} d",
        "changed": short,
    }


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


@app.command()
def show(run: options.Run = "latest", runs: options.Runs = options.RUNS, json: options.Json = False) -> None:
    """Everything about one run: its state, its verdict, its last row, and what happened."""
    reader = RunReader(store_runs.find(run, runs))
    info, found = reader.info, verdict(reader)
    last = {name: reader.last(name) for name in reader.columns[1:]}
    if json:
        output.json_line({**info, "verdict": asdict(found), "last": last, "events": reader.events})
        return
    for key in ("id", "status", "started", "ended", "parameters", "error"):
        if info.get(key) not in (None, ""):
            _line(key, info[key])
    _line("size", f"{reader.run.size() / 1e6:.1f} MB")
    _line("step", info["progress"]["step"])
    for key in TIMES:
        _line(key, between(info["result"].get(key), interval_of(info, key)))
    for key, text in (("verdict", found.says), *(("", more) for more in found.more), ("theory", found.theory)):
        if text:
            _line(key, text)
    _line("measuring", f"{info['progress']['measuring']:.1%} of the computing{skipped(info)}")
    if "seeds" in info:
        _line("seeds", f"{len(info['seeds'])}, of which {info['result'].get('grokked', 0)} have grokked")
    for name, value in last.items():
        if value is not None and "@" not in name:
            output.data(f"{plain(name):18} {value:.6g}")
    for key, value in steerable(reader.config).items():
        values = [event["new"] for event in reader.of_type("steered") if event["key"] == key]
        output.data(f"{key:18} {value:g}" + "".join(f" -> {new:g}" for new in values))
    for event in reader.of_type("phase", "marked", "failed", "warning", "branched", "extended"):
        output.data(f"step {event['step']:>9,}  {plain(describe(event))}")
    if info["status"] == "failed" and len(reader):
        show_last_rows(reader)


def interval_of(info: dict[str, Any], key: str) -> Sequence[int | None] | None:
    """The interval of a time, from the row before it; that of the delay is open at both ends."""
    interval: Sequence[int | None] | None = info["result"].get("interval", {}).get(key)
    if interval is None or key != "delay" or None in interval:
        return interval
    low, high = (end or 0 for end in interval)
    return low + 1, high - 1


def _line(key: str, value: object) -> None:
    output.data(f"{key:12} {plain(value)}")


def show_last_rows(reader: RunReader) -> None:
    """The last rows before a run failed, and how to go on."""
    names = ["step", *(name for name in ("train/loss", "test/loss", "norm/weight") if name in reader.columns)]
    columns = [dict(zip(*(part.tolist() for part in reader.series(name)), strict=True)) for name in names[1:]]
    rows = ((step, *(column.get(step, nan) for column in columns)) for step in reader.steps[-LAST_ROWS:].tolist())
    output.data("last rows")
    output.table(names, ([f"{step:.0f}", *(f"{value:.4g}" for value in values)] for step, *values in rows))
    output.data(f"go on with other knobs: grok-tui resume {reader.run.id} --set lr=/10")


def skipped(info: dict[str, Any]) -> str:
    """What the measuring budget has left out."""
    texts = [f"{count} {name}" for name, count in info["progress"].get("skipped", {}).items() if count]
    return f"; skipped {' and '.join(texts)}" if texts else ""


@app.command()
def rm(which: Which, runs: options.Runs = options.RUNS, yes: Yes = False, force: Force = False) -> None:
    """Remove runs for good; a run that still trains is refused. Of a link to a run only the link is removed."""
    found = {str(run.path): run for run in (store_runs.find(text, runs) for text in which)}
    for run in found.values():
        store_runs.check_removable(run, force=force)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("runs rm asks before it removes; without a terminal give --yes")
        names = "\n  ".join(plain(run.id) for run in found.values())
        if not typer.confirm(f"Remove for good?\n  {names}\n", err=True):
            raise GrokError("nothing was removed")
    for run in found.values():
        output.note(f"removed {store_runs.remove(run, force=force)}")
