from __future__ import annotations

import copy
import math
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._ranges import best_range, channels_rounded, rounded
from noisebench.methods.generate._stepping import Level, Schedule, Steps, levels, slope
from noisebench.tracks.generate import Denoiser

Calibration = Literal["ndtc", "uniform", "first", "last"]
_ENDS = 8
"""Bits that the first and the last convolution have at least, as the authors have it."""
_SEEN = 1 << 15
"""Values of each layer that its range is made of, besides the least and the largest."""
_AT_ONCE = 64


@nb.method(
    "quantized", track="generate", cite="Y. Shang et al., Post-training quantization on diffusion models, CVPR 2023"
)
class Quantized:
    """A model whose network multiplies with few bits, calibrated on its own way from noise to samples (PTQ4DM).

    model: one whose class holds a torch network, such as `trained(…)` or yours. What wraps a model goes around this:
    `guided(model=quantized(model=…))`. The weights of each convolution and linear layer are rounded for each output
    channel, and what the layer is given as one tensor, to ranges that make the mean of |error|^2.4 the least; all else
    is as before, and nothing is trained again. The numbers are those of few bits, computed in floats: bytes of weights
    are saved (the cost `weight_bytes`), and no time.

    bits: of both; the first and the last convolution have 8 at least. of: what is rounded. count: samples that the
    model makes of its own, by Euler's steps, for the ranges of what layers are given; each is looked at on one level.
    calibration: on which one. `ndtc`, the paper's, draws it by a normal law whose mean and deviation are 0.4 of all
    levels, counted from the last one, and takes what lies beyond to the ends; `uniform` any alike; `first` is noise
    alone, `last` hardly any. steps, schedule, least, most: of these levels, as of `euler`. Where a network has classes,
    each sample is of one, or of none, by turns.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        bits: Annotated[int, Ge(2), Le(16)] = 8,
        of: Literal["both", "weights", "activations"] = "both",
        calibration: Calibration = "ndtc",
        count: Annotated[int, Ge(1), Le(65_536)] = 256,
        steps: Steps = 100,
        schedule: Schedule = "cosine",
        least: Level = 0.002,
        most: Level = 80.0,
    ) -> None:
        self.model, self.bits, self.calibration, self.count = Denoiser(model), bits, calibration, count
        self.weights, self.activations = of != "activations", of != "weights"
        self.levels = levels(schedule, steps, least, most)[:-1]
        self.weight_bytes: int | None = None
        self._whole: dict[str, Any] = {}

    def setup(self, device: Any) -> None:
        """Set up the model, and calibrate it where it says the shape of its pictures (`given`, as of `trained`).

        Raises `Skip` where its weights are missing, `UsageError` where it has no network.
        """
        for name, network in self._whole.items():
            setattr(self.model.instance, name, network)
        self.model.setup(device)
        self.weight_bytes = None
        self._whole = _copied(self.model.instance)
        self.layers = _layers(self.model)
        shape = getattr(self.model.instance, "given", None)
        if shape:
            self._calibrate(tuple(shape), device)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Where the model does not say its pictures' shape, the first call calibrates it."""
        if self.weight_bytes is None:
            self._calibrate(tuple(x.shape[1:]), x.device)
        return self.model(x, sigma, labels)

    def _calibrate(self, shape: tuple[int, ...], device: Any) -> None:
        import torch

        with torch.no_grad():
            seen = self._seen(*self._states(shape, device))
            if not seen:
                name = self.model.runner.bound.display
                raise nb.UsageError(f"quantized: {name} calls none of its layers as a module: write layer(x)")
            bits_of = dict.fromkeys(seen, self.bits)
            convolutions = [layer for layer in seen if _is_convolution(layer)] or list(seen)
            for layer in (convolutions[0], convolutions[-1]):
                bits_of[layer] = max(self.bits, _ENDS)
            self.weight_bytes = self._bytes(bits_of if self.weights else {})
            for layer, values in seen.items():
                if self.weights:
                    _round_weight(layer, bits_of[layer])
                if self.activations:
                    layer.register_forward_pre_hook(_rounding(*best_range(values, bits_of[layer]), bits_of[layer]))

    def _states(self, shape: tuple[int, ...], device: Any) -> tuple[Any, Any, Any]:
        """What the full model is asked on its way: x (count, C, H, W), its level (count, 1, 1, 1), classes or None."""
        import torch

        rng = nb.keyed_generator(nb.text_key("calibration"))
        x = self.levels[0] * torch.from_numpy(rng.standard_normal((self.count, *shape))).to(device)
        last = len(self.levels) - 1
        remaining = {
            "ndtc": rng.normal(0.4, 0.4, self.count) * (last + 1),
            "uniform": rng.uniform(-0.5, last + 0.5, self.count),
            "first": rng.uniform(last, last, self.count),
            "last": rng.uniform(0, 0, self.count),
        }[self.calibration]
        places = last - torch.from_numpy(remaining).round().clamp(0, last).long().to(device)
        classes = max((int(getattr(one, "classes", 0) or 0) for one in _networks(self.model)), default=0)
        labels = torch.arange(self.count, device=device) % (classes + 1) - 1 if classes else None
        for place in range(int(places.max())):
            moving = (places > place).nonzero()[:, 0]
            sigma, lower = self.levels[place : place + 2]
            for part in torch.split(moving, _AT_ONCE):
                clean = self._full(x[part], sigma, None if labels is None else labels[part])
                x[part] += (lower - sigma) * slope(x[part], clean, sigma)
        at = torch.tensor(self.levels, dtype=x.dtype, device=device)[places]
        return x, at[:, None, None, None], labels

    def _full(self, x: Any, sigma: Any, labels: Any) -> Any:
        # Of the instance, since what calibration asks is none of a sample's evaluations.
        return self.model.instance.denoised(x, sigma, labels)

    def _seen(self, x: Any, sigma: Any, labels: Any) -> dict[Any, Any]:
        """Values (N,), float32, that each layer is given of the states; layers in the order of their calls."""
        import torch

        draws = torch.Generator().manual_seed(0)
        inputs: dict[Any, list[Any]] = {}
        parts = -(-len(x) // _AT_ONCE)

        def look(layer: Any, given: Any) -> None:
            values = given[0].detach().float().flatten()
            chosen = torch.randint(len(values), (min(_SEEN // parts, len(values)),), generator=draws)
            kept = [values[chosen.to(values.device)], values.min()[None], values.max()[None]]
            inputs.setdefault(layer, []).extend(kept)

        hooks = [layer.register_forward_pre_hook(look) for layer in self.layers]
        try:
            for start in range(0, len(x), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                self._full(x[part], sigma[part], None if labels is None else labels[part])
        finally:
            for hook in hooks:
                hook.remove()
        return {layer: torch.cat(values) for layer, values in inputs.items()}

    def _bytes(self, bits: dict[Any, int]) -> int:
        """What the parameters take: weights with bits by these, and 4 bytes an output channel; others as they are."""
        by_weight = {id(layer.weight): (layer, count) for layer, count in bits.items()}
        total = 0
        for parameter in {id(p): p for one in _networks(self.model) for p in one.parameters()}.values():
            layer, count = by_weight.get(id(parameter), (None, 0))
            if layer is None:
                total += parameter.nbytes
            else:
                total += math.ceil(parameter.numel() * count / 8) + 4 * len(_rows(layer, parameter))
        return total


def _copied(instance: Any) -> dict[str, Any]:
    """The networks that an instance holds, by name; it has copies now, since another model may ask the same ones."""
    from torch import nn

    members = dict(instance.named_children()) if isinstance(instance, nn.Module) else vars(instance)
    whole = {name: value for name, value in members.items() if isinstance(value, nn.Module)}
    for name, copied in copy.deepcopy(whole).items():
        setattr(instance, name, copied)
    return whole


def _layers(model: Denoiser) -> list[Any]:
    """The convolutions and linear layers of a model, with plain weights. Raises `UsageError` where there are none."""
    from torch import nn
    from torch.nn.utils import parametrize

    modules = dict.fromkeys(module for one in _networks(model) for module in one.modules())
    layers = [m for m in modules if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    if not layers:
        raise nb.UsageError(
            f"quantized: {model.runner.bound.display} holds no torch network with a convolution or a linear layer: "
            "name one that does, such as trained(…); what wraps a model goes around it: guided(model=quantized(…))"
        )
    for layer in layers:
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
    return layers


def _networks(model: Denoiser) -> list[Any]:
    from torch import nn

    members = [model.instance] if isinstance(model.instance, nn.Module) else vars(model.instance).values()
    return [value for value in members if isinstance(value, nn.Module)]


def _is_convolution(layer: Any) -> bool:
    return hasattr(layer, "kernel_size")


def _rows(layer: Any, weight: Any) -> Any:
    """A view of the weight whose first axis is that of output channels."""
    return weight.transpose(0, 1) if getattr(layer, "transposed", False) else weight


def _round_weight(layer: Any, bits: int) -> None:
    rows = _rows(layer, layer.weight)
    rows.copy_(channels_rounded(rows.flatten(1).float(), bits).reshape(rows.shape))


def _rounding(low: float, high: float, bits: int) -> Any:
    """A hook that rounds what a layer is given."""

    def hook(_: Any, given: Any) -> Any:
        return (rounded(given[0].float(), low, high, bits).to(given[0].dtype), *given[1:])

    return hook
