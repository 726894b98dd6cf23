"""The portable form of a store: one JSON file, a row a line, without anything of the machine's paths."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError, one_line
from ..json_values import plain
from .record import SCHEMA, Panel, Record

_PRIVATE = ("request",)


def export_text(records: Sequence[Record]) -> str:
    """An export as text: equal records give equal text."""
    pictures: dict[str, str] = {}
    cells = []
    for record in sorted(records, key=lambda r: r.cell["key"]):
        cell = _public(record)
        names = list(record.scores)
        rows = [
            [
                record.items[i], record.input_sha256[i], record.output_sha256[i], record.notes[i],
                plain(float(record.seconds[i])), *(plain(float(record.scores[m][i])) for m in names),
            ]
            for i in range(len(record.items))
        ]  # fmt: skip
        panel = None
        if record.panel is not None:
            panel = {"item": record.panel.item, **_placed(record.panel, pictures)}
        cells.append((cell, names, rows, panel, seal_of(record), record.asked))
    lines = ["{", f' "noisebench_export": {SCHEMA},', ' "cells": [']
    for place, (cell, names, rows, panel, seal, asked) in enumerate(cells):
        lines.append("  {")
        lines.append(f'   "cell": {json.dumps(cell, sort_keys=True)},')
        lines.append(f'   "metrics": {json.dumps(names)},')
        lines.append(f'   "panel": {json.dumps(panel)},')
        lines.append(f'   "seal": {json.dumps(seal)},')
        lines += [f'   "asked": {json.dumps(asked)},'] if asked else []
        lines.append('   "rows": [')
        lines += ["    " + json.dumps(row) + ("," if i + 1 < len(rows) else "") for i, row in enumerate(rows)]
        lines.append("   ]")
        lines.append("  }" + ("," if place + 1 < len(cells) else ""))
    lines.append(" ],")
    lines.append(' "pictures": [')
    texts = list(pictures)
    lines += ["  " + json.dumps(text) + ("," if i + 1 < len(texts) else "") for i, text in enumerate(texts)]
    lines += [" ]", "}"]
    return "\n".join(lines) + "\n"


def _placed(panel: Panel, pictures: dict[str, str]) -> dict[str, str]:
    """The place of each part of a panel among `pictures`, to which new ones are added."""
    texts = {name: base64.b64encode(png).decode() for name, png in panel.parts.items()}
    return {name: pictures.setdefault(text, str(len(pictures))) for name, text in texts.items()}


def _public(record: Record) -> dict[str, Any]:
    return {k: v for k, v in record.cell.items() if k not in _PRIVATE}


def seal_of(record: Record) -> str:
    """SHA-256 of what an export says of a cell, its crops apart: an edit by hand shows."""
    seal = hashlib.sha256(json.dumps(_public(record), sort_keys=True).encode())
    for column in (record.items, record.input_sha256, record.output_sha256, record.notes, list(record.scores)):
        seal.update(json.dumps(column).encode())
    for values in (record.seconds, *record.scores.values()):
        floats = np.asarray(values, dtype="<f8")
        seal.update(np.where(np.isnan(floats), np.nan, floats).tobytes())
    return seal.hexdigest()


def read_export(path: Path) -> list[Record]:
    """Records of an export file. Raises `UsageError` naming the file where it is not one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["noisebench_export"] > SCHEMA:
            raise UsageError(f"export {one_line(path)} was written by a newer noisebench: upgrade to read it")
        pictures = [base64.b64decode(text, validate=True) for text in document["pictures"]]
        return [_record(entry, pictures) for entry in document["cells"]]
    except OSError as error:
        raise UsageError(f"export {one_line(path)}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f"{one_line(path)} is not a noisebench export ({one_line(error, 80)}): `noisebench export STORE --to FILE` "
            "makes one"
        ) from None


def _record(entry: dict[str, Any], pictures: list[bytes]) -> Record:
    rows, names, panel = entry["rows"], entry["metrics"], entry["panel"]
    return Record(
        entry["cell"],
        [str(r[0]) for r in rows],
        [str(r[1]) for r in rows],
        [str(r[2]) for r in rows],
        [str(r[3]) for r in rows],
        np.array([_in(r[4]) for r in rows], dtype=np.float64),
        {m: np.array([_in(r[5 + j]) for r in rows], dtype=np.float64) for j, m in enumerate(names)},
        panel and Panel(panel["item"], {n: pictures[int(place)] for n, place in panel.items() if n != "item"}),
        str(entry.get("seal", "")),
        str(entry.get("asked", "")),
    )


def _in(value: Any) -> float:
    return math.nan if value is None else float(value)
