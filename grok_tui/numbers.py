"""Numbers as text and as JSON, the same in every table, screen and file."""

from collections.abc import Sequence
from math import isfinite
from typing import Any


def grouped(number: float) -> str:
    """`12,345`."""
    return f"{int(number):,}"


def compact(number: float) -> str:
    """`950`, `3.4k`, `12k`, `1.2M`: at most five characters."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            scaled = number / limit
            return f"{scaled:.0f}{unit}" if scaled >= 10 else f"{scaled:.1f}".removesuffix(".0") + unit
    return f"{number:.0f}"


def short(value: float | None, digits: int = 3) -> str:
    """`0.562`, `68.2`, `5.62e-4`: so many significant digits, and no padding in the exponent."""
    if value is None:
        return "–"
    if not isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    size = abs(float(f"{value:.{digits - 1}e}"))
    if 0.01 <= size < 10**digits:
        return f"{value:.{digits}g}"
    if 1 <= size < 100_000:
        return f"{value:.0f}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def ratio(value: float | None) -> str:
    """A number between 0 and 1 in two decimals, and what is nearly 0 or 1 told apart from it."""
    if value is None or not isfinite(value):
        return short(value)
    if value and abs(value) < 0.01:
        return short(value, 1)
    if 0.995 <= value < 1:
        return f"{int(value * 1000) / 1000:.3f}"
    return f"{value:.2f}"


def figure(value: float, digits: int = 3) -> str:
    """`12,346`, `0.0123`, `5.6e-5`, `never` for inf: a number in a table or beside an axis."""
    if not isfinite(value):
        return "never" if value > 0 else str(value)
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}" if abs(value) < 1e6 else short(value, digits)
    return f"{value:,.{digits}g}" if not value or abs(value) >= 1e-4 else short(value, digits)


def duration(seconds: float) -> str:
    """`0.4 s`, `40 s`, `3 min`, `1 h 30 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def between(step: int | None, interval: Sequence[int | None] | None) -> str:
    """`772 (between 758 and 772)`: when something began, and between which steps it may have; `-` if it did not.

    interval: the last row before it and the first row with it.
    """
    if step is None:
        return "-"
    low, high = interval or (None, None)
    if low is None or high is None or high - low <= 1:
        return grouped(step)
    return f"{grouped(step)} (between {grouped(low)} and {grouped(high)})"


def finite(value: Any) -> Any:
    """A value as JSON can hold it: arrays become lists, and a number that is not finite becomes null."""
    if hasattr(value, "tolist"):  # a numpy array or scalar
        value = value.tolist()
    match value:
        case dict():
            return {str(key): finite(item) for key, item in value.items()}
        case list() | tuple() | set() | range():
            return [finite(item) for item in value]
        case float():
            return value if isfinite(value) else None
        case None | bool() | int() | str():
            return value
    return str(value)
