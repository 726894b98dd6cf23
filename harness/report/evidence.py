"""The statistics behind the boards as tables and values: who beats whom, mean ranks, and other ways to rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.evidence import HOW, Choice, Evidence, Overall
from ..analysis.friedman import Friedman
from .critical import friedman_text
from .escape import latex, markdown
from .tables import Table, number, to_latex, to_markdown

MAX_SECTIONS = 12
MAX_METHODS = 16
MAX_MATRIX = 30


@dataclass(frozen=True)
class Section:
    """A heading, what must be known, and the tables under it with their captions."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]


def sections(found: Sequence[Evidence | None], overall: Sequence[Overall]) -> list[Section]:
    """All boards together first, then each board; at most 12 boards, those with most methods."""
    made = [_overall_section(one) for one in overall]
    each = [e for e in found if e is not None]
    chosen = sorted(each, key=lambda e: -len(e.labels))[:MAX_SECTIONS]
    return [*made, *(_section(e) for e in each if any(e is c for c in chosen))]


def _section(one: Evidence) -> Section:
    shown = min(len(one.labels), MAX_METHODS)
    lines = []
    if one.friedman is not None:
        lines.append(_test_line(one.friedman))
    if shown < len(one.labels):
        lines.append(f"The {shown} best of {len(one.labels)} methods are shown; summary.json has all.")
    return Section(
        one.title,
        tuple(lines),
        (
            ("Wins/ties/losses of the row against the column, in pictures", wins_table(one, shown)),
            ("Rank of each method under other choices", choices_table(one, shown)),
        ),
    )


def _test_line(test: Friedman) -> str:
    line = f"Friedman over {test.blocks} pictures: {friedman_text(test)}; F = {test.f:.3g}, p = {test.f_p:.2g}; "
    return f"{line}critical difference of mean ranks {test.critical_difference:.2f}."


def wins_table(one: Evidence, shown: int) -> Table:
    """Mean rank, then `better/same/worse` against each of the first `shown` methods."""
    rows = []
    for i, label in enumerate(one.labels[:shown]):
        rank = "–" if one.friedman is None else f"{one.friedman.mean_ranks[i]:.2f}"
        cells = ("·" if i == j else "/".join(map(str, one.counts(i, j))) for j in range(shown))
        rows.append((str(i + 1), label, rank, *cells))
    head = ("", "method", "mean rank", *(f"vs {j + 1}" for j in range(shown)))
    return Table(head, (True, False, *(True,) * (shown + 1)), tuple(rows))


def choices_table(one: Evidence, shown: int) -> Table:
    """A row a choice: Kendall's tau-b against the board, and the rank of each of the first `shown` methods."""
    head = ("metric", "aggregation", "protocol", "tau", *(f"{j + 1}" for j in range(shown)))
    rows = tuple(
        (
            c.metric, c.aggregation, c.protocol, number(c.tau, "", 2), *(f"{rank:g}" for rank in c.ranks[:shown]),
        )
        for c in one.choices
    )  # fmt: skip
    return Table(head, (False, False, False, *(True,) * (shown + 1)), rows)


def _overall_section(one: Overall) -> Section:
    rows = []
    for i, label in enumerate(one.labels[: 2 * MAX_METHODS]):
        rank = "–" if one.friedman is None else f"{one.friedman.mean_ranks[i]:.2f}"
        rows.append((label, number(one.means[i], one.unit), rank, f"{one.firsts[i]} of {len(one.boards)}"))
    lines = ["A picture's score is its mean over the boards that show it; a picture counts once."]
    if one.friedman is not None:
        lines.append(_test_line(one.friedman))
    unit = f" ({one.unit})" if one.unit else ""
    table = Table(
        ("method", f"{one.metric}{unit}", "mean rank", "first, or tied for it"),
        (False, True, True, True),
        tuple(rows),
    )
    return Section(f"Together: {one.title}", tuple(lines), (("All boards together", table),))


def statistics_markdown(made: Sequence[Section], title: str) -> str:
    """`statistics.md`."""
    out = [f"# {markdown(title)}: statistics", "", *(f"{markdown(line)}\n" for line in HOW)]
    for section in made:
        out += [f"## {markdown(section.title)}", ""]
        out += [f"{markdown(line)}\n" for line in section.lines]
        for caption, table in section.tables:
            out += [f"{markdown(caption)}:", "", *to_markdown(table), ""]
    return "\n".join(out)


def statistics_latex(made: Sequence[Section]) -> str:
    """The same as booktabs tables to be `\\input`."""
    out = [r"% \usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}"]
    for place, section in enumerate(made, 1):
        for part, (caption, table) in enumerate(section.tables, 1):
            told = latex(" ".join([f"{section.title}. {caption}.", *section.lines]))
            out += ["", r"\begin{table}", r"\centering", rf"\caption{{{told}}}"]
            out += [rf"\label{{tab:noisebench-statistics-{place}-{part}}}", *to_latex(table), r"\end{table}"]
    return "\n".join([*out, ""])


def evidence_values(one: Evidence | None) -> dict[str, Any] | None:
    """For `summary.json`: methods in the order of the board, totals for all, the matrix of the first 30."""
    if one is None:
        return None
    count = len(one.labels)
    most = min(count, MAX_MATRIX)
    won, lost = one.wins.sum(axis=1).tolist(), one.wins.sum(axis=0).tolist()
    pairs = one.pictures * (count - 1)
    totals = [[w, pairs - w - b, b] for w, b in zip(won, lost, strict=True)]
    return {
        "methods": one.labels,
        "wins_ties_losses": totals,
        "wins": one.wins[:most, :most].tolist(),
        "friedman": friedman_values(one.friedman),
        "rankings": [_choice_values(choice) for choice in one.choices],
    }


def _choice_values(choice: Choice) -> dict[str, Any]:
    return {
        "metric": choice.metric, "protocol": choice.protocol, "aggregation": choice.aggregation,
        "kendall_tau": choice.tau, "ranks": choice.ranks,
    }  # fmt: skip


def friedman_values(test: Friedman | None) -> dict[str, Any] | None:
    """A Friedman test as plain values."""
    if test is None:
        return None
    return {
        "pictures": test.blocks, "mean_ranks": test.mean_ranks, "chi2": test.chi2, "p": test.p, "f": test.f,
        "f_p": test.f_p, "critical_difference": test.critical_difference,
    }  # fmt: skip


def overall_values(one: Overall) -> dict[str, Any]:
    """For `summary.json`."""
    return {
        "boards": one.boards, "metric": one.metric, "methods": one.labels, "means": one.means, "firsts": one.firsts,
        "friedman": friedman_values(one.friedman),
    }  # fmt: skip
