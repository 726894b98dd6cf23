from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt


@nb.part("clip")
class GradientClipping:
    """Clip: gradients whose norm, over all parameters, is above a limit are scaled down to it."""

    def __init__(self, *, norm: Annotated[float, Gt(0)] = 1.0) -> None:
        self.norm = norm

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Scale the gradients."""
        import torch

        torch.nn.utils.clip_grad_norm_(net.parameters(), self.norm)
