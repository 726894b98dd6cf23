"""Versions of a method in one store: which of them was asked for last, at each place."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Sequence

from .record import Cell, Record


def newest(records: Sequence[Record]) -> list[Record]:
    """The records without older versions of the same method at the same place, in their order.

    A version is the code of a method and its weights; a place has all seeds. The newest is the one that a run asked
    for last. Where no record says when that was, as in exports of earlier versions of noisebench, all are kept.
    """
    last: dict[Hashable, dict[Hashable, str]] = defaultdict(dict)
    for record in records:
        versions, version = last[_place(record.cell)], _version(record.cell)
        versions[version] = max(versions.get(version, ""), record.asked)
    kept = []
    for record in records:
        versions = last[_place(record.cell)]
        if versions[_version(record.cell)] == max(versions.values()):
            kept.append(record)
    return kept


def older(records: Sequence[Record]) -> list[Record]:
    """The records that `newest` leaves out."""
    kept = {id(record) for record in newest(records)}
    return [record for record in records if id(record) not in kept]


def _place(cell: Cell) -> tuple[Hashable, ...]:
    """What versions of a method have in common: its spec, and all that it was run on, seeds apart."""
    cost = cell["cost"] or cell.get("inputs", {})
    parts = [(part["display"], part["spec"], _text(part["versions"])) for part in (cell["regime"], cell["protocol"])]
    return (
        cell["kind"], cell["track"], cell["method"]["spec"], cell["method"]["display"],
        cell["dataset"]["display"], cell["dataset"]["fingerprint"], *parts,
        *(_text(cost.get(name)) for name in ("size", "device", "threads") if cell["kind"] == "cost"),
    )  # fmt: skip


def _version(cell: Cell) -> tuple[str, str, str]:
    method, inputs = cell["method"], cell.get("inputs") or {}
    return _text(method["versions"]), method["source_sha256"], _text(inputs.get("weights"))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
