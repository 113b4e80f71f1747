"""The house rules that a machine can check: layers, sizes, and what is imported when."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "grok_tui").rglob("*.py"))


def test_imports_go_down() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_static_checks(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def lines(node: ast.AST) -> int:
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            assert lines(node) < 250, node.name
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert lines(node) < 60, node.name


IMPORTS = {
    "grok_tui.cli.app": {"torch", "textual", "plotext", "numpy.testing"},
    "grok_tui.tui.app": {"torch", "typer", "grok_tui.cli"},
    "grok_tui.engine.launch": {"torch", "textual", "typer", "rich"},
    "grok_tui.engine.trainer": {"textual", "typer", "rich"},
    "grok_tui.verdict": {"torch", "textual", "typer", "rich", "grok_tui.engine"},
    "grok_tui.store.reader": {"torch", "textual", "typer", "rich"},
    "grok_tui.config.presets": {"torch", "numpy", "textual", "typer", "rich"},
    "grok_tui.science.models": {"textual", "typer", "rich", "msgspec", "grok_tui.config"},
}


@pytest.mark.parametrize("module", IMPORTS)
def test_what_an_import_draws_in(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not IMPORTS[module] & set(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [["--help"], ["presets", "list"], ["presets", "check"], ["runs", "list"]])
def test_quick_commands_import_no_torch_and_no_screen(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from grok_tui.__main__ import main\n"
        f"sys.argv = ['grok-tui', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'textual', 'plotext'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)


def test_the_top_level_is_what_it_should_be() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= {
        "pyproject.toml", "README.md", "grok_tui", "presets", "tests", "screenshots",
    }  # fmt: skip
