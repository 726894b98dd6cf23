"""The tables of a paper as a page of their own: no scripts, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from ..escape import page
from .formats import NOTHING, raised
from .grid import cell_text, grid
from .marks import Mark
from .table import PaperTable

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
    "table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem;text-align:center;white-space:nowrap;font-weight:normal}"
    "th.name{text-align:left}th.over{border-bottom:1px solid}"
    "thead tr:last-child>*{border-bottom:1px solid}tr.rule>*{border-top:1px solid}"
    "strong{font-weight:700}p,li{max-width:60rem}ul{padding-left:1.2rem;font-size:.85rem}"
    "code{overflow-wrap:anywhere}.scroll{overflow-x:auto}section+section{margin-top:3rem}"
    "@media print{body{margin:0;max-width:none}}"
)


def tables_html(tables: Sequence[PaperTable], title: str) -> str:
    """The whole page."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    out = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{page(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        *([] if tables else [f"<p>{NOTHING}</p>"]),
    ]
    for place, table in enumerate(tables, 1):
        out += ["<section>", f'<p id="caption-{place}">{page(table.caption)}</p>']
        out += [f'<div class="scroll" tabindex="0" role="region" aria-labelledby="caption-{place}">']
        out += [*_table(table, place), "</div>", "<ul>"]
        out += [f"<li>{raised(letter)} {page(note)}</li>" for letter, note in table.footnotes.items()]
        out += [f"<li>{page(text)}</li>" for text in table.remarks]
        out += [*(f"<li><code>{page(text)}</code></li>" for text in table.signatures), "</ul>", "</section>"]
    return "\n".join([*out, "</main>\n</body>\n</html>\n"])


def _table(table: PaperTable, place: int) -> list[str]:
    layout = grid(table)
    lines = [f'<table aria-labelledby="caption-{place}">', "<thead>"]
    if layout.over:
        spans = [f'<th class="over" scope="colgroup" colspan="{size}">{page(name)}</th>' for name, size in layout.over]
        lines.append(f"<tr>{'<td></td>' * layout.before}{''.join(spans)}</tr>")
    first, *others = layout.head
    heads = [f'<th scope="col">{page(title)}</th>' for title in others]
    corner = f'<th class="name" scope="col">{page(first)}</th>' if first else "<td></td>"
    lines += [f"<tr>{corner}{''.join(heads)}</tr>", "</thead>", "<tbody>"]
    for at, (name, cells) in enumerate(layout.rows):
        texts = "".join(f"<td>{cell_text(cell, _marked, raised)}</td>" for cell in cells)
        rule = ' class="rule"' if at in layout.rules else ""
        lines.append(f'<tr{rule}><th class="name" scope="row">{page(name)}</th>{texts}</tr>')
    return [*lines, "</tbody>", "</table>"]


def _marked(text: str, mark: Mark) -> str:
    shown = page(text)
    return {"": shown, "best": f"<strong>{shown}</strong>", "second": f"<ins>{shown}</ins>"}[mark]
