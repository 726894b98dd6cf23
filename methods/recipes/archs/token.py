"""A token: one vector that a model is told in place of a class; all else of the model stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge
from noisebench.methods.generate._vector_conditioned import VectorConditioned
from noisebench.recipes.archs._inner_network import channels_kept, module_in
from torch import nn


@nb.arch("token", cite="R. Gal et al., An image is worth one word: personalizing text-to-image generation using "
         "textual inversion, ICLR 2023")  # fmt: skip
class Token(nn.Module):
    """A token: one vector that a model is told in place of a class, as textual inversion learns it.

    of: a model of the track `generate` whose network looks classes up in one table, such as `trained(…)`, which is
    trained first, or `quantized(model=trained(…))`. It stays as it is. begin: a class that it knows, at whose vector
    the token begins. Trained with `objective=inversion` or `zeroth_order` on pictures of one class, whose label is then
    the token's; pictures without labels give one for any class that is asked for. The checkpoint holds the vector
    alone, so samplers ask `personalized(model, token)`. (C, H, W) → the same.
    """

    label: torch.Tensor

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: nb.MethodSpec,
        begin: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__()
        channels_kept(given, wanted, "token")
        self.of, self.conditioned = of, VectorConditioned(of, "token")
        with torch.random.fork_rng(devices=[]):
            vector = self.conditioned.setup("cpu", given, begin)
        self.within = nn.ModuleList(self.conditioned.networks).requires_grad_(False).eval()
        self.vector = nn.Parameter(vector)
        self.register_buffer("label", torch.tensor(-1))
        self.posed: Any = None  # what the last forward passes were given: clean pictures, noisy ones, deviations
        kept: Any = self  # torch has no types for these
        kept.register_state_dict_post_hook(_of_token_alone)
        kept.register_load_state_dict_post_hook(_of_token_alone_loaded)

    def train(self, mode: bool = True) -> Any:
        """Training is of the token alone."""
        super().train(mode)
        self.within.eval()
        return self

    def know(self, labels: Any) -> None:
        """Take the label of a batch for the token's. Raises `UsageError` where pictures are of several."""
        if labels is not None:
            classes = labels.unique()
            if len(classes) != 1 or (0 <= int(self.label) != int(classes)):
                raise nb.UsageError(
                    "arch token: a token is of pictures of one class: data=some_classes(of=…, classes=(9,))"
                )
            self.label.copy_(classes[0])

    def denoised_with(self, x: Any, sigma: Any, vector: Any) -> Any:
        """The pictures seen in `x` (N, C, H, W) by a model that is told `vector` for each."""
        every = torch.ones(len(x), dtype=torch.bool, device=x.device)
        return self.conditioned(x, sigma, torch.zeros_like(every, dtype=torch.long), every, vector)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """As of a model: the token where its label is asked for, and other classes as they are."""
        if labels is None:
            return self.conditioned.model(x, sigma, None)
        return self.conditioned(x, sigma, labels, chosen_by(labels, int(self.label)), self.vector)

    def forward(self, x: Any) -> Any:
        return self.denoised_with(x, 1.0, self.vector)


def chosen_by(labels: Any, label: int) -> Any:
    """Where `labels` (N,) ask for a token of that label; one of none, -1, is of every class."""
    return labels >= 0 if label < 0 else labels == label


def token_in(net: Any, who: str) -> Token:
    """The token of a network. Raises `UsageError` where there is none."""
    return module_in(net, Token, f"{who} needs a network of arch=token(of=…)")


def _of_token_alone(_: Any, state: Any, prefix: str, __: Any) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}within.")]:
        del state[name]


def _of_token_alone_loaded(_: Any, keys: Any) -> None:
    keys.missing_keys[:] = [name for name in keys.missing_keys if not name.rpartition("within.")[1]]
