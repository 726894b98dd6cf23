"""A generator that is trained adversarially on the pictures of a labelled set: once, and kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import torch
from noisebench.datasets.classify._arrays import LabelledArrays, arch_lines
from noisebench.methods.restore._training import fitted
from noisebench.recipes.archs.generator import Generator, generator_in
from noisebench.recipes.parts._adversary import Adversary, learn
from noisebench.recipes.parts._example_scores import one_thread

_VERSION = "1"
_LR, _R1, _BATCH, _DECAY = 0.002, 0.1, 16, 0.99
"""Rate of both networks, weight of squared gradients, pictures a step, and memory of the mean of weights."""


def trained_generator(data: LabelledArrays, arch: nb.Bound, steps: int, seed: int, name: str) -> Generator:
    """A generator of these pictures after so many steps, read where it was trained before; on a CPU.

    Pictures are turned, mirrored, and moved by an eighth of their side before the discriminator sees them. Raises
    `UsageError` where `arch` is no generator, or a picture is not as high as it is wide.
    """
    shape = tuple(data.pictures.shape[1:])
    if shape[1] != shape[2]:
        raise nb.UsageError(f"{name}: its pictures are {shape[1]}×{shape[2]}: give square ones")

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        with one_thread():
            mean = _mean_of_weights(torch.from_numpy(data.pictures), arch, steps, seed, say)
        return {key: value.numpy() for key, value in mean.items()}

    with torch.random.fork_rng(devices=[]):
        net = generator_in(arch.entry.obj(shape, shape, **arch.kwargs))
    text = f"generator {_VERSION} {steps=} {seed=} {_LR} {_R1} {_BATCH} {_DECAY}"
    against = nb.module_sources(Path(inspect.getfile(Adversary)).resolve(), Adversary.__module__)
    lines = [text, *arch_lines(arch), *(f"{file} {sha256}" for file, sha256 in sorted(against.items())), *data.lines]
    weights = nb.made_once("generator", lines, make)
    net.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    return net.eval().requires_grad_(False)


def _mean_of_weights(
    pictures: torch.Tensor, arch: nb.Bound, steps: int, seed: int, say: Callable[[int, int], None]
) -> dict[str, torch.Tensor]:
    shape = tuple(pictures.shape[1:])
    judge = learning = None
    mean: dict[str, torch.Tensor] = {}

    def make() -> Any:
        nonlocal judge, learning
        net = arch.entry.obj(shape, shape, **arch.kwargs)
        judge = Adversary(shape, generator_in(net).last.in_channels, shift=shape[-1] // 8)
        learning = torch.optim.Adam(judge.parameters(), lr=_LR, betas=(0.0, 0.99))
        return net

    def loss(net: Generator, step: int) -> Any:
        assert judge is not None and learning is not None
        with torch.no_grad():
            for name, value in net.state_dict().items():
                # At the first steps it does not remember the beginning, as the part `ema`.
                decay = min(_DECAY, (1 + step) / (10 + step))
                mean[name] = value.clone() if step == 0 else mean[name].lerp(value, 1 - decay)
        true = _turned(pictures[torch.randint(len(pictures), (_BATCH,))])
        drawn = net.drawn(_BATCH)
        learn(judge, learning, true, drawn, _R1, step)
        return judge.doubt(drawn)

    fitted(
        make, loss, steps=steps, lr=_LR, seed=seed, device="cpu", tell=say, betas=(0.0, 0.99),
        fall=lambda done: min(1.0, 2 * (1 - done)),
    )  # fmt: skip
    return mean


def _turned(pictures: torch.Tensor) -> torch.Tensor:
    """All of a batch turned alike and mirrored or not, at random."""
    turned = torch.rot90(pictures, int(torch.randint(4, ())), (2, 3))
    return turned.flip(3) if int(torch.randint(2, ())) else turned


def on_grid(planes: torch.Tensor | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(C, H, W) → float32 (H, W, C), a grey one (H, W), on [0, 1], its last bits those of any machine."""
    picture = np.clip(np.asarray(planes, np.float64), 0, 1).transpose(1, 2, 0)
    picture = picture[:, :, 0] if picture.shape[2] == 1 else picture
    rounded: np.ndarray[Any, Any] = (np.rint(picture * 2**16) / 2**16).astype(np.float32)
    return rounded
