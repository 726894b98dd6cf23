"""A classifier of noisy pictures that knows the noise: a normal law for each class, widened by the noise."""

from __future__ import annotations

from typing import Any

import noisebench as nb

_AXES = 64
_LEAST = 1e-3
"""Added to each variance: pixels at a border are the same in all pictures."""


class NormalClasses:
    """Principal axes of each class of training pictures, the rest of its variance even (Tipping & Bishop, 1999).

    Noise of deviation σ adds σ² to each variance, so that the share of a class in a noisy picture follows at every σ
    without a network. Raises `UsageError` for pictures without classes, or of one picture a class.
    """

    def __init__(self, of: nb.Bound, device: Any) -> None:
        import torch

        dataset = nb.open_dataset(of)
        items = [dataset.load(index) for index in range(len(dataset.ids))]
        if not all(hasattr(item, "picture") and item.label >= 0 for item in items):
            raise nb.UsageError(f"{of.display} has no training pictures with classes: name digits(split=train)")
        pictures = torch.stack([torch.from_numpy(item.picture) for item in items]).double()
        labels = torch.tensor([item.label for item in items])
        self.shape = tuple(pictures.shape[1:])
        rows, self.classes = pictures.flatten(1), int(labels.max()) + 1
        self.weights = torch.bincount(labels, minlength=self.classes).double().log().to(device)
        self._laws = []
        for label in range(self.classes):
            rows_of_class = rows[labels == label]
            if 0 < len(rows_of_class) < 2:
                raise nb.UsageError(f"{of.display} has one picture of class {label}: give two or more")
            self._laws.append(tuple(part.to(device) for part in _law(rows_of_class if len(rows_of_class) else rows)))

    def shares(self, x: Any, sigma: Any) -> Any:
        """The probability of each class in pictures (N, C, H, W) with noise of deviation `sigma`, (N, K)."""
        import torch

        rows = x.double().flatten(1)
        noise = torch.as_tensor(sigma, dtype=rows.dtype, device=rows.device).reshape(-1, 1) ** 2
        return (torch.stack([_log(rows, noise, *law) for law in self._laws], dim=1) + self.weights).softmax(dim=1)


def _law(rows: Any) -> tuple[Any, Any, Any, Any]:
    """Mean (D,), axes (D, r), variances along them (r,), and the variance of what is left."""
    import torch

    mean = rows.mean(dim=0)
    off = rows - mean
    _, lengths, axes = torch.linalg.svd(off, full_matrices=False)
    kept = min(_AXES, len(rows) - 1, rows.shape[1])
    variances = lengths**2 / (len(rows) - 1)
    rest = variances[kept:].sum() / max(1, rows.shape[1] - kept)
    return mean, axes[:kept].T.contiguous(), variances[:kept] + _LEAST, rest + _LEAST


def _log(rows: Any, noise: Any, mean: Any, axes: Any, variances: Any, rest: Any) -> Any:
    """Logarithm of the density, (N,), but for what all classes share."""
    off = rows - mean
    along = off @ axes
    total, off_axis = variances + noise, rest + noise[:, 0]
    inside = (along**2 / total + total.log()).sum(dim=1)
    outside = (off**2).sum(dim=1) - (along**2).sum(dim=1)
    return -0.5 * (inside + outside / off_axis + (rows.shape[1] - axes.shape[1]) * off_axis.log())
