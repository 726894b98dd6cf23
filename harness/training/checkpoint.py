"""Checkpoints: safetensors files with weights and a card, found by key."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..data.disk import open_regular
from ..data.roots import weight_roots
from ..store.cell import TrainingHistory, Whole
from ..store.cell_json import checked, plain_values, refuse_deep
from ..text.errors import UsageError, one_line
from ..text.json_values import parsed

if TYPE_CHECKING:
    import torch

_CARD = "noisebench_card"
_KEY = re.compile(r"[0-9a-f]{64}")
_LARGEST_HEADER = 100_000_000
_GIVEN = "NOISEBENCH_TRAINED"
"""Names the checkpoints of this process: recipe → file, as JSON."""


class Card(Struct, frozen=True, kw_only=True):
    """The card of a checkpoint: the key of its cell, its recipe and data, and how its training went."""

    key: str
    track: str
    method: str
    data: dict[str, Any]
    regime: str
    seed: Whole
    training: TrainingHistory
    environment: dict[str, Any]


def with_card(weights: bytes, card: Card) -> bytes:
    """The bytes of a safetensors file with the card in its header; needs no torch."""
    length = int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8 : 8 + length])
    header["__metadata__"] = {_CARD: json.dumps(card, sort_keys=True, default=plain_values)}
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)  # so that tensors lie aligned
    return len(text).to_bytes(8, "little") + text + weights[8 + length :]


def read_card(file: Path) -> Card:
    """The card of a checkpoint; reads its header alone. Raises `UsageError` for another file."""
    try:
        with open_regular(file) as opened:
            length = int.from_bytes(opened.read(8), "little")
            if length > _LARGEST_HEADER:
                raise ValueError
            card = parsed(parsed(opened.read(length))["__metadata__"][_CARD])
        if not card.keys() >= set(Card.__struct_fields__) or not _KEY.fullmatch(card["key"]):
            raise ValueError
    except OSError as error:
        raise UsageError(f"checkpoint {one_line(file)} cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, TypeError, AttributeError):
        raise UsageError(
            f"{one_line(file)} is not a checkpoint of noisebench: `noisebench weights export` makes one"
        ) from None
    try:
        refuse_deep(card)
        return checked(card, Card)
    except ValueError as why:
        raise UsageError(f"checkpoint {one_line(file)}: its card is damaged ({why}): get the file again") from None


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, by name."""
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = load_file(file)
    return tensors


def import_folders() -> list[Path]:
    """The folders of imported checkpoints: `trained` in each folder of weights, the user's cache last."""
    return [root / "trained" for root in weight_roots()]


def enclosed_folder() -> Path:
    """The folder of the checkpoints that come with noisebench: in its package, or `results/weights` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "results" / "weights"


def enclosed_checkpoints() -> dict[Path, Card]:
    """The checkpoints that come with noisebench, each with its card."""
    return {file: read_card(file) for file in sorted(enclosed_folder().glob("*.safetensors"))}


def known_checkpoint(key: str) -> Path | None:
    """The checkpoint of that key: an imported one, else one that comes with noisebench.

    Raises `UsageError` where an imported file has another key in its card.
    """
    for folder in import_folders():
        file = folder / f"{key}.safetensors"
        if file.is_file():
            if read_card(file).key != key:
                raise UsageError(f"{one_line(file)} is the checkpoint of another key: import it again")
            return file
    return next((file for file, card in enclosed_checkpoints().items() if card.key == key), None)


def key_today(card: Card) -> str:
    """The key of a checkpoint's recipe with today's source files. Raises `UsageError` where it cannot be planned."""
    from ..planning.plan import plan
    from ..suite.suite import Suite

    suite = Suite(track=card.track, methods=(card.method,), seeds=(card.seed,), regimes=(card.regime,))
    # Trainings that the recipe needs come before it.
    return [cell.key for cell in plan(suite) if cell.kind == "train"][-1]


def give_checkpoints(files: Mapping[str, str]) -> None:
    """Tell methods of this process where the checkpoint of each recipe is."""
    os.environ[_GIVEN] = json.dumps(dict(files))


def given_checkpoint(recipe: str) -> Path | None:
    """The file of a recipe's checkpoint; None where this process was given none."""
    try:
        return Path(json.loads(os.environ.get(_GIVEN, "{}"))[recipe])
    except (ValueError, KeyError, TypeError):
        return None


def file_sha256(data: bytes) -> str:
    """The SHA-256 of a checkpoint's bytes."""
    return hashlib.sha256(data).hexdigest()
