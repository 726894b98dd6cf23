"""What a challenge keeps of a labelled picture until it is judged, and how answers of its participants are read."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data.arrays import read_numbers
from ...imaging.pixels import Array
from ...text.errors import UsageError, nearest, one_line
from .labelled_picture import LabelledPicture

_BY_CLASS = ("accuracy",)
"""Metrics that need the likeliest class alone."""


def sealed_arrays(item: LabelledPicture) -> dict[str, Array]:
    """Picture, label, names of the classes and, where they are there, the regions of an item."""
    arrays = {"picture": item.picture, "label": np.array(item.label), "classes": np.array(item.classes, np.str_)}
    return arrays if item.regions is None else {**arrays, "regions": item.regions}


def unsealed(name: str, arrays: Mapping[str, Array]) -> LabelledPicture:
    """The item again, under the name that it has in the challenge."""
    classes = tuple(arrays["classes"].tolist())
    return LabelledPicture(name, arrays["picture"], int(arrays["label"].item()), classes, regions=arrays.get("regions"))


def answer_classes(item: LabelledPicture) -> Sequence[str]:
    """The names of the classes that answers are of."""
    return item.classes


def read_output_file(file: Path, wanted: Sequence[int], info: Mapping[str, Any]) -> Array:
    """Logits in a `.npy`, float32 (K,). Raises `UsageError`."""
    return read_numbers(file).astype(np.float32)


def read_answers(file: Path, classes: Sequence[str], metrics: Collection[str]) -> dict[str, list[Array]]:
    """The logits of each item in a CSV, float32 (K,): one array a line of it.

    Its columns are `item` and the name of each class, with logits (logarithms of probabilities are some); or `item` and
    `class`, the name of one, where no metric needs more. Raises `UsageError`.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            lines = list(csv.DictReader(opened, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{one_line(file)} cannot be read as CSV ({one_line(error, 80)})") from None
    columns = set(lines[0] if lines else ()) - {None}
    by_name = columns == {"item", "class"} and columns != {"item", *classes}
    if not by_name and columns != {"item", *classes}:
        named = one_line(", ".join(classes), 200)
        raise UsageError(f"{one_line(file)}: its columns are to be item and each class: {named}")
    if by_name and (more := sorted(set(metrics) - set(_BY_CLASS))):
        raise UsageError(f"{one_line(file)} has classes, and {more[0]} is scored too: give logits, a column a class")
    answers: dict[str, list[Array]] = {}
    for number, line in enumerate(lines, 2):
        where = f"{one_line(file)}, line {number}"
        if None in line:
            raise UsageError(f"{where}: more values than columns")
        logits = _named(line["class"], classes, where) if by_name else _logits([line[one] for one in classes], where)
        answers.setdefault(str(line["item"]), []).append(logits)
    return answers


def _named(name: str | None, classes: Sequence[str], where: str) -> Array:
    if name not in classes:
        raise UsageError(f"{where}: unknown class {one_line(name or '', 60)!r}: {nearest(name or '', classes)}")
    return np.array([one == name for one in classes], np.float32)


def _logits(texts: Sequence[Any], where: str) -> Array:
    try:
        return np.array([float(text) for text in texts], np.float32)
    except (TypeError, ValueError):
        raise UsageError(f"{where}: a number is due for each class") from None
