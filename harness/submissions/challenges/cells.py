"""The cell of a submission: what a board shows of it, keyed by the challenge and by the bytes that were submitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...components.registry import Bound, bind
from ...engine.environment import environment
from ...planning.cells import part, protocol_inputs, regime_inputs, track_inputs
from ...planning.plan import metric_part
from ...store.cell import SCHEMA, Cell, MethodPart
from ...store.keys import key_of
from .files import SealedCell


def challenge_cell(
    track: Any,
    sealed: SealedCell,
    protocol: Bound,
    metrics: Sequence[Bound],
    rank_by: str,
    method: str = "",
    submission: str = "",
    challenge: str = "",
) -> Cell:
    """The cell of a method by its name, of a submission and a challenge by their SHA-256.

    Its seed is 0, whatever the noise was keyed by: boards are published, and the seed is the organiser's.
    """
    regime = bind(sealed.regime, "regime", track.name)
    parts = {metric.display: metric_part(metric) for metric in metrics}
    inputs: dict[str, Any] = {
        "kind": "score",
        **track_inputs(track),
        "method": {"spec": method},
        "weights": {"submission": submission},
        "data": sealed.dataset.fingerprint,
        "challenge": challenge,
        **regime_inputs(regime),
        **protocol_inputs(protocol),
        "metrics": {metric.canonical: metric.entry.version for metric in metrics},
        "seed": 0,
    }
    return Cell(
        schema=SCHEMA, key=key_of(inputs), kind="score", track=track.name, words=dict(vars(track.words)),
        method=MethodPart(
            name=method, spec=method, display=method, versions={}, flags={}, cite="", sources={}, source_sha256="",
        ),
        dataset=sealed.dataset, regime=part(regime), protocol=part(protocol), seed=0, metrics=parts, outcome="ok",
        reason="", traceback="", notes=[], suite={"name": sealed.dataset.name, "rank_by": rank_by}, setup_s=None,
        seconds=None, cost=None, environment=environment(), inputs=inputs,
    )  # fmt: skip
