"""What the app may not drag in, seen from a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_app_knows_no_torch_and_no_command_line() -> None:
    loaded = modules_after(
        "import grok_tui.tui.app, grok_tui.engine.launch, grok_tui.tui.command_palette, grok_tui.tui.help"
    )
    assert "grok_tui.tui.live" in loaded
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"torch", "typer", "safetensors", "scipy", "pandas", "matplotlib"}
    assert not any(name.startswith("grok_tui.cli") for name in loaded)
