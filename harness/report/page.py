"""The board as one static HTML page: no scripts, nothing fetched, every text escaped, dark and light."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from ..analysis.board import HOW, Board
from ..analysis.failures import Failure
from ..store.record import Record
from .escape import page as esc
from .tables import Table, board_table, cost_table, facts, failure_table, hashes, remarks, versions_text

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b6470; --line: #d9dee4; --paper: #ffffff;
  --band: #f4f6f8; --best: #e3f1e8; --warn: #9a3412; --warnband: #fdf0e7; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa4b0; --line: #363d46;
  --paper: #14171a; --band: #1d2126; --best: #1b3527; --warn: #fdba74; --warnband: #33231a;
  --link: #7cb7f2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 84rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; max-width: 60rem; }
a { color: var(--link); }
.soft, footer, figcaption { color: var(--soft); font-size: .875rem; }
nav ul { columns: 22rem; margin: 1rem 0; padding-left: 1.2rem; }
nav li { overflow-wrap: anywhere; break-inside: avoid; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { background: var(--band); font-weight: 600; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; white-space: nowrap; }
td { overflow-wrap: anywhere; min-width: 3.5rem; }
td.m { min-width: 13rem; }
tr.best td { background: var(--best); }
ul.notes { margin: 0 0 1rem; padding-left: 1.2rem; font-size: .875rem; }
ul.notes li { overflow-wrap: anywhere; }
li.warn { color: var(--warn); background: var(--warnband); padding: 0 .4rem; border-radius: 4px; }
code { font: .82rem/1.4 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
figure { margin: 1.25rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px;
  border: 1px solid var(--line); }
"""


def to_html(table: Table, caption: str = "") -> str:
    """A table in a box that scrolls sideways on narrow screens."""
    sides = ["n" if numeric else "m" if title == "method" else "" for title, numeric in _columns(table)]
    head = "".join(f'<th scope="col"{_class(s)}>{esc(t)}</th>' for t, s in zip(table.header, sides, strict=True))
    body = []
    for i, row in enumerate(table.rows):
        best = _class("best" if i < len(table.strong) and table.strong[i] else "")
        cells = "".join(f"<td{_class(side)}>{esc(cell)}</td>" for cell, side in zip(row, sides, strict=True))
        body.append(f"<tr{best}>{cells}</tr>")
    label = f' aria-label="{esc(caption)}"' if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table{label}><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(body)
        + "</tbody></table></div>"
    )


def _columns(table: Table) -> list[tuple[str, bool]]:
    return list(zip(table.header, table.numeric, strict=True))


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def leaderboard_html(
    boards: Sequence[Board],
    failures: Sequence[Failure],
    costs: Sequence[Record],
    plots: Sequence[tuple[bytes, str]],
    notes: Sequence[str],
    title: str,
) -> str:
    """The whole page; `plots` are (PNG bytes, caption)."""
    style_hash = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'"
    out = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{esc(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f'<h1>{esc(title)}</h1>\n<p class="soft">{esc(HOW)}</p>',
        _contents(boards, failures, costs, plots),
    ]
    out += [_board(i, board) for i, board in enumerate(boards, 1)]
    if failures:
        out.append('<h2 id="failures">Failures and skips</h2>' + to_html(failure_table(failures), "Failures and skips"))
    if costs:
        out.append('<h2 id="cost">Cost</h2>' + to_html(cost_table(costs), "Cost"))
    if plots or notes:
        out.append('<h2 id="plots">Plots</h2>')
        out += [f'<p class="soft">{esc(note)}</p>' for note in notes]
    for png, caption in plots:
        data = base64.b64encode(png).decode()
        out.append(
            f'<figure><img alt="{esc(caption)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{esc(caption)}</figcaption></figure>"
        )
    return "\n".join([*out, _footer(boards), "</body>\n</html>\n"])


def _contents(
    boards: Sequence[Board], failures: Sequence[Failure], costs: Sequence[Record], plots: Sequence[object]
) -> str:
    links = [f'<li><a href="#board-{i}">{esc(board.title)}</a></li>' for i, board in enumerate(boards, 1)]
    for name, text, there in (
        ("failures", f"Failures and skips ({len(failures)})", failures), ("cost", "Cost", costs),
        ("plots", "Plots", plots), ("versions", "Versions and hashes", boards),
    ):  # fmt: skip
        if there:
            links.append(f'<li><a href="#{name}">{text}</a></li>')
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _board(number: int, board: Board) -> str:
    notes = [f'<li class="warn"><strong>Warning:</strong> {esc(text)}</li>' for text in board.warnings]
    notes += [f"<li>{esc(text)}</li>" for text in remarks(board)]
    notes += [f"<li><code>{esc(text)}</code></li>" for text in board.signatures.values()]
    table = to_html(board_table(board), board.title) if board.rows else "<p>No method has a result here.</p>"
    return (
        f'<section>\n<h2 id="board-{number}">{esc(board.title)}</h2>\n'
        f'<p class="soft">{esc(facts(board))}</p>\n'
        f'{table}\n<ul class="notes">{"".join(notes)}</ul>\n</section>'
    )


def _footer(boards: Sequence[Board]) -> str:
    lines: dict[str, None] = {}
    for board in boards:
        lines[f"<p>{esc(f'{board.protocol}, {board.seeds_text}: {versions_text(board)}')}</p>"] = None
    items: dict[str, None] = {}
    for board in boards:
        for name, sha in hashes(board):
            if name == "noisy pictures":
                name = f"noisy pictures of {board.title}, {board.seeds_text}"
            items[f"<li>{esc(name)}: <code>{esc(sha)}</code></li>"] = None
    listed = "".join(lines) + '<ul class="notes">' + "\n".join(items) + "</ul>"
    return f'<footer><h2 id="versions">Versions and hashes</h2>\n{listed}\n</footer>'
