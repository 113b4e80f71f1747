"""Make the pictures in screenshots/ again, from real runs: `python tests/real/screenshots.py`, about two minutes.

Every picture is the app itself, watching an engine that trains. PNG needs chromium; without it SVG is written.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from grok_tui.store.reader import RunReader
from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
WIDE, MIDDLE, SMALL = (160, 48), (120, 36), (80, 24)
FULL_SPEED = ["train.pace=0"]


async def until(condition: Callable[[], Any], seconds: float = 300) -> None:
    """Wait for training to get there."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the run did not get there"
        await asyncio.sleep(0.1)


async def save(app: GrokApp, pilot: Pilot[Any], name: str) -> None:
    """Write what the screen shows as SVG, and as PNG where chromium is there."""
    await pilot.pause(1.2)
    svg = SCREENSHOTS / f"{name}.svg"
    svg.write_text(app.export_screenshot(title=f"grok-tui {name}"), encoding="utf-8")
    if chromium := shutil.which("chromium"):
        png(chromium, svg, svg.with_suffix(".png"))
        svg.unlink()
    print(f"screenshots/{name}", flush=True)


def png(chromium: str, svg: Path, target: Path, width: int = 1600) -> None:
    """Draw an SVG with the machine's own monospaced font, in which braille has its right width."""
    text = svg.read_text(encoding="utf-8")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert box
    height = round(width * float(box[2]) / float(box[1]))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        text = re.sub(r"@font-face \{[^}]*\}", "", text).replace("Fira Code", "DejaVu Sans Mono")
        Path(folder, "picture.svg").write_text(text, encoding="utf-8")
        page.write_text(f'<body style="margin:0"><img src="picture.svg" style="width:{width}px;display:block">')
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        place = [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}", f"--screenshot={target}"]
        subprocess.run([chromium, *flags, *place, page.as_uri()], check=True, capture_output=True)


def step(reader: RunReader) -> int:
    """The last step that was measured."""
    reader.refresh()
    return int(reader.steps[-1]) if len(reader) else 0


def status(reader: RunReader) -> str:
    """The run's status now."""
    reader.refresh()
    return str(reader.info["status"])


def has(reader: RunReader, phase: str) -> bool:
    """Whether a phase has begun."""
    reader.refresh()
    return any(event["phase"] == phase for event in reader.of_type("phase"))


async def reader_of(app: GrokApp) -> RunReader:
    """The run that the app has just started, once it trains."""
    await until(lambda: app.current is not None and app.current.info()["status"] != "starting")
    assert app.current is not None
    return RunReader(app.current)


async def steered(runs: Path) -> None:
    """Weight decay taken away after memorising, and given back."""
    app = GrokApp(runs, preset="modadd-fast", sets=FULL_SPEED)
    async with app.run_test(size=WIDE) as pilot:
        reader = await reader_of(app)
        await until(lambda: step(reader) > 250)
        await pilot.press(*"w" * 13)
        await until(lambda: step(reader) > 1500)
        await save(app, pilot, "wd-off-160x48")
        await pilot.press("=", *"wd 1", "enter", "enter")  # so large a change is asked for twice
        await until(lambda: has(reader, "grokked") and step(reader) > reader.of_type("phase")[-1]["step"] + 400)
        await save(app, pilot, "live-160x48")
        await watched(runs, reader.run, "live-80x24", SMALL)
        await watched(runs, reader.run, "accuracy-120x36", MIDDLE, "v")
        await pilot.press("?")
        await save(app, pilot, "help-160x48")
        await pilot.press("escape", "q", "s")
        await until(lambda: app.return_value is not None)


async def watched(runs: Path, run: RunDir, name: str, size: tuple[int, int], *keys: str) -> None:
    """Another app on the same run."""
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await save(app, pilot, name)


async def finished(runs: Path, preset: str, name: str, size: tuple[int, int], *keys: str) -> None:
    """A preset to its end, then one picture."""
    app = GrokApp(runs, preset=preset, sets=FULL_SPEED)
    async with app.run_test(size=size) as pilot:
        reader = await reader_of(app)
        await until(lambda: status(reader) == "finished")
        await pilot.press(*keys)
        await save(app, pilot, name)


async def failed(runs: Path) -> None:
    """A learning rate that is too large: what diverged, the last rows, and how to go on."""
    app = GrokApp(runs, preset="kumar-poly", sets=[*FULL_SPEED, "optim.lr=400"])
    async with app.run_test(size=SMALL) as pilot:
        reader = await reader_of(app)
        await until(lambda: status(reader) == "failed")
        await save(app, pilot, "failed-80x24")


async def question(runs: Path) -> None:
    """Starting a run while another one trains asks first; the gallery lists what trains now on top."""
    app = GrokApp(runs, preset="modadd-mlp")
    async with app.run_test(size=SMALL) as pilot:
        await reader_of(app)
        await pilot.press("r")
        await save(app, pilot, "question-80x24")
        await pilot.press("escape", "n")
        await save(app, pilot, "gallery-80x24")
        await watched_gallery(runs)
        await pilot.press("escape", "q", "s")
        await until(lambda: app.return_value is not None)


async def watched_gallery(runs: Path) -> None:
    """The gallery on a larger screen."""
    app = GrokApp(runs)
    async with app.run_test(size=MIDDLE) as pilot:
        await save(app, pilot, "gallery-120x36")


async def main() -> None:
    """Train, and take every picture."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        runs = Path("runs")
        await steered(runs)
        await finished(runs, "kumar-poly", "kumar-poly-120x36", MIDDLE, "v")
        await finished(runs, "kumar-poly", "error-terms-120x36", MIDDLE, "v", "v")
        await finished(runs, "rfm", "rfm-120x36", MIDDLE, "v")
        await finished(runs, "linear", "linear-80x24", SMALL)
        await failed(runs)
        await question(runs)


if __name__ == "__main__":
    asyncio.run(main())
