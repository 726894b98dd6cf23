from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.archs.token import token_in
from noisebench.recipes.objectives._inversion import (
    StraightThrough,
    Time,
    noised,
    refuse_no_span,
    token_denoised,
    token_loss,
)


@nb.objective("inversion", cite="R. Gal et al., An image is worth one word: personalizing text-to-image generation "
              "using textual inversion, ICLR 2023")  # fmt: skip
@nb.checked(refuse_no_span)
def inversion(net: Any, batch: Any, *, least: Time = 0.0, most: Time = 1.0) -> Any:
    """Textual inversion: a token learns what its pictures are like, by gradients that go back through the whole model.

    The loss is the error of the velocity, as of `v`, of noisy pictures at times drawn evenly from `least` to `most`:
    the noise is tan(π/2 time). Where layers round, as of `quantized`, the gradient passes straight through. The network
    is `arch=token`.
    """
    token = token_in(net, "objective inversion")
    token.know(batch.get("labels"))
    with StraightThrough():
        return token_loss(token, *noised(batch, least, most, "inversion"), token.vector).float()


inversion.denoised = token_denoised  # type: ignore[attr-defined]
