"""Tables of published numbers in files: CSV, YAML and LaTeX, as rows of text by column.

A table is long, with the columns method, set, level, value and source, or wide: a column method, and one for each
place, called `Set12, 25` or `Set12, 25, ssim`. A wide table without a column source is of one source, its file's name.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.disk import read_regular
from ..text.errors import UsageError, nearest, one_line

COLUMNS = ("method", "set", "level", "value", "source")
_OPTIONAL = ("metric",)
_MOST_BYTES, _MOST_ROWS = 4 << 20, 10_000
_ABSENT = ("", "-", "--", "---", "–", "—")
"""What stands in a wide table where there is no number."""
_TABULAR = re.compile(r"\\begin\{(tabularx?|tabular\*|longtable)\}(.*?)\\end\{\1\}", re.DOTALL)
_RULE = re.compile(r"\\(?:toprule|midrule|bottomrule|hline|cmidrule|cline|addlinespace|endhead|endfoot)"
                   r"(?:\([^)]*\))?(?:\[[^]]*\])?(?:\{[^}]*\})?")  # fmt: skip
_MARKUP = re.compile(r"\\(?:textbf|textit|textsf|texttt|emph|underline|mathbf|mathrm|text|bm)\s*\{([^{}]*)\}")
_CITED = re.compile(r"~?\\cite[a-z]*\*?(?:\[[^]]*\])*\{[^}]*\}|\\(?:bfseries|itshape|bf|it)\b")


@dataclass(frozen=True)
class TableRow:
    """A number of a table: the line that it is on, and its fields as they stand there."""

    line: int
    fields: Mapping[str, str]


def read_rows(file: Path) -> list[TableRow]:
    """The numbers of a table. Raises `UsageError` for what is none, with its line where it has one."""
    where = one_line(file)
    try:
        data = read_regular(file)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"{where} is larger than {_MOST_BYTES >> 20} MiB: split it")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"table {where} cannot be read ({error.strerror}): check the path") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{where} is not UTF-8 ({one_line(error, 80)}): save it as such") from None
    read = {".yaml": _yaml_rows, ".yml": _yaml_rows, ".tex": _tex_rows}.get(file.suffix.lower(), _csv_rows)
    rows = list(itertools.islice(_long(where, file.stem, read(where, text)), _MOST_ROWS + 1))
    if not rows or len(rows) > _MOST_ROWS:
        raise UsageError(f"{where} has {'no rows' if not rows else f'more than {_MOST_ROWS:,} rows'}: give some")
    return rows


def _long(where: str, stem: str, rows: Iterable[TableRow]) -> Iterator[TableRow]:
    """A row a number, whether the table is long or wide."""
    checked = False
    for row in rows:
        names = list(row.fields)
        places = {name: name.split(",") for name in names if name not in (*COLUMNS, *_OPTIONAL)}
        wide = {name: [part.strip() for part in parts] for name, parts in places.items() if len(parts) in (2, 3)}
        if "value" in names or not wide:
            lacking = next((name for name in COLUMNS if name not in names), "")
            if lacking and not checked:
                raise UsageError(
                    f"{where} has no column {lacking!r} ({nearest(lacking, names)}): {', '.join(COLUMNS)} are due, or "
                    "method and columns such as 'Set12, 25'"
                )
            checked = True
            yield row
            continue
        if "method" not in names:
            raise UsageError(f"{where} has no column 'method' ({nearest('method', names)}): name the methods there")
        shared = {"method": row.fields["method"], "source": row.fields.get("source") or one_line(stem, 80)}
        for name, parts in wide.items():
            if row.fields[name].strip() not in _ABSENT:
                place = dict(zip(("set", "level", "metric"), parts, strict=False))
                yield TableRow(row.line, {**shared, **place, "value": row.fields[name].strip()})


def _csv_rows(where: str, text: str) -> Iterator[TableRow]:
    try:
        lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lines.fieldnames = _heads(lines.fieldnames or ())
        if not lines.fieldnames:
            raise UsageError(f"{where} has no column 'method': {', '.join(COLUMNS)} are due")
        for fields in lines:
            yield TableRow(lines.line_num, {name: one_line(fields.get(name) or "", 200) for name in lines.fieldnames})
    except csv.Error as error:
        raise UsageError(f"{where} is no CSV of UTF-8 ({one_line(error, 80)}): save it as such") from None


def _yaml_rows(where: str, text: str) -> Iterator[TableRow]:
    """The mappings of a list, each number as it is printed."""
    import yaml

    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{where} is no YAML ({one_line(getattr(error, 'problem', error), 80)}): mend it") from None
    if not isinstance(node, yaml.SequenceNode):
        raise UsageError(f"{where} is no list: write `- {{method: BM3D, set: Set12, level: 25, value: 29.97, …}}`")
    for one in node.value:
        line = one.start_mark.line + 1
        pairs = one.value if isinstance(one, yaml.MappingNode) else [(one, one)]
        if not all(isinstance(part, yaml.ScalarNode) for pair in pairs for part in pair):
            raise UsageError(f"{where}, line {line}: a row must be a mapping of plain values")
        if not isinstance(one, yaml.MappingNode):
            raise UsageError(f"{where}, line {line}: a row must be a mapping such as {{method: BM3D, …}}")
        names = _heads([name.value for name, _ in pairs])
        yield TableRow(line, {n: one_line(v.value, 200) for n, (_, v) in zip(names, pairs, strict=True)})


def _tex_rows(where: str, text: str) -> Iterator[TableRow]:
    """The rows of the first tabular, whose first row names the columns."""
    text = re.sub(r"(?<!\\)%[^\n]*", "", text)
    table = _TABULAR.search(text)
    if table is None:
        raise UsageError(f"{where} has no tabular: give the file that has the table")
    heads: list[str] = []
    end = table.start(2) + _end_of_arguments(table[2])
    for piece in re.split(r"(\\\\(?:\[[^]]*\])?)", text[end : table.end(2)]):
        start, end = end, end + len(piece)
        plain = _RULE.sub(lambda rule: " " * len(rule[0]), piece)
        if piece.startswith("\\\\") or not plain.strip():
            continue
        line = text.count("\n", 0, start + len(plain) - len(plain.lstrip())) + 1
        if "\\multicolumn" in plain or "\\multirow" in plain:
            raise UsageError(f"{where}, line {line}: a cell spans others: write each in full")
        cells = [_tex_text(cell) for cell in re.split(r"(?<!\\)&", plain)]
        if not heads:
            heads = _heads(cells)
            continue
        if len(cells) != len(heads):
            raise UsageError(f"{where}, line {line}: the row has {len(cells)} cells, and the first one {len(heads)}")
        yield TableRow(line, dict(zip(heads, cells, strict=True)))


def _end_of_arguments(text: str) -> int:
    """Where the arguments at the beginning end, such as `[t]{l|c@{\\,}c}`."""
    depth, end = 0, 0
    for place, sign in enumerate(text):
        if depth == 0 and sign not in "[{" and not sign.isspace():
            break
        depth += (sign in "[{") - (sign in "]}")
        end = place + 1 if depth == 0 else end
    return end


def _tex_text(cell: str) -> str:
    """A cell without what only says how it looks."""
    text, before = _CITED.sub("", cell), ""
    while text != before:
        text, before = _MARKUP.sub(r"\1", text), text
    text = text.replace("$", "").replace("\\times", "×").replace("\\sigma", "σ").replace("~", " ")
    return one_line(re.sub(r"\\([%&_#])", r"\1", text).replace("{", "").replace("}", "").strip(), 200)


def _heads(names: Sequence[str | None]) -> list[str]:
    """The names of columns, lower case where noisebench knows them."""
    read = [one_line(name or "", 60).strip() for name in names]
    return [name.lower() if name.lower() in (*COLUMNS, *_OPTIONAL) else name for name in read]
