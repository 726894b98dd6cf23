"""The verdicts on claims: as a Markdown table in full, and as counts a source beside rows of CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from ..claims.discoveries import discoveries_text
from ..claims.effect_verdicts import mean_of
from ..claims.numbers import ClaimRow, interval_text, reason_text, uneven_text, verdict_text
from ..text.errors import one_line
from ..text.wording import counted
from .escape import markdown, markdown_code
from .tables import csv_text, pipe_table


def claims_markdown(rows: Sequence[ClaimRow]) -> str:
    """`rows` are those of `reproduce`: first those with a verdict, by paper; then what is not available."""
    lines = _head(rows)
    known = [row for row in rows if row["verdict"] != "not available"]
    for paper in dict.fromkeys(row["paper"] for row in known):
        of_paper = [row for row in known if row["paper"] == paper]
        lines += ["", f"## {markdown(paper)}", "", _link(of_paper[0]["url"]), ""]
        lines += _numbers([row for row in of_paper if row["kind"] == "number"])
        lines += _effects([row for row in of_paper if row["kind"] != "number"])
    return "\n".join([*lines, *_absent(rows)]) + "\n"


def claims_summary(rows: Sequence[ClaimRow], beside: str) -> str:
    """A row a source: how many claims have which verdict; `beside` says, in Markdown, where a row a claim is."""
    lines = [*_head(rows), "", f"What each says, and our figures: {beside}."]
    known = [row for row in rows if row["verdict"] != "not available"]
    verdicts = sorted({row["verdict"] for row in known})
    table = [("source", "claims", *verdicts, "stale")]
    table.append(("---",) * len(table[0]))
    for paper in dict.fromkeys(row["paper"] for row in known):
        of_paper = [row for row in known if row["paper"] == paper]
        counts = Counter(row["verdict"] for row in of_paper)
        numbers = (len(of_paper), *(counts[one] for one in verdicts), sum(row.get("stale", False) for row in of_paper))
        source = f"[{markdown(paper)}]({_address(of_paper[0]['url'], '%:/?#[]@!$&*+,;=')})"
        table.append((source, *(str(number or "") for number in numbers)))
    if known:
        # Not aligned: one long title would widen all rows of the file.
        lines += ["", *(f"|{'|'.join(row)}|" for row in table)]
    return "\n".join([*lines, *_published_numbers(rows), *_absent(rows)]) + "\n"


def _published_numbers(rows: Sequence[ClaimRow]) -> list[str]:
    """Each number of a paper beside ours, a section of its own; empty without any."""
    cells = [
        (
            markdown_code(row["method"]), f"{markdown(row['dataset'])}, {markdown(row['regime'])}",
            markdown(row["metric"]), str(row["claimed"]), _ours(row), verdict_text(row),
        )
        for row in rows
        if row["kind"] == "number" and row["verdict"] != "not available"
    ]  # fmt: skip
    head = ("method", "data", "metric", "published", "ours", "verdict")
    # Not aligned: it would double the file.
    table = [f"|{'|'.join(row)}|" for row in (head, ("---",) * len(head), *cells)]
    return ["", "## Published numbers, one by one", "", *table] if cells else []


def claims_csv(rows: Sequence[ClaimRow]) -> str:
    """A row a claim: its source, what it says, a number of which cell, what we get, and the verdict.

    `claims_summary` links each source, so that its address is not repeated in each row.
    """
    head = ("claim", "kind", "source", "where", "says", "cell", "seeds", "claimed", "ours", "difference",
            "effect", "low", "high", "verdict", "stale", "reason", "edges")  # fmt: skip
    return csv_text(head, ([one_line(cell, 10_000) for cell in _values(row)] for row in rows))


def _values(row: ClaimRow) -> tuple[str, ...]:
    known = row["verdict"] != "not available"
    return (
        row["name"], row["kind"], row["paper"], row["table"], row["row"], _cell(row),
        " ".join(map(str, row.get("seeds", ()))), row["claimed"], _ours(row) if known else "",
        f"{row['difference']:+.4f}" if known and row["difference"] is not None else "",
        *(f"{row[end]:.4g}" if end in row else "" for end in ("effect", "low", "high")), row["verdict"],
        "stale" if row.get("stale") else "", reason_text(row),
        " and ".join(row.get("edges") or ()),
    )  # fmt: skip


def _cell(row: ClaimRow) -> str:
    """What the cell behind a number is of; an effect has several, which its file names."""
    if row["kind"] != "number":
        return ""
    return " · ".join((row["method"], row["dataset"], row["regime"], row["protocol"], row["metric"]))


def _ours(row: ClaimRow) -> str:
    if row["kind"] == "number":
        return f"{row['ours']:.{max(4, row['decimals'])}f}"
    return "; ".join(f"{name} {text}" for name, text in values_by_name(row).items())


def _head(rows: Sequence[ClaimRow]) -> list[str]:
    """The title, how many verdicts of each kind there are, and how many are stale."""
    counts = Counter(row["verdict"] for row in rows)
    lines = [
        "# Published figures, and ours",
        "",
        f"{counted(len(rows), 'claim')}: {', '.join(f'{n} {name}' for name, n in sorted(counts.items()))}.",
    ]
    if standing := discoveries_text(rows):
        lines += ["", f"{standing}."]
    if old := sum(row.get("stale", False) for row in rows):
        are, them = ("verdict is", "it") if old == 1 else ("verdicts are", "them")
        lines += ["", f"{old} {are} stale: source files behind {them} have changed since."]
    return lines


def _absent(rows: Sequence[ClaimRow]) -> list[str]:
    """The claims that have no verdict, by the reason."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] == "not available":
            reasons.setdefault(row["reason"], []).append(markdown_code(row["name"]))
    lines = [f"- {', '.join(names)}: {markdown(reason)}" for reason, names in reasons.items()]
    return ["", "## Not available", "", *lines] if lines else []


def _link(url: str) -> str:
    """A link that is one line and ends where the address does, whatever that holds."""
    return f"<{_address(url, '%:/?#[]@!$&()*+,;=')}>"


def _address(url: str, safe: str) -> str:
    return quote(url, safe=safe, errors="replace")


def _numbers(rows: Sequence[ClaimRow]) -> list[str]:
    cells = []
    for row in rows:
        places = max(4, row["decimals"])
        cell = (row["method"], row["dataset"], row["regime"], row["protocol"], row["metric"])
        cells.append(
            (
                markdown_code(row["name"]), f"{markdown(row['table'])}; {markdown(row['row'])}",
                " · ".join(map(markdown_code, cell)), str(row["claimed"]),
                f"{row['ours']:.{places}f}", f"{row['difference']:+.{places}f}", verdict_text(row),
            )
        )  # fmt: skip
    head = ("claim", "where", "cell", "claimed", "ours", "difference", "verdict")
    return pipe_table(head, (False, False, False, True, True, True, False), cells) if cells else []


def _effects(rows: Sequence[ClaimRow]) -> list[str]:
    cells = [
        (
            markdown_code(row["name"]), markdown(row["row"]), markdown_code(row["claimed"]),
            ", ".join(map(str, row["seeds"])),
            "; ".join(f"{markdown_code(name)} {text}" for name, text in values_by_name(row).items()),
            markdown(interval_text(row)),
            "; ".join([": ".join(filter(None, (verdict_text(row), markdown(row["reason"])))), *_terms(row)]),
        )
        for row in rows
    ]  # fmt: skip
    head = ("claim", "what is said", "holds where", "on seeds", "ours", "effect", "verdict")
    return pipe_table(head, (False,) * len(head), cells) if cells else []


def _terms(row: ClaimRow) -> list[str]:
    """What the effect is at other budgets, what the arms do not have alike, and edges of what was tried."""
    terms = filter(None, (row.get("trend", ""), uneven_text(row)))
    return [*map(markdown, terms), *_edges(row)]


def _edges(row: ClaimRow) -> list[str]:
    """Where what was tuned has its best value at an edge of those tried, in words; nothing where nowhere.

    Verdicts that were stored by earlier versions do not say it.
    """
    if "edges" not in row:
        tuned = any("tuned(" in cell.get("method", "") for cell in row.get("cells", {}).values())
        return ["whether at an edge of what was tried was not recorded"] if tuned else []
    edges = row["edges"]
    return [f"at an edge of what was tried: {' and '.join(map(markdown, edges))}"] if edges else []


def values_by_name(row: ClaimRow) -> dict[str, str]:
    """What each name of an effect stands for: one value where it is the same on all seeds, else that of each.

    The mean comes first where it is what is judged.
    """
    values = row["values"]
    return {name: _on_seeds([of[name] for of in values], row["over"]) for name in (values[0] if values else ())}


def _on_seeds(values: Sequence[float], over: str) -> str:
    texts = [f"{value:.4g}" for value in values]
    if len(set(texts)) == 1:
        return texts[0]
    each = ", ".join(texts)
    return f"{mean_of(values):.4g} ({each})" if over == "mean" else each
