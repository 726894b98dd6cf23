"""All differences of a comparison, for programs: a CSV file and a JSON one, written part by part."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..comparing.comparison import Comparison
from ..comparing.difference import FileRow, Moved, reading_text
from ..text.json_values import plain
from .escape import spreadsheet
from .files import taken

_AT_ONCE = 1000
_CSV = ("status", "method_a", "method_b", "dataset", "regime", "protocol", "seed", "metric", "unit", "items", "a", "b",
        "difference", "interval_low", "interval_high", "p", "better", "same", "worse", "mcnemar_p", "note")  # fmt: skip
_JSON = ("method_a", "method_b", "dataset", "regime", "protocol", "seed", "seeds", "metric", "unit", "higher", "items",
         "mean_a", "mean_b", "difference", "interval", "p", "better", "same", "worse", "mcnemar_p", "note",
         "moved_most")  # fmt: skip


class _Texts(dict[str, str]):
    """Each text as a file has it: thousands of rows say the same names."""

    def __init__(self, written: Callable[[str], str]) -> None:
        self._written = written

    def __missing__(self, text: str) -> str:
        self[text] = written = self._written(text)
        return written


def comparison_csv(comparison: Comparison) -> Iterator[str]:
    """A row a difference, numbers in full; then a row a cell that was not matched. The text comes part by part."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    yield taken(text)

    def field(content: str) -> str:
        # Of a row of one empty field the writer would quote it.
        writer.writerow((content, ""))
        return taken(text).removesuffix(",\n")

    fields = _Texts(lambda content: field(spreadsheet(content)))
    seeds = _Texts(field)
    rows = comparison.differences.in_files.rows()
    while some := [*islice(rows, _AT_ONCE)]:
        yield "".join([_csv_line(row, fields, seeds) for row in some])
    for u in comparison.unmatched:
        line = {"status": f"only in {u.side}", "method_a" if u.side == "A" else "method_b": spreadsheet(u.method)}
        line |= {"dataset": spreadsheet(u.where), "note": spreadsheet(u.reason)}
        writer.writerow([line.get(name, "") for name in _CSV])
    yield taken(text)


def _csv_line(d: FileRow, fields: Mapping[str, str], seeds: Mapping[str, str]) -> str:
    low, high, p, even = ("" if value is None else value for value in (d.low, d.high, d.p, d.mcnemar))
    return (
        f"matched,{fields[d.method_a]},{fields[d.method_b]},{fields[d.dataset]},{fields[d.regime]},"
        f"{fields[d.protocol]},{seeds[','.join(map(str, d.seeds))]},{fields[d.metric]},{fields[d.unit]},{d.items},"
        f"{d.mean_a},{d.mean_b},{d.difference},{low},{high},{p},{d.better},{d.same},{d.worse},{even},{fields[d.note]}\n"
    )


def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """Everything, for JSON."""
    parts = _parts(comparison)
    files = comparison.differences.in_files
    differences = [plain(_values(*one)) for one in zip(files.rows(), files.moved(), strict=True)]
    values = {
        name: differences if value is None else value if isinstance(value, str) else [plain(one) for one in value]
        for name, value in parts.items()
    }
    return values


def _parts(comparison: Comparison) -> dict[str, str | Iterator[Mapping[str, Any]] | None]:
    """Everything, None for the differences: of very many all together are larger than what they are made of."""
    return {
        "a": plain(comparison.name_a),
        "b": plain(comparison.name_b),
        "about": plain(reading_text(comparison.differences)),
        "differences": None,
        "unmatched": map(vars, comparison.unmatched),
        "sets": (
            {"method": s.method, "where": s.where, **vars(s.change), "change": s.change.change} for s in comparison.sets
        ),
        "speeds": map(vars, comparison.speeds),
        "environment": ({"name": n, "a": list(a), "b": list(b)} for n, a, b in comparison.environments),
    }


def _values(d: FileRow, moved: Moved) -> dict[str, Any]:
    values = (
        d.method_a, d.method_b, d.dataset, d.regime, d.protocol, d.seeds[0] if len(d.seeds) == 1 else None, d.seeds,
        d.metric, d.unit, d.higher, d.items, d.mean_a, d.mean_b, d.difference,
        None if d.low is None else (d.low, d.high), d.p, d.better, d.same, d.worse, d.mcnemar, d.note,
        [{"item": item, "change": change} for item, change in moved],
    )  # fmt: skip
    return dict(zip(_JSON, values, strict=True))


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_JSON_LINE = "{" + ", ".join(f'"{name}": %s' for name in _JSON) + "}"


def comparison_json(comparison: Comparison) -> Iterator[str]:
    """The text, a line an entry of each list: good to compare, and many times faster than with `indent`."""
    before = "{\n"
    for name, value in _parts(comparison).items():
        yield f"{before} {_encode(name)}: "
        before = ",\n"
        if isinstance(value, str):
            yield _encode(value)
            continue
        lines = _difference_lines(comparison) if value is None else map(_encoded, value)
        between = "[\n  "
        while some := [*islice(lines, _AT_ONCE)]:
            yield between + ",\n  ".join(some)
            between = ",\n  "
        yield "\n ]" if between.startswith(",") else "[]"
    yield "\n}\n"


def _difference_lines(comparison: Comparison) -> Iterator[str]:
    files, texts = comparison.differences.in_files, _Texts(_encode)
    for d, moved in zip(files.rows(), files.moved(), strict=True):
        # A number that JSON lacks makes the sum one too.
        numbers = (d.mean_a, d.mean_b, d.difference, d.low or 0.0, d.high or 0.0, d.p or 0.0, d.mcnemar or 0.0)
        if math.isfinite(sum(numbers) + sum([change for _, change in moved])):
            yield _json_line(d, moved, texts)
        else:
            yield _encoded(_values(d, moved))


def _json_line(d: FileRow, moved: Moved, texts: Mapping[str, str]) -> str:
    """What `_encode` writes of `_values` without a NaN or an infinity, four times as fast."""
    p, even = ("null" if value is None else value for value in (d.p, d.mcnemar))
    return _JSON_LINE % (
        texts[d.method_a], texts[d.method_b], texts[d.dataset], texts[d.regime], texts[d.protocol],
        d.seeds[0] if len(d.seeds) == 1 else "null", [*d.seeds], texts[d.metric], texts[d.unit],
        "true" if d.higher else "false", d.items, d.mean_a, d.mean_b, d.difference,
        "null" if d.low is None else f"[{d.low}, {d.high}]", p, d.better, d.same, d.worse, even, texts[d.note],
        f"[{', '.join([f'{_ITEM}{texts[item]}{_CHANGE}{change}}}' for item, change in moved])}]",
    )  # fmt: skip


_ITEM, _CHANGE = '{"item": ', ', "change": '


def _encoded(value: Mapping[str, Any]) -> str:
    try:
        return _encode(value)
    except ValueError:  # a number that JSON lacks
        return _encode(plain(value))
