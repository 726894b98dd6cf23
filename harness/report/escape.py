"""Make hostile text harmless in Markdown, LaTeX, HTML and CSV, and shorten it for plots."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from ..text.errors import one_line, text_of

_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_",
    "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "·": r"\textperiodcentered{}", "×": r"$\times$", "−": r"$-$", "–": "--", "…": r"\dots{}",
    "Δ": r"$\Delta$", "χ": r"$\chi$", "²": r"$^2$", "τ": r"$\tau$", "≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$",
    "σ": r"$\sigma$", "Σ": r"$\Sigma$", "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "ε": r"$\varepsilon$",
    "₁": r"$_1$", "₂": r"$_2$",
    "λ": r"$\lambda$", "μ": r"$\mu$", "√": r"$\surd$", "±": r"$\pm$", "≈": r"$\approx$", "∞": r"$\infty$",
    "⁰": "$^0$", "¹": "$^1$", "³": "$^3$", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}",
    "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "—": "---",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∝": r"$\propto$", "µ": r"\textmu{}", "\N{REPLACEMENT CHARACTER}": "?",
}  # fmt: skip


class _Codes(dict[int, str]):
    """What a character is in LaTeX, by its number; found out once."""

    def __missing__(self, code: int) -> str:
        self[code] = _TEX.get(chr(code)) or (chr(code) if code < 0x180 else f"[U+{code:04X}]")
        return self[code]


_CODES = _Codes()
_MARKDOWN = str.maketrans({**{c: "\\" + c for c in "\\`|*[]~#"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"})


LONG = 4_000
"""How long a caption or a note may be, where the names in it are many."""


def markdown(text: object, limit: int = 400) -> str:
    """One line that renders as `text` in a table cell or a paragraph: no markup, no HTML, no column break."""
    flat = one_line(text, limit).translate(_MARKDOWN)
    # An underscore inside a word is plain text already; escaping it there would only hurt the reader.
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", flat) if "_" in flat else flat


def markdown_code(text: object) -> str:
    """`text` as a code span, whatever backticks it holds."""
    flat = one_line(text, 2_000)
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def latex(text: object, limit: int = 400) -> str:
    """One line that prints as `text` in LaTeX (T1 encoding); what its fonts lack prints as its code, `[U+4E2D]`."""
    return _in_latex(text if isinstance(text, str) else text_of(text), limit)


@lru_cache(maxsize=8192)  # the numbers of a big table are few
def _in_latex(text: str, limit: int) -> str:
    return one_line(text, limit).translate(_CODES)


def page(text: object) -> str:
    """One line that shows as `text` in HTML, in an element or in a quoted attribute."""
    return html.escape(one_line(text, 2_000), quote=True)


def spreadsheet(text: object) -> str:
    """A text cell of a CSV that no spreadsheet takes for a formula."""
    return _no_formula(text if isinstance(text, str) else str(text))


@lru_cache(maxsize=4096)  # a big board says the same names in a million cells
def _no_formula(text: str) -> str:
    flat = one_line(text, 2_000)
    return f"'{flat}" if flat[:1] in ("=", "+", "-", "@") else flat


def shorten(text: object, width: int) -> str:
    """At most `width` characters; the middle goes, because parameters at the end tell sweeps apart."""
    flat = one_line(text)
    if len(flat) <= width:
        return flat
    head = (width - 1) // 2
    return f"{flat[:head]}…{flat[len(flat) - (width - 1 - head) :]}"


def slug(text: object, limit: int = 40) -> str:
    """A piece of a file name: a-z, 0-9 and '-' only."""
    return re.sub(r"[^a-z0-9]+", "-", one_line(text).lower())[:limit].strip("-") or "x"
