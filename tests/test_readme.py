"""The README against the program: its commands, keys, presets and exit codes are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grok_tui.config import presets
from grok_tui.tui.keys import KEYS, shown
from small import GrokTui

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_in_the_table_with_its_theory(name: str) -> None:
    (line,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert f"| {presets.load_preset(name).theory} |" in line


@pytest.mark.parametrize("key", [key for key in KEYS if key.where != "gallery"], ids=lambda key: key.id)
def test_every_key_is_in_the_table(key) -> None:  # type: ignore[no-untyped-def]
    table = README[README.index("## Keys") : README.index("Every change is applied")]
    written = shown(key, {})
    assert "`1`–`5`" in table if written in "234" else f"`{written}`" in table


def test_the_commands_are_all_there(grok_tui: GrokTui) -> None:
    listed = grok_tui("--help").stdout.partition("Commands:")[2]
    commands = re.findall(r"^  (\w+)", listed, flags=re.MULTILINE)
    assert len(commands) >= 7
    for command in commands:
        assert f"grok-tui {command}" in README


def test_pictures_exist() -> None:
    for name in re.findall(r"\((screenshots/[^)]+)\)", README):
        assert (Path(__file__).parent.parent / name).exists()
