"""A run of many seeds on the screen: the median as a run, the band around it, and how many have grokked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grok_tui.store.reader import RunReader
from grok_tui.tui.app import GrokApp
from grok_tui.tui.chart import Chart
from grok_tui.tui.charts import MODES, modes_of
from grok_tui.tui.charts.loss import panels as loss
from grok_tui.tui.run_view import measuring_of, seeds_of
from recorded import GROKKED, record, record_seeds
from screens import SIZES, shows, until

asyncio_test = pytest.mark.asyncio


def test_a_line_of_many_seeds_has_a_band_and_that_of_one_has_none(runs: Path) -> None:
    many, one = RunReader(record_seeds(runs)), RunReader(record(runs))
    (panel,) = loss(many)
    assert [line.label for line in panel.lines] == ["train", "test"]
    for line in panel.lines:
        assert line.band is not None
        low, high = line.band
        assert (low <= line.values).all()
        assert (line.values <= high).all()
    assert panel.lines[1].band is not None
    assert (panel.lines[1].band[0] < panel.lines[1].band[1]).any()
    assert all(line.band is None for panel in loss(one) for line in panel.lines)
    assert all("@" not in mode.name for mode in modes_of(many))


@asyncio_test
@pytest.mark.parametrize("size", SIZES)
async def test_the_band_is_drawn_and_the_header_counts_the_seeds(runs: Path, size: tuple[int, int]) -> None:
    run = record_seeds(runs)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "16 seeds, 12 of 16 grokked"))
        chart = app.screen.query_one(Chart)
        await until(pilot, lambda: any("⠁" <= c <= "⣿" for row in chart.rows() for c in row))
        with_band = sum("⠁" <= c <= "⣿" for row in chart.rows() for c in row)
        reader = RunReader(run)
        reader.columns = [name.replace("@", "~") for name in reader.columns]  # the same without its bands
        chart.draw([reader])
        assert with_band > 1.1 * sum("⠁" <= c <= "⣿" for row in chart.rows() for c in row)
        for mode in MODES:
            chart.mode = mode
            chart.draw([RunReader(run)])


@asyncio_test
async def test_the_list_of_runs_counts_seeds(runs: Path) -> None:
    record_seeds(runs)
    app = GrokApp(runs)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: shows(app, "16 seeds"))


def test_what_was_skipped_is_told() -> None:
    progress = {"measuring": 0.031, "skipped": {"rows": 12, "kernels": 4}}
    assert measuring_of({"progress": progress}) == "measuring 3 %, skipped 12 rows and 4 kernels"
    assert measuring_of({"progress": {"measuring": 0.0}}) == "measuring 0 %"
    assert seeds_of({"seed": 3}) == "seed 3"
    assert seeds_of({"seeds": [0, 1], "result": {}}) == "2 seeds"
    assert seeds_of({"seeds": [0, 1], "result": {"grokked": 1}}) == "2 seeds, 1 of 2 grokked"


@asyncio_test
async def test_what_was_skipped_is_on_the_wide_screen(runs: Path) -> None:
    run = record(runs, events=GROKKED)
    run.update_info(progress={"step": 3400, "measuring": 0.02, "skipped": {"rows": 7, "kernels": 0}})
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: shows(app, "measuring 2 %, skipped 7 rows"))


def test_bands_stay_on_a_log_axis_where_they_touch_zero(runs: Path) -> None:
    run = record_seeds(runs)
    reader = RunReader(run)
    at = reader.columns.index("train/loss@low")
    reader._rows[: len(reader), at] = 0.0
    (line,) = [line for line in loss(reader)[0].lines if line.label == "train"]
    assert line.band is not None
    assert np.isfinite(line.values).all()
