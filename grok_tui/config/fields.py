"""The fields of a config by their dotted names: limits, conversion from text and TOML, which ones can be steered."""

import operator
import re
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from ..errors import UsageError, nearest, plain
from .names import NAMED
from .schema import SECTIONS, Doc, RunConfig, Scheduled, Section

NORM = "norm"
"""What `norm = x0.7` changes: not a field, but the norm of the weights that decay, which are rescaled once."""

ALIASES = {"wd": "optim.weight_decay", "lr": "optim.lr", "alpha": "model.alpha", "momentum": "optim.momentum"}
"""Short names that the command line, the environment and the prompt may use."""

SMALLEST, LARGEST = 1e-30, 1e30
"""Other sizes than these and 0 are lost in float32, where training computes."""
LONGEST_TEXT = 1000
BOUNDS = (("gt", ">", operator.gt), ("ge", ">=", operator.ge), ("lt", "<", operator.lt), ("le", "<=", operator.le))


@dataclass(frozen=True)
class Field:
    """One config field."""

    key: str
    kind: type
    doc: Doc
    default: Any
    choices: tuple[Any, ...] = ()
    """The only values of a field whose type is Literal."""

    @property
    def text(self) -> str:
        """What the field means."""
        return self.doc.text

    @property
    def steerable(self) -> bool:
        """Whether it may be changed while the run trains."""
        return self.doc.steerable

    @property
    def limits(self) -> str:
        """The values it may have, for instance `a number from 1e-6 to 1e6`."""
        if self.choices:
            return " or ".join(str(choice) or "nothing" for choice in self.choices)
        doc, kind = self.doc, KINDS[self.kind]
        low = doc.ge if doc.least is None else doc.least
        if low is not None and doc.le is not None:
            return f"{'' if doc.least is None else '0, or '}{kind} from {_figure(low)} to {_figure(doc.le)}"
        signs = [f"{sign} {_figure(getattr(doc, name))}" for name, sign, _ in BOUNDS if getattr(doc, name) is not None]
        return f"{kind} {' and '.join(signs)}".rstrip()

    def allows(self, number: float) -> bool:
        """Whether a number is within the limits."""
        limits = ((getattr(self.doc, name), holds) for name, _, holds in BOUNDS)
        least = self.doc.least is None or number == 0 or number >= self.doc.least
        return least and all(limit is None or holds(number, limit) for limit, holds in limits)

    def convert(self, value: Any) -> Any:
        """The value of a TOML document as the field's type; refuse what the field does not allow."""
        converted = _CONVERT[self.kind](value)
        if converted is None or (self.choices and converted not in self.choices):
            raise self.refusal(value)
        if self.kind in (int, float) and not self.allows(converted):
            raise self.refusal(value)
        if self.kind is float and converted and not SMALLEST <= abs(converted) <= LARGEST:
            raise UsageError(f"{self.key}: {brief(value)} is lost in float32; expected 0, or {SMALLEST} to {LARGEST}")
        if self.kind is str and (len(converted) > LONGEST_TEXT or not is_printable(converted)):
            raise UsageError(
                f"{self.key}: expected at most {LONGEST_TEXT} characters, none of them a control character"
            )
        return converted

    def parse(self, text: str) -> Any:
        """The value that the text of `KEY=VALUE` stands for; a list is words between commas."""
        if self.kind is list:
            return self.convert([word.strip(" \"'") for word in text.strip("[] ").split(",") if word.strip(" \"'")])
        if self.kind is str:
            return self.convert(text)
        try:
            return self.convert(_READ[self.kind](text.strip()))
        except (ValueError, KeyError):
            raise self.refusal(text) from None

    def refusal(self, value: Any) -> UsageError:
        """The error that says what was expected."""
        finite = self.kind is not float or not isinstance(value, float) or isfinite(value)
        limits = self.limits if finite else self.limits.replace("a number", "a finite number")
        return UsageError(f"{self.key}: expected {limits}, got {brief(value)}")


KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    list: "a list of names",
    dict: "a table",
}


def _figure(number: float) -> str:
    """`20,000` for a whole number, `1e-6` for another."""
    return f"{number:,}" if isinstance(number, int) else re.sub(r"e\+?(-?)0*", r"e\1", f"{number:g}")


def _to_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


_CONVERT: dict[type, Any] = {
    float: _to_float,
    int: lambda value: value if isinstance(value, int) and not isinstance(value, bool) else None,
    bool: lambda value: value if isinstance(value, bool) else None,
    str: lambda value: value if isinstance(value, str) else None,
    list: lambda value: value if isinstance(value, list) and all(isinstance(v, str) for v in value) else None,
    dict: lambda value: value if isinstance(value, dict) else None,
}
_READ: dict[type, Any] = {
    float: float,
    int: int,
    bool: lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
}


def is_printable(text: str) -> bool:
    """Whether a text has no control characters but line ends and tabs."""
    return all(c in "\n\t" or c.isprintable() for c in text)


def brief(value: Any) -> str:
    """A value as an error shows it: on one line, and not long."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # whole numbers of more than 4,300 digits
        return "what is far too long"
    return (plain(text[:60]) + ("..." if len(text) > 60 else "")) or "nothing"


def fields_of(struct: type[Section], prefix: str = "") -> dict[str, Field]:
    """The described fields of a section by name."""
    found = {}
    for item in msgspec.structs.fields(struct):
        options = [one for one in (item.type, *get_args(item.type)) if get_origin(one) is Annotated]
        if options:
            kind, doc = get_args(options[0])
            choices = get_args(kind) if get_origin(kind) is Literal else ()
            plain = type(choices[0]) if choices else get_origin(kind) or kind
            default = None if item.default is msgspec.NODEFAULT else item.default
            found[item.name] = Field(prefix + item.name, plain, doc, [] if plain is list else default, choices)
    return found


@cache
def fields() -> dict[str, Field]:
    """Every field of every section by its dotted name, in the order of the schema."""
    found = [f for section, struct in SECTIONS.items() for f in fields_of(struct, f"{section}.").values()]
    return {f.key: f for f in found}


def field(key: str) -> Field:
    """The field of this name, which may be short; an unknown name is refused with the nearest match."""
    key = ALIASES.get(key, key)
    if key not in fields():
        bare = [name for name in fields() if name.split(".")[1] == key]
        if len(bare) == 1:
            return fields()[bare[0]]
        raise UsageError(f"{brief(key)}: no such field; {nearest(key[:60], [*fields(), *ALIASES])}")
    return fields()[key]


def used(section: str, name: str) -> list[str]:
    """The fields that `name` reads in `section`, in the order of the schema."""
    wanted = {"name", *NAMED[section][name]}
    return [f for f in SECTIONS[section].__struct_fields__ if f in wanted]


def values(config: RunConfig, section: str) -> dict[str, Any]:
    """The fields of a section that its `name` reads, without the name: keyword arguments for what is built."""
    part: Section = getattr(config, section)
    names = used(section, part.name) if section in NAMED else part.__struct_fields__  # type: ignore[attr-defined]
    return {name: getattr(part, name) for name in names if name != "name"}


def steerable(config: RunConfig) -> dict[str, float]:
    """The fields of `config` that may be changed while it trains, with their values."""
    return {
        f.key: values(config, section)[name]
        for f in fields().values()
        for section, _, name in [f.key.partition(".")]
        if f.steerable and name in values(config, section)
    }


def has_norm(config: RunConfig) -> bool:
    """Whether the run has weights whose norm can be set."""
    return "optim.hold_norm" in steerable(config)


def get(config: RunConfig, key: str) -> Any:
    """The value of a dotted field."""
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def replace(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """A copy of `config` with dotted fields changed; the values must have been checked."""
    for key, value in changes.items():
        section, _, name = key.partition(".")
        part = msgspec.structs.replace(getattr(config, section), **{name: value})
        config = msgspec.structs.replace(config, **{section: part})
    return config


SCHEDULE_FIELDS = fields_of(Scheduled)
TEXT_FIELDS = fields_of(RunConfig)
