"""Verdicts as a file: what the names of each effect stood for on each seed and item, with the keys behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
from .stale import Code, code_sha256

FORMAT = "noisebench-verdicts@2"
_FORMATS = ("noisebench-verdicts@1", FORMAT)
"""Those that are read: the first has the texts of claims too, no rows of items, and its notes in the reason."""
_LARGEST = 1 << 28
"""Bytes of text that a compressed file may hold."""


class Behind(TypedDict):
    """A cell behind a verdict: what it is of, and the hash of its code; empty where that was another already."""

    of: Code
    code: str


class Verdicts(TypedDict):
    """What a file holds: what each effect and property is judged by, and the cells behind them by key."""

    format: str
    environment: dict[str, Any]
    claims: list[dict[str, Any]]
    cells: dict[str, Behind]


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
    cells: dict[str, Behind]

    @model_validator(mode="after")
    def _has_every_cell(self) -> _File:
        if any(key not in self.cells for row in self.claims for key in row.keys):
            raise ValueError("a cell is not there")
        return self


def verdicts_text(rows: Iterable[ClaimRow], cells: dict[str, Behind], environment: dict[str, Any]) -> str:
    """The file of the rows that have a value; numbers are not among them: an export holds these."""
    judged = [row for row in rows if row.get("values") and row["verdict"] != "not available"]
    used = {key: cells[key] for key in sorted({key for row in judged for key in row["keys"]})}
    kept = [{name: value for name, value in row.items() if name in _KEPT and value != {}} for row in judged]
    content: Verdicts = {"format": FORMAT, "environment": environment, "claims": kept, "cells": used}
    return json.dumps(content, indent=1) + "\n"


def write_verdicts(path: Path, text: str) -> None:
    """Write a file of verdicts, compressed where its name ends in `.zst`. Raises `UsageError`, OSError."""
    import pyarrow as pa

    data = text.encode()
    write_named(path, pa.Codec("zstd", 19).compress(data, asbytes=True) if path.suffix == ".zst" else data)


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

    Where seeds were added until they decided, it is of more seeds than the effect names.
    """
    cells = {name: cell.texts for name, cell in effect.all_cells.items()}
    for file in reversed(files):
        for row in file["claims"]:
            sequential = row.get("sequential", False)
            seeds = tuple(row["seeds"])
            same = effect.seeds == (seeds[: len(effect.seeds)] if sequential else seeds)
            if row["name"] == effect.name and row["cells"] == cells and same:
                notes = row.get("notes", row.get("reason", "").split("; ")[1:])
                judged = Judged(
                    row["values"], row["seconds"], row["keys"], notes, row.get("edges"), rows=row.get("rows", {})
                )
                stale = any(_is_stale(file["cells"].get(key)) for key in row["keys"])
                return effect_row(replace(effect, seeds=seeds, sequential=sequential), judged) | {"stale": stale}
    return None


def _is_stale(behind: Behind | None) -> bool:
    try:
        return behind is None or behind["code"] != code_sha256(behind["of"])
    except UsageError:
        return True
