"""The description of the machine, with and without what Linux tells."""

import os
import platform
from pathlib import Path

import pytest

from grok_tui import machine

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) CPU @ 2.20GHz
"""


def test_a_linux_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: CPUINFO)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 6 << 20, "SC_PAGE_SIZE": 4096}.__getitem__)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert machine.is_intel()
    assert machine.sentence() == "Intel(R) Xeon(R) CPU @ 2.20GHz, 2 cores, 24 GiB"
    assert machine.describe()["memory_gib"] == 24


def test_a_machine_that_tells_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: object, **options: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(os, "sysconf", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert not machine.is_intel()
    assert machine.sentence() == "arm64, 8 cores"


def test_versions_name_torch_without_importing_it() -> None:
    assert machine.versions().keys() == {"grok_tui", "torch", "python"}
