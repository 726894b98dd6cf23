"""The pass of a step, for a part that makes more passes of the same input."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import torch


class SeenPass:
    """What a network is given and gives in each step from the share `start` of the steps on; `who` is the part."""

    def __init__(self, who: str, start: float) -> None:
        self.who, self.start = who, start
        self._handle: Any = None
        self._seen: tuple[Any, Any] | None = None

    def watch(self, net: Any, step: int, steps: int) -> None:
        """Note the next pass of the network, where `step` is late enough."""
        if step >= math.ceil(self.start * steps):

            def keep(_: Any, inputs: Any, output: Any) -> None:
                if torch.is_grad_enabled():  # not of what only looks
                    self._seen = inputs, output

            self._handle = net.register_forward_hook(keep)

    def take(self) -> tuple[Any, Any] | None:
        """Inputs and output of the pass, and watch no longer; None where none was watched.

        Raises `UsageError` for a compiled network, which calls no hook.
        """
        if self._handle is None:
            return None
        self._handle.remove()
        seen, self._handle, self._seen = self._seen, None, None
        if seen is None:
            raise nb.UsageError(f"part {self.who} cannot see what a compiled network gives: give compiled=false")
        return seen
