from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._pictures import Width
from noisebench.recipes.archs.generator import generator_in
from noisebench.recipes.parts._adversary import Adversary, learn


@nb.part(
    "discriminator",
    cite="L. Mescheder, A. Geiger, S. Nowozin, Which training methods for GANs do actually converge?, ICML 2018",
)
class Discriminator:
    """Discriminator: a network beside a generator that learns to tell its pictures from true ones.

    It makes a step of Adam after each of the generator's, on the batch and what was made, against the logistic loss and
    half of `r1` times its squared gradient by true pictures, which is looked at in every fourth step. width: channels
    at full size. shift: pictures are moved by as many pixels at most before it sees them, true and made ones alike, for
    sets of few. Goes with `arch=generator, objective=adversarial`; a mean of the generator's weights by `ema` is the
    better network.
    """

    def __init__(
        self,
        *,
        width: Width = 16,
        lr: Annotated[float, Gt(0), Le(1)] = 0.002,
        r1: Annotated[float, Ge(0), Le(1e6)] = 0.01,
        shift: Annotated[int, Ge(0), Le(1024)] = 0,
    ) -> None:
        self.width, self.lr, self.r1, self.shift = width, lr, r1, shift
        self.last_batch: Any = None

    def prepare(self, net: Any) -> Any:
        """Be the judge of the generator, which stays as it is. Raises `UsageError` where there is none."""
        self.maker = generator_in(net)
        self.maker.judge = self
        shape = self.maker.channels, self.maker.height, self.maker.width
        self.network = Adversary(shape, self.width, self.shift)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.lr, betas=(0.0, 0.99))
        return net

    def doubt(self, generated: Any) -> Any:
        """The generator's loss: how little its pictures (N, C, H, W) pass for true ones."""
        return self.network.to(generated.device).doubt(generated)

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch, remembered: the objective puts what is made beside it."""
        self.last_batch = {**batch}
        return self.last_batch

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """Learn from the batch. Raises `UsageError` where the objective made nothing."""
        if "made" not in self.last_batch:
            raise nb.UsageError("part discriminator goes with objective=adversarial, and stands last of those that "
                                "change the batch")  # fmt: skip
        with torch.enable_grad():
            learn(
                self.network, self.optimizer, self.last_batch["wanted"], self.last_batch["made"].float(), self.r1, step
            )

    def state(self) -> dict[str, Any]:
        """The network and what its optimiser holds."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.network.to(next(self.maker.parameters()).device).load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
