from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from noisebench.recipes.archs._pictures import Width
from torch import nn

_PSEUDO = (
    "L. Wang et al., Annotation-efficient learning for medical image segmentation based on noisy pseudo labels and "
    "adversarial learning, IEEE TMI 40(10), 2021; as an energy: J. Zhao, M. Mathieu, Y. LeCun, Energy-based generative "
    "adversarial networks, ICLR 2017"
)
_HALVINGS = 3
Factor = Annotated[float, Ge(0), Le(1e6)]


class ShapeVAE(nn.Module):
    """A variational autoencoder of maps (N, K, H, W) of probabilities, sides multiples of 8."""

    def __init__(self, shape: Sequence[int], width: int, latent: int) -> None:
        super().__init__()
        classes, height, width_of_map = shape
        widths = [classes, *(width * 2**level for level in range(_HALVINGS))]
        self.small = widths[-1], height // 2**_HALVINGS, width_of_map // 2**_HALVINGS
        values = int(np.prod(self.small))
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            down += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for before, after in itertools.pairwise(widths[::-1]):
            up += [nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
        self.down, self.code = nn.Sequential(*down, nn.Flatten()), nn.Linear(values, 2 * latent)
        self.decode, self.up = nn.Linear(latent, values), nn.Sequential(*up)

    def forward(self, maps: Any, draw: bool = False) -> tuple[Any, Any]:
        """What becomes of maps, as logits, by the mean of their codes, or a draw; the divergence of each code, (N,)."""
        mean, log_variance = self.code(self.down(maps)).chunk(2, dim=1)
        log_variance = log_variance.clamp(-10, 10)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean) if draw else mean
        again = self.up(self.decode(code).reshape(len(maps), *self.small))
        return again, 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)

    def energy(self, maps: Any) -> Any:
        """How unlike true shapes maps are, (N,): the mean square of what they change by the mean of their codes."""
        return (self(maps)[0].softmax(dim=1) - maps).square().flatten(1).mean(dim=1)


@nb.part("vae_critic", cite=_PSEUDO)
class VAECritic:
    """VAE critic: what a segmenter says is to look like true shapes, which need belong to no picture.

    A variational autoencoder learns the true maps of `shapes`, a dataset of the track `segment` whose pictures are not
    looked at; the energy of a map is the mean square of what it changes. To the loss of the segmenter `weight` times
    the mean energy of its probabilities is added. After each step the critic makes one of Adam: it lowers the
    cross-entropy of as many true maps by a drawn code and `beta` times the divergence of codes, and raises the energy
    of what the segmenter said to `margin`. latent: values of a code. True maps are cut as training pictures are, at a
    place of their own each time, and sides are multiples of 8. The authors' critic judges what a CycleGAN makes of
    unpaired pictures, and their rule was not found: this one judges a segmenter, by an energy.

    Figures, of the last step: `energy_true` and `energy_said`.
    """

    def __init__(
        self,
        *,
        shapes: Annotated[Any, nb.Nested("dataset", track="segment")],
        weight: Factor = 1.0,
        margin: Factor = 0.1,
        beta: Factor = 1e-4,
        latent: Annotated[int, Ge(1), Le(4096)] = 32,
        width: Width = 8,
        lr: Annotated[float, Gt(0), Le(1)] = 0.002,
    ) -> None:
        self.shapes, self.weight, self.margin, self.beta = shapes, weight, margin, beta
        self.latent, self.width, self.lr = latent, width, lr
        self.critic: Any = None
        self.predicted: Any = None
        self.measurements: dict[str, float] = {}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """Know the network, which stays as it is. Raises `UsageError` for sides that are no multiples of 8."""
        if len(given) != 3 or any(side % 2**_HALVINGS for side in given[1:]):
            raise nb.UsageError(f"part vae_critic: maps are {tuple(given[1:])}: give crop= a multiple of 8")
        self.net, self.size = net, tuple(given[1:])
        return net

    def _begin(self) -> None:
        """Make the critic and read the true maps, which a network in use does not need."""
        dataset = nb.open_dataset(self.shapes)
        items = [dataset.load(index) for index in range(len(dataset.ids))]
        self.classes, self.true = len(items[0].classes), [np.asarray(item.labels) for item in items]
        if any(side < least for labels in self.true for side, least in zip(labels.shape, self.size, strict=True)):
            raise nb.UsageError(
                f"part vae_critic: {self.shapes.display} has maps smaller than {self.size}: give a smaller crop"
            )
        with torch.random.fork_rng(devices=[]):
            self.critic = ShapeVAE((self.classes, *self.size), self.width, self.latent)
        self.critic.to(next(self.net.parameters()).device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=self.lr)

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch as it is; a hook keeps what the network makes of it. Raises `UsageError` without label maps."""
        if batch["wanted"].ndim != 3:
            raise nb.UsageError("part vae_critic is for label maps: give a method of the track segment")
        if self.critic is None:
            self._begin()
        self._outputs: list[Any] = []
        self._handle = self.net.register_forward_hook(lambda net, given, output: self._outputs.append(output))
        return batch

    def loss(self, net: Any, loss: Any, step: int, steps: int) -> Any:
        """The loss with what is added. Raises `UsageError` where the objective did not call the network once."""
        self._handle.remove()
        # Other parts may look at the network too, or at copies of it, without a gradient.
        outputs = [one for one in self._outputs if one.requires_grad]
        if len(outputs) != 1 or outputs[0].shape[1:] != (self.classes, *self.size):
            raise nb.UsageError(
                f"part vae_critic: the objective does not make one map of {self.classes} classes a step: give dice, "
                "and shapes of the same classes"
            )
        predicted = outputs[0].float().softmax(dim=1)
        self.predicted = predicted.detach()
        self.critic.requires_grad_(False)
        return loss + self.weight * self.critic.energy(predicted).mean()

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """The critic learns from true maps and from what the network made."""
        self.critic.requires_grad_(True)
        true = self._true_maps(len(self.predicted)).to(self.predicted)
        with torch.enable_grad():
            again, divergence = self.critic(true, draw=True)
            energies = self.critic.energy(true), self.critic.energy(self.predicted)
            entropy = -(true * again.log_softmax(dim=1)).sum(dim=1).mean()
            wrong = entropy + self.beta * divergence.mean()
            self.optimizer.zero_grad()
            torch.autograd.backward(wrong + (self.margin - energies[1]).clamp_min(0).mean())
            self.optimizer.step()
        self.measurements = {
            name: float(one.mean()) for name, one in zip(("energy_true", "energy_said"), energies, strict=True)
        }

    def _true_maps(self, count: int) -> Any:
        """Windows of true maps as probabilities, (count, K, H, W); 0 of all classes where a pixel is unlabelled."""
        maps = []
        for place in torch.randint(len(self.true), (count,)).tolist():
            labels = self.true[place]
            row, column = (
                int(torch.randint(whole - side + 1, ()))
                for whole, side in zip(labels.shape, self.size, strict=True)
            )  # fmt: skip
            maps.append(labels[row : row + self.size[0], column : column + self.size[1]])
        labels = torch.from_numpy(np.stack(maps).astype(np.int64))
        one_hot = F.one_hot(labels.clamp_min(0), self.classes).movedim(3, 1)
        return (one_hot * (labels >= 0)[:, None]).float()

    def state(self) -> dict[str, Any]:
        """The critic and what its optimiser holds."""
        return {
            "critic": self.critic.state_dict(), "optimizer": self.optimizer.state_dict(), "found": self.measurements
        }  # fmt: skip

    def load(self, state: Any) -> None:
        """Go on from there."""
        self._begin()
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.measurements = state["found"]

    def figures(self) -> dict[str, float]:
        """The energies of true maps and of those said."""
        return self.measurements
