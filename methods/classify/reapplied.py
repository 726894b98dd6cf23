from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np


@nb.method("reapplied", track="classify", layout="hwc", oracle=True, cite="Y. Gong et al., Reverse engineering of "
           "imperceptible adversarial image perturbations, ICLR 2022")  # fmt: skip
class Reapplied:
    """A perturbation as a denoiser finds it, put on the clean picture, before a classifier.

    The classifier is given x' - D(x') + x: an attacked picture less what the denoiser makes of it, added to the clean
    one, which only this method sees (hence `oracle`). On `adversarial_examples(…, label=attack)` its `accuracy` is how
    often the estimated perturbation has the effect of the true one. A denoiser that changes nothing has x, one that
    gives the clean picture exactly has x'. denoiser: any method of `restore`, told what the regime discloses.
    classifier: any of `classify`, told no noise level. Values are not clipped. Skips where a set has no clean pictures
    of the size of the attacked ones.
    """

    def __init__(
        self, *, denoiser: Annotated[Any, nb.Nested("method", track="restore")], classifier: nb.MethodSpec
    ) -> None:
        self.denoiser, self.classifier = nb.Restorer(denoiser), nb.Classifier(classifier)

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where the weights of one are missing."""
        self.denoiser.setup(device)
        self.classifier.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,)."""
        clean: Any = getattr(info.sample, "clean", None)
        if clean is None or np.size(clean) != picture.size:
            raise nb.Skip("needs the clean picture of each attacked one: take a dataset such as adversarial_examples")
        clean = np.asarray(clean).reshape(picture.shape)
        whole = np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1
        blind_info = info.replace(sample=None)
        restored = self.denoiser.restore(picture, blind_info, picture.shape)
        again = (picture - restored + clean / whole).astype(np.float32)
        seen = blind_info.replace(**dict.fromkeys(blind_info.disclosed().keys() - {"classes", "shape"}))
        return self.classifier.classify(again, seen)
