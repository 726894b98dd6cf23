"""Write baselines: what a gate reads of results, as JSON whose lines a person reviews in a diff."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from ..components.tracks import DEFAULT
from ..data.disk import write_named
from ..text.errors import UsageError, one_line
from ..text.json_values import plain, spelled
from ..text.wording import counted
from .baseline_layout import AS_GIVEN, LEFT_OUT, MARK, MOST, SECTIONS, SHARED, USUAL, VERSION, Line, is_value, place_of
from .cell import Cell
from .cell_json import plain_values
from .record import Record, cell_text, cost_size
from .seals import seal_of

_SETTING = ("schema", "kind", "track", "suite", "words", "metrics")
_INPUTS = ("reference", "size", "device", "threads", "repeats", "weights")
"""What is kept of the inputs of a key: of a cost what it was measured with, and the weights that tell methods apart."""
_SET_SCORE = ("value", "error", "interval", "n", "floor", "flags", "note")
"""What a set metric found of one cell; the rest says how, and is shared."""
_ITEMS_A_LINE = 4
_LONGEST = 60
"""Characters of a name within a line; of a longer one the start stands there, and a hash."""


def write_baseline(file: Path, records: Sequence[Record]) -> None:
    """Write a baseline, whole or not at all. Raises `UsageError` for a cell that has an item twice, OSError."""
    write_named(file, baseline_text(records).encode())


def baseline_text(records: Sequence[Record]) -> str:
    """A baseline as text: equal scores give equal lines, in sorted order. Trainings are in none: no gate reads them."""
    sections = _lines([_reduced(record) for record in records if record.cell.kind != "train"])
    out = ["{", f'"{MARK}": {VERSION},']
    for place, name in enumerate(SECTIONS):
        out.append(f'"{name}": [')
        # The empty list ends each section, so that no other line changes where one is added.
        out += sorted(spelled(json.dumps(line, ensure_ascii=False)) + "," for line in sections[name])
        out.append("[]]" if place + 1 == len(SECTIONS) else "[]],")
    return "\n".join([*out, "}", ""])


def _reduced(record: Record) -> Record:
    """What a gate reads of a record: its items in order, without what differs from run to run."""
    cell = record.cell
    if len(set(record.items)) != len(record.items):
        raise UsageError(f"cell {one_line(cell.key, 12)} ({one_line(cell_text(cell))}) has an item twice: run it again")
    inputs, cost = {name: cell.inputs[name] for name in _INPUTS if name in cell.inputs}, cell.cost
    if cost is not None:
        cost = structs.replace(cost, reasons={name: why for name, why in cost.reasons.items() if name == "latency_rel"})
    kept: Cell = structs.replace(
        cell,
        method=structs.replace(cell.method, sources={}, written=""),
        dataset=structs.replace(cell.dataset, written=""),
        inputs=inputs, cost=cost, request=None, trained={}, tuned=[], after=None, alone=None, traceback="", notes=[],
        setup_s=None, seconds=None, needs="", rescored=None, opened={}, training=None,
    )  # fmt: skip
    outputs = list(record.output_sha256)
    if outputs != record.input_sha256 and len(set(outputs)) > 1:
        outputs = [hashlib.sha256("\n".join(outputs).encode()).hexdigest()] * len(outputs)
    order = sorted(range(len(record.items)), key=record.items.__getitem__)
    places = np.array(order, dtype=np.intp)
    return Record(
        kept,
        [record.items[place] for place in order],
        [record.input_sha256[place] for place in order],
        [outputs[place] for place in order],
        [record.notes[place] for place in order],
        np.full(len(order), np.nan),
        {name: record.scores[name][places] for name in sorted(record.scores)} if order else {},
    )


@dataclass(frozen=True)
class _Shared:
    """What several cells share: each distinct value, and the name by which lines call it."""

    values: Mapping[str, Any]
    names: Mapping[str, str]

    @classmethod
    def of(cls, values: Sequence[Any], shown: Sequence[str]) -> _Shared:
        """Values are called what they are shown as; of several that look the same the rarer ones have a hash too."""
        count = Counter(zip(shown, map(_hash, values), strict=True))
        names: dict[str, str] = {}
        taken: set[str] = set()
        for name, text in sorted(count, key=lambda one: (one[0], -count[one], one[1])):
            if text not in names:
                names[text] = name if name not in taken else f"{name} [{text[:8]}]"
                taken.add(names[text])
        return cls({_hash(value): value for value in values}, names)

    def name(self, value: Any) -> str:
        """What lines call a value."""
        return self.names[_hash(value)]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _short(text: str) -> str:
    """A name within a line."""
    return text if len(text) <= _LONGEST else f"{one_line(text, _LONGEST - 12)} [{_hash(text)[:8]}]"


def _lines(records: Sequence[Record]) -> dict[str, list[Line]]:
    """The lines of each section, in any order."""
    cells = [plain_values(record.cell) for record in records]
    for cell in cells:
        cell["setting"] = {name: cell.pop(name) for name in _SETTING if name in cell}
    shared = {}
    for kind in SHARED:
        values = [cell[kind] for cell in cells]
        shared[kind] = _Shared.of(values, [_shown(kind, value) for value in values])
    part_names = [{kind: shared[kind].name(cell.pop(kind)) for kind in SHARED} for cell in cells]
    inputs = [dict(zip(record.items, record.input_sha256, strict=True)) for record in records]
    places = [place_of(names, record.cell.seed) for names, record in zip(part_names, records, strict=True)]
    shared["inputs"] = _Shared.of(inputs, places)
    sets = [cell.pop("sets", {}) for cell in cells]
    asked = [(metric, _set_settings(part)) for parts in sets for metric, part in parts.items()]
    shared["set"] = _Shared.of([part for _, part in asked], [metric for metric, _ in asked])
    lines: dict[str, list[Line]] = defaultdict(list)
    for record, cell, names, given, place, label, set_parts in zip(
        records, cells, part_names, inputs, places, _labels(records, part_names), sets, strict=True
    ):
        if (name := shared["inputs"].name(given)) != place:
            names["inputs"] = name
        names |= {"seed": cell.pop("seed"), "outcome": cell.pop("outcome")}
        of = {name: value for name, value in names.items() if USUAL.get(name) != value}
        lines["cells"].append([label, "of", of])
        lines["cells"].append([label, "seal", seal_of(record)])
        if record.items:
            as_given = list(record.output_sha256) == record.input_sha256
            lines["cells"].append([label, "outputs", AS_GIVEN if as_given else record.output_sha256[0]])
        more = {name: value for name, value in cell.items() if name not in LEFT_OUT or value != LEFT_OUT[name]}
        lines["cells"] += [[label, *path, value] for path, value in _leaves(more)]
        for metric, values in record.scores.items():
            for start in range(0, len(values), _ITEMS_A_LINE):
                some = slice(start, start + _ITEMS_A_LINE)
                scores = zip(record.items[some], (plain(float(value)) for value in values[some]), strict=True)
                lines["scores"].append([label, metric, dict(scores)])
        for metric, part in set_parts.items():
            name = shared["set"].name(_set_settings(part))
            scored = {field: part[field] for field in _SET_SCORE}
            lines["sets"].append([label, metric, scored if name == metric else {**scored, "set": name}])
        lines["notes"] += [[label, note, items] for note, items in _noted(record)]
    for kind, parts in shared.items():
        for value in parts.values.values():
            lines["parts"] += [[f"{kind} {parts.name(value)}", *path, one] for path, one in _leaves(value) if path]
    return lines


def _set_settings(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _SET_SCORE}


def _noted(record: Record) -> Iterator[tuple[str, list[str]]]:
    """Each note, with a few of the items that have it."""
    items: dict[str, list[str]] = defaultdict(list)
    for item, note in zip(record.items, record.notes, strict=True):
        items[note].append(item)
    for note, noted in items.items():
        if note:
            yield from ((note, noted[start : start + MOST]) for start in range(0, len(noted), MOST))


def _shown(kind: str, value: Mapping[str, Any]) -> str:
    if kind == "environment":
        return "usual"
    return f"{value['track']} {value['kind']}" if kind == "setting" else _short(value["display"]) or "none"


def _labels(records: Sequence[Record], part_names: Sequence[Mapping[str, str]]) -> list[str]:
    """What the lines of each cell begin with: the same before and after an edit of the method, wherever possible."""
    labels = []
    for cell, names in zip((record.cell for record in records), part_names, strict=True):
        track = "" if cell.track == DEFAULT else f"{cell.track}/"
        if cell.kind == "cost":
            size, threads = "×".join(map(str, cost_size(cell))), cell.inputs.get("threads", 1)
            where = (
                f"cost at {size}, {cell.inputs.get('device', 'cpu')}, {counted(threads, 'thread')} · {names['regime']}"
            )
        else:
            where = f"{names['dataset']} · {names['regime']} · {names['protocol']} · seed {cell.seed}"
        labels.append(f"{track}{names['method']} · {where}")
    count = Counter(labels)
    return [label if count[label] == 1 else f"{label} [{r.cell.key}]" for label, r in zip(labels, records, strict=True)]


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each value that stands in one line, with the names and places that lead to it."""
    if not is_value(value):
        for step, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(one, (*path, step))
    else:
        yield path, value
