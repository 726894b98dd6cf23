"""Cells made by hand and stored, for the tests of the store."""

from __future__ import annotations

import itertools
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from board_records import changed, cost_record, record, sealed
from msgspec import structs
from noisebench.data.png_files import byte_sha256
from noisebench.engine.messages import Job
from noisebench.planning.cells import PlannedCell
from noisebench.store.cell_json import checked, checked_cell, plain_values
from noisebench.store.cells import cell_dir, commit, partial_dir
from noisebench.store.keys import key_of
from noisebench.store.outputs import save_output
from noisebench.store.previews import View, picture_file, write_view
from noisebench.store.record import Record
from noisebench.store.seals import files_seal
from noisebench.text.errors import UsageError
from noisebench.track.outputs import ArrayFiles

FILES = ArrayFiles()
ARRAYS = tuple(np.full((2, 3), value, "<f4") for value in (0.25, 0.5, 0.75))
A, B = "a" * 64, "b" * 64


def why_no_cell(value: Any) -> str | None:
    """Why a value of a JSON document is refused as a cell."""
    try:
        checked_cell(value)
    except ValueError as error:
        return str(error)
    return None


def made(method: str = "nlm", *values: float, request: Any = None, **more: Any) -> Record:
    """A record with the inputs and the key of a planned cell."""
    one = sealed(record(method, {"psnr": values or (30.0, 31.0, 32.0)}, **more))
    return with_cell(one, request={"keep": "none"} if request is None else request)


def made_cost(method: str, *size: int, request: Any = None, **more: Any) -> Record:
    """A cost with the inputs and the key of a planned cell, at a size."""
    one = sealed(cost_record(method, size=size, **more))
    inputs: Any = {**one.cell.inputs, "size": list(size)}
    return with_cell(one, inputs=inputs, key=key_of(inputs), request={} if request is None else request)


def with_cell(one: Record, **fields: Any) -> Record:
    return replace(one, cell=changed(one.cell, **fields))


def planned_cell_of(key: str, method: str = "nlm", **fields: Any) -> PlannedCell:
    """A score as it is planned, of one item; parts may be typed or plain."""
    cell = plain_values(record(method, {"psnr": [30.0]}).cell)
    return checked({**cell, "key": key, "alone": False, "after": [], **plain_values(fields)}, PlannedCell)


def job_of(cell: PlannedCell, **fields: Any) -> Job:
    """What a worker is told of a cell, with what differs from the usual."""
    usual: dict[str, Any] = {
        "store": "s", "keep": "none", "device": "cpu", "threads": 1, "timeout": 5.0, "memory": None, "environment": {},
        "redo": [], "afresh": False, "stamp": None, "donor": None, "sandbox": None, "blocked": "", "harness": "",
    }  # fmt: skip
    return Job(cell=cell, **{**usual, **fields})


def rows_of(one: Record) -> list[dict[str, Any]]:
    """The rows of a record as a worker leaves them."""
    texts = {math.inf: "inf", -math.inf: "-inf"}
    return [
        {
            "key": one.cell.key, "index": i, "item": item, "input_sha256": one.input_sha256[i],
            "output_sha256": one.output_sha256[i], "seconds": float(one.seconds[i]), "note": one.notes[i],
            "scores": {m: None if np.isnan(v[i]) else texts.get(float(v[i]), float(v[i]))
                       for m, v in one.scores.items()},
        }
        for i, item in enumerate(one.items)
    ]  # fmt: skip


def put(store: Path, one: Record, arrays: Sequence[Any] = ()) -> str:
    """Store a record, with kept outputs; its key."""
    key = one.cell.key
    partial = partial_dir(store, key)
    partial.mkdir(parents=True, exist_ok=True)
    for index, array in enumerate(arrays):
        save_output(partial, index, array, FILES)
    commit(store, one.cell, rows_of(one))
    return key


def edit(store: Path, key: str, text: str | None = None, /, **fields: Any) -> Path:
    """Change `cell.json` by hand, whole or some of its fields; the file."""
    file = cell_dir(store, key) / "cell.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}) if text is None else text)
    return file


def seal_again(store: Path, key: str) -> None:
    """Give a cell that was changed by hand the seal of what it is now."""
    folder = cell_dir(store, key)
    (folder / "seal").write_bytes(files_seal({n: (folder / n).read_bytes() for n in ("cell.json", "scores.parquet")}))


def without_seals(store: Path) -> Path:
    """The store as it would be if it had been made before there were seals."""
    (store / "store.json").write_text('{"schema": 2}')
    for seal in store.glob("cells/*/*/seal"):
        seal.unlink()
    return store


def keeping(one: Record, arrays: Sequence[Any] = ARRAYS) -> Record:
    """The record with the hashes that these outputs have."""
    return replace(one, output_sha256=[FILES.digest(a) for a in arrays])


def in_order(candidates: Iterator[Record], n: int) -> list[Record]:
    """The first `n` of them by their keys."""
    return sorted(itertools.islice(candidates, n), key=lambda one: one.cell.key)


def same(a: Record, b: Record) -> None:
    """Two records hold the same, request and seal apart."""
    for name in ("items", "input_sha256", "output_sha256", "notes", "panel"):
        assert getattr(a, name) == getattr(b, name), name
    assert structs.replace(a.cell, request=None) == structs.replace(b.cell, request=None)
    np.testing.assert_array_equal(a.seconds, b.seconds)
    assert list(a.scores) == list(b.scores)
    for metric, values in a.scores.items():
        np.testing.assert_array_equal(values, b.scores[metric])
        assert values.dtype == np.float64


def refused(call: Callable[[], Any]) -> str:
    """The message of a mistake."""
    with pytest.raises(UsageError) as error:
        call()
    return str(error.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def row(index: int, key: str = A) -> dict[str, Any]:
    return {"key": key, "index": index}


def partial_made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def rekeyed(one: Record, **inputs: Any) -> Record:
    """The record with other inputs, and the key that these have."""
    changed = {**one.cell.inputs, **inputs}
    return with_cell(one, inputs=changed, key=key_of(changed))


def lender(*, request: Any = None, **fields: Any) -> Record:
    one = made("nlm", 1.0, 2.0, 3.0, request={"keep": "all"} if request is None else request)
    return keeping(with_cell(one, **fields))


RNG = np.random.default_rng(0)
CLEAN, NOISY = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8), RNG.integers(0, 256, (4, 5, 1), dtype=np.uint8)


def picture(file: Path, pixels: np.ndarray) -> None:
    """Write an RGB or grey picture as a PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), pixels[:, :, ::-1])


def shared(store: Path, pixels: np.ndarray) -> str:
    name = byte_sha256(pixels)
    picture(picture_file(store, name), pixels)
    return name


def views(store: Path, folder: Path, n: int = 2) -> list[View]:
    """Keep some items to look at in the folder of a cell: a colour and a grey picture for each."""
    (folder / "outputs").mkdir(parents=True, exist_ok=True)
    found = []
    for index in range(n):
        view = View(f"p{index}", (4, 5), (0, 0, 4, 5), shared(store, CLEAN + index), shared(store, NOISY + index))
        write_view(folder / "outputs", index, view)
        picture(folder / "outputs" / f"{index:05d}.png", CLEAN)
        found.append(view)
    return found
