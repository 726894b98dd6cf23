"""The whole leaderboard as one Markdown, one LaTeX and one CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from ..analysis.board import HOW, Board
from ..analysis.failures import Failure
from ..store.record import Record
from .escape import latex, markdown, markdown_code, spreadsheet
from .tables import (
    board_hashes,
    board_table,
    cost_remarks,
    cost_table,
    facts,
    failure_table,
    flags_text,
    remarks,
    sources,
    to_latex,
    to_markdown,
    versions_text,
)


def leaderboard_markdown(
    boards: Sequence[Board],
    failures: Sequence[Failure],
    costs: Sequence[Record],
    plots: Sequence[tuple[str, str]],
    notes: Sequence[str],
    title: str,
    more: Sequence[str] = (),
) -> str:
    """The whole board; `plots` are (path, caption), `more` are lines of further sections."""
    out = [f"# {markdown(title)}", "", markdown(HOW), ""]
    for board in boards:
        out += [f"## {markdown(board.title)}", "", markdown(facts(board)), ""]
        out += [*to_markdown(board_table(board)), ""] if board.rows else ["No method has a result here.", ""]
        out += [f"- **Warning:** {markdown(text)}" for text in board.warnings]
        out += [f"- {markdown(text)}" for text in remarks(board)]
        out += [f"- {markdown_code(text)}" for text in board.signatures.values()]
        out += [""]
    if failures:
        out += ["## Failures and skips", "", *to_markdown(failure_table(failures)), ""]
    if costs:
        out += ["## Cost", "", *to_markdown(cost_table(costs)), ""]
        out += [*(f"- {markdown(text)}" for text in cost_remarks(costs)), ""]
    out += more
    if plots or notes:
        out += ["## Plots", "", *(f"{markdown(note)}\n" for note in notes)]
        out += [f"![{markdown(_first(caption))}]({path})\n\n{markdown(caption)}\n" for path, caption in plots]
    out += ["## Versions and hashes", ""]
    seen: dict[str, None] = {}
    for board in boards:
        seen[f"- {markdown(f'{board.protocol}, {board.seeds_text}: {versions_text(board)}')}"] = None
    for board in boards:
        for name, sha in board_hashes(board):
            seen[f"- {markdown(name)}: {markdown_code(sha)}"] = None
    for names, sha in sources(boards):
        seen[f"- source of {markdown(names)}: {markdown_code(sha)}"] = None
    return "\n".join([*out, *seen, ""])


def _first(caption: str) -> str:
    """What a plot shows, without its legend: for those who hear the caption after it."""
    return caption.partition(": ")[0].partition(". ")[0]


def leaderboard_latex(boards: Sequence[Board], failures: Sequence[Failure], title: str) -> str:
    """One `table` for each board, to be `\\input`: needs booktabs and textcomp, T1 fonts."""
    out = [f"% {latex(title)}", r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}"]
    for number_, board in enumerate(boards, 1):
        if not board.rows:
            continue
        caption = latex(f"{board.title}: {facts(board)}.")
        said = [latex(text) for text in (*board.warnings, *remarks(board))]
        signed = [rf"\texttt{{{latex(text)}}}" for text in board.signatures.values()]
        out += [
            "",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:noisebench-{number_}}}",
        ]
        out += [
            *to_latex(board_table(board)),
            r"\par\footnotesize " + r"\\ ".join([*said, *signed]),
            r"\end{table}",
        ]
    if failures:
        out += ["", r"\begin{table}", r"\centering", r"\caption{Failures and skips.}"]
        out += [*to_latex(failure_table(failures)), r"\end{table}"]
    return "\n".join([*out, ""])


def leaderboard_csv(boards: Sequence[Board], failures: Sequence[Failure]) -> str:
    """A row a method and board, then a row a failure. Numbers in full; an empty score has a note."""
    metrics = sorted({column.label for board in boards for column in board.columns})
    head = [
        "dataset",
        "regime",
        "protocol",
        "seeds",
        "pictures",
        "method",
        "spec",
        "outcome",
        "rank_low",
        "rank_high",
    ]
    head += [name for metric in metrics for name in (metric, f"{metric}_note")]
    head += ["difference", "interval_low", "interval_high", "worst_5_percent", "below_optimum", "below_noisy",
             "latency_p50_ms", "latency_rel", "peak_memory_bytes", "params", "cost_setting", "flags",
             "not_ranked", "reason", "fingerprint", "source_sha256"]  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, head, restval="", lineterminator="\n")
    writer.writeheader()
    for board in boards:
        for row in board.rows:
            low, high = row.ranks or (None, None)
            left, right = row.interval or (None, None)
            cost = row.cost
            line: dict[str, str] = {
                "dataset": spreadsheet(board.dataset), "regime": spreadsheet(board.regime),
                "protocol": spreadsheet(board.protocol), "seeds": ",".join(map(str, board.seeds)),
                "pictures": str(len(board.items)), "method": spreadsheet(row.label),
                "spec": spreadsheet(row.spec), "outcome": "ok",
                "rank_low": _plain(low), "rank_high": _plain(high), "difference": _plain(row.difference),
                "interval_low": _plain(left), "interval_high": _plain(right),
                "worst_5_percent": _plain(row.tail),
                "below_optimum": _plain(row.below_optimum), "below_noisy": str(row.below_noisy).lower(),
                "flags": spreadsheet(flags_text(row)), "not_ranked": spreadsheet(row.unranked),
                "fingerprint": board.fingerprint, "source_sha256": row.source_sha256,
            }  # fmt: skip
            for column in board.columns:
                score = row.scores[column.label]
                line[column.label] = _plain(score.mean)
                line[f"{column.label}_note"] = spreadsheet(score.note)
            if cost is not None:
                line["latency_p50_ms"] = _plain((cost["latency_ms"] or {}).get("p50"))
                line["latency_rel"] = _plain(cost["latency_rel"])
                line["peak_memory_bytes"] = _plain(cost["peak_memory_bytes"])
                line["params"] = _plain(cost["params"])
                line["cost_setting"] = spreadsheet(board.cost_setting)
            writer.writerow(line)
    for f in failures:
        dataset, _, regime = f.where.partition(" · ")
        writer.writerow(
            {
                "dataset": spreadsheet(dataset),
                "regime": spreadsheet(regime),
                "method": spreadsheet(f.label),
                "seeds": _plain(f.seed),
                "outcome": f.outcome,
                "reason": spreadsheet(f.reason or f.last_line),
            }
        )
    return text.getvalue()


def _plain(value: float | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value) if isinstance(value, int) else f"{value:.9g}"
