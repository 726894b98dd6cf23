"""Rows that take no rank: their outputs are copies of what no method is shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import structs

from ..components.tracks import known_track
from ..statistics.exact_scores import is_exact
from ..store.record import Record
from ..text.errors import one_line
from ..text.wording import counted
from ..track.alike_items import COPIES
from .rows import Column, Row

COPIED = "copies"
"""The flag of such a row."""


def refuse_copies(
    rows: Sequence[Row],
    records: Sequence[Sequence[Record]],
    columns: Sequence[Column],
    track: str,
    words: Mapping[str, str],
) -> tuple[list[Row], list[str]]:
    """Rows of which those whose outputs are copies take no rank, with the reason, and a warning for each; `records` are
    those of each row.

    Copies are said by a track where it scores an output: half of the outputs must be, or one where that is enough
    (`one_copy_is_enough`). Where a track says that no method can be exact by its own work (`never_exact`), copies are
    also outputs that are exact on more than half of the items; items that the baseline has exact count for nothing.
    """
    exact_is_copied = getattr(known_track(track), "never_exact", False)
    share = 0.0 if getattr(known_track(track), "one_copy_is_enough", False) else 0.5
    baseline = next((row for row in rows if row.role == "baseline" and not row.unranked), None)
    judged, warnings = [], []
    for row, of_row in zip(rows, records, strict=True):
        why = ""
        if not row.unranked and not row.oracle:
            exact = _exact(row, baseline, columns, words) if exact_is_copied else ""
            why = exact or _copied(of_row, words, share)
        judged.append(structs.replace(row, unranked=why, flags=(*row.flags, COPIED)) if why else row)
        warnings += [f"{row.label} takes no rank: {why}"] if why else []
    return judged, warnings


def _copied(records: Sequence[Record], words: Mapping[str, str], share: float) -> str:
    """The first of what their track says of copies, where it says so of a share of the outputs."""
    notes = [note for record in records for note in record.notes]
    copies = [note for note in notes if note.startswith(COPIES)]
    if not copies or len(copies) < share * len(notes):
        return ""
    why = copies[0].partition("; ")[0]
    return one_line(
        f"{why}, on {len(copies)} of {counted(len(notes), words['item'], words['items'])}" if share else why
    )


def _exact(row: Row, baseline: Row | None, columns: Sequence[Column], words: Mapping[str, str]) -> str:
    for column in columns:
        exact = is_exact(row.scores[column.label].by_item, column.higher)
        if baseline is not None:
            exact &= ~is_exact(baseline.scores[column.label].by_item, column.higher)
        if (count := int(np.count_nonzero(exact))) and 2 * count > len(exact):
            items = counted(len(exact), words["item"], words["items"])
            return f"{COPIES}exact on {count} of {items}, which no method can be: outputs are the {words['truth']}"
    return ""
