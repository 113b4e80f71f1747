"""Fixtures of the faults, and the table that `python -m pytest -m faults` prints: tests passed per class of faults."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from driver import SESSION, TINY, Done, Session

from grok_tui.store.rundir import RunDir


@pytest.fixture(scope="session")
def session() -> Session:
    """Run many commands in one process and return their outcomes."""

    def run(commands: Sequence[Sequence[Any]], cwd: Path, env: dict[str, str] | None = None) -> list[Done]:
        done = subprocess.run(
            [sys.executable, str(SESSION)],
            input="".join(json.dumps([str(word) for word in command]) + "\n" for command in commands),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, f"after {done.stdout[-300:]}\n{done.stderr[-3000:]}"
        return [Done(**json.loads(line)) for line in done.stdout.splitlines()]

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run of 40 steps that has finished; tests copy it and never change it."""
    folder = tmp_path_factory.mktemp("finished")
    command = [sys.executable, "-m", "grok_tui", *TINY, "--steps", "40", "--quiet"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (path,) = (folder / "runs").iterdir()
    return RunDir(path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if marker := item.get_closest_marker("faults"):
            name = marker.args[0] if marker.args else item.path.stem.removeprefix("test_").replace("_", " ")
            item.user_properties.append(("class of faults", name))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, name in getattr(report, "user_properties", ()):
                if key == "class of faults" and (report.when == "call" or outcome != "passed"):
                    counts.setdefault(name, Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("faults per class")
    for name, count in sorted(counts.items()):
        more = "".join(f", {count[outcome]} {outcome}" for outcome in ("failed", "skipped") if count[outcome])
        terminalreporter.write_line(f"{name:44} {count['passed']:4} passed{more}")
    total = sum(count["passed"] for count in counts.values())
    terminalreporter.write_line(f"{len(counts)} classes, {total} tests passed")
