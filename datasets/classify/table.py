from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.datasets.classify._split import Count
from noisebench.datasets.classify.folder import SIDES, ClassFolders, Side


@nb.dataset("table", track="classify", licence="the user's own", own_files=True)
def table(
    *,
    path: str,
    pictures: str | None = None,
    file: str = "file",
    label: str = "label",
    side: str | None = None,
    split: Side = "test",
    tested: Annotated[float, Gt(0), Lt(1)] = 0.3,
    size: Annotated[int, Ge(1), Le(4096)] | None = None,
    colour: bool = False,
    group: str | None = None,
    n: Count | None = None,
) -> ClassFolders:
    """The user's own labelled pictures: a CSV file with a line for each, its name and its label.

    path: the CSV file, whose first line names its columns; names of pictures are relative to the folder `pictures`, or
    else to that of the CSV. file, label: those columns. Classes are numbered in the order of their names, numbers by
    their size. side: the column that says `train` or `test` of each; without it the share `tested` is for tests, by the
    hash of the name, or of its group. size, colour, group: as of `folder`. n: the first so many of the side, in the
    order of the file; none is all.
    """
    rows = _rows(Path(path).expanduser())
    for column in (file, label, *([side] if side else [])):
        if column not in rows[0]:
            raise nb.UsageError(
                f"dataset table: {nb.one_line(path)} has no column {column!r} but {', '.join(rows[0])}: name it by "
                "file=, label= or side="
            )
    root = Path(pictures).expanduser() if pictures else Path(path).expanduser().parent
    labels = {row[file]: row[label] for row in rows}
    if len(labels) < len(rows):
        raise nb.UsageError(f"dataset table: {nb.one_line(path)} names a picture twice: give each one line")
    classes = sorted({*labels.values()}, key=_by_number)
    if len(classes) < 2:
        raise nb.UsageError(f"dataset table: {nb.one_line(path)} has one label only in the column {label!r}")
    if missing := [name for name in labels if not (root / name).is_file()]:
        raise nb.UsageError(
            f"dataset table: {len(missing)} of {len(rows)} pictures are not in {nb.one_line(root)}, such as "
            f"{nb.one_line(missing[0])!r}: give pictures=FOLDER"
        )
    sides = {row[file]: row[side] if side else _side(row[file], group, tested) for row in rows}
    if wrong := {*sides.values()} - {*SIDES}:
        raise nb.UsageError(
            f"dataset table: the column {side!r} says {nb.one_line(sorted(wrong)[0])!r}: train or test is due"
        )
    names = [name for name in labels if split in ("all", sides[name])][:n]
    if not names:
        raise nb.UsageError(f"dataset table: {nb.one_line(path)} has no picture for split={split}")
    places = {name: place for place, name in enumerate(classes)}
    return ClassFolders(
        {name: root / name for name in labels}, names, classes, [places[labels[name]] for name in names],
        first=next(iter(labels)), size=size, colour=colour, group=group,
    )  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    """The lines below the first, by the names of the columns. Raises `UsageError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            rows = [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(text)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise nb.UsageError(f"dataset table: {nb.one_line(path)} cannot be read ({nb.one_line(error)})") from None
    if not rows:
        raise nb.UsageError(f"dataset table: {nb.one_line(path)} has no line below the names of its columns")
    return rows


def _by_number(label: str) -> tuple[int, float, str]:
    return (0, int(label), "") if label.isdecimal() else (1, 0, label)


def _side(name: str, group: str | None, tested: float) -> str:
    from noisebench.datasets.restore._files import group_of

    digest = hashlib.sha256((group_of(name, group) or name).encode()).hexdigest()
    return "test" if int(digest[:8], 16) < tested * 2**32 else "train"
