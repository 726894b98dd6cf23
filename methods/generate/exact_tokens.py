from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.recipes.archs._patches import as_tokens, seen_alone


@nb.method("exact_tokens", track="generate")
class ExactTokens:
    """The exact model of tokens of a law that is known: what one is in noise, given the known ones; for `disa`.

    of: a set that has a `law` with matrices, such as `gaussian_digits`, whose conditional laws are normal, or
    `mixture_digits`; its pictures are not looked at. patch: pixels of the side of a token. With one token an iteration
    all that samples are off by is the sampler's. Labels are components of the mixture. float64 within.
    """

    def __init__(self, *, of: nb.DatasetSpec = "gaussian_digits", patch: Annotated[int, Ge(1), Le(256)] = 1) -> None:
        self.of, self.patch = of, patch

    @staticmethod
    def flags(*, of: nb.Bound, patch: int) -> dict[str, Any]:
        """It knows the law of what is compared with."""
        return {"blind": True}

    def setup(self, device: Any) -> None:
        """Read the law. Raises `Skip` where there is none, or its pictures are no whole tokens."""
        import torch

        law = getattr(nb.open_dataset(self.of), "law", None)
        if law is None or np.ndim(law.covariances) != 3:
            raise nb.Skip(f"no law with matrices of {self.of.display} is known: name gaussian_digits, mixture_digits")
        _, height, width = law.shape
        if height % self.patch or width % self.patch:
            raise nb.Skip(f"pictures of {height} x {width} are no squares of patch={self.patch} a side")
        if law.axes[0].min() < 1e-12:
            raise nb.Skip(f"values of {self.of.display} do not vary on their own: exact_tokens needs a density")
        with np.errstate(divide="ignore"):
            logs = np.log(law.weights)
        self.law, self.shape = law, law.shape
        self.means, self.covariances, self.logs = (
            torch.from_numpy(array).to(device) for array in (law.means, law.covariances, logs)
        )
        order = torch.arange(self.means.shape[1], device=device).reshape(1, *law.shape)
        self.values = as_tokens(order, self.patch)[0]  # (T, D): which values of a picture a token is

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same, each token seen by itself. Raises `Skip` for pictures of another size."""
        return seen_alone(self, x, sigma, labels)

    def told(self, pictures: Any, known: Any, places: Any, labels: Any) -> tuple[Any, ...]:
        """Weights (M, K), means (M, K, D), variances (M, K, D) and axes (M, K, D, D) of M = N n tokens' laws.

        `known` (N, T), `places` (N, n). Raises `Skip` for pictures of another size.
        """
        import torch

        if tuple(pictures.shape[1:]) != self.shape:
            raise nb.Skip(
                f"exact_tokens(of={self.of.display}) is for pictures {self.shape}, not {tuple(pictures.shape[1:])}"
            )
        count, length = places.shape
        chosen = self.values[places].flatten(1)  # (N, n D)
        observed = torch.zeros(count, self.means.shape[1], dtype=torch.float64, device=chosen.device)
        observed = observed.scatter(
            1, self.values.flatten().expand(count, -1), known.double().repeat_interleave(self.values.shape[1], dim=1)
        )[:, None]  # (N, 1, V)
        both = observed[..., None] * observed[..., None, :]
        root = torch.linalg.cholesky(self.covariances * both + torch.diag_embed(1 - observed))  # (N, K, V, V)
        off = (pictures.double().flatten(1)[:, None] - self.means) * observed
        pulled = torch.linalg.solve_triangular(root, off[..., None], upper=False)[..., 0]
        logs = self.logs - 0.5 * (pulled**2).sum(-1) - root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        if labels is not None:
            other = torch.arange(len(self.means), device=chosen.device) != labels[:, None]
            logs = logs.masked_fill(other & (labels >= 0)[:, None], -torch.inf)
        across = self.covariances[:, chosen].transpose(0, 1) * observed[..., None, :]  # (N, K, n D, V)
        leaned = torch.linalg.solve_triangular(root, across.mT, upper=False).mT
        means = self.means[:, chosen].transpose(0, 1) + (leaned @ pulled[..., None])[..., 0]
        width, kinds = self.values.shape[1], len(self.means)
        columns = self.values[places]  # (N, n, D)
        before = self.covariances[:, columns[..., :, None], columns[..., None, :]].permute(1, 2, 0, 3, 4)
        leaned = leaned.reshape(count, kinds, length, width, -1).transpose(1, 2)
        variances, axes = torch.linalg.eigh(before - leaned @ leaned.mT)
        means = means.reshape(count, kinds, length, width).transpose(1, 2)
        weights = logs[:, None].expand(-1, length, -1)
        return tuple(each.flatten(0, 1) for each in (weights, means, variances.clamp(min=0.0), axes))

    def seen(self, tokens: Any, sigma: Any, conditions: tuple[Any, ...]) -> Any:
        """The mean of tokens (M, D) given them with noise of `sigma`, a number or (M, 1), by their laws."""
        import torch

        logs, means, variances, axes = conditions
        noise = torch.as_tensor(sigma, dtype=torch.float64, device=tokens.device).reshape(-1, 1, 1) ** 2
        along = ((tokens.double()[:, None] - means)[..., None, :] @ axes)[..., 0, :]
        total = variances + noise.clamp(min=1e-12)
        shares = (logs - 0.5 * (along**2 / total + total.log()).sum(-1)).softmax(dim=-1)[..., None]
        kept = (axes @ (variances / total * along)[..., None])[..., 0]
        return (shares * (means + kept)).sum(dim=1).to(tokens.dtype)
