"""The rows of boards as runs of an experiment tracker: MLflow or Weights & Biases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..boards.board import Board
from ..boards.cost_charts import cost_value
from ..boards.rows import Row
from ..suite.study import COSTS
from ..text.errors import UsageError, one_line

_NAME = re.compile(r"[^\w.\- /]")
_LONGEST = 500
"""Characters of a parameter, which MLflow 2 allows at most."""


@dataclass(frozen=True)
class TrackedRun:
    """A row of a board: its name, what it is of, what it scored, and what says how the scores were made."""

    name: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def tracked_runs(boards: Sequence[Board]) -> list[TrackedRun]:
    """A run for each row of each board, in their order. Scores and costs that are not finite are left out."""
    return [_run(board, row) for board in boards for row in board.rows]


def _run(board: Board, row: Row) -> TrackedRun:
    parameters = {
        "method": row.spec, "dataset": board.dataset_spec, "regime": board.regime_spec, "protocol": board.protocol,
        "seeds": ",".join(map(str, board.seeds)), "items": str(len(board.items)), "track": board.track,
    }  # fmt: skip
    signatures = {f"noisebench.signature.{_plain(name)}": text for name, text in board.signatures.items()}
    tags = {"noisebench.board": board.title, **signatures, "noisebench.flags": ", ".join(row.flags)}
    tags |= {"noisebench.not_ranked": row.unranked} if row.unranked else {}
    values = dict(_values(row))
    return TrackedRun(
        one_line(f"{row.label} · {board.title}", _LONGEST),
        {name: one_line(text, _LONGEST) for name, text in parameters.items()},
        {name: value for name, value in values.items() if math.isfinite(value)},
        {name: one_line(text, 5_000) for name, text in tags.items() if text},
    )


def _values(row: Row) -> Iterator[tuple[str, float]]:
    for label, score in row.scores.items():
        yield _plain(label), score.mean
    for end, rank in zip(("rank_low", "rank_high"), row.ranks or (), strict=False):
        yield end, float(rank)
    for name in COSTS:
        if (value := cost_value(row.cost, name)) is not None:
            yield f"cost/{name}", value


def _plain(name: str) -> str:
    """A name of the characters that trackers take."""
    return _NAME.sub("_", name)[:200]


def log_to_mlflow(address: str, runs: Sequence[TrackedRun]) -> None:
    """Add the runs to the experiment `noisebench` of a tracking server or database. Raises `UsageError`."""
    import mlflow

    try:
        mlflow.set_tracking_uri(address)
        mlflow.set_experiment("noisebench")
        for run in runs:
            with mlflow.start_run(run_name=run.name):
                mlflow.log_params(dict(run.parameters))
                mlflow.log_metrics(dict(run.metrics))
                mlflow.set_tags(dict(run.tags))
    except mlflow.exceptions.MlflowException as error:
        raise UsageError(f"MLflow at {one_line(address, 200)} refuses: {one_line(error, 300)}") from None


def log_to_wandb(project: str, runs: Sequence[TrackedRun]) -> None:
    """Add the runs to a project; without network where `WANDB_MODE` is offline. Raises `UsageError`."""
    import wandb

    try:
        for run in runs:
            config: dict[str, Any] = {**run.parameters, **run.tags}
            with wandb.init(project=project, name=run.name, config=config, reinit=True) as logged:
                logged.summary.update(dict(run.metrics))
    except (wandb.errors.CommError, wandb.errors.UsageError) as error:
        raise UsageError(f"Weights & Biases refuses: {one_line(error, 300)}") from None
