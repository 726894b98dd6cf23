from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb


@nb.method("denoise_first", track="classify", layout="hwc")
class DenoiseFirst:
    """A denoiser before a classifier: what restoration is worth to recognition.

    denoiser: any method of the track `restore`, told what the regime discloses. classifier: any method of `classify`,
    which is given the restored picture, clipped to [0, 1] where `clip` says so, and told no noise level. Both may be
    trained here; the denoiser on other pictures than those that are tested. A picture that the regime made smaller is
    given to the classifier as large as the denoiser makes it.
    """

    def __init__(
        self,
        *,
        denoiser: Annotated[Any, nb.Nested("method", track="restore")],
        classifier: nb.MethodSpec,
        clip: bool = True,
    ) -> None:
        self.denoiser, self.classifier, self.clip = nb.Restorer(denoiser), nb.Classifier(classifier), clip

    def setup(self, device: Any) -> None:
        """Set up both. Raises `Skip` where the weights of one are missing."""
        self.denoiser.setup(device)
        self.classifier.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,)."""
        height, width = (side * (info.scale or 1) for side in picture.shape[:2])
        restored = self.denoiser.restore(
            picture, info.replace(shape=(height, width)), (height, width, picture.shape[2])
        )
        if self.clip:
            restored = restored.clip(0, 1)
        seen = info.replace(**dict.fromkeys(info.disclosed().keys() - {"classes", "shape"}), shape=restored.shape[:2])
        return self.classifier.classify(restored, seen)
