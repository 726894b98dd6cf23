"""The trainings behind a report: how each went, and what it took, as a section of tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..store.cell import TrainingHistory
from ..store.record import Record
from ..store.results import Results
from ..text.notation import Notation, notation_of, number
from .recipes import BYTES, USUAL_DECIMALS, mib_text
from .section import Section
from .tables import TextTable

_LINE = (
    "Seconds are of the steps alone. Bytes, in MiB: parameters, gradients, state of the optimiser, and what one step "
    "saves for its backward pass. MACs are of one step, forward and backward. Validation is on items kept apart from "
    "the training set; they are none of those on the boards."
)


def training_sections(records: Results, decimals: Mapping[str, int]) -> list[Section]:
    """One section, or none where nothing was trained; `decimals` are those of each metric."""
    trained = [(record, record.cell.training) for record in records.where(kind="train") if record.cell.training]
    if not trained:
        return []
    trained.sort(key=lambda pair: (pair[0].cell.method.display, pair[0].cell.seed))
    head = (
        "method", "seed", "trained on", "steps", "validation", "seconds", "CPU seconds", "items/s", "peak MiB",
        "parameters", "gradients", "optimiser", "saved", "MACs/step",
    )  # fmt: skip
    notations = _notations([training for _, training in trained], decimals)
    rows = tuple(_row(record, training, notations[training.metric]) for record, training in trained)
    numeric = (False, True, False, *(True,) * (len(head) - 3))
    return [
        Section(
            "Trainings",
            (_LINE, *_stopped(trained)),
            (("What was trained, and what it took", TextTable(head, numeric, rows)), *_figures(trained)),
        )
    ]


def _notations(trainings: Sequence[TrainingHistory], decimals: Mapping[str, int]) -> dict[str, Notation]:
    """How the validation scores of each metric are written."""
    scores: dict[str, list[float | None]] = defaultdict(list)
    for training in trainings:
        scores[training.metric].append(training.score)
    return {name: notation_of(of_metric, decimals.get(name, USUAL_DECIMALS)) for name, of_metric in scores.items()}


def _row(record: Record, training: TrainingHistory, notation: Notation) -> tuple[str, ...]:
    cell, cost = record.cell, training.cost
    score = "–" if training.score is None else f"{notation.text(training.score)} ({training.metric})"
    macs = "–" if cost.macs is None else f"{cost.macs:.3g}"
    return (
        cell.method.display,
        str(cell.seed),
        f"{cell.dataset.display} · {cell.regime.display}",
        str(training.steps),
        score,
        number(cost.seconds, 1),
        number(cost.cpu_seconds, 1),
        number(cost.items_per_second, 0),
        mib_text(cost.peak_memory_bytes),
        *(mib_text(getattr(cost, name)) for name in BYTES),
        macs,
    )


def _figures(trained: Sequence[tuple[Record, TrainingHistory]]) -> list[tuple[str, TextTable]]:
    """What the parts of the recipes found, a column a figure; nothing where they found none."""
    by_record = [(record, training.figures or {}) for record, training in trained]
    names = list(dict.fromkeys(name for _, figures in by_record for name in figures))
    rows = tuple(
        (
            record.cell.method.display,
            str(record.cell.seed),
            *(f"{figures[name]:.4g}" if name in figures else "–" for name in names),
        )
        for record, figures in by_record
        if figures
    )
    table = TextTable(("method", "seed", *names), (False, True, *(True,) * len(names)), rows)
    return [("What the parts of the recipes found", table)] if names else []


def _stopped(trained: Sequence[tuple[Record, TrainingHistory]]) -> list[str]:
    return [
        f"{record.cell.method.display}, seed {record.cell.seed}, was stopped after {training.steps} of "
        f"{training.of} steps: {training.stopped}."
        for record, training in trained
        if training.stopped
    ]
