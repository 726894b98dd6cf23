from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb


@nb.method("purified", track="classify")
class Purified:
    """A denoiser and a classifier as one that torch differentiates, so that an attack may know of both.

    The classifier is given what the denoiser makes of the picture, clipped to [0, 1], as of `denoise_first`; both are
    given tensors, such as `trained(…)`, and are told no noise level. `attacked(method=purified(…))` is the attacker who
    knows the denoiser, `attacked(method=purified(…), by=…)` with the classifier alone the one who does not. Skips where
    one of both takes numpy arrays.
    """

    def __init__(
        self, *, denoiser: Annotated[Any, nb.Nested("method", track="restore")], classifier: nb.MethodSpec
    ) -> None:
        self.denoiser, self.classifier = nb.Restorer(denoiser), nb.Classifier(classifier)

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where the weights of one are missing, or where it is not torch's."""
        for one in (self.denoiser, self.classifier):
            if one.meta["layout"] != "tensor":
                raise nb.Skip(f"{one.bound.display} cannot be differentiated: it takes numpy arrays")
            one.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(N, C, H, W) → logits (N, K)."""
        import torch

        blind_info = info.replace(**dict.fromkeys(info.disclosed().keys() - {"classes", "shape"}))
        self.denoiser.check(blind_info)
        # A denoiser is called as it always is, on one picture.
        restored = torch.cat([self.denoiser.call(one[None], blind_info) for one in picture])
        return self.classifier.call(restored.clamp(0, 1), blind_info)
