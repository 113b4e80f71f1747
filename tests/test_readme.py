"""The README against the program: what it names exists, and what must be in it is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from grok_tui import errors
from grok_tui.cli.app import build
from grok_tui.config import presets
from grok_tui.config.fields import fields
from grok_tui.store.rundir import RunDir
from grok_tui.tui.keys import KEYS, shown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def table(text: str) -> dict[str, str]:
    """The first cell of each row of its tables, without quotes -> the other cells."""
    return {row[1]: row[2] for row in re.finditer(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)}


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something of its own, by the words that one types."""
    subcommands = getattr(command, "commands", {})
    if not subcommands or command.invoke_without_command:
        yield name, command
    for sub in subcommands.values():
        yield from commands(sub, f"{name} {sub.name}")


COMMANDS = dict(commands(typer.main.get_command(build(lambda *_, **__: 0)), "grok-tui"))


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 300


def test_the_command_of_the_tests_is_where_ci_looks_for_it() -> None:
    after = README.partition("<!-- test command -->")[2].partition("```\n")[0]
    (line,) = [line for line in after.splitlines() if line.startswith("python3")]
    assert line.startswith("python3 -m venv .venv && ")
    assert line.endswith("-m pytest")


def test_links_lead_to_files() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_tables_that_commands_printed_say_when_and_where() -> None:
    for file in (ROOT / "screenshots").glob("*.txt"):
        head = file.read_text(encoding="utf-8").splitlines()[:4]
        assert head[0].startswith("$ grok-tui "), file
        assert re.search(r"Machine: .*Date: \d{4}-\d\d-\d\d", head[1]), file
        assert re.search(r"version \d", head[2]), file
        assert f"(screenshots/{file.name})" in README


def test_every_command_is_in_the_table_and_no_other() -> None:
    assert set(table(section("Command line"))) == set(COMMANDS)


@pytest.mark.parametrize("name", table(section("Command line")))
def test_a_command_has_the_options_that_the_table_names(name: str) -> None:
    known = {option for param in COMMANDS[name].params for option in param.opts}
    named = {word for word in re.findall(r"`(--[\w-]+)", table(section("Command line"))[name])}
    assert named <= known


def test_every_option_of_run_is_in_the_table() -> None:
    known = {option for param in COMMANDS["grok-tui run"].params for option in param.opts}
    assert known - {"--help"} <= set(re.findall(r"--[\w-]+", table(section("Command line"))["grok-tui run"]))


def test_commands_in_the_text_exist() -> None:
    code = "\n".join(re.findall(r"^```\w*\n.*?^```|`[^`]+`", README, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"\bgrok-tui\b(?: [a-z]+)*", code))
    assert len(named) > 10
    assert named <= set(COMMANDS)


def test_options_in_the_text_exist() -> None:
    known = {option for command in COMMANDS.values() for param in command.params for option in param.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", README)) <= known


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_in_the_table_of_its_theory(name: str) -> None:
    (rows,) = [rows for rows in section("Presets").split("\n\n") if f"\n| `{name}` |" in rows]
    assert rows.startswith(f"| {presets.load_preset(name, env={}).theory} |")


def test_no_other_preset_is_named() -> None:
    assert set(table(section("Presets"))) == set(presets.names())
    assert set(re.findall(r"--preset ([\w-]+)", README)) <= set(presets.names())


@pytest.mark.parametrize("preset", presets.names())
def test_papers_of_a_preset_are_its_own(preset: str) -> None:
    named = re.findall(r"\d{4}\.\d{5}", table(section("Presets"))[preset])
    assert named
    assert set(named) <= set(re.findall(r"\d{4}\.\d{5}", presets.load_preset(preset, env={}).source))


def test_the_keys_are_those_of_the_program() -> None:
    named = set(re.findall(r"`([^` ]+)`", section("Keys").partition("Each change")[0]))
    others = {shown(key._replace(keys=name), {}) for key in KEYS for name in key.keys.split(",")}
    assert {shown(key, {}) for key in KEYS} <= named
    assert named <= others


def test_the_keymap_of_the_example_names_a_key() -> None:
    (id,) = re.findall(r'`([\w-]+) = "\w"`', section("Keys"))
    assert id in {key.id for key in KEYS}


def test_files_of_a_run_are_named() -> None:
    listed = re.findall(r"^  ([\w./]+)  ", section("A run is a directory"), re.MULTILINE)
    paths = [value.name for name, value in vars(RunDir(Path("runs/x"))).items() if name != "path"]
    assert sorted(name.rstrip("/") for name in listed) == sorted(paths)


def test_exit_codes() -> None:
    codes = dict(re.findall(r"`(\d)`\s+([^;:]+)[;:]", section("Command line").partition("Exit codes")[2]))
    assert set(map(int, codes)) == {
        errors.FINISHED, errors.FAILED, errors.USAGE, errors.TARGET_NOT_REACHED, errors.HELD,
    }  # fmt: skip


def test_fields_exist() -> None:
    named = set(re.findall(r"\b((?:task|model|loss|optim|train|phase|measure)\.[a-z]\w*)\b(?!\.)", README))
    assert named
    assert named <= set(fields())


def test_modules_and_packages_exist() -> None:
    for path in re.findall(r"`?\b((?:\w+/)+\w*(?:\.py)?)`", README):
        if path.split("/")[0] in {"tests", "presets", "screenshots"}:
            assert (ROOT / path).exists(), path
        elif (ROOT / "grok_tui" / path.split("/")[0]).is_dir() or path.endswith(".py"):
            assert (ROOT / "grok_tui" / path).exists(), path


def test_every_package_is_in_the_layout() -> None:
    named = set(re.findall(r"[a-z]\w*", "\n".join(line[:18] for line in section("Layout of the code").splitlines())))
    packages = {path.parent.name for path in (ROOT / "grok_tui").glob("*/__init__.py")}
    assert packages <= named
