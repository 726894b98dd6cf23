"""All pictures of a labelled set as arrays, for sets that are computed from another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.tracks.classify.labelled_picture import values_of


@dataclass(frozen=True)
class LabelledArrays:
    """Pictures float32 (N, C, H, W) on [0, 1], the labels that a training is told, int64 (N,), and their classes.

    `lines` name each picture with all that it holds, for the hash of what is computed from them.
    """

    pictures: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    classes: Sequence[str]
    lines: Sequence[str]


def labelled_arrays(of: nb.Bound) -> LabelledArrays:
    """The pictures of a set. Raises `UsageError` where they differ in size or classes, or where there is none."""
    dataset, track = nb.open_dataset(of), nb.get_track("classify")
    items = [dataset.load(index) for index in range(len(dataset.ids))]
    if not items:
        raise nb.UsageError(f"dataset {of.display} has no pictures")
    first = values_of(items[0]).shape
    pictures = []
    for item in items:
        values = values_of(item)
        if values.shape != first or len(item.classes) != len(items[0].classes):
            raise nb.UsageError(
                f"dataset {of.display}: {nb.one_line(items[0].id)!r} {first} and {nb.one_line(item.id)!r} "
                f"{values.shape} differ in size or classes: give a set of one kind"
            )
        whole = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
        pictures.append((values / whole).transpose(2, 0, 1).astype(np.float32))
    return LabelledArrays(
        np.stack(pictures),
        np.array([item.given_label for item in items], np.int64),
        items[0].classes,
        [track.identify(item) for item in items],
    )


def kept_by_key(ids: Sequence[str], count: int) -> list[int]:
    """Places of the `count` ids whose hashes are least, in that order: the same whatever the order of the ids."""
    return sorted(range(len(ids)), key=lambda i: nb.text_key(f"kept apart|{ids[i]}"))[:count]


def arch_lines(arch: nb.Bound) -> list[str]:
    """What a network is made of: its spec, its versions and its source files."""
    import inspect

    file = inspect.getsourcefile(arch.entry.obj)
    sources = nb.module_sources(Path(file).resolve(), arch.entry.obj.__module__) if file else {}
    return [arch.canonical, repr(arch.versions), *(f"{name} {sha256}" for name, sha256 in sorted(sources.items()))]
