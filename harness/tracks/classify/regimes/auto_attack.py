from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....text.errors import UsageError

Array = np.ndarray[Any, Any]


@regime("auto_attack", track="classify", version=2)
def auto_attack(
    x: Array,
    rng: np.random.Generator,
    *,
    eps: Annotated[float, Gt(0.0), Le(1000.0)] = 0.03,
    norm: Literal["linf", "l2"] = "linf",
    steps: Annotated[int, Ge(1), Le(1000)] = 50,
    targets: Annotated[int, Ge(0), Le(1000)] = 3,
    tries: Annotated[int, Ge(0), Le(100_000)] = 200,
) -> tuple[Array, dict[str, Any]]:
    """White box, several attacks: each classifier gets the first picture within `eps` that changes what it says.

    As AutoAttack (Croce and Hein, ICML 2020) one attack after the other, where those before failed: APGD of so many
    `steps` on cross-entropy, then on the targeted difference of logits ratio to each of the `targets` likeliest other
    classes, then FAB, which looks for the nearest picture of each of them (Croce and Hein, ICML 2020), then, of the
    largest change (`linf`), so many `tries` of a random search over squares, which sees no gradient (Andriushchenko et
    al., ECCV 2020). The standard ensemble has 100 steps, 9 targets and 5,000 tries, and of L2 squares too. eps, norm,
    and where the attack is made: as of `adversarial`. It stands last in a sum.
    """
    raise UsageError(
        "regime auto_attack attacks the scored classifier: put it last; in a dataset give "
        "adversarial_examples(of=…, classifier=…), in a training objective=adversarial_training"
    )
