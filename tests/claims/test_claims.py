"""The records, and the rules they are decided by, on runs written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import pytest

from grok_tui.claims import across_2606_13753, delay_2603_13331, fast_and_slow_2025, figures, kumar_2310_06110
from grok_tui.claims.across_2606_13753 import CLAMP
from grok_tui.claims.claim import SOURCES, Claim
from grok_tui.claims.criteria import Runs
from grok_tui.claims.delay_2603_13331 import CONTRACTION, FREEZE, LOG_NORM, WD_LAW, delay_of_the_law
from grok_tui.claims.fast_and_slow_2025 import STILL, XOR
from grok_tui.claims.kumar_2310_06110 import ALPHA, DECOMPOSITION, GOLDILOCKS, TWIN_BEHIND
from grok_tui.claims.registry import CLAIMS, of_preset
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
        t_grok: int | None = None, interval: dict[str, Any] | None = None, **columns: Column,
    ) -> RunReader:  # fmt: skip
        folder = create(tmp_path, presets.load_preset(preset, list(sets)), preset=preset)
        named = {name.replace("__", "/"): of for name, of in columns.items()}
        writer = RunWriter(folder, ["step", *named], checkpoint=None)
        for step in steps:
            writer.row(step, {name: float(of(step)) for name, of in named.items()})
        writer.close()
        folder.update_info(status="finished", result={"t_mem": t_mem, "t_grok": t_grok, "interval": interval or {}})
        return RunReader(folder)

    return made


def falls(at: float) -> Column:
    """1 before a step, 0 from it on."""
    return lambda step: float(step < at)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_record_is_whole_and_its_runs_can_be_made(claim: Claim) -> None:
    assert claim.source in SOURCES
    assert all((claim.figure, claim.title, claim.says, claim.published, claim.rule_text))
    assert claim.seeds >= max(1, claim.quick_seeds)
    labels = [setup.label for setup in claim.setups]
    assert len(set(labels)) == len(labels)
    assert set(claim.quick) <= set(labels)
    for setup in claim.setups:
        assert setup.cell().config == presets.load_preset(setup.preset, list(setup.set), env={})


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


@pytest.mark.parametrize(
    ("t_grok", "after", "is_known"),
    [(1000, 979, False), (1000, 980, True), (10, 9, True), (10, 8, False), (0, None, True)],
)
def test_a_time_that_is_not_known_well_enough_decides_nothing(
    run: Make, t_grok: int, after: int | None, is_known: bool
) -> None:
    one = run(t_mem=0, t_grok=t_grok, interval={"t_grok": (after, t_grok)}, x=falls(1))
    if is_known:
        assert figures.t_grok(one) == t_grok
        return
    with pytest.raises(figures.Undecided, match=f"t_grok is only known to lie after {after}"):
        figures.delay(one)
    runs = Runs({label: [one] for label in ("rho 0.85", "rho 1.0", "rho 1.15")})
    assert CLAMP.judge(runs).holds is None


def alpha_runs(run: Make, lags: dict[str, int]) -> Runs:
    return Runs({name: [run(train__loss=falls(100), test__loss=falls(100 + lag))] for name, lag in lags.items()})


def test_alpha_agrees_only_where_the_lag_grows_and_vanishes(run: Make) -> None:
    assert ALPHA.judge(alpha_runs(run, {"alpha 0.03125": 20, "alpha 1": 400, "alpha 4": 2000})).holds
    assert not ALPHA.judge(alpha_runs(run, {"alpha 0.03125": 20, "alpha 1": 2000, "alpha 4": 400})).holds
    assert not ALPHA.judge(alpha_runs(run, {"alpha 0.03125": 1000, "alpha 1": 1500, "alpha 4": 2000})).holds


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

    assert TWIN_BEHIND.judge(one(0.6)).holds
    assert not TWIN_BEHIND.judge(one(0.02)).holds


def test_wd_law_is_a_line_in_one_over_wd(run: Make) -> None:
    def runs(groks: dict[float, int]) -> Runs:
        cells = {}
        for wd, step in groks.items():
            cells[f"wd {wd:g}"] = [
                run(f"optim.weight_decay={wd}", preset="delay-addition", t_mem=700, t_grok=step, x=falls(1))
            ]
        return Runs(cells)

    finding = WD_LAW.judge(runs({1.0: 2100, 0.5: 3150, 0.3: 4900, 0.1: 12700}))
    assert finding.holds
    assert "median t_grok: wd 1: 2,100, wd 0.5: 3,150" in finding.measured
    assert "t_grok: slope 1,18" in finding.measured
    assert not WD_LAW.judge(runs({1.0: 2100, 0.5: 2000, 0.3: 4900, 0.1: 12700})).holds
    assert not WD_LAW.judge(runs({1.0: 200, 0.5: 300, 0.3: 400, 0.1: 900})).holds


def test_contraction_finds_the_rate_after_t_mem(run: Make) -> None:
    def runs(gamma: float) -> Runs:
        squared: Column = lambda s: 4000.0 if s < 800 else 300 + 3700 * 2.718281828 ** (-gamma * (s - 800))  # noqa: E731
        return Runs({"wd 1": [run(preset="delay-addition", t_mem=800, norm__V=squared)]})

    agrees = CONTRACTION.judge(runs(0.0014))
    assert agrees.holds
    assert next(iter(agrees.numbers.values()))["wd 1"][0] == pytest.approx(0.0014, rel=1e-3)
    assert not CONTRACTION.judge(runs(0.0005)).holds


def test_the_law_predicts_by_the_norms_at_both_phases(run: Make) -> None:
    squared: Column = lambda s: 1000.0 if s < 1800 else 500.0  # noqa: E731
    one = run(preset="delay-addition", t_mem=800, t_grok=1800, norm__V=squared)
    assert delay_of_the_law(one) == pytest.approx(0.693147 / (2 * 1e-3), rel=1e-4)
    assert isnan(delay_of_the_law(run(preset="delay-addition", t_mem=800, norm__V=squared)))


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
    assert isnan(figures.at("x", 5)(run(steps=range(10, 20), x=lambda s: nan if s == 12 else s)))


def test_a_frozen_run_that_broke_off_early_shows_nothing(run: Make) -> None:
    def runs(last: int) -> Runs:
        accuracy = {"test__acc": lambda s: 0.1}
        untouched = run(preset="delay-addition", t_mem=700, t_grok=1800, **accuracy)
        return Runs(
            {"untouched": [untouched], "frozen": [run(preset="delay-freeze", steps=range(0, last + 1, 20), **accuracy)]}
        )

    assert FREEZE.judge(runs(6000)).holds
    assert FREEZE.judge(runs(600)).holds is False


def test_three_runs_do_not_decide_a_correlation(run: Make) -> None:
    squared: Column = lambda s: 2000.0 - s / 4  # noqa: E731
    made = [run(preset="delay-addition", t_mem=800, t_grok=t, norm__V=squared) for t in (1200, 1800, 2400, 3000)]
    finding = LOG_NORM.judge(Runs({"wd 1": made[:3]}))
    assert (finding.holds, finding.measured[-28:]) == (None, "are finite in 3 runs; 4 are needed"[-28:])
    assert LOG_NORM.judge(Runs({"wd 1": made})).holds


MODULES = (across_2606_13753, delay_2603_13331, fast_and_slow_2025, kumar_2310_06110)


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.rule.published], ids=lambda claim: claim.id)
def test_a_published_number_stands_once(claim: Claim) -> None:
    """In the rule; the text of what was published takes it from there."""
    source = "".join(Path(module.__file__ or "").read_text() for module in MODULES)
    (record,) = [text for text in re.findall(r"Claim\(\n.*?\n\)", source, re.S) if f'id="{claim.id}"' in text]
    for number in claim.rule.published:
        written = f"{number:g}"
        assert len(re.findall(rf"(?<![\d.,]){re.escape(written)}(?![\d,]|\.\d)", record.replace(",", ""))) <= 1
        assert f"{number:,g}" in claim.published
        assert f"{number:,g}" in claim.rule_text
    assert record.count("{}") == len(claim.rule.published)
