"""How wide a text prints in LaTeX: an upper bound in points, from the widths of the letters of its usual fonts."""

from __future__ import annotations

from functools import lru_cache

from .escape import latex

_BY_WIDTH = {
    28: r"|,.:;\il", 31: "j", 34: " !'-[]`f", 37: "I", 39: "()t", 40: "rs", 41: '"', 45: "cez", 47: "^", 48: "?{}",
    50: "$*/0123456789_ago", 52: "J", 53: "kqvxy", 55: "~", 56: "Sbdhnpu", 57: "<>", 62: "Z", 63: "L", 66: "F",
    69: "EP", 71: "B", 73: "CTw", 74: "R", 75: "AHNUVXY", 77: "D", 78: "&+=KOQ", 79: "G", 84: "#%m", 92: "M", 93: "@",
    103: "W",
}  # fmt: skip
"""Hundredths of an em: of Computer Modern at 10 pt and of Times the wider one, rounded up."""
_WIDTHS = {letter: width / 100 for width, letters in _BY_WIDTH.items() for letter in letters}
_OTHER = 1.0
_MONO = 0.53
_BOLD = 1.17
_LONG_WORDS = 3
_SMALLER = {10: 1.0, 9: 1.03, 8: 1.07, 7: 1.14}
"""Computer Modern is drawn wider for its size where it is smaller."""


@lru_cache(maxsize=16_384)
def ems(text: str, bold: bool = False, mono: bool = False) -> float:
    """The width of one line of plain text, in em of its font at 10 pt."""
    width = 0.0
    for letter in text:
        width += _letter(letter, bold, mono)
    return width * (_BOLD if bold else 1.0)


@lru_cache(maxsize=16_384)
def _letter(letter: str, bold: bool, mono: bool) -> float:
    """The width of one letter before all of a text is made bold."""
    code = latex(letter) if not letter.isspace() else " "
    return ems(code, bold, mono) if "[U+" in code else _MONO if mono else _WIDTHS.get(letter, _OTHER)


def points(em: float, size: int) -> float:
    """A width in points, of a font of so many points."""
    return em * size * _SMALLER[size]


def breakable(text: str, width: float, size: int, mono: bool = False) -> str:
    """A paragraph that is LaTeX: a long word may be broken behind a sign, one wider than `width` points anywhere.

    Prose has long words from a third of the line on: before a longer one TeX could not fill the line above it.
    """
    long = width if mono else width / _LONG_WORDS
    return " ".join(
        latex(word, 4_000) if points(ems(word, mono=mono), size) <= long else _broken(word, width, size, mono)
        for word in text.split()
    )


def _broken(word: str, width: float, size: int, mono: bool) -> str:
    pieces = [""]
    for place, letter in enumerate(word):
        if points(ems(pieces[-1] + letter, mono=mono), size) > width:
            pieces.append("")
        pieces[-1] += letter
        if letter in ",;:=(|/_-." and place < len(word) - 1:
            pieces.append("")
    return r"\allowbreak{}".join(latex(piece) for piece in pieces if piece)
