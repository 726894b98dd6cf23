"""Mean corruption error: errors under corruptions at five severities, divided by those of a reference, as a table."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from ...boards.board import Board
from ...boards.rows import Row
from ...boards.together import contenders
from ...report.section import Section
from ...report.tables import TextTable
from ...spec.paths import readable_spec
from ...text.notation import number
from ...text.wording import counted

REGIME, METRIC = "corruption", "accuracy"
SEVERITIES = frozenset(range(1, 6))
IN_ALL = 15
"""Corruptions that the tables of ImageNet-C are of."""

Errors = Mapping[str, float]
"""The mean error over the severities of each corruption, by its kind."""


@dataclass(frozen=True)
class CorruptionErrors:
    """What methods err under the same corruptions, by their labels; NaN where a ratio has no value.

    `mce` are ratios to the `reference`, which is a `baseline` or, for want of one, what errs most.
    """

    title: str
    kinds: tuple[str, ...]
    reference: str
    baseline: bool
    mce: Mapping[str, float]
    mean: Mapping[str, float]
    left_out: tuple[str, ...]


def corruption_sections(boards: Sequence[Board]) -> list[Section]:
    """A section for each set of pictures that was judged under corruptions at all five severities."""
    return [_section(one) for one in corruption_errors(boards)]


def corruption_errors(boards: Sequence[Board]) -> list[CorruptionErrors]:
    """Of each dataset, protocol and set of seeds the methods that are on all boards, where there are two or more."""
    boards_at: dict[tuple[Any, ...], dict[str, dict[int, Board]]] = defaultdict(lambda: defaultdict(dict))
    for board in boards:
        spec = readable_spec(board.regime_spec)
        if spec is None or spec.name != REGIME or spec.then:
            continue
        given = dict(spec.args)
        kind, severity = str(given.pop("kind", "")), given.pop("severity", None)
        if isinstance(severity, int | float) and severity in SEVERITIES:
            place = board.dataset_spec, board.fingerprint, board.protocol, board.seeds, str(given)
            boards_at[place][kind][int(severity)] = board
    whole = [
        {kind: severities for kind, severities in sorted(kinds.items()) if severities.keys() >= SEVERITIES}
        for _, kinds in sorted(boards_at.items(), key=lambda pair: repr(pair[0]))
    ]
    return [one for kinds in whole if kinds and (one := _of(kinds)) is not None]


def _of(kinds: Mapping[str, Mapping[int, Board]]) -> CorruptionErrors | None:
    flat = [(kind, board) for kind, severities in kinds.items() for _, board in sorted(severities.items())]
    entrants = contenders([_judged(board) for _, board in flat])
    errors: dict[str, Errors] = {}
    for label, places in entrants.items():
        each: dict[str, list[float]] = defaultdict(list)
        for place, row in places.items():
            each[flat[place][0]].append(1 - _accuracy(flat[place][1], row))
        if len(places) == len(flat) and all(math.isfinite(value) for values in each.values() for value in values):
            errors[label] = {kind: fmean(values) for kind, values in each.items()}
    if len(errors) < 2:
        return None
    mean = {label: fmean(by_kind.values()) for label, by_kind in errors.items()}
    baseline = {label for label in errors if entrants[label][0].role == "baseline"}
    reference = min(baseline or errors, key=lambda label: (-mean[label], label))
    board = flat[0][1]
    return CorruptionErrors(
        title=board.chosen if len(board.seeds) == 1 else f"{board.chosen}, {board.seeds_text}",
        kinds=tuple(kinds),
        reference=reference,
        baseline=bool(baseline),
        mce={label: mean_corruption_error(by_kind, errors[reference]) for label, by_kind in errors.items()},
        mean=mean,
        left_out=tuple(label for label in entrants if label not in errors),
    )


def mean_corruption_error(errors: Errors, reference: Errors) -> float:
    """The mean over corruptions of the ratio of errors; NaN where the reference errs nowhere under one of them."""
    if not all(reference[kind] > 0 for kind in errors):
        return math.nan
    return fmean(errors[kind] / reference[kind] for kind in errors)


def _judged(board: Board) -> list[Row]:
    """Rows that saw what most saw, oracles apart: methods, and what they are held against."""
    return [row for row in board.rows if row.inputs == board.inputs and not row.oracle and row.role != "sanity"]


def _accuracy(board: Board, row: Row) -> float:
    column = next((column for column in board.columns if column.name == METRIC), None)
    return math.nan if column is None else row.scores[column.label].mean


def _section(one: CorruptionErrors) -> Section:
    why = "the baseline here" if one.baseline else "which errs most here, for there is no baseline"
    subset = f": {', '.join(one.kinds)}; ImageNet-C has {IN_ALL}" if len(one.kinds) < IN_ALL else ""
    lines = [
        f"mCE: the error under a corruption, summed over five severities, is divided by that of {one.reference}, "
        f"{why}; the mean over {counted(len(one.kinds), 'corruption')}{subset}. Mean error: not divided.",
        "These ratios hang on the reference, which is AlexNet in the tables of ImageNet-C, and a corruption that it "
        "stands well counts for most.",
    ]
    if any(math.isnan(value) for value in one.mce.values()):
        lines.append(f"Without a value: {one.reference} errs nowhere under some corruption.")
    if one.left_out:
        lines.append(f"Left out, for want of a score on each board: {', '.join(one.left_out)}.")
    rows = [
        (label, number(100 * one.mce[label], 1), number(100 * one.mean[label], 1))
        for label in sorted(one.mce, key=lambda label: (np.nan_to_num(one.mce[label]), one.mean[label], label))
    ]
    table = TextTable(("method", "mCE (%)", "mean error (%)"), (False, True, True), tuple(rows))
    return Section(f"Mean corruption error: {one.title}", tuple(lines), (("Lower is better", table),))
