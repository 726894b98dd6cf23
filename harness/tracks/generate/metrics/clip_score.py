from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ....components.decorators import metric
from ....components.registry import Bound
from ....text.errors import NotDefined, UsageError, one_line
from ....text.extras import is_installed, needs_packages
from ..scored import Batch

_PACKAGES = ("torch", "transformers")
_FILES = ("config.json", "model.safetensors", "preprocessor_config.json", "merges.txt", "vocab.json")
"""What of the folder is read, and nothing else."""
_AT_ONCE = 64
"""Pictures that the network sees at a time."""


def describe(bound: Bound) -> dict[str, Any]:
    """`made_with`: the version of transformers and the hash of the model and texts.

    Raises `UsageError` where a package or a file is missing.
    """
    if missing := [name for name in _PACKAGES if not is_installed(name)]:
        raise UsageError(f"metric {bound.display} {needs_packages(missing)}")
    hashed = hashlib.sha256()
    for path in (*(Path(bound.kwargs["model"]) / name for name in _FILES), Path(bound.kwargs["texts"])):
        hashed.update(hashlib.sha256(_read(path)).digest())
    return {"made_with": f"transformers {version('transformers')}, sha256 {hashed.hexdigest()}"}


@metric("clip_score", title="CLIP score", track="generate", higher=True, order=83, decimals=2, describe=describe)
def clip_score(batch: Batch, *, model: str, texts: str) -> float:
    """How near samples are to the text of their class: 100 max(cos, 0) of embeddings by CLIP (Hessel et al. 2021).

    model: a folder with a CLIPModel and its processor, as `save_pretrained` of transformers writes them; nothing is
    downloaded. texts: a file with a line of text for each class, in UTF-8. Samples of one or three channels are clipped
    to [0, 1] and rounded to 8 bits. The mean over samples; not defined where no labels were asked for.
    """
    if batch.labels is None:
        return NotDefined("no class was asked for")
    if batch.shape[0] not in (1, 3):
        return NotDefined(f"CLIP sees pictures of 1 or 3 channels, not {batch.shape[0]}")
    net, processor, of_texts = _opened(model, texts)
    if int(batch.labels.max()) >= len(of_texts):
        return NotDefined(
            f"the texts are of {len(of_texts)} classes, and class {int(batch.labels.max())} was asked for"
        )
    import torch

    levels = np.rint(((batch.samples + 1) / 2).clip(0, 1) * 255).astype(np.uint8)
    pictures = levels.reshape(-1, *batch.shape).transpose(0, 2, 3, 1).repeat(3 // batch.shape[0], axis=-1)
    embedded = []
    with torch.no_grad():
        for start in range(0, len(pictures), _AT_ONCE):
            given = processor(images=list(pictures[start : start + _AT_ONCE]), return_tensors="pt")["pixel_values"]
            embedded.append(net.visual_projection(net.vision_model(pixel_values=given).pooler_output).double().numpy())
    cosines = (_unit(np.concatenate(embedded)) * of_texts[batch.labels]).sum(axis=1)
    return float(100 * np.maximum(cosines, 0).mean())


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    unit: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        folder = "give a folder as save_pretrained of a CLIPModel and its processor writes it, and a file of texts"
        raise UsageError(f"clip_score: {one_line(path)} cannot be read ({error.strerror}): {folder}") from None


@lru_cache(maxsize=2)
def _opened(model: str, texts: str) -> tuple[Any, Any, npt.NDArray[np.float64]]:
    """The network, its image processor, and the unit embedding of each line of text, (classes, width)."""
    import torch
    import transformers
    from safetensors.torch import load

    folder: dict[str, Any] = {"pretrained_model_name_or_path": str(Path(model).expanduser()), "local_files_only": True}
    try:
        lines = _read(Path(texts)).decode().splitlines()
        net: Any = transformers.CLIPModel(transformers.CLIPConfig.from_pretrained(**folder)).eval()
        weights = load(_read(Path(model) / "model.safetensors"))
        # Older files have these too, which a model works out.
        net.load_state_dict({name: value for name, value in weights.items() if not name.endswith(".position_ids")})
        processor = transformers.CLIPImageProcessor.from_pretrained(**folder)
        tokens = transformers.CLIPTokenizer.from_pretrained(**folder)(
            lines, padding=True, truncation=True, return_tensors="pt"
        )
        with torch.no_grad():
            embedded = net.text_projection(net.text_model(**tokens).pooler_output).double().numpy()
    except Exception as error:  # whatever the library meets in a file that it cannot use
        message = one_line(error, 200)
        raise UsageError(f"clip_score: {model!r} cannot be opened: {type(error).__name__}: {message}") from None
    return net, processor, _unit(embedded)
