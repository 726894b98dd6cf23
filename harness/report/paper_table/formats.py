"""The tables of a paper as Markdown, LaTeX and CSV; names from outside are escaped in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ...suite.study import COSTS
from ...text.errors import one_line
from ..escape import LONG, latex, markdown, markdown_code, spreadsheet
from ..files import taken
from ..latex_table import COLUMN, USUAL, Fitted, LatexCell, Tabular, Width, fit, key_lines
from ..latex_width import breakable, ems
from ..tables import pipe_table
from .grid import Numbers, cell_text, grid
from .marks import Mark
from .table import Level, Line, Mean, PaperTable

NOTHING = "No method has a score."
_SHORT = 300
"""Letters of a remark below a table; a longer one, such as one of whole specs, is for the supplement."""
_BEYOND = "Long names and specs are in the supplement."
_RAISED = 0.8
"""How wide a raised letter is, of what it is on the line."""

# ---------------------------------------------------------------------------------------------- Markdown


def tables_markdown(tables: Sequence[PaperTable]) -> str:
    """Each table with its caption, notes and signatures."""
    out = [] if tables else [NOTHING, ""]
    for table in tables:
        layout = grid(table)
        head = [markdown(title) for title in layout.head]
        if len(layout.over) > 1:
            groups = [name for name, size in layout.over for _ in range(size)]
            named = zip(groups, head[layout.before :], strict=True)
            head[layout.before :] = [f"{markdown(group)} {title}" for group, title in named]
        rows = [
            [markdown(name), *(cell_text(cell, _in_markdown, raised) for cell in cells)] for name, cells in layout.rows
        ]
        out += [markdown(table.caption, LONG), "", *pipe_table(head, (False, *(True for _ in head[1:])), rows), ""]
        out += [f"- {raised(letter)} {markdown(note)}" for letter, note in table.footnotes.items()]
        out += [f"- {markdown(text, LONG)}" for text in table.remarks]
        out += [*(f"- {markdown_code(text)}" for text in table.signatures), ""]
    return "\n".join(out)


def _in_markdown(text: str, mark: Mark) -> str:
    return {"": text, "best": f"**{text}**", "second": f"<ins>{text}</ins>"}[mark]


def raised(letter: str) -> str:
    """The letter of a footnote, as HTML and Markdown have it."""
    return f"<sup>{letter}</sup>"


# ------------------------------------------------------------------------------------------------- LaTeX


def tables_latex(tables: Sequence[PaperTable], width: Width = USUAL) -> str:
    """Each table as a float, to be `\\input`: needs booktabs and textcomp, T1 fonts."""
    out = [r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}", *([] if tables else [f"% {NOTHING}"])]
    for place, table in enumerate(tables, 1):
        fitted = _fitted(table, width)
        # Signatures are for a program to check, as they are; a reader finds protocol, seed and hash in the note.
        out += ["", *(f"% {one_line(text, LONG)}" for text in table.signatures)]
        caption = breakable(one_line(table.caption, LONG), width.points, 10)
        out += [rf"\begin{{{width.environment}}}", r"\centering", rf"\caption{{{caption}}}"]
        out += [rf"\label{{{_label(place)}}}", r"\par\medskip", *fitted.lines]
        notes = [rf"\textsuperscript{{{letter}}}~{latex(note)}." for letter, note in table.footnotes.items()]
        notes += [breakable(text, width.points, 8) for text in table.remarks if len(text) <= _SHORT]
        notes += [_BEYOND] if fitted.key or any(len(text) > _SHORT for text in table.remarks) else []
        out += [r"\par\smallskip\raggedright\footnotesize " + " ".join(notes), rf"\end{{{width.environment}}}"]
    return "\n".join([*out, ""])


def supplement_latex(tables: Sequence[PaperTable], width: Width = USUAL) -> str:
    """What each key of a table stands for and its long remarks, such as whole specs, for the supplement of a paper.

    Its lines fit into one of two columns, and end where their words do: specs have few places to break at.
    """
    out = ["% What table.tex has no room for: for the supplement."]
    room = replace(width, points=min(width.points, COLUMN))
    for place, table in enumerate(tables, 1):
        long = [breakable(one_line(text, LONG), room.points, 8) for text in table.remarks if len(text) > _SHORT]
        lines = [*key_lines(_fitted(table, width).key, room), *long]
        if lines:
            out += ["", r"\begingroup\raggedright\footnotesize", rf"\paragraph{{Table~\ref{{{_label(place)}}}}}"]
            out += [*(rf"\par {line}" for line in lines), r"\par\endgroup"]
    return "\n".join([*out, ""])


def _label(place: int) -> str:
    return f"tab:noisebench-levels-{place}"


@lru_cache(maxsize=1)
def _fitted(table: PaperTable, width: Width) -> Fitted:
    return fit(_tabular(table), width)


def _tabular(table: PaperTable) -> Tabular:
    layout = grid(table)
    return Tabular(
        "l" + "c" * (len(layout.head) - 1),
        tuple(map(LatexCell.of, layout.head)),
        tuple((LatexCell.of(name), *map(_numbers, cells)) for name, cells in layout.rows),
        layout.before,
        tuple((LatexCell.of(name), size) for name, size in layout.over),
        layout.rules,
    )


def _numbers(cell: Numbers) -> LatexCell:
    """A cell of numbers, which is never wrapped."""
    parts = (ems(text, bold=mean.mark == "best") + _RAISED * ems(mean.letter) for text, mean in cell)
    return LatexCell(cell_text(cell, _in_latex, _raised_in_latex), sum(parts) + ems("/") * (len(cell) - 1))


def _in_latex(text: str, mark: Mark) -> str:
    escaped = latex(text)
    return {"": escaped, "best": rf"\textbf{{{escaped}}}", "second": rf"\underline{{{escaped}}}"}[mark]


def _raised_in_latex(letter: str) -> str:
    return rf"\textsuperscript{{{letter}}}"


# --------------------------------------------------------------------------------------------------- CSV

_FIELDS = ("table", "track", "protocol", "seeds", "dataset", "dataset_spec", "fingerprint", "regime", "level", "items",
           "method", "spec", "metric", "unit", "higher_is_better", "mean", "identical", "mark", "rank_low", "rank_high",
           "note", "signature")  # fmt: skip


def tables_csv(tables: Sequence[PaperTable]) -> Iterator[str]:
    """A row for each number, with all its digits; one that is not there has a note that says why.

    A cost is of no dataset, and has the input that it was measured at in its note.
    The text comes in parts, each with the rows of one method.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FIELDS)
    for number, table in enumerate(tables, 1):
        places = [_place(level) for level in table.levels]
        metrics = [
            (spreadsheet(column.label), spreadsheet(column.unit), str(column.higher).lower())
            for column in table.columns
        ]
        signatures = [
            [spreadsheet(level.board.signatures.get(column.label, "")) for column in table.columns]
            for level in table.levels
        ]
        for line in table.lines:
            method = spreadsheet(line.label), spreadsheet(" or ".join(line.specs))
            writer.writerows(
                (str(number), *_of_no_level(table), *method, name, COSTS[name][1], "false", *_cost(cost, line), "")
                for name, cost in zip(table.costs, line.costs, strict=True)
            )
            for place, signed, cell in zip(places, signatures, line.cells, strict=True):
                writer.writerows(
                    (str(number), *place, *method, *metric, *_mean(mean), signature)
                    for metric, signature, mean in zip(metrics, signed, cell, strict=True)
                )
            yield taken(text)
    yield text.getvalue()


def _place(level: Level) -> tuple[str, ...]:
    """What the rows of one level have in common, from the track to the number of items."""
    board = level.board
    return (
        spreadsheet(board.track), spreadsheet(board.protocol), ",".join(map(str, board.seeds)),
        spreadsheet(board.dataset), spreadsheet(board.dataset_spec), spreadsheet(board.fingerprint),
        spreadsheet(board.regime), spreadsheet(level.title), str(len(board.items)),
    )  # fmt: skip


def _of_no_level(table: PaperTable) -> tuple[str, ...]:
    """What stands in these fields where a number is of no dataset and no regime."""
    track, protocol, seeds, *others = _place(table.levels[0])
    return (track, protocol, seeds, *("" for _ in others))


def _cost(cost: Mean, line: Line) -> tuple[str, ...]:
    """What a row says of a cost, from its value to its note."""
    value, _, *others, note = _mean(cost)
    setting = spreadsheet(line.setting)
    return (value, "", *others, "; ".join(filter(None, (note, setting))))


def _mean(mean: Mean) -> tuple[str, ...]:
    """What a row says of a mean, from its value to its note."""
    low, high = mean.ranks or ("", "")
    value = "" if mean.value is None else repr(float(mean.value))
    return value, str(mean.identical), mean.mark, str(low), str(high), spreadsheet(mean.note)
