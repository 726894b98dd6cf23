from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le


@nb.part("mid", cite="Unsupervised real-world denoising: sparsity is all you need, arXiv 2503.21377")
class MaskedIterativeDenoising:
    """MID: a network learns on clean pictures with noise that is at first normal, then its own residuals of noisy ones.

    The steps are parted evenly into the first round, whose noise is white and normal of deviation sigma (of 255), and
    `rounds` further ones. In these it is y - f(y), less its mean a channel: y the noisy pictures of the batch, f the
    network as it stood when the round began, in the mode of its use. Each clean picture gets the residual of another
    one's noisy picture, so no network ever sees a noisy picture beside its own truth; data give both, as `noisy` and
    `polyu` do, with `regime=real`. MID is this with `arch=masked`. Batches are of two pictures or more.
    """

    def __init__(
        self, *, rounds: Annotated[int, Ge(0), Le(100)] = 2, sigma: Annotated[float, Ge(0), Le(255)] = 25.0
    ) -> None:
        self.rounds, self.sigma = rounds, sigma
        self.round = 0
        self.previous: Any = None

    def prepare(self, net: Any) -> Any:
        """Know the network, which stays as it is."""
        self.net = net
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The clean pictures with the noise of the round, as input."""
        clean = batch["wanted"]
        if len(clean) < 2 or batch["given"].shape != clean.shape:
            raise nb.UsageError("part mid needs batches of two pictures or more, each of the size of its truth")
        now = step * (self.rounds + 1) // steps
        if now != self.round:
            self._begin(now)
        return batch | {"given": clean + (self._residual(batch["given"]) if now else self._normal(clean))}

    def _normal(self, clean: Any) -> Any:
        return self.sigma / 255 * torch.randn_like(clean)

    @torch.no_grad()
    def _residual(self, noisy: Any) -> Any:
        noise = noisy - self.previous(noisy)
        return (noise - noise.mean(dim=(2, 3), keepdim=True)).roll(1, dims=0)

    def _begin(self, now: int) -> None:
        """Hold the network as it is: its residuals are the noise of this round."""
        self.round, self.previous = now, copy.deepcopy(self.net).eval().requires_grad_(False)

    def state(self) -> dict[str, Any]:
        """The round and its network."""
        return {"round": self.round, "previous": {} if self.previous is None else self.previous.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on within a round."""
        if state["round"]:
            self._begin(state["round"])
            self.previous.load_state_dict(state["previous"])
