"""A strict reading of the LaTeX of a report, for machines that have no TeX."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")
_TABULAR = re.compile(r"\\begin\{tabular\}\{([^{}]*)\}(.*?)\\end\{tabular\}", re.DOTALL)
_RULE = re.compile(r"\\(?:toprule|midrule|bottomrule)|\\cmidrule(?:\(\w+\))?\{(\d+)-(\d+)\}")
_SPAN = re.compile(r"\s*\\multicolumn\{(\d+)\}")
_SPECIAL = re.compile(r"(?<!\\)[#_^]")
_MATHS = re.compile(r"(?<!\\)\$[^$]*(?<!\\)\$")


def latex_problems(text: str) -> list[str]:
    """What TeX would stop at, or set otherwise than it is meant; none where all is well."""
    bare = _COMMENT.sub("", text)
    return [*_unclosed(bare), *_environments(bare), *_raw(bare), *_tables(bare), *_labels(bare)]


def _unclosed(text: str) -> Iterator[str]:
    depth = 0
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth < 0:
            yield f"a brace closes none: {text[max(0, found.start() - 60) : found.end()]!r}"
            return
    if depth:
        yield f"{depth} braces are open at the end"


def _environments(text: str) -> Iterator[str]:
    opened: list[str] = []
    for kind, name in _ENVIRONMENT.findall(text):
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            yield f"\\end{{{name}}} closes another environment"
    yield from (f"\\begin{{{name}}} is not closed" for name in opened)


def _raw(text: str) -> Iterator[str]:
    outside = _MATHS.sub("", text)
    if re.search(r"(?<!\\)\$", outside):
        yield "a $ without its second one"
    prose = re.sub(r"\\(?:label|ref)\{[^}]*\}", "", outside)
    yield from (f"{found[0]} outside of maths: {_around(prose, found)!r}" for found in _SPECIAL.finditer(prose))
    between = _TABULAR.sub("", text)
    yield from (f"& outside of a table: {_around(between, f)!r}" for f in re.finditer(r"(?<!\\)&", between))


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 30) : found.end() + 30]


def _tables(text: str) -> Iterator[str]:
    for aligned, body in _TABULAR.findall(text):
        columns = len(re.sub(r"@\{[^}]*\}", "", aligned))
        if not re.fullmatch(r"[lcr]+", aligned):
            yield f"columns are {aligned!r}"
        for start, end in (rule for rule in _RULE.findall(body) if rule[0]):
            if not 1 <= int(start) <= int(end) <= columns:
                yield f"a rule below columns {start} to {end} of {columns}"
        rows = [row for row in _split(_RULE.sub("", body), r"\\") if row.strip()]
        if len(rows) < 2:
            yield f"a table without rows: {body[:60]!r}"
        for row in rows:
            cells = _split(row, "&")
            wide = sum(int(span[1]) if (span := _SPAN.match(cell)) else 1 for cell in cells)
            if wide != columns:
                yield f"{wide} of {columns} columns: {row.strip()[:80]!r}"


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand in no braces."""
    parts, depth, at = [""], 0, 0
    while at < len(text):
        here = text[at : at + 2] if text[at] == "\\" else text[at]
        if here == mark and depth == 0:
            parts.append("")
        else:
            depth += {"{": 1, "}": -1}.get(here, 0)
            parts[-1] += here
        at += len(here)
    return parts


def _labels(text: str) -> Iterator[str]:
    names = re.findall(r"\\label\{([^}]*)\}", text)
    yield from (f"two labels {name}" for name in sorted({name for name in names if names.count(name) > 1}))
