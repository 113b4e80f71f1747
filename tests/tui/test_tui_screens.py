"""The screens on recorded run directories: what they show, and what their keys ask for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grok_tui.store import rundir
from grok_tui.store.rundir import RunDir
from grok_tui.tui.app import GrokApp
from grok_tui.tui.chart import Chart
from grok_tui.tui.gallery import Gallery
from grok_tui.tui.help import Help
from grok_tui.tui.live import Live
from grok_tui.tui.prompt import Prompt
from grok_tui.tui.question import Question
from recorded import GROKKED, lazy_to_rich, presses, record, steered, steps_up_to
from screens import SIZES, Engine, requests, shows, tell, text, until

Make = Callable[..., RunDir]
WD = "optim.weight_decay"
asyncio_test = pytest.mark.asyncio


def press(word: str) -> list[str]:
    return ["space" if c == " " else c for c in word]


def live_screen(app: GrokApp) -> Live:
    assert isinstance(app.screen, Live)
    return app.screen


@asyncio_test
async def test_enter_starts_a_preset(runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs, device="cpu")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Live) and shows(app, "starting the engine…"))
        info = engines[0].run.info()
        assert (info["preset"], info["asked"]["device"], info["asked"]["pace"], info["seed"]) == (
            "modadd-fast",
            "cpu",
            400.0,
            0,
        )


@asyncio_test
async def test_keys_wait_for_an_engine_that_starts(runs: Path, engines: list[Engine]) -> None:
    """They are requests in the file that the engine reads once it runs; none is refused."""
    app = GrokApp(runs, preset="modadd-fast")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "starting the engine…"))
        await pilot.press("w", "space", "space", "m", *"a very long note rn", "enter")
        await pilot.press("=", *press("lr x2"), "enter", "<")
        await until(pilot, lambda: shows(app, "as soon as it runs"))
        ops = [(r["op"], r.get("label") or r.get("set")) for r in requests(engines[0].run)]
        assert ops == [
            ("steer", {WD: "/1.7783"}), ("pause", None), ("continue", None), ("mark", "a very long note rn"),
            ("steer", {"optim.lr": "x2"}), ("pace", None),
        ]  # fmt: skip
        assert len(engines) == 1


@asyncio_test
async def test_a_preset_given_starts_at_once(runs: Path, engines: list[Engine]) -> None:
    app = GrokApp(runs, preset="modadd-wd-off", sets=["train.steps=123"], seed=7)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Live) and shows(app, "/ 123"))
        assert engines[0].run.config().train.seed == 7
        assert shows(app, "seed 7")


@asyncio_test
@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"preset": "modad"}, "did you mean modadd"), ({"preset": "modadd-fast", "sets": ["optim.lr=abc"]}, "optim.lr")],
)
async def test_what_cannot_be_started_is_one_line_in_the_gallery(
    runs: Path, engines: list[Engine], arguments: dict, says: str
) -> None:
    app = GrokApp(runs, **arguments)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Gallery) and shows(app, says))
        assert engines == []
        assert not runs.exists()


@asyncio_test
async def test_a_foreign_directory_is_one_line_in_the_gallery(runs: Path) -> None:
    (runs / "foreign").mkdir(parents=True)
    app = GrokApp(runs, run=RunDir(runs / "foreign"))
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Gallery) and shows(app, "it has no run.json"))


@asyncio_test
@pytest.mark.parametrize("size", SIZES)
async def test_the_live_screen_shows_all_that_matters(live: Make, runs: Path, size: tuple[int, int]) -> None:
    run = live(events=[*GROKKED, *presses(100, 13), steered(300, 5.62e-4, 1.0)])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "memorised") and shows(app, "delay law"))
        await pilot.pause()
        rows = text(app)
        measuring = " measuring 4 %" if size[0] >= 120 else ""
        header = f"modadd-fast seed 0 cpu 616 steps/s{measuring} ● training 3,400 / 10,000"
        assert rows[0].split() == header.split()
        words = ["loss", "accuracy", "norm & kernel", "log x", "log y", "kernel distance", "0.95"]
        words += [
            "weight norm",
            "phase",
            "grokked 805",
            "delay 765",
            "knobs",
            "wd 1",
            "lr 8e-3",
            "pace 400/s",
            "delay law",
        ]
        words += ["wd 1→5.6e-4 (13)", "wd 5.6e-4→1", "Grokked at step 805", "space pause", "w/W weight decay"]
        for word in words:
            assert shows(app, word), word
        assert rows[-1].split()[-4:] == ["?", "help", "q", "quit"]
        assert all(len(row) <= size[0] for row in rows)
        assert shows(app, "presets runs events config") == (size[0] >= 120)
        chart = app.screen.query_one(Chart).rows()
        assert [word for row in chart for word in row.split() if word in ("test", "train")][:2] in (
            ["test", "train"], ["train", "test"],
        )  # fmt: skip


@asyncio_test
@pytest.mark.parametrize("size", [(59, 24), (80, 15), (40, 12)])
async def test_too_small_for_a_chart_it_is_words_alone(live: Make, runs: Path, size: tuple[int, int]) -> None:
    run = live(events=GROKKED)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shows(app, "memorised 40"))
        for word in ("train 4.58e-5", "norm", "distance 0.95", "grokked 805", "? help", "q quit"):
            assert shows(app, word), word
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: shows(app, "log x"))
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: not shows(app, "log x"))


@asyncio_test
async def test_modes_and_axes(live: Make, runs: Path) -> None:
    app = GrokApp(runs, run=live(events=GROKKED))
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.screen.query_one(Chart)
        await until(pilot, lambda: len(chart.rows()) == 13)
        assert "100" in chart.rows()[-1]
        await pilot.press("x")
        await until(pilot, lambda: shows(app, "lin x") and "1k" in chart.rows()[-1] and "100" not in chart.rows()[-1])
        await pilot.press("x", "y")
        await until(pilot, lambda: shows(app, "lin y"))
        await pilot.press("v")
        await until(pilot, lambda: chart.mode.name == "accuracy" and shows(app, "lin y") and shows(app, "0.5 ┤"))
        await pilot.press("v")
        await until(pilot, lambda: shows(app, "distance") and shows(app, "alignment"))
        await pilot.press("v")
        await until(pilot, lambda: chart.mode.name == "loss" and shows(app, "lin y"))


@asyncio_test
async def test_a_steering_is_asked_at_once_and_drawn_when_applied(live: Make, runs: Path) -> None:
    run = live(events=GROKKED[:1])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: shows(app, "memorised"))
        await pilot.press("w", "W", "l", "L")
        assert [r["set"] for r in requests(run)] == [
            {WD: "/1.7783"}, {WD: "x1.7783"}, {"optim.lr": "/1.7783"}, {"optim.lr": "x1.7783"},
        ]  # fmt: skip
        first = requests(run)[0]["id"]
        tell(run, "steered", 3400, key=WD, old=1.0, new=0.562, by="request", request=first)
        await until(pilot, lambda: shows(app, "wd 1→0.56") and shows(app, "wd 0.562"))
        assert first not in live_screen(app).control.waiting


@asyncio_test
async def test_a_refused_request_says_why(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("L")
        tell(run, "refused", 3400, op="steer", reason="optim.lr: too large", request=requests(run)[0]["id"])
        await until(pilot, lambda: shows(app, "refused: optim.lr: too large"))


@asyncio_test
async def test_a_run_that_goes_on_from_an_earlier_checkpoint_is_still_followed(live: Make, runs: Path) -> None:
    """The events that `resumed` supersedes leave the history; new ones are noticed all the same."""
    run = live(events=[*GROKKED, *presses(900, 6)])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: shows(app, "delay law"))
        tell(run, "resumed", 100, checkpoint_seq=3)
        await until(pilot, lambda: len(live_screen(app).reader.events) < 6)
        tell(run, "refused", 101, op="steer", reason="lr: too large")
        await until(pilot, lambda: shows(app, "refused: lr: too large"))


@asyncio_test
@pytest.mark.parametrize(
    ("typed", "says"),
    [("wd = -1", "expected a number from 0 to 1e9"), ("lr = abc", "got abc"), ("lr 0", "from 1e-20 to 1e9"),
     ("p 3", "cannot be changed"), ("wf 1", "did you mean"), ("wd", "what?"),
     ("momentum 0.5", "cannot be changed"), ("wd x0", "factor > 0")],
)  # fmt: skip
async def test_a_bad_value_is_refused_in_the_prompt(live: Make, runs: Path, typed: str, says: str) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("=")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*press(typed), "enter")
        await until(pilot, lambda: shows(app, says))
        assert isinstance(app.screen, Prompt)
        assert requests(run) == []
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Live))


@asyncio_test
async def test_the_prompt_sets_a_knob(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        for typed in ("wd 1e-3", "lr = x2", "lr/4"):
            await pilot.press("=", *press(typed), "enter")
            await until(pilot, lambda: isinstance(app.screen, Live))
        assert [r["set"] for r in requests(run)] == [{WD: 1e-3}, {"optim.lr": "x2"}, {"optim.lr": "/4"}]


@asyncio_test
async def test_pause_chunk_mark_and_pace(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(".")
        await until(pilot, lambda: shows(app, "works while paused"))
        await pilot.press("space")
        run.update_info(status="paused")
        await until(pilot, lambda: shows(app, "‖ paused") and shows(app, "space go on"))
        await pilot.press(".", "space")
        await pilot.press("m", *"odd", "enter")
        await until(pilot, lambda: isinstance(app.screen, Live))
        await pilot.press("<", "<", ">", "g")
        asked = [{k: v for k, v in r.items() if k not in ("id", "time")} for r in requests(run)]
        assert asked == [
            {"op": "pause"}, {"op": "chunk"}, {"op": "continue"}, {"op": "mark", "label": "odd"},
            {"op": "pace", "pace": 200}, {"op": "pace", "pace": 100}, {"op": "pace", "pace": 200},
            {"op": "pace", "pace": 0},
        ]  # fmt: skip
        await pilot.press("g")
        await until(pilot, lambda: shows(app, "already at full speed"))


@asyncio_test
async def test_a_run_that_has_ended_takes_no_requests(runs: Path, engines: list[Engine]) -> None:
    run = record(runs, events=GROKKED, sets=["optim.lr=7e-3"])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("w", "space", "<", ".", "g"):
            live_screen(app).clear_notice()
            await pilot.press(key)
            await until(pilot, lambda: shows(app, "this run has finished"))
        for key in ("=", "m"):  # what is typed into the refused prompt may not act as keys
            await pilot.press(key, *press("nrRd3s wd 1e-3"))
            await until(pilot, lambda: isinstance(app.screen, Prompt) and shows(app, "this run has finished"))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Live))
        assert requests(run) == []
        assert engines == []
        await pilot.press("R")
        await until(pilot, lambda: len(engines) == 1 and live_screen(app).reader.run.id == engines[0].run.id)
        config = engines[0].run.config()
        assert (config.train.seed, config.optim.lr) == (1, 7e-3)


@asyncio_test
async def test_space_goes_on_with_a_run_that_stopped(runs: Path, engines: list[Engine]) -> None:
    run = record(runs, status="interrupted")
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "it can go on from its last checkpoint"))
        await pilot.press("space")
        await until(pilot, lambda: len(engines) == 1)
        assert engines[0].resume
        assert engines[0].run.path == run.path


@asyncio_test
async def test_keys_wait_for_an_engine_that_resumes(runs: Path, engines: list[Engine]) -> None:
    run = record(runs, status="interrupted", ended="2026-11-25T09:00:00Z")
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "■ stopped"))
        await pilot.press("space")
        await until(pilot, lambda: shows(app, "○ starting"))
        await pilot.press("w", "m", *"rR", "enter", "space")
        await until(pilot, lambda: shows(app, "as soon as it runs"))
        assert [r["op"] for r in requests(run)] == ["steer", "mark", "pause"]
        assert len(engines) == 1


@asyncio_test
async def test_a_failed_run_goes_on_in_a_branch_with_another_lr(runs: Path, engines: list[Engine]) -> None:
    run = record(runs, status="failed", events=[("failed", 3450, {"reason": "diverged at step 3450: the loss is nan"})])
    run.checkpoint(3000).write_bytes(b"weights")
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shows(app, "✗ failed") and shows(app, "Diverged at step 3,400: the loss is nan"))
        await until(pilot, lambda: shows(app, "last rows") and shows(app, "grok-tui resume"))
        await pilot.press("space")
        await until(pilot, lambda: shows(app, "go on from step 3,000 in a new run") and shows(app, "lr 8e-4"))
        await pilot.press("enter")
        await until(pilot, lambda: len(engines) == 1 and live_screen(app).reader.run.id == engines[0].run.id)
        made = engines[0].run
        assert made.info()["parent"]["run"] == run.id
        assert made.checkpoint(3000).read_bytes() == b"weights"
        assert [r["set"] for r in requests(made)] == [{"optim.lr": 8e-4}]
        assert [reader.run.id for reader in live_screen(app).behind] == [run.id]


@asyncio_test
async def test_weight_decay_of_zero_cannot_be_multiplied(live: Make, runs: Path) -> None:
    run = live("kumar-poly", values=lazy_to_rich(steps_up_to(4000)), last=4000)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("W")
        await until(pilot, lambda: shows(app, "wd is 0, and times any factor it stays 0"))
        assert requests(run) == []


@asyncio_test
async def test_panes(live: Make, runs: Path) -> None:
    run = live(events=[*GROKKED, ("refused", 900, {"reason": "no"}), steered(950, 1.0, 0.5)])
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        for key, word in (("2", "kumar-alpha"), ("3", "▸●"), ("4", "refused: no"), ("5", "frac_train"), ("[", "950")):
            await pilot.press(key)
            await until(pilot, lambda word=word: shows(app, word))
        await pilot.press("1")
        await until(pilot, lambda: not shows(app, "presets runs events config"))
        await pilot.press("]")
        await until(pilot, lambda: shows(app, "presets runs events config"))


@asyncio_test
async def test_a_run_is_watched_from_the_pane_and_the_one_left_is_let_go(live: Make, runs: Path) -> None:
    old = record(runs, "kumar-poly", values=lazy_to_rich(steps_up_to(4000)), last=4000)
    new = live()
    app = GrokApp(runs, run=new)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("3", "down", "enter")
        await until(pilot, lambda: live_screen(app).reader.run.id == old.id)
        assert [(r["op"], r["pace"]) for r in requests(new)] == [("pace", 0.0)]


@asyncio_test
async def test_gallery_and_back(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, Gallery) and shows(app, "esc back"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Live))
        assert requests(run) == []


@asyncio_test
async def test_help_and_palette_name_every_key(live: Make, runs: Path) -> None:
    app = GrokApp(runs, run=live())
    async with app.run_test(size=(80, 120)) as pilot:
        await pilot.press("?")
        await until(pilot, lambda: isinstance(app.screen, Help) and shows(app, "weight decay down"))
        for word in ("value axis log or linear", "leave; asks", "t_mem", "the whole config", "grokking"):
            assert shows(app, word), word
        await pilot.press("?")
        await pilot.press(":", *"log y")
        await until(pilot, lambda: shows(app, "log y  (y)"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Live) and shows(app, "lin y"))


@asyncio_test
async def test_a_directory_that_vanishes_is_one_line(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "training"))
        shutil.rmtree(run.path)
        await until(pilot, lambda: shows(app, "✗ lost") and shows(app, "not a run"))
        await pilot.press("w", "v", "3", "x")
        assert app.is_running


@asyncio_test
async def test_keys_can_be_moved(live: Make, runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "grok-tui"
    folder.mkdir(parents=True)
    (folder / "keys.toml").write_text('pause = "p"\n')
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shows(app, "p pause"))
        await pilot.press("space", "p")
        assert [r["op"] for r in requests(run)] == ["pause"]


@asyncio_test
async def test_without_colour_labels_and_lines_tell_it(live: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = live(events=GROKKED)
    for app in (GrokApp(runs, run=run), GrokApp(runs)):
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda app=app: shows(app, "╌╌ train  ── test") or shows(app, "what happens"))


@asyncio_test
async def test_quitting_asks_while_it_trains(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question) and shows(app, "stop and save"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Live))
        assert requests(run) == []
        await pilot.press("q", "d")
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == 0
    assert [(r["op"], r["pace"]) for r in requests(run)] == [("pace", 0.0)]


@asyncio_test
async def test_stop_and_save_waits_for_the_engine(live: Make, runs: Path) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q", "s")
        await until(pilot, lambda: shows(app, "stopping, and saving"))
        assert [r["op"] for r in requests(run)] == ["stop"]
        assert app.return_value is None
        run.update_info(status="interrupted")
        await until(pilot, lambda: app.return_value == 0)


@asyncio_test
@pytest.mark.parametrize("keys", [("D",), ("ctrl+c", "ctrl+c")])
async def test_leaving_lets_training_go(live: Make, runs: Path, keys: tuple[str, ...]) -> None:
    run = live()
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await until(pilot, lambda: app.return_value == 0)
    assert [(r["op"], r["pace"]) for r in requests(run)] == [("pace", 0.0)]


@asyncio_test
async def test_nothing_is_asked_where_nothing_trains(runs: Path) -> None:
    app = GrokApp(runs, run=record(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)


@asyncio_test
async def test_nothing_new_nothing_drawn(live: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = live(events=GROKKED)
    app = GrokApp(runs, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.screen.query_one(Chart)
        await until(pilot, lambda: shows(app, "memorised"))
        await pilot.pause()  # the drawing that follows the first layout
        drawn = []
        monkeypatch.setattr(Chart, "draw", lambda self, *args: drawn.append(args))
        live_screen(app).tick()
        live_screen(app).tick()
        assert drawn == []
        run.update_info(progress={"step": 3401, "steps_per_second": 600.0, "measuring": 0.0})
        await until(pilot, lambda: shows(app, "3,401"))
        assert len(drawn) == 1
        assert chart.rows()


@asyncio_test
async def test_in_process_stops_and_saves_on_leaving(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grok_tui.engine import launch

    class Host:
        stopped = False

        def __init__(self, run: RunDir) -> None:
            self.run, self.lock = run, run.acquire()

        def is_alive(self) -> bool:
            return not self.stopped

        def stop(self) -> None:
            self.stopped = True

    hosts: list[Host] = []
    monkeypatch.setattr(launch, "host_in_process", lambda run, resume=False: hosts.append(Host(run)) or hosts[-1])
    app = GrokApp(runs, preset="modadd-fast", in_process=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Live))
        await pilot.press("D")
        await until(pilot, lambda: shows(app, "training lives inside this app"))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert not shows(app, "detach")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.return_value == 0)
    assert hosts[0].stopped


def test_recorded_runs_are_what_an_engine_writes(runs: Path) -> None:
    run = record(runs)
    assert rundir.RunDir(run.path).info()["status"] == "finished"
