"""The layout of a baseline: what its lines are made of, and the cells that they are read as. See `docs/check.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from .cell_json import DEEPEST

MARK = "noisebench_baseline"
VERSION = 1
"""Of the layout. Cells have the version of their schema beside it."""
SHARED = ("method", "dataset", "regime", "protocol", "environment", "setting")
LEFT_OUT: Mapping[str, Any] = {
    "reason": "",
    "traceback": "",
    "notes": [],
    "setup_s": None,
    "seconds": None,
    "cost": None,
}
"""Fields that a cell must have, and the value that stands in no line."""
USUAL = {"environment": "usual", "outcome": "ok"}
"""What a cell is of where its line does not say otherwise."""
SECTIONS = ("scores", "sets", "cells", "notes", "parts")
MOST = 8
"""Plain values that a list in one line has, at most."""
AS_GIVEN = "as given"

Line = list[Any]


def place_of(names: Mapping[str, Any], seed: int) -> str:
    """What the inputs of a cell are called where no line says otherwise."""
    return f"{names['dataset']} · {names['regime']} · seed {seed}"


def is_value(value: Any) -> bool:
    """Whether a value stands in one line: no mapping with names, no list of more than a few plain values."""
    if isinstance(value, list):
        return len(value) <= MOST and not any(isinstance(one, dict | list) for one in value)
    return not isinstance(value, dict) or not value


class _Node(dict[str | int, Any]):
    """Names or places, each with a node or a value below it."""


def entries_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells of a baseline as an export has them, each with its `label`. Raises ValueError for what is none."""
    lines = {name: _section(document, name) for name in SECTIONS}
    parts = {name: _closed(node) for name, node in _trees("parts", lines["parts"]).items()}
    of: dict[str, Any] = {line[0]: line[2] for line in lines["cells"] if line[1:2] == ["of"] and len(line) == 3}
    cells = _trees("cells", [line for line in lines["cells"] if line[1:2] != ["of"]])
    scores = _scores(lines["scores"])
    notes, sets = _notes(lines["notes"]), _sets(lines["sets"], parts)
    if strange := sorted((scores.keys() | sets.keys() | notes.keys() | cells.keys()) - of.keys()):
        raise ValueError(f"no line says what {strange[0]!r} is of")
    entries = []
    for label in sorted(of):
        fields = _closed(cells.get(label, _Node()))
        if not isinstance(fields, dict):
            raise ValueError(f"cells: no names of {label!r}")
        if label in sets:
            fields["sets"] = sets[label]
        entries.append(_entry(label, of[label], fields, scores.get(label, {}), notes.get(label, {}), parts))
    return entries


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
    trees: dict[str, _Node] = defaultdict(_Node)
    for label, *path, value in lines:
        node, whole = trees[label], all(type(step) in (str, int) for step in path) and len(path) <= DEEPEST
        if not whole or not is_value(value):
            raise ValueError(f"{section}: a line of {label!r} is none of names and one value")
        for step in path[:-1]:
            node = node.setdefault(step, _Node())
            if not isinstance(node, _Node):
                raise ValueError(f"{section}: {label!r} has both a value and names at {step!r}")
        if path[-1] in node:
            raise ValueError(f"{section}: {label!r} has {path[-1]!r} twice")
        node[path[-1]] = value
    return trees


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
    scores: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        label, metric, some = (*line, None)[:3]
        if len(line) != 3 or not isinstance(metric, str) or not isinstance(some, dict):
            raise ValueError(f"scores: a line of {label!r} is none of a metric and the scores of items")
        values = scores[label][metric]
        if twice := sorted(values.keys() & some.keys()):
            raise ValueError(f"scores: {label!r} has {metric} of {twice[0]!r} twice")
        values |= some
    return scores


def _notes(lines: Sequence[Line]) -> dict[str, dict[str, str]]:
    """Label → item → note."""
    notes: dict[str, dict[str, str]] = defaultdict(dict)
    for line in lines:
        label, note, items = (*line, None)[:3]
        if not isinstance(note, str) or not isinstance(items, list) or not all(isinstance(one, str) for one in items):
            raise ValueError(f"notes: a line of {label!r} is none of a note and its items")
        notes[label] |= dict.fromkeys(items, note)
    return notes


def _sets(lines: Sequence[Line], parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Label → set metric → what it found, and how."""
    sets: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in lines:
        label, metric, scored = (*line, None)[:3]
        if len(line) != 3 or not isinstance(metric, str) or not isinstance(scored, dict):
            raise ValueError(f"sets: a line of {label!r} is none of a metric and what it found")
        if metric in sets[label]:
            raise ValueError(f"sets: {label!r} has {metric!r} twice")
        settings = parts.get(f"set {scored.get('set', metric)}")
        if not isinstance(settings, dict):
            raise ValueError(f"parts: there is no set {scored.get('set', metric)!r}, which {label!r} has")
        sets[label][metric] = {**settings, **{name: value for name, value in scored.items() if name != "set"}}
    return sets


def _entry(
    label: str,
    of: Any,
    fields: dict[str, Any],
    scores: Mapping[str, Mapping[str, Any]],
    notes: Mapping[str, Any],
    parts: Mapping[str, Any],
) -> dict[str, Any]:
    if not isinstance(of, dict):
        raise ValueError(f"cells: no names of {label!r}")
    of = {**USUAL, **of}

    def part(kind: str, name: Any) -> Any:
        if f"{kind} {name}" not in parts and kind != "environment":
            raise ValueError(f"parts: there is no {kind} {name!r}, which {label!r} is of")
        return parts.get(f"{kind} {name}", {})

    seal, outputs = fields.pop("seal", ""), fields.pop("outputs", None)
    if not isinstance(seal, str) or not seal:
        raise ValueError(f"cells: {label!r} has no seal")
    shared = {kind: part(kind, of.get(kind)) for kind in SHARED}
    setting = shared.pop("setting")
    cell = {**LEFT_OUT, **fields, **shared, **setting, "seed": of.get("seed"), "outcome": of.get("outcome")}
    inputs: Mapping[str, Any] = {}
    if outputs is not None:
        inputs = part("inputs", of.get("inputs", place_of({"dataset": None, "regime": None, **of}, cell["seed"])))
    for metric, values in scores.items():
        if values.keys() != inputs.keys():
            raise ValueError(f"scores: {label!r} has not one {metric} for each of its inputs")
    if strange := sorted(notes.keys() - inputs.keys()):
        raise ValueError(f"notes: {label!r} has no item {strange[0]!r}")
    rows = [
        [item, inputs[item], inputs[item] if outputs == AS_GIVEN else outputs, notes.get(item, ""), None,
         *(scores[metric][item] for metric in sorted(scores))]
        for item in sorted(inputs)
    ]  # fmt: skip
    return {"label": label, "cell": cell, "metrics": sorted(scores), "panel": None, "seal": seal, "rows": rows}
