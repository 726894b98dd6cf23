from __future__ import annotations

import noisebench as nb
from noisebench.methods.adapt._adapting import Labelled, LearnsByStream, Rate, surer


@nb.method(
    "crowd_filter",
    track="adapt",
    shows_source=True,
    cite="J. Lee et al., Towards open-set test-time adaptation utilizing the wisdom of crowds in entropy minimization, "
    "ICCV 2023",
)
class CrowdFilter(LearnsByStream):
    """Wisdom of crowds: TENT that learns only from pictures of whose class it became surer by all the others.

    As `tent(method, lr)`, but a picture is left out where the probability of the class that the classifier gave it
    before it learned is lower now than then: others of that class did not bear it out, so it is wrong or of an unknown
    class. The classifier before has the statistics of the batch too.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001) -> None:
        super().__init__(method, lr, surer, "crowd_filter")
