"""Numbers as the screens write them: short, and the same everywhere."""

from __future__ import annotations

from math import isfinite


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


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
