from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from noisebench.methods.classify._explaining import refuse_without_maps


@nb.method("attributions", track="classify", layout="hwc", explains=True, oracle=True, cite="Y. Gong et al., Reverse "
           "engineering of imperceptible adversarial image perturbations, ICLR 2022")  # fmt: skip
@nb.checked(refuse_without_maps)
class Attributions:
    """The maps of a saliency method before what a denoiser makes of an attacked picture, beside those it should have.

    Of an attacked picture x', the clean one x and a denoiser D: `kind=picture` explains D(x'), clipped to [0, 1],
    beside x; `kind=perturbation` explains x' - D(x') + x beside x'. Only this method sees x (hence `oracle`). Logits
    and first maps are of the former, second maps of the latter; the metric `attribution_alignment` compares them, on
    `adversarial_examples(…)`, of a perturbation with `label=attack`. method: any that explains a classifier, such as
    `grad_cam(method=…)`. denoiser: any of `restore`, told what the regime discloses. Skips where a set has no clean
    pictures of the size of the attacked ones.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        denoiser: Annotated[Any, nb.Nested("method", track="restore")] = "identity",
        kind: Literal["picture", "perturbation"] = "picture",
    ) -> None:
        self.inner, self.denoiser, self.kind = nb.Classifier(method), nb.Restorer(denoiser), kind

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where the weights of one are missing."""
        self.inner.setup(device)
        self.denoiser.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,), maps (K, H, W), and those that they should be."""
        clean: Any = getattr(info.sample, "clean", None)
        if clean is None or np.size(clean) != picture.size:
            raise nb.Skip("needs the clean picture of each attacked one: take a dataset such as adversarial_examples")
        clean = np.asarray(clean).reshape(picture.shape)
        clean = (clean / (np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1)).astype(np.float32)
        blind_info = info.replace(sample=None)
        restored = self.denoiser.restore(picture, blind_info, picture.shape)
        seen = blind_info.replace(**dict.fromkeys(blind_info.disclosed().keys() - {"classes", "shape"}))
        if self.kind == "picture":
            estimated, due = restored.clip(0, 1), clean
        else:
            estimated, due = (picture - restored + clean).astype(np.float32), picture
        logits, maps = self.inner.explain(estimated, seen)
        return logits, maps[0], self.inner.explain(due, seen)[1][0]
