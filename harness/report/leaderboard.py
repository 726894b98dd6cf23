"""The whole leaderboard as one Markdown, one LaTeX and one CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence

from ..boards.board import Board, reading_text
from ..boards.rows import Row
from ..text.errors import one_line
from .cost_table import cost_remarks, cost_table
from .data import ReportData
from .escape import latex, markdown, markdown_code, spreadsheet
from .files import taken
from .latex_table import USUAL, Width
from .latex_width import breakable
from .set_metrics import sets_latex, sets_markdown
from .tables import (
    board_hashes,
    board_table,
    facts,
    failure_table,
    flags_text,
    latex_float,
    latex_lines,
    more_rows,
    remarks,
    sources,
    to_markdown,
    versions_text,
)

_PROSE = 2_000
"""The most characters of what is read as a paragraph."""


def leaderboard_markdown(data: ReportData) -> str:
    """The whole report but its statistics; plots are linked in `plots/`."""
    out = [f"# {markdown(data.title)}", "", markdown(reading_text(data.words), _PROSE), ""]
    for board in data.boards:
        out += [f"## {markdown(board.title)}", "", markdown(facts(board)), ""]
        out += [f"**{markdown(board.undecided, _PROSE)}**", ""] if board.undecided else []
        lines = to_markdown(board_table(board, data.most_rows)) if board.rows else ["No method has a result here."]
        out += [*lines, "", *(f"- {text}" for text in more_rows(board, data.most_rows))]
        out += [f"- **Warning:** {markdown(text)}" for text in board.warnings]
        out += [f"- {markdown(text)}" for text in remarks(board)]
        out += [f"- {markdown_code(text)}" for text in board.signatures.values()]
        out += [""]
    if data.failures:
        table = failure_table(data.failures, data.words["items"])
        out += ["## Failures and skips", "", *to_markdown(table), ""]
    if data.costs:
        out += ["## Cost", "", *to_markdown(cost_table(data.costs)), ""]
        out += [*(f"- {markdown(text)}" for text in cost_remarks(data.costs)), ""]
    out += sets_markdown(data.boards, data.sets)
    if data.plots or data.notes:
        out += ["## Plots", "", *(f"{markdown(note)}\n" for note in data.notes)]
        for plot in data.plots:
            text = f"![{markdown(_first(plot.caption))}](plots/{plot.name}.png)"
            out.append(f"{text}\n\n{markdown(plot.caption, _PROSE)}\n")
    return "\n".join([*out, *_hashes(data.boards), ""])


def _hashes(boards: Sequence[Board]) -> list[str]:
    """Versions and hashes, each once."""
    lines = [f"- {markdown(f'{one.protocol}, {one.seeds_text}: {versions_text(one)}')}" for one in boards]
    lines += [f"- {markdown(name)}: {markdown_code(sha)}" for board in boards for name, sha in board_hashes(board)]
    lines += [f"- source of {markdown(names)}: {markdown_code(sha)}" for names, sha in sources(boards)]
    return ["## Versions and hashes", "", *dict.fromkeys(lines)]


def _first(caption: str) -> str:
    """What a plot shows, without its legend: for those who hear the caption after it."""
    return caption.partition(": ")[0].partition(". ")[0]


def leaderboard_latex(data: ReportData, width: Width = USUAL) -> str:
    """One float for each board, to be `\\input`: needs booktabs and textcomp, T1 fonts."""
    out = [f"% {latex(data.title)}", r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}"]
    for place, board in enumerate(data.boards, 1):
        if not board.rows:
            continue
        caption = breakable(one_line(f"{board.title}: {facts(board)}."), width.points, 10)
        more = more_rows(board, data.most_rows)
        texts = (*more, *filter(None, [board.undecided]), *board.warnings, *remarks(board))
        notes = [breakable(one_line(text), width.points, 8) for text in texts]
        signatures = [
            rf"\texttt{{{breakable(one_line(text), width.points, 8, mono=True)}}}" for text in board.signatures.values()
        ]
        below = r"\par\footnotesize " + latex_lines([*notes, *signatures])
        table = board_table(board, data.most_rows)
        out += latex_float(caption, table, label=f"tab:noisebench-{place}", below=below, width=width)
    if data.failures:
        out += latex_float("Failures and skips.", failure_table(data.failures, data.words["items"]), width=width)
    return "\n".join([*out, ""]) + sets_latex(data.boards, data.sets, width)


_PLACE = ("track", "dataset", "regime", "protocol", "seeds", "items", "method", "spec", "outcome", "rank_low",
          "rank_high")  # fmt: skip
_REST = ("difference", "interval_low", "interval_high", "worst_5_percent", "below_optimum", "below_baseline",
         "latency_p50_ms", "latency_rel", "peak_memory_bytes", "params", "cost_setting", "flags", "not_ranked",
         "reason", "fingerprint", "source_sha256")  # fmt: skip


def leaderboard_csv(data: ReportData) -> Iterator[str]:
    """A row a method and board, then a row a failure. Numbers in full; an empty score has a note.

    The text comes in parts, each with the rows of one board.
    """
    metrics = sorted({column.label for board in data.boards for column in board.columns})
    head = [*_PLACE, *(name for metric in metrics for name in (metric, f"{metric}_note")), *_REST]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(spreadsheet, head))
    for board in data.boards:
        common = dict.fromkeys(head, "") | _of_board(board)
        writer.writerows(
            [line.get(name) for name in head] for line in (common | _line(board, row) for row in board.rows)
        )
        yield taken(text)
    for f in data.failures:
        line = {
            "track": spreadsheet(f.track),
            "dataset": spreadsheet(f.dataset),
            "regime": spreadsheet(f.regime),
            "protocol": spreadsheet(f.protocol),
            "method": spreadsheet(f.label),
            "spec": spreadsheet(f.spec),
            "seeds": _plain(f.seed),
            "outcome": f.outcome,
            "reason": spreadsheet(f.reason or f.last_line),
        }
        writer.writerow([line.get(name, "") for name in head])
    yield text.getvalue()


def row_numbers(row: Row) -> dict[str, float | None]:
    """The numbers of a row of a board that are of no metric, by name of their column."""
    low, high = row.ranks or (None, None)
    start, end = row.interval or (None, None)
    cost = row.cost
    return {
        "rank_low": low, "rank_high": high, "difference": row.difference, "interval_low": start, "interval_high": end,
        "worst_5_percent": row.tail, "below_optimum": row.below_optimum,
        "latency_p50_ms": (cost.latency_ms or {}).get("p50") if cost else None,
        "latency_rel": cost.latency_rel if cost else None,
        "peak_memory_bytes": cost.peak_memory_bytes if cost else None, "params": cost.params if cost else None,
    }  # fmt: skip


def _of_board(board: Board) -> dict[str, str]:
    """What the rows of a board have in common, by name of its column."""
    return {
        "track": spreadsheet(board.track), "dataset": spreadsheet(board.dataset), "regime": spreadsheet(board.regime),
        "protocol": spreadsheet(board.protocol), "seeds": ",".join(map(str, board.seeds)),
        "items": str(len(board.items)), "outcome": "ok", "fingerprint": spreadsheet(board.fingerprint),
    }  # fmt: skip


def _line(board: Board, row: Row) -> dict[str, str]:
    """What a row of a board has of its own, by name of its column."""
    line = {
        "method": spreadsheet(row.label), "spec": spreadsheet(row.spec),
        "below_baseline": str(row.below_baseline).lower(),
        **{name: _plain(value) for name, value in row_numbers(row).items() if value is not None},
        "cost_setting": spreadsheet(board.cost_setting) if row.cost is not None else "",
        "flags": spreadsheet(flags_text(row)), "not_ranked": spreadsheet(row.unranked),
        "source_sha256": spreadsheet(row.source_sha256),
    }  # fmt: skip
    for column in board.columns:
        score = row.scores[column.label]
        line |= {column.label: _plain(score.mean), f"{column.label}_note": spreadsheet(score.note)}
    return line


def _plain(value: float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value) if isinstance(value, int) else f"{value:.9g}"
