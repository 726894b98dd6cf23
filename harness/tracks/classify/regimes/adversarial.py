from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....text.errors import UsageError

Array = np.ndarray[Any, Any]
Count = Annotated[int, Ge(1), Le(1000)]


@regime("adversarial", track="classify")
def adversarial(
    x: Array,
    rng: np.random.Generator,
    *,
    kind: Literal["fgsm", "pgd"] = "pgd",
    eps: Annotated[float, Gt(0.0), Le(1000.0)] = 0.03,
    norm: Literal["linf", "l2"] = "linf",
    steps: Count = 20,
    restarts: Count = 1,
) -> tuple[Array, dict[str, Any]]:
    """White box: each classifier gets the picture within `eps` of the given one that its own gradients lead to.

    eps is on the [0, 1] scale: of the largest change of a value (`linf`), or the Euclidean length of a change (`l2`).
    kind: `fgsm` is one step of length eps along the sign of the gradient (Goodfellow et al., 2015), with `l2` along the
    gradient itself; `pgd` is projected gradient descent (Madry et al., 2018) by `steps` steps of 2.5 eps / steps, from
    `restarts` random changes, which are keyed; of all points met, the given picture among them, it takes the one of the
    least margin of the true label. Values stay on [0, 1]. The direction is that of cross-entropy. It stands last in a
    sum. The attack is made outside the method's process, which is asked for logits and their gradients and is told no
    label. A method without a gradient is skipped.
    """
    raise UsageError(
        "regime adversarial attacks the scored classifier: put it last; in a dataset give "
        "adversarial_examples(of=…, classifier=…), in a training objective=adversarial_training"
    )
