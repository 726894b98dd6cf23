from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.generate._vector_conditioned import VectorConditioned
from noisebench.recipes.archs.token import chosen_by, token_in
from noisebench.tracks.generate import Denoiser


@nb.method("personalized", track="generate")
class Personalized:
    """A model that is told a token where a class is asked for that it never saw, for any sampler.

    model: the one that is asked, such as `quantized(model=trained(…))`. token: a vector for its table of classes that
    was learned through it, or through one of the same network: `trained(arch=token(of=…), …)`. Other classes are as
    they are, and guidance goes around: `guided(model=personalized(…))`.
    """

    def __init__(self, *, model: nb.MethodSpec, token: nb.MethodSpec) -> None:
        self._conditioned = VectorConditioned(model, "personalized")
        self.model, self._spec, self._token = self._conditioned.model, model, token

    def setup(self, device: Any) -> None:
        """Set up the model, and read the token. Raises `Skip` where weights are missing."""
        learned = Denoiser(self._token)
        learned.setup(device)
        token = token_in(getattr(learned.instance, "net", None), f"personalized: {self._token.display}")
        self._label, self._vector = int(token.label), token.vector.detach().to(device)
        if token.of.canonical == self._spec.canonical:  # that model is set up already
            self._conditioned = token.conditioned
            self.model = self._conditioned.model
        else:
            self._conditioned.setup(device, learned.instance.given)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same."""
        if labels is None:
            return self.model(x, sigma, None)
        return self._conditioned(x, sigma, labels, chosen_by(labels, self._label), self._vector)
