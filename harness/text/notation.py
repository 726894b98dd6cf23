"""How the numbers of one column are written: all with the same decimals, or all in scientific notation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

COARSE = 2
"""A metric that is printed with no more decimals keeps them: what is smaller is nothing to its readers."""
FEW_DIGITS, LEAST_DIGITS = 2, 3
"""Digits that the smallest value of a column shows: with the decimals of its metric, or where it has more of them."""
MORE_DECIMALS = 2
"""So many decimals more than a metric asks for are still easy to read, and so is a number of `MOST_DIGITS`."""
MOST_DIGITS = 8
ROUNDING = 1e-12
"""What is smaller than this share of the largest value of its column is a rounding error: it chooses no notation."""
MOST_DECIMALS = 12


@dataclass(frozen=True)
class Notation:
    """So many `decimals`; in scientific notation those of the part before the power of ten."""

    decimals: int
    scientific: bool = False

    def text(self, value: float | None, more: int = 0) -> str:
        """A number, with `more` decimals; `n/d` for NaN, `–` for None."""
        if value is None:
            return "–"
        if not math.isfinite(value):
            return "n/d" if math.isnan(value) else "inf" if value > 0 else "−inf"
        if self.scientific:
            return f"{value:.{self.decimals + more}e}".replace("-", "−") if value else "0"
        text = f"{value:.{self.decimals + more}f}"
        if text[0] != "-":
            return text
        return text.replace("-", "−") if float(text) else text.lstrip("-")

    def text_of_digits(self, value: float, digits: int) -> str:
        """A number with the decimals that show `digits` of its digits, if these are more."""
        if self.scientific or not value or not math.isfinite(value):
            return self.text(value)
        return self.text(value, max(0, digits - 1 - _power(value) - self.decimals))


def notation_of(values: Iterable[float | None], decimals: int) -> Notation:
    """The notation of a column with these values, of a metric with so many `decimals`.

    Fixed decimals: those of the metric where the smallest value then shows two digits, up to two more where it shows
    three; else scientific. Values of both signs or below 0 are near 0 by chance: there the largest alone counts.
    """
    return Notation(decimals) if decimals <= COARSE else _of_sizes(_finite(values), decimals)


def notation_of_digits(values: Iterable[float | None], digits: int = 4) -> Notation:
    """The same of values that ask for no decimals: those that show `digits` digits of the largest."""
    finite = _finite(values)
    highest = max(map(abs, finite), default=0.0)
    return _of_sizes(finite, max(0, digits - 1 - _power(highest))) if highest else Notation(0)


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _of_sizes(finite: Sequence[float], decimals: int) -> Notation:
    highest = max(map(abs, finite), default=0.0)
    if not highest:
        return Notation(decimals)
    sizes = [abs(value) for value in finite if abs(value) > ROUNDING * highest]
    lowest = highest if min(finite) < 0 else min(sizes)
    few_suffice = FEW_DIGITS - 1 - _power(lowest) <= decimals
    needed = max(0, (FEW_DIGITS if few_suffice else LEAST_DIGITS) - 1 - _power(lowest))
    most = min(decimals + MORE_DECIMALS, MOST_DIGITS - 1 - max(0, _power(highest)))
    if needed > most:
        return Notation(LEAST_DIGITS, scientific=True)
    return Notation(max(needed, min(decimals, most)))


def telling_apart(notation: Notation, pairs: Iterable[tuple[float, float]], more: int = 0) -> Notation:
    """The notation with as many decimals more as the two values of each pair need that they do not look alike."""
    apart = [pair for pair in pairs if pair[0] != pair[1]]
    while notation.decimals < MOST_DECIMALS:
        apart = [pair for pair in apart if notation.text(pair[0], more) == notation.text(pair[1], more)]
        if not apart:
            break
        notation = replace(notation, decimals=notation.decimals + 1)
    return notation


def number(value: float | None, decimals: int) -> str:
    """A number that stands alone, with the `decimals` of its metric."""
    return notation_of([value], decimals).text(value)


def _power(value: float) -> int:
    return math.floor(math.log10(abs(value)))
