"""The statistics behind the boards as tables and values: who beats whom, mean ranks, and other ways to rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..boards import together
from ..boards.board import Board
from ..boards.order_stability import READING, Evidence
from ..boards.together import LeftOut, Overall
from ..statistics.friedman import Friedman
from ..statistics.paired_tests import Floats
from ..text.errors import one_line
from ..text.notation import notation_of, number
from ..text.wording import counted
from .escape import markdown
from .latex_table import USUAL, Width
from .latex_width import breakable
from .section import Section
from .tables import TextTable, latex_float, to_markdown, unit_text

MAX_SECTIONS = 12
MAX_METHODS = 16
MAX_MATRIX = 30
MAX_MISSING = 3


def sections(boards: Sequence[Board], evidence: Sequence[Evidence | None], overall: Sequence[Overall]) -> list[Section]:
    """All boards together first, then each board; at most 12 boards, those with most methods.

    `evidence` is one a board, in the order of the boards.
    """
    together = [_overall_section(one, first_board(one, boards)) for one in overall]
    each = [(one, board) for one, board in zip(evidence, boards, strict=True) if one is not None]
    chosen = sorted(each, key=lambda pair: -len(pair[0].labels))[:MAX_SECTIONS]
    return [*together, *(_section(*pair) for pair in each if any(pair[0] is one for one, _ in chosen))]


def first_board(one: Overall, boards: Sequence[Board]) -> Board:
    """The first of the boards that stand together: its words and the decimals of its metric are those of all."""
    ranked = [board for board in boards if board.rank_by is not None and board.rank_by.label == one.metric]
    return next(board for board in ranked if board.title == one.boards[0])


def _section(one: Evidence, board: Board) -> Section:
    shown = min(len(one.labels), MAX_METHODS)
    counted_units = board.units.words(board.words)
    lines = []
    if one.friedman is not None:
        lines.append(_test_line(one.friedman, board.units.number(one.friedman.blocks, board.words)))
    if disagreement := one.disagreement():
        lines.append(disagreement)
    if shown < len(one.labels):
        lines.append(f"The {shown} best of {len(one.labels)} methods are shown; summary.json has all.")
    tables = [(f"Wins/ties/losses of the row against the column, in {counted_units}", wins_table(one, shown))]
    if one.mcnemar is not None:
        lines.append(
            f"Every score is 0 or 1, so there is McNemar's exact test too: of the {counted_units} on which two "
            "methods differ, each would be better on half. It decides nothing here."
        )
        tables.append(
            ("p of McNemar's exact test, of all pairs at once (Holm)", mcnemar_table(one, one.mcnemar, shown))
        )
    tables.append(("Rank of each method under other choices", choices_table(one, shown)))
    return Section(one.title, tuple(lines), tuple(tables))


def _test_line(test: Friedman, over: str) -> str:
    f = f"F = {test.f:.3g}, p = {test.f_p:.2g}" if test.f is not None else "all order the methods alike"
    return (
        f"Friedman over {over}: {friedman_text(test)}; {f}; "
        f"critical difference of mean ranks {test.critical_difference:.2f}."
    )


def friedman_text(test: Friedman) -> str:
    """`χ²(8) = 90.1, p = 4.5e-16`."""
    return f"χ²({len(test.mean_ranks) - 1}) = {test.chi2:.1f}, p = {test.p:.2g}"


def wins_table(one: Evidence, shown: int) -> TextTable:
    """Mean rank, then `better/same/worse` against each of the first `shown` methods."""
    rows = []
    for i, label in enumerate(one.labels[:shown]):
        rank = "–" if one.friedman is None else f"{one.friedman.mean_ranks[i]:.2f}"
        cells = ("·" if i == j else "/".join(map(str, one.counts(i, j))) for j in range(shown))
        rows.append((str(i + 1), label, rank, *cells))
    head = ("", "method", "mean rank", *(f"vs {j + 1}" for j in range(shown)))
    return TextTable(head, (True, False, *(True,) * (shown + 1)), tuple(rows), methods=one.labels[:shown])


def mcnemar_table(one: Evidence, p: Floats, shown: int) -> TextTable:
    """The p of the row against each of the first `shown` methods."""
    rows = (
        (str(i + 1), label, *("·" if i == j else f"{p[i, j]:.2g}" for j in range(shown)))
        for i, label in enumerate(one.labels[:shown])
    )
    head = ("", "method", *(f"vs {j + 1}" for j in range(shown)))
    return TextTable(head, (True, False, *(True,) * shown), tuple(rows), methods=one.labels[:shown])


def choices_table(one: Evidence, shown: int) -> TextTable:
    """A row a choice: Kendall's tau-b against the board, and the rank of each of the first `shown` methods."""
    head = ("metric", "aggregation", "protocol", "tau", *(f"{j + 1}" for j in range(shown)))
    rows = tuple(
        (
            c.metric, c.aggregation, c.protocol, number(c.tau, 2), *(f"{rank:g}" for rank in c.ranks[:shown]),
        )
        for c in one.choices
    )  # fmt: skip
    return TextTable(head, (False, False, False, *(True,) * (shown + 1)), rows, methods=one.labels[:shown])


def _overall_section(one: Overall, first: Board) -> Section:
    assert first.rank_by is not None
    decided = len(one.boards) - len(one.undecided)
    notation = notation_of(one.means, first.rank_by.decimals)
    rows = []
    for i, label in enumerate(one.labels[: 2 * MAX_METHODS]):
        rank = "–" if one.friedman is None else f"{one.friedman.mean_ranks[i]:.2f}"
        firsts = f"{one.firsts[i]} of {decided}" if decided else "–"
        rows.append((label, notation.text(one.means[i]), rank, firsts))
    lines = [
        f"The score of one {first.words['item']} is its mean over the boards that show it; it counts once.",
        *who_is_compared(one),
    ]
    if one.undecided:
        lines.append(f"Boards that tell no two methods apart have no first: {_first_names(one.undecided)}.")
    if one.friedman is not None:
        over = counted(one.friedman.blocks, first.words["item"], first.words["items"])
        lines.append(_test_line(one.friedman, over))
    table = TextTable(
        ("method", f"{one.metric}{unit_text(first.rank_by)}", "mean rank", "first, or tied for it"),
        (False, True, True, True),
        tuple(rows),
    )
    caption = "All boards together" if len(one.boards) == one.of else f"Together: {', '.join(one.boards)}"
    return Section(f"Together: {one.title}", tuple(lines), ((caption, table),))


def who_is_compared(one: Overall) -> list[str]:
    """Which variants stand for a family, which methods are left out, with the boards where they are not, and scores."""
    families = [f"{family} is {' or '.join(labels)}." for family, labels in one.families]
    left_out = "; ".join(_left_out_text(method, len(one.boards)) for method in one.left_out)
    above = [method.label for method in one.left_out if method.better_than_first]
    return [
        *families,
        *([f"Left out: {left_out}."] if left_out else []),
        *([f"Of these, ahead of {one.labels[0]} on the boards that both are on: {', '.join(above)}."] if above else []),
        *(
            [f"Of each, {one.exact} of the {one.scores} scores are left out, because one of them is exact there."]
            if one.exact
            else []
        ),
    ]


def _left_out_text(method: LeftOut, boards: int) -> str:
    if len(method.missing) == boards:
        return f"{method.label}, on none of them"
    return f"{method.label}, not on {_first_names(method.missing)}"


def _first_names(boards: Sequence[str]) -> str:
    more = f" and {len(boards) - MAX_MISSING} more" if len(boards) > MAX_MISSING else ""
    return f"{', '.join(boards[:MAX_MISSING])}{more}"


def statistics_markdown(title: str, sections: Sequence[Section]) -> str:
    """`statistics.md`."""
    out = [f"# {markdown(title)}: statistics", "", *(f"{markdown(line)}\n" for line in (*READING, together.READING))]
    for section in sections:
        out += [f"## {markdown(section.title)}", ""]
        out += [f"{markdown(line)}\n" for line in section.lines]
        for caption, table in section.tables:
            out += [f"{markdown(caption)}:", "", *to_markdown(table), ""]
    return "\n".join(out)


def statistics_latex(sections: Sequence[Section], width: Width = USUAL) -> str:
    """The same as booktabs tables to be `\\input`."""
    out = [r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}"]
    for place, section in enumerate(sections, 1):
        for part, (caption, table) in enumerate(section.tables, 1):
            words = one_line(" ".join([f"{section.title}. {caption}.", *section.lines]))
            text = breakable(words, width.points, 10)
            out += latex_float(text, table, label=f"tab:noisebench-statistics-{place}-{part}", width=width)
    return "\n".join([*out, ""])


def evidence_values(one: Evidence | None) -> dict[str, Any] | None:
    """For `summary.json`: methods in the order of the board, totals for all, the matrix of the first 30."""
    if one is None:
        return None
    count = len(one.labels)
    most = min(count, MAX_MATRIX)
    wins, losses = one.wins.sum(axis=1).tolist(), one.wins.sum(axis=0).tolist()
    pairs = one.items * (count - 1)
    totals = [[w, pairs - w - b, b] for w, b in zip(wins, losses, strict=True)]
    return {
        "methods": one.labels,
        "wins_ties_losses": totals,
        "wins": one.wins[:most, :most].tolist(),
        "friedman": friedman_values(one.friedman),
        "disagreement": one.disagreement(),
        **({} if one.mcnemar is None else {"mcnemar": one.mcnemar[:most, :most].tolist()}),
        "rankings": [
            {
                "metric": choice.metric, "protocol": choice.protocol, "aggregation": choice.aggregation,
                "kendall_tau": choice.tau, "ranks": choice.ranks,
            }
            for choice in one.choices
        ],
    }  # fmt: skip


def friedman_values(test: Friedman | None) -> dict[str, Any] | None:
    """A Friedman test as plain values."""
    if test is None:
        return None
    return {
        "items": test.blocks, "mean_ranks": test.mean_ranks, "chi2": test.chi2, "p": test.p, "f": test.f,
        "f_p": test.f_p, "critical_difference": test.critical_difference,
    }  # fmt: skip


def overall_values(one: Overall) -> dict[str, Any]:
    """For `summary.json`."""
    return {
        "boards": one.boards, "metric": one.metric, "methods": one.labels, "means": one.means, "firsts": one.firsts,
        "undecided": one.undecided,
        "friedman": friedman_values(one.friedman), "families": dict(one.families),
        "left_out": {method.label: method.missing for method in one.left_out},
        **({"exact": one.exact} if one.exact else {}),
    }  # fmt: skip
