"""The score of a crop alone, in the metric and protocol of its board: what is seen, beside what is ranked."""

from __future__ import annotations

import math

import numpy as np

from ....boards.board import Board
from ....components.registry import Bound, bind
from ....store.record import Panel
from ....text.errors import UsageError
from ..scoring import score_pair
from .stored_crops import stored_pixels


def crop_score(board: Board, panel: Panel, part: str) -> float | None:
    """The metric of the ranking on the 8-bit crops `part` (`restored` or `noisy`) and `clean`.

    None where it has no value there, where metric or protocol are not at hand in the board's version, and for metrics
    that are networks.
    """
    bound = _bound(board)
    pictures = {name: stored_pixels(panel.parts[name]) for name in ("clean", "noisy", part)}
    crop, clean, noisy = pictures[part], pictures["clean"], pictures["noisy"]
    if bound is None or crop is None or clean is None or crop.shape != clean.shape:
        return None
    protocol, metric = bound
    given = noisy if noisy is not None and noisy.shape == clean.shape else None
    try:
        (value,) = score_pair(crop, clean, protocol, [metric], given).values()
    except (UsageError, ValueError, ArithmeticError):
        return None
    return None if math.isnan(value) else float(np.float64(value))


def _bound(board: Board) -> tuple[Bound, Bound] | None:
    """Protocol and metric of the ranking, bound; None where they are not those of the board."""
    column = board.rank_by
    if column is None:
        return None
    spec, _, version = board.protocol.rpartition("@")
    try:
        protocol, metric = bind(spec, "protocol", board.track), bind(column.name, "metric", board.track)
    except UsageError:
        return None
    same = str(protocol.entry.version) == version and metric.entry.version == column.version
    plain = metric.entry.meta.get("describe") is None and not metric.entry.meta.get("set")
    return (protocol, metric) if same and plain else None
