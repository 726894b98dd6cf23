"""The verdict of a court on a table of published numbers, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..claims.court import Contradiction, PlaceVerdict, PublishedValue
from ..text.wording import counted
from .escape import markdown
from .tables import pipe_table


def court_markdown(
    name: str,
    places: Sequence[PlaceVerdict],
    known: Mapping[PublishedValue, str],
    cited: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The report: a section a place; `known` is what noisebench knows of a row, `cited` what of a source."""
    rows = [row for place in places for row in place.rows]
    sources = {row.source for row in rows}
    against = sum(len(place.contradictions) for place in places)
    lines = [f"# Court: {markdown(name)}", ""]
    lines.append(
        f"{counted(len(rows), 'row')} of {counted(len(sources), 'source')} at {counted(len(places), 'place')}: "
        f"{counted(against, 'contradiction')}; of {counted(len(known), 'row')} noisebench has a verdict of its own."
    )
    for place in places:
        lines += _place(place, known)
    if shown := [source for source in dict.fromkeys(row.source for row in rows) if source in cited]:
        lines += ["", "## Sources", "", *(f"- {markdown(source)}: {markdown(cited[source])}" for source in shown)]
    return "\n".join([*lines, ""])


def court_badge(places: Sequence[PlaceVerdict]) -> str:
    """An SVG that says how many contradictions a table has, for a README."""
    against = sum(len(place.contradictions) for place in places)
    parts = ("court", counted(against, "contradiction") if against else "no contradiction")
    widths = [7 * len(part) + 12 for part in parts]
    colour = "#b42318" if against else "#1a7f37"
    texts = "".join(
        f'<text x="{x}" y="14" text-anchor="middle">{part}</text>'
        for x, part in zip((widths[0] / 2, widths[0] + widths[1] / 2), parts, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sum(widths)}" height="20" role="img" '
        f'aria-label="{": ".join(parts)}"><title>{": ".join(parts)}</title><rect width="{widths[0]}" height="20" '
        f'fill="#444c56"/><rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">{texts}</g></svg>\n'
    )


def _place(place: PlaceVerdict, known: Mapping[PublishedValue, str]) -> list[str]:
    first = place.rows[0]
    letters = {source: _letter(n) for n, sources in enumerate(place.classes) for source in sources}
    table = [
        tuple(markdown(text) for text in (row.method, row.value, row.source, letters[row.source], known.get(row, "")))
        for row in sorted(place.rows, key=lambda row: (letters[row.source], -float(row.value)))
    ]
    head = ("method", first.metric, "source", "class", "here")
    title = " · ".join(filter(None, (first.set, first.level, first.metric)))
    lines = ["", f"## {markdown(title)}", "", *pipe_table(head, (False, True, False, False, False), table), ""]
    if len(place.classes) > 1:
        lines.append("Rows of one class compare; nothing ties those of two classes to one protocol.")
    return [*lines, *(f"- {_contradiction(one)}" for one in place.contradictions)]


def _letter(number: int) -> str:
    """A, B, …, Z, AA, …"""
    head, last = divmod(number, 26)
    return (_letter(head - 1) if head else "") + chr(ord("A") + last)


def _contradiction(one: Contradiction) -> str:
    first, second = one.sources
    shown = ", ".join(f"{markdown(method)} {value:+.3g}" for method, value in list(one.differences.items())[:8])
    could_be = f". It could be: {'; '.join(one.could_be)}" if one.could_be else ""
    return f"**{markdown(second)}** less **{markdown(first)}**: {shown}. {one.text[0].upper()}{one.text[1:]}{could_be}."
