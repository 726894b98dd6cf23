from __future__ import annotations

import noisebench as nb


@nb.method("tuned", track="generate")
class TunedModel(nb.TunedMethod):
    """The variant of a trained model whose training has the best validation score.

    vary: the path of a parameter of `method`, such as `optimizer.lr`, `batch` or `parts.ema.decay`: of components
    within it by dots, of several by their names. over: its values; those that are specs with parameters of their own go
    in quotes. Two parameters are crossed by one `tuned` in another. A sampler asks it as `model=tuned(…)`.
    """
