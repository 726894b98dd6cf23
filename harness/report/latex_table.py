"""Tables in LaTeX of a stated width: set smaller, names wrapped or with a key, at last in panels below another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..text.errors import UsageError, one_line
from .escape import latex
from .latex_width import breakable, ems, points

COLUMN, PAGE = 234.0, 486.0
"""Points: the narrowest column and text width of two-column papers (CVPR; those of IEEE and ACM are wider)."""
_LEAST = 120.0
_NARROW = 5
"""As many columns are set as large as the text; more are set smaller."""
_NAMES, _OTHERS = 0.4, 0.25
"""The share of the width that a name before the columns may take, and another text."""
_LINES = 3
"""A name of more lines than this has a key."""
_SAFETY = 0.98


@dataclass(frozen=True)
class Width:
    """How wide a table may be; `star` says that it spans both columns of a page."""

    points: float = PAGE
    star: bool = True

    @property
    def environment(self) -> str:
        """The float that such a table stands in."""
        return "table*" if self.star else "table"


USUAL = Width()


def read_width(text: str) -> Width:
    """`column`, `page`, or points such as `345pt`. Raises `UsageError`."""
    if text in ("", "page"):
        return USUAL
    if text == "column":
        return Width(COLUMN, False)
    match = re.fullmatch(r"(\d{2,4}(?:\.\d+)?) ?(?:pt)?", text)
    if match is None or float(match[1]) < _LEAST:
        raise UsageError(
            f"--width {one_line(text, 60)!r}: give column, page, or points from {_LEAST:.0f}pt on, such as 345pt"
        )
    return Width(float(match[1]), False)


@dataclass(frozen=True, slots=True)
class LatexCell:
    """What stands in a cell: LaTeX, its width in em, and the text behind it where it may be wrapped or have a key."""

    tex: str
    em: float
    text: str = ""

    @classmethod
    def of(cls, text: str, bold: bool = False, whole: bool = False) -> LatexCell:
        """A cell of plain text, which stays `whole` where that is a number."""
        tex = latex(text)
        return cls(rf"\textbf{{{tex}}}" if bold else tex, ems(one_line(text), bold), "" if whole else text)


@dataclass(frozen=True)
class Tabular:
    """A table to be fitted: the first `before` columns name the rows and stand in each panel.

    `over` are groups of the other columns with their sizes; a line is drawn before the rows of `rules`.
    """

    aligned: str
    head: tuple[LatexCell, ...]
    rows: tuple[tuple[LatexCell, ...], ...]
    before: int = 1
    over: tuple[tuple[LatexCell, int], ...] = ()
    rules: frozenset[int] = frozenset()


@dataclass
class Fitted:
    """The lines of LaTeX of a table, and what each key in it stands for."""

    lines: list[str] = field(default_factory=list)
    key: dict[str, str] = field(default_factory=dict)


def fit(table: Tabular, width: Width, key: Mapping[str, str] | None = None) -> Fitted:
    """A table that is no wider than it may be; `key` are keys that are taken already."""
    most = width.points * _SAFETY
    fitted = Fitted(key=dict(key or {}))
    size, gap = (10, 6.0) if len(table.head) <= _NARROW else (8, 3.0)
    if size == 10 and _width(table, size, gap) > most:
        size, gap = 8, 3.0
    if size == 8:
        fitted.lines.append(r"\footnotesize\setlength{\tabcolsep}{3pt}")
    panels = [table]
    if _width(table, size, gap) > most:
        panels = _panels(_narrowed(table, most, size, gap, fitted.key), most, size, gap)
    for place, panel in enumerate(panels):
        fitted.lines += [r"\par\medskip"] * (place > 0) + _lines(panel)
    return fitted


def _widths(table: Tabular, size: int) -> list[float]:
    return [points(max([head.em, *(row[at].em for row in table.rows)]), size) for at, head in enumerate(table.head)]


def _width(table: Tabular, size: int, gap: float) -> float:
    """How wide a table is: a group that is wider than its columns widens the last of them."""
    widths = _widths(table, size)
    total, start = sum(widths) + 2 * gap * len(widths), table.before
    for name, columns in table.over:
        inside = sum(widths[start : start + columns]) + 2 * gap * (columns - 1)
        total += max(0.0, points(name.em, size) - inside)
        start += columns
    return total


# ------------------------------------------------------------------------------------------------ narrower cells


def _narrowed(table: Tabular, most: float, size: int, gap: float, key: dict[str, str]) -> Tabular:
    """The table with its heads wrapped, then its long names and texts; what is too long for that has a key.

    Numbers stay as they are.
    """
    table = replace(table, head=tuple(_wrapped_head(table, at, size) for at in range(len(table.head))))
    if _width(table, size, gap) <= most:
        return table
    beside = sum(_widths(table, size)[: table.before - 1])  # such as ranks, which are short
    names, others = max(most * _NAMES - beside, most * _NAMES / 2), most * _OTHERS
    room = [names] * table.before + [others] * (len(table.head) - table.before)

    def row(cells: Sequence[LatexCell], flush: bool) -> tuple[LatexCell, ...]:
        return tuple(_wrapped(cell, width, size, key, flush) for cell, width in zip(cells, room, strict=True))

    over = tuple((_wrapped(name, most / 2, size, key), columns) for name, columns in table.over)
    return replace(table, head=row(table.head, False), rows=tuple(row(cells, True) for cells in table.rows), over=over)


def _wrapped_head(table: Tabular, at: int, size: int) -> LatexCell:
    """What stands over a column, in a few lines where it is wider than the column below it."""
    head = table.head[at]
    width = max((points(row[at].em, size) for row in table.rows), default=0.0)
    if points(head.em, size) <= width:
        return head
    stacked = None
    while stacked is None and width < points(head.em, size):
        width += size
        stacked = _stacked(head, width, size)
    return stacked if stacked is not None and stacked.em < head.em else head


def _wrapped(cell: LatexCell, most: float, size: int, key: dict[str, str], flush: bool = False) -> LatexCell:
    if not cell.text or points(cell.em, size) <= most:
        return cell
    return _stacked(cell, most, size, flush) or LatexCell.of(_keyed(cell.text, most, size, key))


def _stacked(cell: LatexCell, most: float, size: int, flush: bool = False) -> LatexCell | None:
    """A text in a few lines of at most `most` points, None where it needs more of them or a word is too wide."""
    lines: list[str] = []
    for word in one_line(cell.text).split():
        if lines and points(ems(f"{lines[-1]} {word}", bold=True), size) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    widest = max((ems(line, bold=True) for line in lines), default=0.0)
    if len(lines) > _LINES or points(widest, size) > most:
        return None
    stacked = r"\\ ".join(no_option(latex(line)) for line in lines)
    return LatexCell(rf"\shortstack{'[l]' if flush else ''}{{{stacked}}}", widest, cell.text)


def _keyed(text: str, most: float, size: int, key: dict[str, str]) -> str:
    """A short name of a long text, with a letter; the same text has the same one."""
    flat = one_line(text)
    for name, whole in key.items():
        if whole == flat:
            return name
    letter = _letters(len(key))
    begin = re.match(r"\w+", flat)
    name = f"{begin[0] if begin else ''} [{letter}]".strip()
    if points(ems(name, bold=True), size) > most:
        name = f"[{letter}]"
    key[name] = flat
    return name


def _letters(number: int) -> str:
    """A … Z, AA, AB, …"""
    return (_letters(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


# --------------------------------------------------------------------------------------------------------- panels


def _panels(table: Tabular, most: float, size: int, gap: float) -> list[Tabular]:
    """The table in as few parts as its columns need; a group that fits into a panel of its own is not parted."""
    groups = [columns for _, columns in table.over] or [1] * (len(table.head) - table.before)
    panels: list[list[int]] = [[]]
    start = table.before
    for columns in groups:
        whole = list(range(start, start + columns))
        start += columns
        if panels[-1] and _width(_part(table, panels[-1] + whole), size, gap) > most:
            panels.append([])
        for at in whole:
            if panels[-1] and _width(_part(table, [*panels[-1], at]), size, gap) > most:
                panels.append([])
            panels[-1].append(at)
    return [_part(table, panel) for panel in panels]


def _part(table: Tabular, columns: Sequence[int]) -> Tabular:
    """The names of the rows and some of the columns."""
    shown = [*range(table.before), *columns]
    over, start = [], table.before
    for name, size in table.over:
        if inside := sum(start <= at < start + size for at in columns):
            over.append((name, inside))
        start += size
    return replace(
        table,
        aligned="".join(table.aligned[at] for at in shown),
        head=tuple(table.head[at] for at in shown),
        rows=tuple(tuple(row[at] for at in shown) for row in table.rows),
        over=tuple(over),
    )


# ---------------------------------------------------------------------------------------------------------- LaTeX


def _lines(table: Tabular) -> list[str]:
    lines = [rf"\begin{{tabular}}{{{table.aligned}}}", r"\toprule"]
    if table.over:
        spans, rules, start = [""] * table.before, "", table.before + 1
        for name, size in table.over:
            spans.append(rf"\multicolumn{{{size}}}{{c}}{{{name.tex}}}")
            rules += rf"\cmidrule(lr){{{start}-{start + size - 1}}}"
            start += size
        lines += [latex_row(spans), rules]
    lines += [latex_row([cell.tex for cell in table.head]), r"\midrule"]
    for at, row in enumerate(table.rows):
        lines += [r"\midrule"] if at in table.rules else []
        lines.append(latex_row([cell.tex for cell in row]))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def latex_row(cells: Sequence[str]) -> str:
    """A row of cells that are LaTeX already."""
    return no_option(" & ".join(cells)) + r" \\"


def no_option(line: str) -> str:
    """A line whose bracket or star at its head is not taken for an option of the command before it."""
    return f"{{}}{line}" if line[:1] in ("[", "*") else line


def key_lines(key: Mapping[str, str], width: Width) -> list[str]:
    """What each key stands for, a paragraph each, no word wider than `width`."""
    return [
        rf"{latex(name)}: \texttt{{{breakable(text, width.points * _SAFETY, 8, mono=True)}}}"
        for name, text in key.items()
    ]
