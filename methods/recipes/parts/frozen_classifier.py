from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import noisebench as nb
import torch


@nb.part("frozen_classifier")
class FrozenClassifier:
    """Frozen classifier: what a denoiser is trained for says its classes of pictures, and never changes.

    of: `trained(…)` of the track `classify`, or one `tuned`, which is trained first, at the same seed where it names
    none, or any other classifier that torch can differentiate. It is in eval mode and in full precision; the gradient
    of what it says goes through it to the denoiser, none to its weights. Goes with an objective that asks it, such as
    `cdd_red`, and is needed for the training alone. Pictures are those that it was trained on: `crop` is their side.
    """

    def __init__(self, *, of: Annotated[Any, nb.Nested("method", track="classify")]) -> None:
        self.of = of
        self.net: Any = None

    def prepare(self, net: Any) -> Any:
        """Be the classifier of the network, which stays as it is."""
        net.frozen_classifier = self.logits
        return net

    def logits(self, pictures: Any) -> Any:
        """Logits (N, K) of pictures (N, C, H, W). Raises `UsageError` for pictures of another size, or no network."""
        if self.net is None:
            with torch.random.fork_rng(devices=[]):
                self._load(tuple(pictures.shape[1:]), pictures.device)
        if tuple(pictures.shape[1:]) != self.given:
            raise nb.UsageError(
                f"part frozen_classifier: {self.of.display} is for pictures {self.given}, not "
                f"{tuple(pictures.shape[1:])}: give crop= their side, and pictures of that kind"
            )
        with torch.autocast(pictures.device.type, enabled=False):
            return self.net(pictures.float())

    def _load(self, given: tuple[int, ...], device: Any) -> None:
        obj = self.of.entry.obj
        if getattr(obj, "trained", False) or getattr(obj, "tuned", False):
            runner = nb.Classifier(self.of)
            runner.setup(str(device))
            self.net, self.given = runner.instance.net.eval().requires_grad_(False), tuple(runner.instance.given)
        elif self.of.entry.meta["layout"] == "tensor":
            self.net = nb.classifier_network(self.of, "part frozen_classifier", given, device=str(device)).net
            self.given = given
        else:
            raise nb.UsageError(f"part frozen_classifier: {self.of.display} has no network: give trained(…)")


def classifier_of(net: Any) -> Callable[[Any], Any] | None:
    """Pictures (N, C, H, W) → logits (N, K) of the classifier that a denoiser is trained for; None where none is."""
    return next((classifier for one in net.modules() if (classifier := getattr(one, "frozen_classifier", None))), None)
