"""Trainings that this process has without having run them: a checkpoint in a folder, known by its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noisebench.training.checkpoint import give_checkpoints, with_card
from noisebench.training.trainer import Trainer


def give_training(
    folder: Path, spec: str, one: Trainer, track: str, given: Sequence[int], wanted: Sequence[int]
) -> None:
    """Let this process have the network of a trainer as what the `spec` of a track trained."""
    training: Any = {
        "recipe": one.recipe.text, "given": list(given), "wanted": list(wanted), "validation": [], "metric": "psnr",
        "higher": True, "steps": 0, "of": 8, "stopped": "", "score": 1.0, "curve": [], "cost": one.cost(),
        "figures": {},
    }  # fmt: skip
    card: Any = {
        "key": "0" * 64, "track": track, "method": spec, "data": {}, "regime": "none", "seed": 7,
        "training": training, "environment": {},
    }  # fmt: skip
    file = folder / "given.safetensors"
    file.write_bytes(with_card(one.weights(), card))
    give_checkpoints({one.recipe.text: str(file)})
