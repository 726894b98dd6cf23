"""The verdicts on claims as a Markdown table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .escape import markdown, markdown_code


def claims_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """`rows` are those of `reproduce`: first those with a verdict, by paper; then what is not available."""
    counts = Counter(row["verdict"] for row in rows)
    lines = [
        "# Published figures, and ours",
        "",
        f"{len(rows)} claims: {', '.join(f'{n} {name}' for name, n in sorted(counts.items()))}.",
    ]
    known = [row for row in rows if row["verdict"] != "not available"]
    for paper in dict.fromkeys(row["paper"] for row in known):
        of_it = [row for row in known if row["paper"] == paper]
        lines += ["", f"## {markdown(paper)}", "", f"<{of_it[0]['url']}>", ""]
        lines += _numbers([row for row in of_it if row["kind"] == "number"])
        lines += _effects([row for row in of_it if row["kind"] == "effect"])
    absent = [row for row in rows if row["verdict"] == "not available"]
    if absent:
        lines += ["", "## Not available", ""]
        lines += [f"- {markdown_code(row['name'])}: {markdown(row['reason'])}" for row in absent]
    return "\n".join(lines) + "\n"


def _numbers(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "| claim | where | cell | claimed | ours | difference | verdict |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        places = max(4, row["decimals"])
        cell = " · ".join(markdown_code(row[part]) for part in ("method", "dataset", "regime", "protocol", "metric"))
        lines.append(
            f"| {markdown_code(row['name'])} | {markdown(row['table'])}; {markdown(row['row'])} | {cell} "
            f"| {row['claimed']} | {row['ours']:.{places}f} | {row['difference']:+.{places}f} | {row['verdict']} |"
        )
    return lines if rows else []


def _effects(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = ["| claim | what is said | holds where | on seeds | verdict |", "|---|---|---|---|---|"]
    for row in rows:
        verdict = row["verdict"] + (f": {markdown(row['reason'])}" if row["reason"] else "")
        seeds = ", ".join(map(str, row["seeds"]))
        lines.append(
            f"| {markdown_code(row['name'])} | {markdown(row['row'])} | {markdown_code(row['claimed'])} | {seeds} "
            f"| {verdict} |"
        )
    return lines if rows else []
