"""The gallery: presets under what they show, and the card of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grok_tui.claims.claim import SOURCES, Claim, Curves, Setup
from grok_tui.claims.criteria import each, reached
from grok_tui.claims.figures import t_grok
from grok_tui.config import presets
from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp
from grok_tui.tui.catalog import START, Catalog, preset_entries
from grok_tui.tui.details import preset_card
from recorded import record
from screens import SIZES, shows, text, until

asyncio_test = pytest.mark.asyncio
Stock = Callable[..., None]


def claim(id: str, source: str, title: str, *names: str, published: str = "1,182 [1,082, 1,271]") -> Claim:
    return Claim(
        id=id,
        source=source,
        figure="table 2",
        title=title,
        says=f"{title}, says the paper.",
        published=published,
        rule=reached(each(t_grok)),
        setups=tuple(Setup(name, name) for name in names),
        plot=Curves(),
    )


ALPHA = claim("alpha", "S0", "Delay grows with alpha", "kumar-alpha")
NORM = claim("norm-at-grok", "S2", "The norm at which it groks", "modadd-mlp", "modadd-fast", "kumar-alpha")
RATE = claim("rate", "S2", "The rate of contraction", "modadd-fast", published="UNKNOWN")
LINEAR = claim("no-features", "S1a", "No features at all", "linear")


def lines(needle: str = "") -> list[str]:
    return [entry.text.plain for entry in preset_entries(needle)]


def test_presets_stand_under_their_source_and_their_first_claim_and_the_rest_by_theory(library: Stock) -> None:
    library(NORM, RATE, ALPHA, LINEAR, names=("kumar-alpha", "modadd-mlp", "linear", "modadd-fast", "kumar-poly"))
    assert lines() == [
        "The delay law", " The norm at which it groks", "   modadd-mlp", "   modadd-fast", "   kumar-alpha",
        "Without weight decay", " No features at all", "   linear",
        "more: lazy to rich", "  kumar-poly",
    ]  # fmt: skip
    assert [entry.id for entry in preset_entries() if not entry.text.plain.startswith("  ")] == [""] * 5


def test_sources_come_in_their_order_whatever_that_of_the_claims(library: Stock) -> None:
    library(LINEAR, NORM, claim("late", "S0", "Which error falls last", "kumar-poly"), ALPHA)
    shown = [line for line in lines() if not line.startswith(" ")]
    assert shown == [SOURCES[id].title for id in ("S0", "S2", "S1a")] + ["more: delay law"]


def test_without_claims_the_whole_list_is_by_theory() -> None:
    assert [line for line in lines() if not line.startswith(" ")] == ["delay law", "lazy to rich", "neither"]
    assert "  modadd-mlp" in lines()


def test_a_claim_may_name_a_preset_that_is_not_there(library: Stock) -> None:
    library(claim("gone", "S0", "Gone", "no-such-preset"), names=("linear",))
    assert lines() == ["more: neither", "  linear"]


@pytest.mark.parametrize(
    ("needle", "found"),
    [
        ("groks", ["modadd-mlp", "modadd-fast", "kumar-alpha"]),  # a claim's title
        ("RATE", ["modadd-fast"]),  # its id
        ("without weight", ["linear"]),  # its source's title
        ("kumar et al", ["kumar-alpha"]),  # its source's paper
        ("modadd-f", ["modadd-fast"]),  # a preset's name
        ("embedding", ["modadd-mlp"]),  # its title
        ("nothing", []),
    ],
)
def test_the_filter_finds_claims_and_sources(library: Stock, needle: str, found: list[str]) -> None:
    library(ALPHA, NORM, RATE, LINEAR, names=("modadd-mlp", "modadd-fast", "kumar-alpha", "linear"))
    assert sorted(entry.preset for entry in preset_entries(needle) if entry.preset) == sorted(found)


def test_what_is_found_by_a_claim_stands_under_that_claim(library: Stock) -> None:
    library(ALPHA, NORM, names=("modadd-mlp", "modadd-fast", "kumar-alpha"))
    assert lines("norm")[:2] == ["The delay law", " The norm at which it groks"]
    assert "   kumar-alpha" in lines("norm")
    assert " Delay grows with alpha" not in lines("norm")


def test_the_card_says_what_is_claimed_and_how_to_check_it() -> None:
    config = presets.load_preset("modadd-fast")
    card = preset_card("modadd-fast", config, [NORM, RATE]).plain
    for word in ("what is claimed", "The norm at which it groks, says the paper.", "published 1,182", "table 2"):
        assert word in card
    assert "grok-tui verify norm-at-grok\n\nThe rate of contraction" in card
    assert "published no figure" in card
    assert "grok-tui verify rate" in card
    assert "what is claimed" not in preset_card("modadd-fast", config, []).plain


@asyncio_test
@pytest.mark.parametrize("size", SIZES)
async def test_the_gallery_shows_presets_runs_and_a_card(runs: Path, size: tuple[int, int]) -> None:
    record(runs, result={"t_mem": 40, "t_grok": 805, "delay": 765})
    (runs / "foreign").mkdir()
    app = GrokApp(runs)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "what happens") and shows(app, "✓"))
        for word in ("delay law", "lazy to rich", "neither", "modadd-fast", "kumar-poly", "linear", "runs", "✓"):
            assert shows(app, word), word
        for word in ("arXiv 2606.13753", "what to look at", "set-up"):
            assert shows(app, word), word
        assert shows(app, "foreign: not a run")
        assert text(app)[-1].split()[-4:] == ["?", "help", "q", "quit"]
        assert all(len(row) <= size[0] for row in text(app))


@asyncio_test
async def test_the_gallery_filters_and_moves_with_letters(runs: Path) -> None:
    app = GrokApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "start here") and shows(app, "Modular addition, fast"))
        await pilot.press("j")
        await until(pilot, lambda: shows(app, "Modular addition, embedding MLP"))
        await pilot.press("k")
        await until(pilot, lambda: shows(app, "Modular addition, fast"))
        await pilot.press("/", *"kumar")
        await until(pilot, lambda: not shows(app, "modadd-mlp") and shows(app, "kumar-alpha"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "output scale alpha"))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "modadd-mlp"))


@pytest.fixture
def crowded(library: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty claims and forty presets, the default one far down."""
    names = [f"preset-{i:02}" for i in range(39)]
    names.insert(30, presets.DEFAULT)
    config = presets.load_preset(presets.DEFAULT)
    claims = [
        claim(f"c{i}", list(SOURCES)[i // 6], f"Claim {i} with a title of some length, too long", *names[i : i + 2])
        for i in range(0, 30)
    ]
    library(*claims, names=())
    for module in ("catalog", "gallery"):
        monkeypatch.setattr(f"grok_tui.tui.{module}.known_presets", lambda: dict.fromkeys(names, config))


@asyncio_test
@pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 48)])
async def test_the_preset_to_begin_with_is_on_top(runs: Path, size: tuple[int, int]) -> None:
    app = GrokApp(runs)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "start here"))
        catalog = app.screen.query_one(Catalog)
        chosen = catalog.chosen()
        assert chosen is not None
        assert chosen.preset == START
        assert [entry.preset for entry in catalog.entries].count(START) == 1
        rows = text(app)
        assert "start here" in rows[2]
        assert START in rows[3]
        assert all(len(row) <= size[0] for row in rows)
        assert catalog.virtual_size.height == len(catalog.entries), "no line wraps"


@asyncio_test
async def test_arrows_skip_headings_and_show_those_above(crowded: None, runs: Path) -> None:
    app = GrokApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "preset-00"))
        catalog = app.screen.query_one(Catalog)
        seen = []
        for _ in range(25):
            await pilot.press("down")
            chosen = catalog.chosen()
            assert chosen is not None
            seen.append(chosen.preset)
        assert all(seen)
        await pilot.press("home")
        await until(pilot, lambda: shows(app, "preset-00"))
        assert SOURCES["S0"].title in text(app)[2]
        assert "Claim 0 with" in text(app)[3]
        await pilot.press("up", "down")
        await until(pilot, lambda: SOURCES["S0"].title in text(app)[2])


@asyncio_test
async def test_the_pane_begins_at_the_preset_of_the_run(crowded: None, live: Callable[..., RunDir], runs: Path) -> None:
    run = live("modadd-mlp")
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: shows(app, "   modadd-mlp") and shows(app, "   preset-30"))
        assert not any("…" in row[:31] for row in text(app)), "nothing is cut"
        await pilot.press("3")
        await until(pilot, lambda: shows(app, "▸●") and not shows(app, "   modadd-mlp"))
        await pilot.press("2")
        await until(pilot, lambda: shows(app, "   modadd-mlp") and shows(app, "   preset-30"))


@asyncio_test
async def test_runs_that_train_stand_first(live: Callable[..., RunDir], runs: Path) -> None:
    record(runs, "kumar-poly")
    live("parity")
    app = GrokApp(runs)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "training now"))
        rows = text(app)
        assert "1 training" in rows[0]
        assert rows.index(next(row for row in rows if "● parity s0" in row)) < rows.index(
            next(row for row in rows if "start here" in row)
        )
