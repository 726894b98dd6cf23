"""What the method's process answers while it trains a network: it is given batches, and gives weights and figures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from ..planning.recipe import recipe_of
from ..text.errors import UsageError
from ..track.calling import call_on
from ..track.posed_case import Case
from ..track.runner import used_device
from ..track.runner_protocol import CallsTogether, Runner
from ..training.trainer import MEASURED, Trainer
from .processes import keep_freed_memory


class Start(TypedDict):
    """What a training starts from: shapes of one item, the seed, and the bytes of a snapshot, or none."""

    given: tuple[int, ...]
    wanted: tuple[int, ...]
    seed: int
    snapshot: np.ndarray[Any, Any] | None


def training_verbs(runner: Runner, asked: str, start: Start) -> tuple[dict[str, Callable[..., Any]], dict[str, Any]]:
    """The verbs by which a training is driven, and what is said of its beginning. Raises `UsageError`."""
    began = time.perf_counter()
    instance = runner.instance
    if not hasattr(instance, "use"):
        raise UsageError(f"method {runner.bound.display} takes no network: give its class use(net, given)")
    device = used_device(runner, asked)
    trainer = Trainer(recipe_of(runner.bound.kwargs), start["given"], start["wanted"], start["seed"], device)
    if start["snapshot"] is not None:
        trainer.resume(start["snapshot"].tobytes())
    instance.use(trainer.net, start["given"])
    measured = max(MEASURED, trainer.step) + 1

    def step(batch: Mapping[str, Any]) -> float | None:
        loss = trainer.advance(batch)
        if trainer.step == measured:
            keep_freed_memory()
        return loss if math.isfinite(loss) else None

    def outputs(cases: Sequence[Case]) -> list[Any]:
        with trainer.validated():
            together = runner.call_together(cases) if isinstance(runner, CallsTogether) and len(cases) > 1 else None
            return together or [call_on(runner, case, device)[0] for case in cases]

    def finish() -> dict[str, Any]:
        trainer.finish()
        return {
            "weights": _bytes(trainer.weights()),
            "cost": trainer.cost(),
            "figures": trainer.figures(),
            "figure_costs": trainer.figure_costs(),
        }

    verbs: dict[str, Callable[..., Any]] = {
        "step": step,
        "outputs": outputs,
        "keep_best": trainer.keep_best,
        "snapshot": lambda: _bytes(trainer.snapshot()),
        "seconds": lambda: trainer.seconds,
        "finish": finish,
    }
    return verbs, {"seconds": time.perf_counter() - began, "device": device, "step": trainer.step}


def _bytes(data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, np.uint8)
