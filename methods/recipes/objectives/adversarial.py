from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.archs.generator import generator_in


@nb.objective("adversarial", cite="I. J. Goodfellow et al., Generative adversarial nets, NeurIPS 2014")
def adversarial(net: Any, batch: Any) -> Any:
    """Adversarial: a generator's pictures are to pass for true ones with a network that learns to tell them apart.

    As many are drawn as a batch has, and the loss is softplus(-said), "non-saturating", of what the part
    `discriminator` says of each. The network is `arch=generator`. What the regime made of the pictures is not looked
    at: it is for the validation, which projects them. Raises `UsageError` for another network, and without the part.
    """
    generator = generator_in(net)
    if generator.judge is None:
        raise nb.UsageError("objective adversarial needs a judge of what is made: give parts=discriminator too")
    batch["made"] = generator.drawn(len(batch["wanted"]))
    return generator.judge.doubt(batch["made"])
