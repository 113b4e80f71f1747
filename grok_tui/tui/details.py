"""The card beside the gallery's list: what a preset is and what to look at, or how a run stands; and a whole config."""

from textwrap import wrap
from typing import Any

from rich.text import Text

from ..claims.claim import Claim
from ..config.fields import field, values
from ..config.names import NAMED
from ..config.schema import RunConfig, Scheduled
from ..numbers import between, duration, grouped, short
from ..store.reader import RunReader
from ..store.rundir import RunDir
from ..verdict.series import knobs_of
from . import theme
from .run_view import seeds_of, status_of
from .static_text import styled


def rows_text(rows: list[tuple[str, str]], width: int) -> Text:
    """Names in a column, and their texts wrapped beside them."""
    text = Text()
    for what, how in rows:
        for i, part in enumerate(wrap(how, max(width - 10, 12)) or [""]):
            text.append(f"{'' if i else what:<10}", theme.DIM).append(f"{part}\n", theme.TEXT)
    return text


def preset_card(name: str, config: RunConfig | str, claims: list[Claim], width: int = 60) -> Text:
    """What happens, what to look at, what is claimed, and the numbers."""
    if isinstance(config, str):
        return styled(f"{name}\n\n", f"bold {theme.BRIGHT}").append(config, theme.BAD)
    text = styled(f"{config.title or name}\n", f"bold {theme.BRIGHT}").append(f"{config.source}\n", theme.DIM)
    for title, body in (("what happens", config.says), ("what to look at", config.look)):
        if body:
            text.append(f"\n{title}\n", theme.TRAIN).append(f"{body}\n", theme.TEXT)
    if claims:
        text.append("\nwhat is claimed\n", theme.TRAIN).append_text(Text("\n").join(map(claim_text, claims)))
    text.append("\nset-up\n", theme.TRAIN)
    return text.append_text(rows_text(setup(config), width))


def claim_text(claim: Claim) -> Text:
    text = styled(f"{claim.says}\n", theme.TEXT).append("published ", theme.DIM)
    text.append("no figure" if claim.published == "UNKNOWN" else claim.published, theme.TEXT)
    text.append(f" ({claim.figure})\nto check it ", theme.DIM)
    return text.append(f"grok-tui verify {claim.id}\n", theme.THIRD)


def setup(config: RunConfig) -> list[tuple[str, str]]:
    rows = [(section, named(config, section)) for section in ("task", "model", "optim")]
    train, phase = config.train, config.phase
    batch = f", {train.batch_size} examples per step" if train.batch_size else ", full batch"
    rows.append(("length", f"{grouped(train.steps)} steps{batch}"))
    if train.pace:
        at = f"{short(train.pace)} steps/s: {duration(train.steps / train.pace)}"
        rows.append(("pace", f"{at}; g: full speed"))
    bounds = {"train_acc": "≥", "test_acc": "≥", "train_loss": "<", "test_loss": "<"}
    asked = [(f"{name.replace('_', ' ')} {than}", getattr(phase, name)) for name, than in bounds.items()]
    rows.append(("phases", ", ".join(f"{name} {short(value)}" for name, value in asked if value)))
    rows += [("schedule", f"{', '.join(changes(entry))} {moment(entry)}") for entry in config.schedule]
    return rows


def moment(entry: Scheduled) -> str:
    return f"at step {grouped(entry.step)}" if entry.step is not None else f"once {entry.on}"


def changes(entry: Scheduled) -> list[str]:
    return [f"{key} = {value if isinstance(value, str) else short(value)}" for key, value in entry.set.items()]


def named(config: RunConfig, section: str) -> str:
    """`adamw, lr 8e-3, weight_decay 1`: the name, the main fields, and others that differ from their defaults."""
    shown = [
        f"{key} {short(value) if isinstance(value, float) else value}"
        for key, value in values(config, section).items()
        if key in ALWAYS or value != field(f"{section}.{key}").default
    ]
    return ", ".join([getattr(config, section).name, *shown])


ALWAYS = set(
    ["p", "frac_train", "d", "n", "k", "n_train", "d_embed", "d_hidden", "activation", "alpha", "lr", "weight_decay"]
)
"""Fields shown whatever their value."""


def run_card(run: RunDir, info: dict[str, Any], width: int = 60) -> Text:
    sign, word, colour = status_of(info)
    text = styled(str(info["name"]), f"bold {theme.BRIGHT}").append(f"  {seeds_of(info)}\n", theme.DIM)
    text.append(f"{sign} {word}", colour)
    text.append(f" at {grouped(info['progress']['step'])} of {grouped(info['steps'])}\n\n", theme.TEXT)
    result = info["result"]
    rows = [
        (name, between(result[name], result.get("interval", {}).get(name) if name != "delay" else None))
        for name in ("t_mem", "t_grok", "delay")
        if result.get(name) is not None
    ]
    rows += [
        ("device", str((info["used"] or info["asked"])["device"])),
        ("started", info["started"][:19].replace("T", " ")),
    ]
    if parent := info["parent"]:
        rows.append(("parent", f"{parent['run']} at step {parent['step']}"))
    rows += [("error", str(info["error"] or "")), ("path", str(run.path))]
    return text.append_text(rows_text([row for row in rows if row[1]], width))


def config_text(reader: RunReader) -> Text:
    """The whole config, section by section; a knob that has been changed has its value now beside that at the start."""
    text, now, config = Text(), knobs_of(reader), reader.config
    for section in ("task", "model", "loss", "optim", "train", "phase", "measure"):
        part = getattr(config, section)
        text.append(f"{section}  ", theme.TRAIN).append(f"{part.name if section in NAMED else ''}\n", theme.TEXT)
        for key, value in values(config, section).items():
            text.append(f"  {key:<18}", theme.DIM)
            text.append(short(value) if isinstance(value, float) else str(value), theme.TEXT)
            current = now.get(f"{section}.{key}", value)
            changed = current != value and short(current) != short(float(value))
            text.append(f" → {short(current)} now\n" if changed else "\n", theme.STEER)
    for entry in config.schedule:
        text.append(f"schedule  {moment(entry)}\n", theme.TRAIN)
        text.append("".join(f"  {change}\n" for change in changes(entry)), theme.TEXT)
    return text
