"""The verdicts on claims as a Markdown table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..claims.numbers import ClaimRow
from ..wording import counted
from .escape import markdown, markdown_code
from .tables import pipe_table


def claims_markdown(rows: Sequence[ClaimRow]) -> str:
    """`rows` are those of `reproduce`: first those with a verdict, by paper; then what is not available."""
    counts = Counter(row["verdict"] for row in rows)
    lines = [
        "# Published figures, and ours",
        "",
        f"{counted(len(rows), 'claim')}: {', '.join(f'{n} {name}' for name, n in sorted(counts.items()))}.",
    ]
    known = [row for row in rows if row["verdict"] != "not available"]
    for paper in dict.fromkeys(row["paper"] for row in known):
        own = [row for row in known if row["paper"] == paper]
        lines += ["", f"## {markdown(paper)}", "", f"<{own[0]['url']}>", ""]
        lines += _numbers([row for row in own if row["kind"] == "number"])
        lines += _effects([row for row in own if row["kind"] != "number"])
    absent = [row for row in rows if row["verdict"] == "not available"]
    if absent:
        lines += ["", "## Not available", ""]
        lines += [f"- {markdown_code(row['name'])}: {markdown(row['reason'])}" for row in absent]
    return "\n".join(lines) + "\n"


def _numbers(rows: Sequence[ClaimRow]) -> list[str]:
    cells = []
    for row in rows:
        places = max(4, row["decimals"])
        cell = (row["method"], row["dataset"], row["regime"], row["protocol"], row["metric"])
        cells.append(
            (
                markdown_code(row["name"]), f"{markdown(row['table'])}; {markdown(row['row'])}",
                " · ".join(map(markdown_code, cell)), str(row["claimed"]),
                f"{row['ours']:.{places}f}", f"{row['difference']:+.{places}f}", row["verdict"],
            )
        )  # fmt: skip
    head = ("claim", "where", "cell", "claimed", "ours", "difference", "verdict")
    return pipe_table(head, (False, False, False, True, True, True, False), cells) if cells else []


def _effects(rows: Sequence[ClaimRow]) -> list[str]:
    cells = [
        (
            markdown_code(row["name"]), markdown(row["row"]), markdown_code(row["claimed"]),
            ", ".join(map(str, row["seeds"])),
            row["verdict"] + (f": {markdown(row['reason'])}" if row["reason"] else ""),
        )
        for row in rows
    ]  # fmt: skip
    head = ("claim", "what is said", "holds where", "on seeds", "verdict")
    return pipe_table(head, (False,) * len(head), cells) if cells else []
