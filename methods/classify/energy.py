from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt, Le
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.methods.classify._classified import ClassifierDetector
from noisebench.methods.classify._detecting import References
from scipy.special import logsumexp


@nb.method("energy", track="classify", layout="hwc", cite="W. Liu et al., Energy-based out-of-distribution detection, "
           "NeurIPS 2020")  # fmt: skip
class Energy(ClassifierDetector):
    """Energy: a picture is strange where the logits of the classifier are small altogether.

    method: the classifier. The energy is -T log Σ exp(z / T) over its logits z, with `temperature` T. data, references:
    natural pictures that say where the limit lies.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        temperature: Annotated[float, Gt(0), Le(1e6)] = 1.0,
        data: nb.DatasetSpec = "digits(split=train)",
        references: References = 500,
    ) -> None:
        super().__init__("energy", method, data, references)
        self.temperature = temperature

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """Nothing is learned."""
        self.classes = len(references.classes)
        return self._energies(references.pictures)

    def strangeness(self, picture: Any, info: Any) -> float:
        """The energy of the picture."""
        return float(self._energies(picture[None])[0])

    def _energies(self, pictures: Any) -> Any:
        t = self.temperature
        return -t * logsumexp(self.logits(pictures, self.classes) / t, axis=1)
