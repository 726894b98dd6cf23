"""Whether a stored cell may be judged by: no score that is no number, and nothing edited by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import UsageError, one_line
from ..plan import key_of
from ..store.export import seal_of
from ..store.record import Record


def refuse_nan(record: Record, source: str) -> None:
    """Raise `UsageError` where an ok cell holds a score that is no number and no reason is stored for it."""
    if record.cell["outcome"] != "ok":
        return
    for metric, values in record.scores.items():
        for row in np.flatnonzero(np.isnan(values)):
            if not record.notes[row]:
                raise UsageError(
                    f"{one_line(source)}: {one_line(metric, 60)} of picture {one_line(record.items[row], 80)!r} "
                    f"in cell {record.cell['key'][:12]} ({one_line(record.cell['method']['display'], 60)}) is NaN "
                    "and no reason is stored: restore the file, or delete it and make it again with --update"
                )


def broken_seal(record: Record) -> str:
    """That a cell of an export is not what was exported, or an empty text; a cell of a store has no seal."""
    whole = not record.seal or record.seal == seal_of(record)
    return "" if whole else "edited by hand: it does not hash to its seal"


def edited(record: Record) -> str:
    """Why a cell cannot be what its key was made from, or an empty text."""
    cell = record.cell
    if text := broken_seal(record):
        return text
    inputs = cell.get("inputs")
    if not isinstance(inputs, dict) or key_of(inputs) != cell["key"]:
        return "edited by hand: its inputs do not hash to its key"
    said: dict[str, tuple[object, object]] = {
        "kind": (inputs.get("kind"), cell["kind"]),
        "method": (_spec(inputs, "method"), cell["method"]["spec"]),
        "regime": (_spec(inputs, "regime"), cell["regime"]["spec"]),
    }
    if cell["kind"] == "score":
        versions = inputs.get("metrics")
        said |= {
            "seed": (inputs.get("seed"), cell["seed"]),
            "protocol": (_spec(inputs, "protocol"), cell["protocol"]["spec"]),
            "dataset fingerprint": (inputs.get("pictures"), cell["dataset"]["fingerprint"]),
            "metrics": (
                sorted(versions.values()) if isinstance(versions, dict) else None,
                sorted(part["version"] for part in cell["metrics"].values()),
            ),
            "set metrics": (
                sorted(str(part["network_sha256"]) for part in (inputs.get("sets") or {}).values()),
                sorted(part["features_sha256"] for part in (cell.get("sets") or {}).values()),
            ),
        }
        if cell["outcome"] == "ok" and not set(cell["metrics"]) <= set(record.scores):
            return "edited by hand: a metric has no scores"
    for name, (keyed, shown) in said.items():
        if keyed != shown:
            return f"edited by hand: its {name} is not the one its key was made from"
    return ""


def _spec(inputs: Mapping[str, object], name: str) -> object:
    part = inputs.get(name)
    return part.get("spec") if isinstance(part, dict) else None
