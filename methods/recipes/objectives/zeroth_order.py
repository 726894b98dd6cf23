"""ZOODiP's gradient: a token learns by how the loss differs where it is moved a little; nothing is back-propagated."""

from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs.token import token_in
from noisebench.recipes.objectives._inversion import (
    Time,
    noised,
    refuse_no_span,
    token_denoised,
    token_loss,
    with_gradient,
)


@nb.objective("zeroth_order", cite="H. Seo et al., Efficient personalization of quantized diffusion model without "
              "backpropagation, CVPR 2025")  # fmt: skip
@nb.checked(refuse_no_span)
def zeroth_order(
    net: Any,
    batch: Any,
    *,
    n: Annotated[int, Ge(1), Le(10_000)] = 2,
    mu: Annotated[float, Gt(0), Le(100)] = 1e-3,
    least: Time = 0.5,
    most: Time = 0.9,
) -> Any:
    """ZOODiP's gradient: a token learns by how the loss differs where it is moved a little; nothing goes back.

    Of v, of d values, it is Σ (L(v + mu z) - L(v)) / mu z over `n` normal z, over n √((d + n - 1) / n), so that it is
    about as long as the gradient: 1 + n calls of the model a step, one after the other, with the same pictures, noise
    and times (arXiv 2503.14868, algorithm 1; the divisor is that of the authors' code). Loss, `least` and `most` are as
    of `inversion`. The network is `arch=token`; `parts=token_subspace` goes with it.
    """
    token = token_in(net, "objective zeroth_order")
    token.know(batch.get("labels"))
    with torch.no_grad():
        vector = token.vector.detach()
        clean, x, sigma = token.posed = noised(batch, least, most, "zeroth_order")
        base_loss = token_loss(token, clean, x, sigma, vector)
        gradient = torch.zeros_like(vector)
        for _ in range(n):
            z = torch.randn_like(vector)
            moved_loss = token_loss(token, clean, x, sigma, vector + mu * z)
            gradient += ((moved_loss - base_loss) / mu).to(z) * z
        gradient /= n * math.sqrt((len(vector) + n - 1) / n)
    return with_gradient(base_loss, token.vector, gradient)


zeroth_order.denoised = token_denoised  # type: ignore[attr-defined]
