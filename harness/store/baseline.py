"""Baselines: what a gate reads of results, as JSON whose lines a person reviews in a diff. See `docs/check.md`."""

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
from .cell import DEEPEST, Cell, plain_values
from .export import seal_of
from .record import Record, cell_text, cost_size

MARK = "noisebench_baseline"
VERSION = 1
"""Of the layout. Cells have the version of their schema beside it."""
_SHARED = ("method", "dataset", "regime", "protocol", "environment", "setting")
_SETTING = ("schema", "kind", "track", "suite", "words", "metrics")
_INPUTS = ("reference", "size", "device", "threads", "repeats", "weights")
"""What is kept of the inputs of a key: of a cost what it was measured with, and the weights that tell methods apart."""
_LEFT_OUT = {"reason": "", "traceback": "", "notes": [], "setup_s": None, "seconds": None, "cost": None}
"""Fields that a cell must have, and the value that stands in no line."""
_USUAL = {"environment": "usual", "outcome": "ok"}
"""What a cell is of where its line does not say otherwise."""
_SET_SCORE = ("value", "error", "interval", "n", "floor", "flags", "note")
"""What a set metric found of one cell; the rest says how, and is shared."""
_SECTIONS = ("scores", "sets", "cells", "notes", "parts")
_ITEMS_A_LINE = 4
_FEW = 8
_LONGEST = 60
"""Characters of a name within a line; of a longer one the start stands there, and a hash."""
_AS_GIVEN = "as given"

Line = list[Any]


def write_baseline(file: Path, records: Sequence[Record]) -> None:
    """Write a baseline, whole or not at all. Raises `UsageError` for a cell that has an item twice, OSError."""
    write_named(file, baseline_text(records).encode())


def baseline_text(records: Sequence[Record]) -> str:
    """A baseline as text: equal scores give equal lines, in sorted order. Trainings are in none: no gate reads them."""
    sections = _lines([_reduced(record) for record in records if record.cell.kind != "train"])
    out = ["{", f'"{MARK}": {VERSION},']
    for place, name in enumerate(_SECTIONS):
        out.append(f'"{name}": [')
        # The empty list ends each section, so that no other line changes where one is added.
        out += sorted(spelled(json.dumps(line, ensure_ascii=False)) + "," for line in sections[name])
        out.append("[]]" if place + 1 == len(_SECTIONS) else "[]],")
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
        for name, own in sorted(count, key=lambda one: (one[0], -count[one], one[1])):
            if own not in names:
                names[own] = name if name not in taken else f"{name} [{own[:8]}]"
                taken.add(names[own])
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
    for kind in _SHARED:
        values = [cell[kind] for cell in cells]
        shared[kind] = _Shared.of(values, [_shown(kind, value) for value in values])
    own = [{kind: shared[kind].name(cell.pop(kind)) for kind in _SHARED} for cell in cells]
    inputs = [dict(zip(record.items, record.input_sha256, strict=True)) for record in records]
    places = [_place(names, record.cell.seed) for names, record in zip(own, records, strict=True)]
    shared["inputs"] = _Shared.of(inputs, places)
    sets = [cell.pop("sets", {}) for cell in cells]
    asked = [(metric, _set_settings(part)) for parts in sets for metric, part in parts.items()]
    shared["set"] = _Shared.of([part for _, part in asked], [metric for metric, _ in asked])
    found: dict[str, list[Line]] = defaultdict(list)
    for record, cell, names, given, place, label, set_parts in zip(
        records, cells, own, inputs, places, _labels(records, own), sets, strict=True
    ):
        if (name := shared["inputs"].name(given)) != place:
            names["inputs"] = name
        names |= {"seed": cell.pop("seed"), "outcome": cell.pop("outcome")}
        of = {name: value for name, value in names.items() if _USUAL.get(name) != value}
        found["cells"].append([label, "of", of])
        found["cells"].append([label, "seal", seal_of(record)])
        if record.items:
            as_given = list(record.output_sha256) == record.input_sha256
            found["cells"].append([label, "outputs", _AS_GIVEN if as_given else record.output_sha256[0]])
        more = {name: value for name, value in cell.items() if name not in _LEFT_OUT or value != _LEFT_OUT[name]}
        found["cells"] += [[label, *path, value] for path, value in _leaves(more)]
        for metric, values in record.scores.items():
            for start in range(0, len(values), _ITEMS_A_LINE):
                some = slice(start, start + _ITEMS_A_LINE)
                scores = zip(record.items[some], (plain(float(value)) for value in values[some]), strict=True)
                found["scores"].append([label, metric, dict(scores)])
        for metric, part in set_parts.items():
            name = shared["set"].name(_set_settings(part))
            scored = {field: part[field] for field in _SET_SCORE}
            found["sets"].append([label, metric, scored if name == metric else {**scored, "set": name}])
        found["notes"] += [[label, note, items] for note, items in _noted(record)]
    for kind, parts in shared.items():
        for value in parts.values.values():
            found["parts"] += [[f"{kind} {parts.name(value)}", *path, one] for path, one in _leaves(value) if path]
    return found


def _set_settings(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _SET_SCORE}


def _noted(record: Record) -> Iterator[tuple[str, list[str]]]:
    """Each note, with a few of the items that have it."""
    items: dict[str, list[str]] = defaultdict(list)
    for item, note in zip(record.items, record.notes, strict=True):
        items[note].append(item)
    for note, own in items.items():
        if note:
            yield from ((note, own[start : start + _FEW]) for start in range(0, len(own), _FEW))


def _shown(kind: str, value: Mapping[str, Any]) -> str:
    if kind == "environment":
        return "usual"
    return f"{value['track']} {value['kind']}" if kind == "setting" else _short(value["display"]) or "none"


def _place(names: Mapping[str, Any], seed: int) -> str:
    """What the inputs of a cell are called where no line says otherwise."""
    return f"{names['dataset']} · {names['regime']} · seed {seed}"


def _labels(records: Sequence[Record], own: Sequence[Mapping[str, str]]) -> list[str]:
    """What the lines of each cell begin with: the same before and after an edit of the method, wherever possible."""
    labels = []
    for cell, names in zip((record.cell for record in records), own, strict=True):
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


def _is_value(value: Any) -> bool:
    """Whether a value stands in one line: no mapping with names, no list of more than a few plain values."""
    if isinstance(value, list):
        return len(value) <= _FEW and not any(isinstance(one, dict | list) for one in value)
    return not isinstance(value, dict) or not value


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each value that stands in one line, with the names and places that lead to it."""
    if not _is_value(value):
        for step, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(one, (*path, step))
    else:
        yield path, value


# ------------------------------------------------------------------------------------------ reading


class _Node(dict[str | int, Any]):
    """Names or places, each with a node or a value below it."""


def entries_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells of a baseline as an export has them, each with its `label`. Raises ValueError for what is none."""
    lines = {name: _section(document, name) for name in _SECTIONS}
    parts = {name: _closed(node) for name, node in _trees("parts", lines["parts"]).items()}
    of: dict[str, Any] = {line[0]: line[2] for line in lines["cells"] if line[1:2] == ["of"] and len(line) == 3}
    cells = _trees("cells", [line for line in lines["cells"] if line[1:2] != ["of"]])
    scores = _scores(lines["scores"])
    notes, sets = _notes(lines["notes"]), _sets(lines["sets"], parts)
    if strange := sorted((scores.keys() | sets.keys() | notes.keys() | cells.keys()) - of.keys()):
        raise ValueError(f"no line says what {strange[0]!r} is of")
    found = []
    for label in sorted(of):
        own = _closed(cells.get(label, _Node()))
        if not isinstance(own, dict):
            raise ValueError(f"cells: no names of {label!r}")
        if label in sets:
            own["sets"] = sets[label]
        found.append(_entry(label, of[label], own, scores.get(label, {}), notes.get(label, {}), parts))
    return found


def _section(document: Mapping[str, Any], name: str) -> list[Line]:
    lines = document.get(name)
    if not isinstance(lines, list):
        raise ValueError(f"it lacks {name}")
    for number, line in enumerate(lines, 1):
        if line != [] and not (isinstance(line, list) and len(line) >= 3 and isinstance(line[0], str)):
            raise ValueError(f"line {number} of {name} is no list of a name and what it has")
    return [line for line in lines if line]


def _trees(section: str, lines: Sequence[Line]) -> dict[str, _Node]:
    """What the lines of each name say, as nodes."""
    found: dict[str, _Node] = defaultdict(_Node)
    for label, *path, value in lines:
        node, whole = found[label], all(type(step) in (str, int) for step in path) and len(path) <= DEEPEST
        if not whole or not _is_value(value):
            raise ValueError(f"{section}: a line of {label!r} is none of names and one value")
        for step in path[:-1]:
            node = node.setdefault(step, _Node())
            if not isinstance(node, _Node):
                raise ValueError(f"{section}: {label!r} has both a value and names at {step!r}")
        if path[-1] in node:
            raise ValueError(f"{section}: {label!r} has {path[-1]!r} twice")
        node[path[-1]] = value
    return found


def _closed(node: Any) -> Any:
    """A node as the mapping or list that it is of."""
    if not isinstance(node, _Node):
        return node
    if all(isinstance(step, str) for step in node):
        return {step: _closed(one) for step, one in node.items()}
    if set(node) != set(range(len(node))):
        raise ValueError("the places of a list are not 0, 1, 2, …")
    return [_closed(node[place]) for place in range(len(node))]


def _scores(lines: Sequence[Line]) -> dict[str, dict[str, dict[str, Any]]]:
    """Label → metric → item → score."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        label, metric, some = (*line, None)[:3]
        if len(line) != 3 or not isinstance(metric, str) or not isinstance(some, dict):
            raise ValueError(f"scores: a line of {label!r} is none of a metric and the scores of items")
        own = found[label][metric]
        if twice := sorted(own.keys() & some.keys()):
            raise ValueError(f"scores: {label!r} has {metric} of {twice[0]!r} twice")
        own |= some
    return found


def _notes(lines: Sequence[Line]) -> dict[str, dict[str, str]]:
    """Label → item → note."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in lines:
        label, note, items = (*line, None)[:3]
        if not isinstance(note, str) or not isinstance(items, list) or not all(isinstance(one, str) for one in items):
            raise ValueError(f"notes: a line of {label!r} is none of a note and its items")
        found[label] |= dict.fromkeys(items, note)
    return found


def _sets(lines: Sequence[Line], parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Label → set metric → what it found, and how."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in lines:
        label, metric, scored = (*line, None)[:3]
        if len(line) != 3 or not isinstance(metric, str) or not isinstance(scored, dict):
            raise ValueError(f"sets: a line of {label!r} is none of a metric and what it found")
        if metric in found[label]:
            raise ValueError(f"sets: {label!r} has {metric!r} twice")
        how = parts.get(f"set {scored.get('set', metric)}")
        if not isinstance(how, dict):
            raise ValueError(f"parts: there is no set {scored.get('set', metric)!r}, which {label!r} has")
        found[label][metric] = {**how, **{name: value for name, value in scored.items() if name != "set"}}
    return found


def _entry(
    label: str,
    of: Any,
    own: dict[str, Any],
    scores: Mapping[str, Mapping[str, Any]],
    notes: Mapping[str, Any],
    parts: Mapping[str, Any],
) -> dict[str, Any]:
    if not isinstance(of, dict):
        raise ValueError(f"cells: no names of {label!r}")
    of = {**_USUAL, **of}

    def part(kind: str, name: Any) -> Any:
        if f"{kind} {name}" not in parts and kind != "environment":
            raise ValueError(f"parts: there is no {kind} {name!r}, which {label!r} is of")
        return parts.get(f"{kind} {name}", {})

    seal, outputs = own.pop("seal", ""), own.pop("outputs", None)
    if not isinstance(seal, str) or not seal:
        raise ValueError(f"cells: {label!r} has no seal")
    shared = {kind: part(kind, of.get(kind)) for kind in _SHARED}
    setting = shared.pop("setting")
    cell = {**_LEFT_OUT, **own, **shared, **setting, "seed": of.get("seed"), "outcome": of.get("outcome")}
    inputs: Mapping[str, Any] = {}
    if outputs is not None:
        inputs = part("inputs", of.get("inputs", _place({"dataset": None, "regime": None, **of}, cell["seed"])))
    for metric, values in scores.items():
        if values.keys() != inputs.keys():
            raise ValueError(f"scores: {label!r} has not one {metric} for each of its inputs")
    if strange := sorted(notes.keys() - inputs.keys()):
        raise ValueError(f"notes: {label!r} has no item {strange[0]!r}")
    rows = [
        [item, inputs[item], inputs[item] if outputs == _AS_GIVEN else outputs, notes.get(item, ""), None,
         *(scores[metric][item] for metric in sorted(scores))]
        for item in sorted(inputs)
    ]  # fmt: skip
    return {"label": label, "cell": cell, "metrics": sorted(scores), "panel": None, "seal": seal, "rows": rows}
