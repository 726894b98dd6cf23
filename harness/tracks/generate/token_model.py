"""A model that sees a picture token by token, as autoregressive samplers call it. Each call is counted."""

from __future__ import annotations

from typing import Any

from ...components.registry import Bound
from ...text.errors import Invalid, UsageError
from .denoiser import ModelRunner, _Count, model_of


class TokenModel:
    """An autoregressive model ready to be called by a sampler: it sees tokens in noise, given those that are known.

    Tokens are the squares of `patch` pixels a side of pictures (N, C, H, W), T of them in rows from the top left, D
    values each: channel, row, column. The method, or the network `net` that it has learned, gives

    - `patch`, the side of a token;
    - `told(pictures, known, places, labels)`: what is known of the tokens at `places` (N, n), int64, given those at
      which `known` (N, T) is true: a tuple of tensors with N n rows. No other value of `pictures` counts. `labels` are
      as of `Denoiser`. It raises `Skip` for pictures of another size;
    - `seen(tokens, sigma, told)`: the mean of tokens (N n, D) given them with normal noise of the deviation `sigma`, a
      number or a tensor (N n, 1), and what they were told.

    One token seen is one evaluation; what `told` takes is not counted.
    """

    def __init__(self, model: Bound) -> None:
        self.runner = ModelRunner(model_of(model))
        self._part: Any = None

    @property
    def instance(self) -> Any:
        """The instance of the model's class."""
        return self.runner.instance

    def setup(self, device: Any) -> None:
        """Load weights and the like. Raises `Skip` where they are missing, `UsageError` for a model of pictures."""
        self.runner.setup(device)
        net: Any = getattr(self.instance, "net", None)
        parts = (self.instance, *(net.modules() if hasattr(net, "modules") else ()))
        self._part = next((one for one in parts if hasattr(one, "told") and hasattr(one, "seen")), None)
        if self._part is None:
            raise UsageError(
                f"{self.runner.bound.display} sees no tokens: name trained(arch=mar, objective=mar, …) or exact_tokens"
            )

    @property
    def patch(self) -> int:
        """Pixels of the side of a token."""
        return int(self._part.patch)

    def told(self, pictures: Any, known: Any, places: Any, labels: Any = None) -> Any:
        """What the model knows of the tokens at `places`, given the known ones."""
        import torch

        labels = None if labels is None else torch.as_tensor(labels, device=pictures.device)
        return self._part.told(pictures, known, places, labels)

    def __call__(self, tokens: Any, sigma: Any, known: Any) -> Any:
        """The mean of the tokens. Raises `Invalid` for another shape."""
        means = self._part.seen(tokens, sigma, known)
        if tuple(getattr(means, "shape", ())) != tuple(tokens.shape):
            shape = tuple(getattr(means, "shape", ()))
            raise Invalid(f"{self.runner.bound.display} gave shape {shape} where {tuple(tokens.shape)} was due")
        _Count.pictures += len(tokens)
        return means
