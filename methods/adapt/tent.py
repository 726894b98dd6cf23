from __future__ import annotations

import noisebench as nb
from noisebench.methods.adapt._adapting import Labelled, LearnsByStream, Rate, all_kept


@nb.method(
    "tent",
    track="adapt",
    shows_source=True,
    cite="D. Wang et al., Tent: fully test-time adaptation by entropy minimization, ICLR 2021",
)
class Tent(LearnsByStream):
    """TENT: the batch norms of a classifier learn from a stream to be sure of what comes.

    method: of the track `classify`, whose network has batch norm; these use the statistics of each batch. lr: of Adam,
    by which their scales and shifts make the mean entropy of a batch smaller, one step a batch, after its classes were
    told. Each stream begins with the classifier as it was trained.
    """

    def __init__(self, *, method: Labelled, lr: Rate = 0.001) -> None:
        super().__init__(method, lr, all_kept, "tent")
