"""The records, and the rules they are decided by, on runs written by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan, nan
from pathlib import Path

import pytest

from grok_tui.claims import figures
from grok_tui.claims.claim import SOURCES, Claim, Runs
from grok_tui.claims.delay_law import CONTRACTION, WD_LAW, predicted
from grok_tui.claims.feature_learning import STILL, XOR
from grok_tui.claims.lazy_to_rich import ALPHA, DECOMPOSITION, GOLDILOCKS
from grok_tui.claims.registry import CLAIMS, of_preset
from grok_tui.claims.twins import TWIN
from grok_tui.config import presets
from grok_tui.store.reader import RunReader
from grok_tui.store.run_writer import RunWriter
from grok_tui.store.rundir import create

Column = Callable[[float], float]
Make = Callable[..., RunReader]


@pytest.fixture
def run(tmp_path: Path) -> Make:
    """Write a run by hand: a formula a column, and what run.json says of its phases."""

    def made(
        *sets: str, preset: str = "kumar-alpha", steps: range = range(0, 4001, 20), t_mem: int | None = None,
        t_grok: int | None = None, **columns: Column,
    ) -> RunReader:  # fmt: skip
        folder = create(tmp_path, presets.load_preset(preset, list(sets)), preset=preset)
        named = {name.replace("__", "/"): of for name, of in columns.items()}
        writer = RunWriter(folder, ["step", *named])
        for step in steps:
            writer.row(step, {name: float(of(step)) for name, of in named.items()})
        writer.close()
        folder.update_info(status="finished", result={"t_mem": t_mem, "t_grok": t_grok})
        return RunReader(folder)

    return made


def falls(at: float) -> Column:
    """1 before a step, 0 from it on."""
    return lambda step: float(step < at)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_record_is_whole_and_its_runs_can_be_made(claim: Claim) -> None:
    assert claim.source in SOURCES
    assert all((claim.figure, claim.title, claim.says, claim.published, claim.rule))
    assert claim.seeds >= max(1, claim.quick_seeds)
    labels = [cell.label for cell in claim.cells]
    assert len(set(labels)) == len(labels)
    assert set(claim.quick) <= set(labels)
    for cell in claim.cells:
        presets.load_preset(cell.preset, list(cell.set))


def test_ids_are_unique_and_every_source_has_claims() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.source for claim in CLAIMS} == set(SOURCES)
    assert sum(claim.quick_seeds > 0 for claim in CLAIMS) >= 16


def test_a_preset_knows_its_claims() -> None:
    assert [claim.id for claim in of_preset("rfm")] == ["rfm", "rfm-features"]
    assert of_preset("nanda") == []


def test_when_below_asks_for_good(run: Make) -> None:
    dips = run(test__loss=lambda s: 0.1 if s == 100 or s >= 300 else 1.0)
    assert figures.when_below(dips, "test/loss", 0.5) == 300
    assert figures.when_below(dips, "test/loss", 2.0) == 0
    assert figures.when_below(dips, "test/loss", 0.05) == inf


def test_lag(run: Make) -> None:
    assert figures.lag(run(train__loss=falls(100), test__loss=falls(900))) == 800
    assert figures.lag(run(train__loss=falls(100), test__loss=lambda s: 1.0)) == inf
    assert figures.lag(run(train__loss=lambda s: 1.0, test__loss=falls(5))) == inf


def test_delay_is_infinite_where_a_phase_is_missing(run: Make) -> None:
    assert figures.delay(run(t_mem=40, t_grok=100, x=falls(1))) == 60
    assert figures.delay(run(t_mem=40, x=falls(1))) == inf
    assert figures.delay(run(x=falls(1))) == inf


def test_ordered_knows_never() -> None:
    assert figures.ordered([1, 2, inf, inf])
    assert not figures.ordered([1, 1])
    assert not figures.ordered([inf, 2])
    assert figures.ordered([3, 2, 1], falling=True)


def test_numbers_as_the_table_writes_them() -> None:
    assert [figures.number(x) for x in (12345.6, 0.01234, inf, 3)] == ["12,346", "0.0123", "never", "3"]


def alpha_runs(run: Make, lags: dict[str, int]) -> Runs:
    return Runs({name: [run(train__loss=falls(100), test__loss=falls(100 + lag))] for name, lag in lags.items()})


def test_alpha_agrees_only_where_the_lag_grows_and_vanishes(run: Make) -> None:
    assert ALPHA.judge(alpha_runs(run, {"alpha 0.03": 20, "alpha 1": 400, "alpha 4": 2000})).holds
    assert not ALPHA.judge(alpha_runs(run, {"alpha 0.03": 20, "alpha 1": 2000, "alpha 4": 400})).holds
    assert not ALPHA.judge(alpha_runs(run, {"alpha 0.03": 1000, "alpha 1": 1500, "alpha 4": 2000})).holds


def test_goldilocks_wants_late_and_not_never(run: Make) -> None:
    def runs(middle: int) -> Runs:
        lags = {"P 50": 10_000, "P 120": middle, "P 500": 40}
        return alpha_runs(run, lags)

    assert GOLDILOCKS.judge(runs(400)).holds
    assert not GOLDILOCKS.judge(runs(60)).holds
    assert not GOLDILOCKS.judge(runs(10_000)).holds


def test_decomposition_wants_the_alignment_term_last(run: Make) -> None:
    def one(last: str) -> RunReader:
        times = {"error__linear": 300, "error__variance": 400, "error__alignment": 500, last: 2000}
        return run(
            t_mem=1000, test__loss=lambda s: max(falls(2000)(s), 1e-4), **{k: falls(t) for k, t in times.items()}
        )

    assert DECOMPOSITION.judge(Runs({"eps 0.25": [one("error__alignment") for _ in range(3)]})).holds
    assert DECOMPOSITION.judge(Runs({"eps 0.25": [one("error__linear") for _ in range(3)]})).holds is False
    stuck = run(test__loss=lambda s: 1.0, error__linear=falls(1), error__variance=falls(1), error__alignment=falls(1))
    assert DECOMPOSITION.judge(Runs({"eps 0.25": [stuck, stuck]})).holds is None


def test_twin_wants_both_kernel_methods_above(run: Make) -> None:
    def one(twin: float) -> Runs:
        rising = {"kernel__column_alignment": lambda s: 0.01 if s < 1500 else 0.05}
        loss = {"test__loss": lambda s: 1.0 if s < 1500 else 0.01, "twin__test_loss": lambda s: twin}
        return Runs({"eps 0.25": [run(k0__test_loss=lambda s: 0.5, **loss, **rising)]})

    assert TWIN.judge(one(0.6)).holds
    assert not TWIN.judge(one(0.02)).holds


def test_wd_law_is_a_line_in_one_over_wd(run: Make) -> None:
    def runs(groks: dict[float, int]) -> Runs:
        cells = {}
        for wd, step in groks.items():
            cells[f"wd {wd:g}"] = [
                run(f"optim.weight_decay={wd}", preset="delay-addition", t_mem=700, t_grok=step, x=falls(1))
            ]
        return Runs(cells)

    assert WD_LAW.judge(runs({1.0: 2100, 0.5: 3150, 0.3: 4900, 0.1: 12700})).holds
    assert not WD_LAW.judge(runs({1.0: 2100, 0.5: 2000, 0.3: 4900, 0.1: 12700})).holds
    assert not WD_LAW.judge(runs({1.0: 200, 0.5: 300, 0.3: 400, 0.1: 900})).holds


def test_contraction_finds_the_rate_after_t_mem(run: Make) -> None:
    def runs(gamma: float) -> Runs:
        squared: Column = lambda s: 4000.0 if s < 800 else 300 + 3700 * 2.718281828 ** (-gamma * (s - 800))  # noqa: E731
        return Runs({"wd 1": [run(preset="delay-addition", t_mem=800, norm__V=squared)]})

    agrees = CONTRACTION.judge(runs(0.0014))
    assert agrees.holds
    assert agrees.numbers["gamma"][0] == pytest.approx(0.0014, rel=1e-3)
    assert not CONTRACTION.judge(runs(0.0005)).holds


def test_the_law_predicts_by_the_norms_at_both_phases(run: Make) -> None:
    squared: Column = lambda s: 1000.0 if s < 1800 else 500.0  # noqa: E731
    one = run(preset="delay-addition", t_mem=800, t_grok=1800, norm__V=squared)
    assert predicted(one) == pytest.approx(0.693147 / (2 * 1e-3), rel=1e-4)
    assert isnan(predicted(run(preset="delay-addition", t_mem=800, norm__V=squared)))


def test_a_still_kernel_must_not_move_at_all(run: Make) -> None:
    def runs(drift: float) -> Runs:
        return Runs({"GD": [run(preset="linear", t_mem=200, t_grok=2000, kernel__drift=lambda s: drift if s else 0.0)]})

    assert STILL.judge(runs(0.0)).holds
    assert not STILL.judge(runs(1e-12)).holds


def test_xor_wants_the_first_step_to_dwarf_the_start(run: Make) -> None:
    def runs(norm: float) -> Runs:
        values = {"norm__weight": lambda s: norm if s else 1.0, "train__acc": lambda s: 1.0, "test__acc": lambda s: 0.5}
        return Runs({"XOR": [run(preset="xor-cluster", steps=range(5), t_mem=1, t_grok=8, **values)]})

    assert XOR.judge(runs(1000.0)).holds
    assert not XOR.judge(runs(2.0)).holds


def test_at_is_nan_before_the_first_row(run: Make) -> None:
    assert isnan(figures.at(run(steps=range(10, 20), x=lambda s: nan if s == 12 else s), "x", 5))
