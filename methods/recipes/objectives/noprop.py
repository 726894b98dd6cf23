from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Gt, Le
from noisebench.recipes.archs.noprop import NoProp


@nb.objective(
    "noprop",
    cite="Q. Li, Y. W. Teh, R. Pascanu, NoProp: training neural networks without full back-propagation or full "
    "forward-propagation, arXiv 2503.24322",
)
def noprop(net: Any, batch: Any, *, eta: Annotated[float, Gt(0), Le(1000)] = 0.1) -> Any:
    """NoProp: one block of a chain, drawn at random, learns to see the label in a noisy one; the others rest.

    The loss of block t of T, counted as the chain walks them, is T/2 `eta` (SNR(t) - SNR(t-1)) |u - u_y|², u its mean
    vector of classes and SNR(t) the ratio of signal to noise behind it. Added are the cross-entropy of the last layer,
    which is given the label with the least noise, and the divergence of the label with the most noise from noise alone.
    So no gradient passes from a block to another, a step holds the values of one block, and T blocks take T times the
    steps. With vectors that are not learned and an optimiser such as Adam, which does not see the size of a loss, `eta`
    has no part.

    The network is `arch=noprop`, as it is: a part that wraps it, such as `standardise`, would not be heard of.
    """
    chain = getattr(net, "_orig_mod", net)  # what torch.compile has wrapped
    if not isinstance(chain, NoProp):
        raise nb.UsageError("objective noprop needs a network of arch=noprop, and no part that wraps it")
    x, labels, blocks = batch["given"], batch["wanted"], len(chain.blocks)
    block = int(torch.randint(1, blocks + 1, ()))
    u = chain.vectors[labels]
    before, last = torch.randn(2, *u.shape).to(u)
    seen = chain.meant(chain.block_logits(x, chain.noised(u, before, block - 1), block))
    snr = chain.kept / (1 - chain.kept)
    weight = blocks / 2 * eta * float(snr[block] - snr[block - 1])
    end = F.cross_entropy(chain.head(chain.noised(u, last, blocks)), labels)
    return weight * (seen - u).square().sum(dim=1).mean() + end + _from_noise(u, float(chain.kept[0]))


def _from_noise(u: Any, kept: float) -> Any:
    """The divergence KL(N(√kept u, (1 - kept) I) | N(0, I)) in nats, the mean over vectors (N, D)."""
    spread = 1 - kept
    constant = u.shape[1] * (spread - 1 - torch.tensor(spread).log().item())
    return 0.5 * (kept * u.square().sum(dim=1).mean() + constant)
