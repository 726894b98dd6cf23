from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.classify._differentiable import logits_of, refuse_numpy, undifferentiable

Blocks = Annotated[int, Ge(1), Le(10_000)]


@nb.method("gradient_blocks", track="classify", layout="hwc", cite="H. Shah, P. Jain, P. Netrapalli, Do input "
           "gradients highlight discriminative features?, NeurIPS 2021")  # fmt: skip
class GradientBlocks:
    """Which block of a picture the input gradient of a classifier is in.

    The picture is cut into rows × columns blocks of one size, and each block is a class, row by row: its probability is
    its share of the squared gradient. So on pictures that are labelled by the block with the signal, `accuracy` says
    how often most of the gradient is there, and `probability` its mean share. The gradient is that of the loss of the
    class that `method` says, taken of its log odds, which have the same direction and do not vanish where it is sure.
    Skips where the number of blocks is not that of classes, a side does not divide, or torch has no gradient.
    """

    def __init__(self, *, method: nb.MethodSpec, rows: Blocks = 2, columns: Blocks = 1) -> None:
        self.inner = nb.Classifier(method)
        self.rows, self.columns = rows, columns

    def setup(self, device: Any) -> None:
        """Set up the classifier. Raises `Skip` where its weights are missing, or where it is not torch's."""
        refuse_numpy(self.inner)
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → the logarithm of the share of each block, (rows · columns,)."""
        height, width, _ = picture.shape
        blocks = f"{self.rows} × {self.columns} blocks"
        if self.rows * self.columns != info.classes:
            raise nb.Skip(f"gradient_blocks needs a block for each class: {blocks} are not {info.classes}")
        if height % self.rows or width % self.columns:
            raise nb.Skip(f"a picture of {height} × {width} cannot be cut into {blocks} of one size")
        squared = self._gradient(picture, info.replace(classes=None)) ** 2
        cut = squared.reshape(self.rows, height // self.rows, self.columns, width // self.columns, -1)
        energy = cut.sum(axis=(1, 3, 4)).ravel()
        return np.log(np.maximum(energy / energy.sum(), 1e-30) if energy.sum() else np.ones(len(energy)))

    def _gradient(self, picture: Any, info: Any) -> Any:
        """float64 (H, W, C), its largest value 1 or -1."""
        import torch
        from noisebench.recipes.objectives._attack import log_odds

        self.inner.check(info)
        x = self.inner.prepare(picture).requires_grad_()
        logits = logits_of(self.inner, x, info)
        sure = log_odds(logits, logits.argmax(dim=1)).sum()
        gradient = torch.autograd.grad(sure, x, allow_unused=True)[0] if sure.requires_grad else None
        if gradient is None:
            raise undifferentiable(self.inner, "its result does not hang on its input")
        if not bool(torch.isfinite(gradient).all()):
            raise undifferentiable(self.inner, "its gradient is not finite")
        values = gradient[0].double().permute(1, 2, 0).cpu().numpy()
        return values / max(float(np.abs(values).max()), 1e-300)
