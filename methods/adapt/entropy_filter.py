from __future__ import annotations

from typing import Annotated

import noisebench as nb
from annotated_types import Gt, Le
from noisebench.methods.adapt._adapting import Labelled, LearnsByStream, Rate, sure_enough


@nb.method(
    "entropy_filter",
    track="adapt",
    shows_source=True,
    cite="S. Niu et al., Efficient test-time model adaptation without forgetting, ICML 2022",
)
class EntropyFilter(LearnsByStream):
    """Entropy filter: TENT that learns only from pictures of which it is sure enough.

    As `tent(method, lr)`, of pictures whose entropy is below the share `below` of that of an even guess, log K. It is
    the first of the two rules of EATA; all that are learned from weigh alike.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001, below: Annotated[float, Gt(0), Le(1)] = 0.4) -> None:
        super().__init__(method, lr, sure_enough(below), "entropy_filter")
