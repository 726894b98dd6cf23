"""The score of noisy copies of a picture, a mean over levels of noise, and how far it is from those of references."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._deep_kernel import DeepKernel
from noisebench.methods.classify._detecting import Detector
from noisebench.methods.classify._gaussian_kernel import GaussianKernel

Time = Annotated[int, Ge(1), Le(1000)]
Kernel = Literal["rbf", "deep"]
Model = Annotated[Any, nb.Nested("method", track="generate")]
Attacks = Annotated[Any, nb.Nested("dataset", many=True)]
_SLOW, _FAST = 0.1, 20.0
"""Rates of the diffusion at its beginning and its end, whose times 1 to 1000 are on (0, 1]."""
_TOGETHER = 200


def kept(time: int) -> float:
    """The share of the variance of a picture that is left at a time of 1,000: a of x_t = √a x + √(1 - a) e."""
    at = time / 1000
    return math.exp(-(_SLOW * at + (_FAST - _SLOW) / 2 * at**2))


class Perturbed:
    """The mean over times of the score of x_t = √a x + √(1 - a) e, with new noise at each: a row a picture."""

    def __init__(self, model: nb.Bound, times: Sequence[int]) -> None:
        runner = nb.get_track("generate").open(model)
        if not callable(getattr(runner.instance, "denoised", None)):
            raise nb.UsageError(f"{model.display} is no model of scores: name normal_law(of=…), or trained(…)")
        self.runner, self.shares = runner, [kept(time) for time in times]

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing."""
        self.runner.setup(device)
        self.device = device

    def rows(self, pictures: Any, rng: np.random.Generator) -> Any:
        """Pictures (N, C, H, W) on [0, 1], which are mapped to [-1, 1] first → float64 (N, C·H·W)."""
        clean = 2 * np.asarray(pictures, np.float64) - 1
        total = np.zeros((len(clean), clean[0].size))
        for start in range(0, len(clean), _TOGETHER):
            part = clean[start : start + _TOGETHER]
            # A few pictures at many times are as good a batch as many at one.
            for shares in _parts(self.shares, max(1, _TOGETHER // len(part))):
                total[start : start + _TOGETHER] += self._scores(part, shares, rng)
        return total / len(self.shares)

    def _scores(self, part: Any, shares: Sequence[float], rng: np.random.Generator) -> Any:
        """The sum of the scores of pictures (N, C, H, W) at each of the shares."""
        import torch

        a = np.repeat(shares, len(part))[:, None, None, None]
        # The model sees x_t / √a, which has noise of deviation sigma; its score is √a times as large as that of x_t.
        sigma = np.sqrt((1 - a) / a)
        noisy = np.concatenate([part] * len(shares))
        noisy = noisy + sigma * rng.standard_normal(noisy.shape)
        with torch.no_grad():
            seen = self.runner.instance.denoised(
                torch.from_numpy(noisy).to(self.device), torch.from_numpy(sigma).to(self.device), None
            )
        score = (seen.double().cpu().numpy() - noisy) / (sigma**2 * np.sqrt(a))
        return score.reshape(len(shares), len(part), -1).sum(axis=0)


def _parts(values: Sequence[float], most: int) -> list[Sequence[float]]:
    return [values[start : start + most] for start in range(0, len(values), most)]


def refuse_other_kernels(kernel: str, attacks: tuple[nb.Bound, ...]) -> None:
    """Raise `UsageError` for a kernel that is learned of nothing, and for attacks that nothing learns of."""
    if (kernel == "deep") != bool(attacks):
        raise nb.UsageError(
            "kernel=deep is learned from attacks=natural_and_attacked(…), and no other kernel: give both, or none"
        )


class PerturbationDetector(Detector):
    """How far the mean score of a picture is from those of references, by the kernel's mean discrepancy."""

    def __init__(
        self,
        *,
        score: nb.Bound,
        times: Sequence[int],
        data: nb.Bound,
        kernel: Kernel,
        attacks: Sequence[nb.Bound],
        references: int,
    ) -> None:
        super().__init__(data, references)
        self.perturbed, self.attacks = Perturbed(score, times), attacks

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """Of the references only their scores are kept, each with its own noise; the others are not needed."""
        self.perturbed.setup(device)
        rng = nb.keyed_generator(nb.text_key("references|" + "|".join(references.lines)))
        rows = self.perturbed.rows(references.pictures, rng)
        self.kernel = GaussianKernel(rows) if not self.attacks else self._learned(rows)
        return self.kernel.among()

    def strangeness(self, picture: Any, info: Any) -> float:
        """Minus the logarithm of the mean kernel: it grows with the squared discrepancy, and does not saturate."""
        return float(self.kernel.away(self.perturbed.rows(picture[None], info.rng))[0])

    def _learned(self, rows: Any) -> Any:
        from noisebench.datasets.classify._arrays import labelled_arrays

        sets = [labelled_arrays(one) for one in self.attacks]
        pictures = np.concatenate([one.pictures for one in sets])
        labels = np.concatenate([one.labels for one in sets])
        lines = [line for one in sets for line in one.lines]
        if pictures.shape[1:] != self.shape or len(sets[0].classes) != 2 or len({*labels}) != 2:
            raise nb.UsageError(f"{self.attacks[0].display} is no natural_and_attacked(…) of pictures {self.shape}")
        rng = nb.keyed_generator(nb.text_key("learned from|" + "|".join(lines)))
        seen = self.perturbed.rows(pictures, rng)
        return DeepKernel(rows, seen[labels == 0], seen[labels == 1])
