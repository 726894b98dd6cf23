"""A model that is given a vector in place of the one that its table has for a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
from noisebench.tracks.generate import Denoiser


class VectorConditioned:
    """A model, such as `trained(…)` or `quantized(model=trained(…))`, whose classes are vectors of one table.

    model: its spec. name: of the component that uses it, for messages.
    """

    def __init__(self, model: nb.Bound, name: str) -> None:
        self.model, self.name, self._spec = Denoiser(model), name, model.display
        self.networks: list[Any] = []
        self._stand_in, self._place = 0, 0
        self._now: tuple[Any, Any] | None = None
        self._hook: Any = None

    def setup(self, device: Any, shape: Sequence[int], stand_in: int = 0) -> Any:
        """Set up the model, and give the vector (D,) of the class `stand_in`, which any other may stand in place of.

        shape: of a picture. Raises `Skip` where weights are missing, `UsageError` for a model without such a table.
        """
        import torch
        from torch import nn

        self.model.setup(device)
        nothing, label = torch.zeros(1, *shape, device=device), torch.tensor([stand_in], device=device)

        def ask() -> None:
            try:
                with torch.no_grad():
                    self.model.instance.denoised(nothing, 1.0, label)
            except IndexError:
                raise nb.UsageError(f"{self.name}: {self._spec} has no class {stand_in}: give one it knows") from None

        ask()  # a model of few bits is made when it is first asked
        self.networks = networks_within(self.model.instance)
        tables = dict.fromkeys(one for net in self.networks for one in net.modules() if isinstance(one, nn.Embedding))
        if len(tables) != 1:
            raise nb.UsageError(
                f"{self.name}: {self._spec} has {len(tables)} tables of vectors (torch.nn.Embedding) where one is due, "
                "that of its classes: give a model with classes, such as trained(arch=diffusion_unet(classes=10))"
            )
        table = next(iter(tables))
        places: list[Any] = []
        hook = table.register_forward_pre_hook(lambda _, given: places.append(given[0].detach()))
        try:
            ask()
        finally:
            hook.remove()
        if not places or places[-1].shape != (1,):
            raise nb.UsageError(f"{self.name}: {self._spec} looks no class up in its table, once for each picture")
        self._stand_in, self._place = stand_in, int(places[-1])
        if self._hook is not None:
            self._hook.remove()
        self._hook = table.register_forward_hook(self._say)
        return table.weight.detach()[self._place].clone()

    def __call__(self, x: Any, sigma: Any, labels: Any, chosen: Any, vector: Any) -> Any:
        """The picture seen in `x` (N, C, H, W), given `vector` (D,) where `chosen` (N,) is true, else `labels`."""
        import torch

        model_labels = torch.where(chosen, self._stand_in, labels)
        self._now = chosen, vector
        try:
            return self.model(x, sigma, model_labels)
        finally:
            self._now = None

    def _say(self, _: Any, given: Any, output: Any) -> Any:
        import torch

        if self._now is None:
            return output
        chosen, vector = self._now
        if vector.shape != output.shape[1:]:
            raise nb.UsageError(
                f"{self.name}: {self._spec} takes vectors {tuple(output.shape[1:])}, and the token is "
                f"{tuple(vector.shape)}: give a token that was learned with this model"
            )
        # What is asked of no class, as guidance does, is left as it is.
        return torch.where((chosen & (given[0] == self._place))[:, None], vector.to(output), output)


def networks_within(instance: Any) -> list[Any]:
    """The torch networks of a model and of those that it asks, each once."""
    from torch import nn

    if isinstance(instance, nn.Module):
        return [instance]
    networks: dict[Any, None] = {}
    for value in vars(instance).values():
        if isinstance(value, nn.Module):
            networks[value] = None
        elif isinstance(value, Denoiser):
            networks |= dict.fromkeys(networks_within(value.instance))
    return list(networks)
