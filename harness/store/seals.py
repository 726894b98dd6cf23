"""Seals of cells, and whether a cell may be judged by: no score that is no number, and nothing edited by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import structs

from ..text.errors import UsageError, one_line
from .cell import Cell, MetricPart
from .cell_json import plain_values
from .keys import Texts, key_of
from .record import Record, words_of
from .results import Results


def refuse_nan(records: Iterable[Record], source: str) -> None:
    """Raise `UsageError` where an ok cell holds a score that is no number and no reason is stored for it."""
    for record in Results.of(records).where(outcome="ok").undefined():
        for metric, values in record.scores.items():
            for row in np.flatnonzero(np.isnan(values)):
                if not record.notes[row]:
                    item = one_line(words_of(record.cell)["item"], 60)
                    raise UsageError(
                        f"{one_line(source)}: {one_line(metric, 60)} of {item} {one_line(record.items[row], 80)!r} "
                        f"in cell {record.cell.key[:12]} ({one_line(record.cell.method.display, 60)}) is NaN "
                        "and no reason is stored: restore the file, or delete it and make it again with --update"
                    )


def public_cell(cell: Cell) -> Cell:
    """The cell as an export has it: without what a run was asked for, which names files and code of a machine."""
    return structs.replace(cell, request=None)


def seal_of(record: Record) -> str:
    """SHA-256 of what an export says of a cell, its crops and mistakes apart: an edit by hand shows."""
    return seal_of_text(record, json.dumps(public_cell(record.cell), sort_keys=True, default=plain_values))


def seal_of_text(record: Record, cell: str) -> str:
    """The same, of a cell that is there as text."""
    seal = hashlib.sha256(cell.encode())
    for column in (record.items, record.input_sha256, record.output_sha256, record.notes, list(record.scores)):
        seal.update(json.dumps(list(column)).encode())
    for values in (record.seconds, *record.scores.values()):
        floats = np.asarray(values, dtype="<f8")
        seal.update(np.where(np.isnan(floats), np.nan, floats).tobytes())
    return seal.hexdigest()


def files_seal(files: Mapping[str, bytes | memoryview]) -> bytes:
    """The seal of a cell in a store: name → bytes of its files as lines of SHA-256, which `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def why_seal_broken(record: Record) -> str | None:
    """That a cell is not what was stored or exported; one that was written before there were seals may be anything."""
    whole = record.whole if record.whole is not None else not record.seal or record.seal == seal_of(record)
    return None if whole else "edited by hand: its content does not match its seal"


def why_edited(record: Record, known: Texts | None = None) -> str | None:
    """Why a cell cannot be what its key was made from; `known` is for many cells, as `key_of` has it."""
    cell = record.cell
    if (why := why_seal_broken(record)) or record.keyed:
        return why
    inputs = cell.inputs
    if key_of(inputs, known) != cell.key:
        return "edited by hand: its inputs do not hash to its key"
    parts: dict[str, tuple[object, object]] = {
        # The baselines of tests, of schema 1, name no track in their inputs.
        "track": (str(inputs.get("track", cell.track)).partition("@")[0], cell.track),
        "kind": (inputs.get("kind"), cell.kind),
        "method": (_spec(inputs, "method"), cell.method.spec),
        "regime": (_spec(inputs, "regime"), cell.regime.spec),
    }
    if cell.kind == "score":
        versions = inputs.get("metrics")
        parts |= {
            "seed": (inputs.get("seed"), cell.seed),
            "protocol": (_spec(inputs, "protocol"), cell.protocol.spec),
            "dataset fingerprint": (inputs.get("data", inputs.get("pictures")), cell.dataset.fingerprint),
            "metrics": (
                sorted(map(str, versions.values())) if isinstance(versions, dict) else None,
                sorted(_version_in_key(part) for part in cell.metrics.values()),
            ),
            "set metrics": (
                sorted(str(part.get("network_sha256", "")) for part in (inputs.get("sets") or {}).values()),
                sorted(part.features_sha256 for part in cell.sets.values()),
            ),
        }
        if cell.outcome == "ok" and (unscored := sorted(set(cell.metrics) - set(record.scores))):
            return f"edited by hand: it has no scores of {one_line(unscored[0], 60)}"
    for name, (keyed, shown) in parts.items():
        if keyed != shown:
            return f"edited by hand: its {name} is not the one its key was made from"
    return None


def why_each_edited(records: Iterable[Record]) -> list[str | None]:
    """`why_edited` of each of many, in half the time."""
    results, known = Results.of(records), Texts()
    keyed = results.column("keyed") if results.sealed else [False] * len(results)
    return [None if sure else why_edited(results[place], known) for place, sure in enumerate(keyed)]


def _version_in_key(metric: MetricPart) -> str:
    return f"{metric.version}, {metric.made_with}" if metric.made_with else str(metric.version)


def _spec(inputs: Mapping[str, object], name: str) -> object:
    part = inputs.get(name)
    return part.get("spec") if isinstance(part, dict) else None
