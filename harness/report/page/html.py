"""The page: one file that fetches nothing. Scripts of ours over data as JSON; without scripts, the plain tables."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from ...boards.board import Board, reading_text
from ...components.tracks import known_track
from ...text.wording import counted
from ...track.outputs import ArrayFiles
from ...track.track_protocol import Track
from ..cost_table import cost_remarks, cost_table
from ..data import ReportData
from ..escape import page as esc
from ..extra_tables import Extra
from ..plots.drawing import Plot
from ..tables import (
    TextTable,
    board_hashes,
    board_table,
    facts,
    failure_table,
    remarks,
    sources,
    versions_text,
)
from .data import Numberings, board_of, page_boards, page_rest
from .legend import legend
from .previews import PagePreviews

MAX_STATIC_ROWS = 2_000
"""Rows of boards that a reader without scripts gets; the rest is in `leaderboard.md`."""
_DRAWN = ("level-", "pareto-")
"""Plots that the page draws itself, from the data."""
_VIEWED = ("panel-",)
"""Plots of what its viewer shows, where there is something to view."""
_VIEWED_BY_BOARD = ("drawing-",)
"""The same of one board, where there is something of it to view."""


def leaderboard_html(
    data: ReportData, shown: PagePreviews, links: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """The whole page, with the previews that are shown; on a site with the `links` above it, address by name.

    Part by part: the values of very many boards together are larger than all else of a report.
    """
    sounds = any("heard" in item for items in shown.items for item in items)
    style, script = _asset("page.css") + _asset("comparison.css"), _script(sounds)
    style += (_asset("sounds.css") if sounds else "") + (_asset("site_links.css") if links else "")
    beside, media = " 'self'" if shown.beside else "", " media-src data:;" if sounds else ""
    policy = (
        f"default-src 'none'; img-src data:{beside};{media} style-src 'sha256-{_sha(style)}'; "
        f"script-src 'sha256-{_sha(script)}'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    yield "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{esc(data.title)}</title>\n<style>{style}</style>\n</head>\n<body>",
            _links(links),
            f"<noscript>{_static(data)}</noscript>\n",
        ]
    )
    yield '<script type="application/json" id="data">'
    yield from _values(data, shown, alone=bool(links))
    yield f"</script>\n<script>{script}</script>\n"
    # Last, so that the board is up before they are read.
    yield f'<script type="application/json" id="previews">{script_json(shown.addresses)}</script>\n</body>\n</html>\n'


def _values(data: ReportData, shown: PagePreviews, *, alone: bool) -> Iterator[str]:
    """The JSON of all that the page shows but the previews themselves, a board at a time."""
    numberings = Numberings()
    start = '{"boards":['
    for board, items in zip(page_boards(data.boards, numberings), shown.items, strict=True):
        yield start + script_json({**board, "previews": items})
        start = ",\n"
    rest = {
        **page_rest(data, plots_inside(data.boards, data.plots, shown), numberings),
        "previewNote": shown.note,
        "again": "" if any(shown.items) else how_to_see(data),
        "beside": bool(shown.beside),
        "alone": alone,
    }
    yield ("" if data.boards else start) + "],\n" + script_json(rest).removeprefix("{")


def how_to_see(data: ReportData) -> str:
    """How outputs that the results do not have are had; empty where their suite is not known, or leaves none.

    Also empty where a panel of some output is kept: a plot shows it.
    """
    tracks = [track for board in data.boards if (track := known_track(board.track)) is not None]
    drawn = any(row.panel is not None for board in data.boards for row in board.rows)
    if not data.suite or drawn or not any(_shows_outputs(track) for track in tracks):
        return ""
    return (
        f"These results have no {data.words['items']} to look at or to listen to. A run of the suite keeps "
        f"them: noisebench run {data.suite}, then noisebench report nb-store --to board."
    )


def how_to_keep(data: ReportData) -> str:
    """How outputs are kept to be looked at, where a store has none of them; empty where a board has some."""
    shows = any(track is not None and _shows_outputs(track) for track in (known_track(b.track) for b in data.boards))
    if not shows or any(row.panel is not None for board in data.boards for row in board.rows):
        return ""
    return f"no {data.words['items']} on the page: run with --keep sample to keep some"


def _shows_outputs(track: Track) -> bool:
    """Whether a track keeps something of its outputs to look at."""
    files = type(track.outputs)
    return any(getattr(files, name, None) is not getattr(ArrayFiles, name) for name in ("panel", "preview"))


def plots_inside(boards: Sequence[Board], plots: Sequence[Plot], shown: PagePreviews) -> list[Plot]:
    """The plots that the page holds as pictures."""

    def is_viewed(plot: Plot) -> bool:
        place = board_of(plot, boards) if plot.name.startswith(_VIEWED_BY_BOARD) else None
        return place is not None and bool(shown.items[place])

    seen = (*_DRAWN, *_VIEWED) if any(shown.items) else _DRAWN
    return [plot for plot in plots if not plot.name.startswith(seen) and not is_viewed(plot)]


def _links(links: Mapping[str, str]) -> str:
    if not links:
        return ""
    shown = "".join(f'<a href="{esc(address)}">{esc(name)}</a>' for name, address in links.items())
    return f'<nav class="site" aria-label="Site">{shown}</nav>'


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _script(sounds: bool) -> str:
    names = (
        "1_core.js", "2_keyboard.js", "2_scrolling.js", "2_columns.js", "2_board.js", "2_comparison.js", "2_csv.js",
        "3_charts.js", "4_previews.js", "4_method_page.js", *(["4_sounds.js"] if sounds else []), "5_main.js",
    )  # fmt: skip
    return '"use strict";\n(() => {\n' + "\n".join(_asset(name) for name in names) + "})();\n"


def _sha(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def script_json(values: Any) -> str:
    """JSON that cannot end its element: no `<` is left in it, nor what does not print, such as a mark that turns text.

    A list of many values has a line for each.
    """
    if isinstance(values, list):
        return "[" + ",\n".join(script_json(value) for value in values) + "]"
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c")
    if text.isprintable():
        return text
    # What was written as an escape, a line break too, is so already.
    return "".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


# ------------------------------------------------------------------------------------- without scripts


def to_html(table: TextTable, caption: str = "") -> str:
    """A table in a box that scrolls sideways on narrow screens."""
    columns = zip(table.header, table.numeric, strict=True)
    sides = ["n" if numeric else "name" if title == "method" else "" for title, numeric in columns]
    heads = zip(table.header, sides, strict=True)
    head = "".join(f'<th scope="col"{_class(side)}>{_head(text)}</th>' for text, side in heads)
    body = []
    for i, row in enumerate(table.rows):
        best = _class("best" if i < len(table.strong) and table.strong[i] else "")
        cells = "".join(
            f"<td{_class(side)}>{_breakable(cell) if side == 'name' else esc(cell)}</td>"
            for cell, side in zip(row, sides, strict=True)
        )
        body.append(f"<tr{best}>{cells}</tr>")
    label = f' aria-label="{esc(caption)}"' if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table{label}><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>"
    )


def _breakable(name: str) -> str:
    """A long name may break after a bracket, a comma, a slash or an underscore, and before a long value."""
    return _broken(name, r"(?<=[(,/_])|(?<==)(?=[^(),/]{8})")


def _head(text: str) -> str:
    """The head of a column may break after an underscore, a comma or a slash, and before a long value."""
    return _broken(text, r"(?<=[,/_])|(?<=[(=])(?=[^(),/]{8})")


def _broken(text: str, at: str) -> str:
    return "<wbr>".join(esc(part) for part in re.split(at, text))


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _static(data: ReportData) -> str:
    """The tables of the report as plain HTML."""
    boards: list[Board] = []
    rows = 0
    for board in data.boards:
        rows += len(board.rows)
        if rows > MAX_STATIC_ROWS and boards:
            break
        boards.append(board)
    notes = "\n".join(f'<p class="soft">{esc(text)}</p>' for text in (data.origin, reading_text(data.words)) if text)
    out = [f'<div class="static">\n<h1>{esc(data.title)}</h1>\n{notes}']
    out.append(_contents(boards, data))
    for i, board in enumerate(boards):
        out.append(_board(i + 1, board))
        out += [_extra(e) for e in data.extra if e.board == i]
    if len(boards) < len(data.boards):
        more = counted(len(data.boards) - len(boards), "more board is", "more boards are")
        out.append(f"<p>{more} in leaderboard.md beside this file.</p>")
    out += [_extra(e) for e in data.extra if e.board is None]
    if data.failures:
        table = failure_table(data.failures, data.words["items"])
        out.append('<h2 id="failures">Failures and skips</h2>' + to_html(table, "Failures and skips"))
    if data.costs:
        out.append('<h2 id="cost">Cost</h2>' + to_html(cost_table(data.costs), "Cost"))
        out.append(f'<ul class="notes">{"".join(f"<li>{esc(text)}</li>" for text in cost_remarks(data.costs))}</ul>')
    return "\n".join([*out, _footer(boards), "</div>"])


def _extra(extra: Extra) -> str:
    note = f'<p class="soft">{esc(extra.note)}</p>' if extra.note else ""
    title = f"Recipes: {extra.title}" if extra.recipes and extra.board is not None else extra.title
    return f"<h3>{esc(title)}</h3>{note}{to_html(extra.table, title)}"


def _contents(boards: Sequence[Board], data: ReportData) -> str:
    links = [f'<li><a href="#board-{i}">{esc(board.title)}</a></li>' for i, board in enumerate(boards, 1)]
    for name, text, content in (
        ("failures", f"Failures and skips ({len(data.failures)})", data.failures), ("cost", "Cost", data.costs),
        ("versions", "Versions and hashes", boards),
    ):  # fmt: skip
        if content:
            links.append(f'<li><a href="#{name}">{text}</a></li>')
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _board(number: int, board: Board) -> str:
    notes = [f'<li class="warn"><strong>Warning:</strong> {esc(text)}</li>' for text in board.warnings]
    notes += [f"<li>{esc(text)}</li>" for text in remarks(board)]
    notes += [f"<li>{esc(text)}</li>" for text in legend(board)]
    notes += [f"<li>signature: <code>{esc(text)}</code></li>" for text in board.signatures.values()]
    table = to_html(board_table(board), board.title) if board.rows else "<p>No method has a result here.</p>"
    return (
        f'<section>\n<h2 id="board-{number}">{esc(board.title)}</h2>\n'
        f'<p class="soft">{esc(facts(board))}</p>\n'
        f'{table}\n<ul class="notes">{"".join(notes)}</ul>\n</section>'
    )


def _footer(boards: Sequence[Board]) -> str:
    lines = [f"<p>{esc(f'{one.protocol}, {one.seeds_text}: {versions_text(one)}')}</p>" for one in boards]
    items = [f"<li>{esc(name)}: <code>{esc(sha)}</code></li>" for one in boards for name, sha in board_hashes(one)]
    items += [f"<li>source of {esc(names)}: <code>{esc(sha)}</code></li>" for names, sha in sources(boards)]
    listed = "".join(dict.fromkeys(lines)) + '<ul class="notes">' + "\n".join(dict.fromkeys(items)) + "</ul>"
    return f'<footer><h2 id="versions">Versions and hashes</h2>\n{listed}\n</footer>'
