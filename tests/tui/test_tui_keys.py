"""No key is a hazard: starting asks, stopping asks, leaving says what goes on, and every key does or says something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp
from grok_tui.tui.catalog import START, Catalog
from grok_tui.tui.command_palette import KeyCommands
from grok_tui.tui.gallery import Gallery
from grok_tui.tui.help import Help
from grok_tui.tui.keys import here, keymap_of
from grok_tui.tui.live import Live
from grok_tui.tui.prompt import Prompt
from grok_tui.tui.question import Question
from recorded import GROKKED, record, record_seeds, steered
from screens import Engine, requests, shows, text, until

Make = Callable[..., RunDir]
asyncio_test = pytest.mark.asyncio


def watched(app: GrokApp) -> str:
    assert isinstance(app.screen, Live)
    return app.screen.reader.run.id


@asyncio_test
@pytest.mark.parametrize("keys", [("r",), ("R",), ("n", "enter"), ("2", "j", "enter")])
async def test_starting_asks_while_another_run_trains(
    live: Make, runs: Path, engines: list[Engine], keys: tuple[str, ...]
) -> None:
    run = live(events=GROKKED)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "training"))
        if keys[0] == "n":
            await pilot.press("n")
            await until(pilot, lambda: shows(app, "training now"))
            await pilot.press(*"/fast", "enter", "enter")
        else:
            await pilot.press(*keys)
        await until(pilot, lambda: isinstance(app.screen, Question) and shows(app, "is training already"))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert engines == []
        await pilot.press(*(("enter",) if keys[0] in "2n" else keys))
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("k")
        await until(pilot, lambda: len(engines) == 1 and watched(app) == engines[0].run.id)
        await until(pilot, lambda: shows(app, "+1 training"))
        assert [r["op"] for r in requests(run)] in ([], ["pace"]), "the other run goes on"


@asyncio_test
async def test_the_other_run_is_stopped_first_if_that_is_asked_for(
    live: Make, runs: Path, engines: list[Engine]
) -> None:
    run = live(events=GROKKED)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "training"))
        await pilot.press("r", "s")
        await until(pilot, lambda: [r["op"] for r in requests(run)] == ["stop"])
        assert engines == [], "it has not stopped yet"
        run.update_info(status="interrupted", ended="now")
        await until(pilot, lambda: len(engines) == 1)


@asyncio_test
async def test_other_keys_in_a_question_start_nothing(live: Make, runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs, run=live())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "training"))
        await pilot.press("r", *"rRwy3", "space", "enter")
        await until(pilot, lambda: isinstance(app.screen, Question) and shows(app, "is no answer here"))
        assert engines == []


@asyncio_test
async def test_a_preset_on_the_command_line_asks_too(live: Make, runs: Path, engines: list[Engine]) -> None:
    live()
    app = GrokApp(runs, preset="kumar-poly")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("k")
        await until(pilot, lambda: len(engines) == 1 and isinstance(app.screen, Live))


async def line_of(pilot: Pilot, what: str) -> tuple[int, int]:
    """Where on the screen a line of a list stands."""
    app = pilot.app
    await until(pilot, lambda: shows(app, what))
    y = next(y for y, row in enumerate(text(app)) if what in row)
    return text(app)[y].index(what) + 1, y


@asyncio_test
async def test_a_click_selects_and_a_second_click_starts(runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs)
    async with app.run_test(size=(100, 30)) as pilot:
        x, y = await line_of(pilot, START)
        await pilot.click(
            offset=(x, y)
        )  # on the line that is highlighted already: it may only bring the window forward
        await pilot.pause(0.1)
        assert engines == []
        x, y = await line_of(pilot, "kumar-poly")
        await pilot.click(offset=(x, y))
        await until(pilot, lambda: (chosen := app.screen.query_one(Catalog).chosen()) and chosen.preset == "kumar-poly")
        assert engines == []
        await pilot.click(offset=(x, y))
        await until(pilot, lambda: len(engines) == 1 and engines[0].run.info()["preset"] == "kumar-poly")


@asyncio_test
@pytest.mark.parametrize("where", ["live", "pane", "gallery"])
async def test_s_stops_a_run_after_asking(live: Make, runs: Path, where: str) -> None:
    ended, run = record(runs, "kumar-poly"), live()
    app = GrokApp(runs, run=ended if where == "pane" else run)
    async with app.run_test(size=(100, 30)) as pilot:
        if where == "pane":
            await pilot.press("3")
            await until(pilot, lambda: shows(app, "●"))
            await pilot.press("k")
        elif where == "gallery":
            await pilot.press("n")
            await until(pilot, lambda: shows(app, "training now"))
            await pilot.press("home")
            await until(pilot, lambda: shows(app, "s stop"))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question) and shows(app, "stop it?"))
        assert requests(run) == []
        await pilot.press("s")
        await until(pilot, lambda: [r["op"] for r in requests(run)] == ["stop"])
        assert requests(ended) == []


@asyncio_test
async def test_s_says_why_if_nothing_trains(runs: Path) -> None:
    app = GrokApp(runs, run=record(runs))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: shows(app, "is not training: there is nothing to stop"))


@asyncio_test
@pytest.mark.parametrize("keys", [("q", "q"), ("q", "d"), ("D",), ("ctrl+c", "ctrl+c")])
@pytest.mark.parametrize("status", ["running", "paused"])
async def test_leaving_says_what_goes_on_and_how_to_watch_it(
    live: Make, runs: Path, keys: tuple[str, ...], status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = live(status=status)
    live("kumar-poly")
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "training" if status == "running" else "paused"))
        for key in keys:
            await pilot.press(key)
        await until(pilot, lambda: app.return_value == 0)
        (message,) = app._exit_renderables
    assert f"modadd-fast seed 0 {'goes on training' if status == 'running' else 'stays paused'}." in message
    assert f"grok-tui attach {run.path}" in message
    assert "Another run is training: grok-tui runs list" in message


@asyncio_test
async def test_leaving_says_nothing_if_nothing_trains(runs: Path) -> None:
    app = GrokApp(runs, run=record(runs))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)
        assert app._exit_renderables == []


@asyncio_test
async def test_a_large_change_is_asked_for_once_more(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("=", *"lr", "space", *"1e6", "enter")
        await until(pilot, lambda: shows(app, "lr 8e-3 → 1e6 is a large change: enter again makes it"))
        assert requests(run) == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Live))
        assert [r["set"] for r in requests(run)] == [{"optim.lr": 1e6}]


SCREENS: dict[str, dict[str, Any]] = {
    "live": {},
    "live, without an engine": {"status": "finished"},
    "live, too small for a chart": {"size": (50, 14)},
    "live, pane of runs": {"first": "3"},
    "live, pane of the config": {"first": "5"},
    "gallery": {},
}


@asyncio_test
@pytest.mark.parametrize("screen", SCREENS)
async def test_every_key_of_the_help_does_or_says_something(
    live: Make, runs: Path, engines: list[Engine], screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key changes what the screen shows, sends a request, starts something or leaves; on each screen."""
    monkeypatch.setattr("grok_tui.tui.base_screen.NOTICE_SECONDS", 60.0)
    where, options = screen.partition(",")[0], SCREENS[screen]
    events = [*GROKKED, *(steered(i, 1.0, 1.0 + i) for i in range(900, 980))]
    run = record(runs, events=events) if "status" in options else live(events=events)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=options.get("size", (80, 24))) as pilot:
        await until(pilot, lambda: bool(app.listing.runs) and shows(app, "modadd-fast"))
        keys = [key for key in [*here(where), *here("app")] if "first" not in options or key.group in ("list", "panes")]
        for key in sorted(keys, key=lambda key: key.id in ("quit", "detach")):
            if where == "gallery" or key.group in ("panes", "list", "app") or app.current is not run:
                app.current = run
                app.show(Gallery(runs, can_go_back=True) if where == "gallery" else Live(run, runs))
                await pilot.pause()
                if "first" in options:
                    await pilot.press(options["first"])
                await pilot.pause()
            shown = app.screen
            assert isinstance(shown, Gallery | Live)
            shown.clear_notice()
            before, asked = text(app), requests(run)
            name = key.keys.split(",")[0]
            await pilot.press({"?": "question_mark", ":": "colon"}.get(name, name))

            def acted(before: list[str] = before, asked: list[dict] = asked, shown: object = shown) -> bool:
                return text(app) != before or app.screen is not shown or requests(run) != asked or not app.is_running

            for _ in range(100):
                if acted():
                    break
                await pilot.pause(0.02)
            assert acted(), f"{key.id} ({name}) does nothing and says nothing"
            assert not shows(app, "does nothing here"), key
            if not isinstance(app.screen, Gallery | Live) and app.is_running and key.id != "detach":
                await pilot.press("escape")
                await pilot.pause()
            if isinstance(app.screen, Question | Prompt | Help):
                app.pop_screen()


@asyncio_test
async def test_v_before_the_first_row_says_why_it_does_nothing(runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs, preset="modadd-fast")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "starting the engine…"))
        await pilot.press("v")
        await until(pilot, lambda: shows(app, "there is no other chart before the first row"))


@asyncio_test
@pytest.mark.parametrize("key", ["z", "J", "/", "tab", "f5"])
async def test_keys_that_are_none_say_so(live: Make, runs: Path, key: str) -> None:
    app = GrokApp(runs, run=live())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "training"))
        await pilot.press({"/": "slash"}.get(key, key))
        if key != "tab":
            await until(pilot, lambda: shows(app, f"{key} does nothing here; ? lists the keys"))


@asyncio_test
async def test_j_and_k_move_in_every_list_and_pane(live: Make, runs: Path) -> None:
    events = [*GROKKED, *(steered(i, 1.0, 1.0 + i) for i in range(900, 980))]
    record(runs), record(runs)
    app = GrokApp(runs, run=live(events=events))
    async with app.run_test(size=(80, 24)) as pilot:
        for pane in "23":
            await pilot.press(pane)
            catalog = app.screen.query_one(Catalog)
            await until(pilot, lambda catalog=catalog: catalog.highlighted is not None and len(catalog.entries) > 2)
            at = catalog.highlighted
            await pilot.press("j")
            await until(pilot, lambda catalog=catalog, at=at: catalog.highlighted != at)
            await pilot.press("k")
            await until(pilot, lambda catalog=catalog, at=at: catalog.highlighted == at)
        for pane in "45":
            await pilot.press(pane)
            scroll = app.screen.query_one("#side-scroll")
            await until(pilot, lambda scroll=scroll: scroll.max_scroll_y > 0)
            await pilot.press("j")
            await until(pilot, lambda scroll=scroll: scroll.scroll_y > 0)
            await pilot.press("k")
            await until(pilot, lambda scroll=scroll: scroll.scroll_y == 0)


@asyncio_test
async def test_enter_without_a_list_starts_nothing(runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs, run=record(runs))
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: shows(app, "presets runs events config"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(app, "enter chooses in a list"))
        assert engines == []


@asyncio_test
async def test_the_filter_takes_all_words_and_counts(runs: Path) -> None:
    record(runs)
    app = GrokApp(runs)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "start here"))
        await pilot.press("/", *"fast", "space", *"modadd")
        await until(pilot, lambda: shows(app, "/fast modadd: 1 presets, 1 runs"))
        chosen = app.screen.query_one(Catalog).chosen()
        assert chosen is not None


@asyncio_test
async def test_the_palette_finds_keys_by_every_word(runs: Path) -> None:
    app = GrokApp(runs, run=record(runs))
    async with app.run_test(size=(100, 30)):
        commands = KeyCommands(app.screen)
        assert [hit.help async for hit in commands.search("kernel")] == []
        assert [hit.help async for hit in commands.search("weight less")] == ["weight decay down by 10^¼"]


def test_the_keymap_is_where_textual_keeps_it() -> None:
    """`keymap_of` reads a private attribute of textual: the one that `set_keymap` fills."""
    app = GrokApp(Path("runs"))
    assert keymap_of(app) == {}
    app.set_keymap({"pause": "p"})
    assert keymap_of(app) == {"pause": "p"}


@asyncio_test
async def test_seeds_are_named_in_the_lists(runs: Path) -> None:
    record_seeds(runs, 4)
    record(runs, result={"t_mem": 40, "t_grok": 772, "delay": 732})
    app = GrokApp(runs)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("end")
        await until(pilot, lambda: shows(app, "modadd-fast 4 seeds") and shows(app, "grok 772"))
