"""Verdicts as a file: what the names of each effect stood for on each seed and item, with the keys behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator
from typing_extensions import TypedDict

from ..data.disk import write_named
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed
from .effect_verdicts import Judged, effect_row
from .effects import Effect
from .inference import Rows
from .numbers import ClaimRow
from .stale import CellCode, code_sha256

FORMAT = "noisebench-verdicts@2"
_FORMATS = ("noisebench-verdicts@1", FORMAT)
"""Those that are read: the first has the texts of claims too, no rows of items, and its notes in the reason."""
_LARGEST = 1 << 28
"""Bytes of text that a compressed file may hold."""


class VerdictCell(TypedDict):
    """A cell behind a verdict: what it is of, and the hash of its code; empty where that was another already."""

    of: CellCode
    code: str


class Verdicts(TypedDict):
    """What a file holds: what each effect and property is judged by, and the cells behind them by key."""

    format: str
    environment: dict[str, Any]
    claims: list[dict[str, Any]]
    cells: dict[str, VerdictCell]


_KEPT = ("name", "cells", "seeds", "values", "seconds", "keys", "notes", "edges", "sequential", "rows")
"""What is kept of a row: the rest is in its claim, or follows from both."""


class _Read(BaseModel):
    """What is read of a part of a file; what else it holds is left alone."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Row(_Read):
    """A value may be NaN, where a training diverged, or infinite, where a score was never reached."""

    name: str
    cells: dict[str, dict[str, str]]
    seeds: list[int]
    values: list[dict[str, float]]
    keys: list[str]
    seconds: FiniteFloat | None
    reason: str = ""
    notes: list[str] = []
    edges: list[str] = []
    sequential: bool = False
    rows: dict[str, Rows] = {}

    @model_validator(mode="after")
    def _has_a_value_for_each_cell_and_seed(self) -> _Row:
        if len(self.values) != len(self.seeds) or any(of.keys() != self.cells.keys() for of in self.values):
            raise ValueError("values are of other cells or seeds")
        for rows in self.rows.values():
            if len(rows["scores"]) != len(self.seeds) or len({len(of) for of in rows["scores"]}) != 1:
                raise ValueError("rows of items are of other seeds")
        return self


class _File(_Read):
    claims: list[_Row]
    cells: dict[str, VerdictCell]

    @model_validator(mode="after")
    def _has_every_cell(self) -> _File:
        if any(key not in self.cells for row in self.claims for key in row.keys):
            raise ValueError("a cell is not there")
        return self


def verdicts_text(rows: Iterable[ClaimRow], cells: dict[str, VerdictCell], environment: dict[str, Any]) -> str:
    """The file of the rows that have a value; numbers are not among them: an export holds these."""
    judged = [row for row in rows if row.get("values") and row["verdict"] != "not available"]
    # Cells of one code lie side by side, which compresses better.
    used = dict(sorted({key: cells[key] for row in judged for key in row["keys"]}.items(), key=_code_then_key))
    kept = [{name: value for name, value in row.items() if name in _KEPT and value != {}} for row in judged]
    content: Verdicts = {"format": FORMAT, "environment": environment, "claims": kept, "cells": used}
    return json.dumps(content, indent=1) + "\n"


def _code_then_key(item: tuple[str, VerdictCell]) -> tuple[str, str]:
    return json.dumps(item[1]), item[0]


def write_verdicts(path: Path, text: str) -> None:
    """Write a file of verdicts, compressed where its name ends in `.zst`. Raises `UsageError`, OSError."""
    import pyarrow as pa

    data = text.encode()
    write_named(path, pa.Codec("zstd", 22).compress(data, asbytes=True) if path.suffix == ".zst" else data)


def _read(path: Path, most: int) -> bytes:
    """The text of a file, or the start of it. Raises OSError, also where it is compressed and damaged."""
    if path.suffix != ".zst":
        with open(path, "rb") as file:
            return file.read(most)
    import pyarrow as pa

    with pa.input_stream(str(path), compression="zstd") as file:
        return bytes(file.read(most))


def read_verdicts(path: Path) -> Verdicts | None:
    """What a file of verdicts holds, None for another file. Raises `UsageError` where it is damaged."""
    if not path.is_file() or path.suffix not in (".json", ".zst"):
        return None
    try:
        if FORMAT.partition("@")[0].encode() not in _read(path, 200):
            return None
        content = parsed(_read(path, _LARGEST))
        if content["format"] not in _FORMATS:
            return None
        _File.model_validate(content)
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{one_line(path)} is no file of verdicts: `noisebench reproduce --to` makes one") from None
    return cast(Verdicts, content)


def row_of(effect: Effect, files: Sequence[Verdicts]) -> ClaimRow | None:
    """The row of an effect by the last file that has one of the same cells and seeds: judged anew, stale or not.

    Where seeds were added until they decided, it is of more seeds than the effect names. A row from before cells were
    added to the effect is completed by rows of any claim that have those cells on the same seeds.
    """
    cells = {name: cell.texts for name, cell in effect.all_cells.items()}
    rows = [(row, file) for file in reversed(files) for row in file["claims"]]
    earlier = [one for one in rows if _is_of(effect, one[0]) and one[0]["cells"].items() <= cells.items()]
    for row, file in sorted(earlier, key=lambda one: one[0]["cells"] != cells):
        added = {name: _other_row(of, row["seeds"], rows) for name, of in cells.items() if name not in row["cells"]}
        donors = {name: donor for name, donor in added.items() if donor is not None}
        if len(donors) < len(added):
            continue
        used = [(row, file), *((other, of_file) for other, of_file, _ in donors.values())]
        stale = any(_is_stale(of_file["cells"].get(key)) for one, of_file in used for key in one["keys"])
        judged = _completed(row, {name: (other, called) for name, (other, _, called) in donors.items()})
        seeded = replace(effect, seeds=tuple(row["seeds"]), sequential=row.get("sequential", False))
        return effect_row(seeded, judged) | {"stale": stale}
    return None


_StoredRow = tuple[dict[str, Any], Verdicts]
"""A row with the file that it is from."""


def _is_of(effect: Effect, row: Mapping[str, Any]) -> bool:
    """Whether a row is of the effect's name and seeds, or of these and more that decided it."""
    seeds = tuple(row["seeds"])
    known = seeds[: len(effect.seeds)] if row.get("sequential", False) else seeds
    return bool(row["name"] == effect.name and effect.seeds == known)


def _other_row(
    cell: Mapping[str, str], seeds: Sequence[int], rows: Sequence[_StoredRow]
) -> tuple[dict[str, Any], Verdicts, str] | None:
    """The last row that has finite values of a cell on these seeds, with its file and its name for the cell."""
    for row, file in rows:
        for name, texts in row["cells"].items():
            if texts == cell and row["seeds"] == seeds and all(math.isfinite(of[name]) for of in row["values"]):
                return row, file, name
    return None


def _completed(row: Mapping[str, Any], added: Mapping[str, tuple[Mapping[str, Any], str]]) -> Judged:
    """What a row holds, with cells of other rows under the names that those have there.

    Rows share trainings, so that the seconds of several together are not known.
    """
    values = [
        {**of, **{name: other["values"][place][called] for name, (other, called) in added.items()}}
        for place, of in enumerate(row["values"])
    ]
    edges = [
        f"{name}: {edge}"
        for name, (other, called) in added.items()
        for names, _, edge in (text.partition(": ") for text in other.get("edges") or ())
        if called in names.split(", ")
    ]
    rows = {name: other["rows"][called] for name, (other, called) in added.items() if called in other.get("rows", {})}
    return Judged(
        values,
        None if added else row["seconds"],
        sorted({*row["keys"], *(key for other, _ in added.values() for key in other["keys"])}),
        row.get("notes", row.get("reason", "").split("; ")[1:]),
        [*(row.get("edges") or ()), *edges] if edges else row.get("edges"),
        rows={**row.get("rows", {}), **rows},
    )


def _is_stale(behind: VerdictCell | None) -> bool:
    try:
        return behind is None or behind["code"] != code_sha256(behind["of"])
    except UsageError:
        return True
