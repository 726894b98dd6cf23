"""What saliency methods share: gradients of each logit within a classifier, and maps of layers combined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import noisebench as nb
from annotated_types import MinLen
from noisebench.methods.restore.attacked import gradients

Layers = Annotated[tuple[int | str, ...], MinLen(1)]


def refuse_without_maps(method: nb.Bound) -> None:
    """Raise `UsageError` for a method that explains nothing."""
    if not method.entry.meta["explains"]:
        raise nb.UsageError(f"method={method.display} gives no maps: give one that explains")


def differentiable(method: nb.Bound) -> nb.Classifier:
    """The classifier that is explained. Raises `Skip` for one that takes numpy arrays, or gives more than logits."""
    inner = nb.Classifier(method)
    if inner.meta["layout"] != "tensor":
        raise nb.Skip(f"{method.display} cannot be differentiated: it takes numpy arrays")
    if inner.meta["explains"] or inner.meta["certifies"]:
        raise nb.Skip(f"{method.display} gives more than logits: explain the classifier within")
    return inner


def networks_of(runner: nb.Classifier) -> list[tuple[nb.Classifier, Any]]:
    """The torch modules that a method holds, and those of the methods within it, each with who holds it."""
    from torch import nn

    if isinstance(runner.instance, nn.Module):
        return [(runner, runner.instance)]
    networks: list[tuple[nb.Classifier, Any]] = []
    for value in vars(runner.instance).values() if runner.instance is not None else ():
        if isinstance(value, nn.Module):
            networks.append((runner, value))
        elif isinstance(value, nb.Classifier):
            networks += networks_of(value)
    return networks


def network_within(who: str, runner: nb.Classifier) -> tuple[nb.Classifier, Any]:
    """The one torch module in a method, and who calls it. Raises `Skip` where there is none, or several."""
    networks = networks_of(runner)
    if len(networks) != 1:
        raise nb.Skip(f"{who}: {runner.bound.display} holds {len(networks)} torch networks, not one")
    return networks[0]


def logits_of(inner: nb.Classifier, picture: Any, info: Any) -> Any:
    """Logits (K,) of a tensor (1, C, H, W), with their graph. Raises `Skip` where torch cannot differentiate them."""
    import torch

    with gradients(), torch.enable_grad():
        output = inner.call(picture, info)
    if not isinstance(output, torch.Tensor) or output.shape not in ((info.classes,), (1, info.classes)):
        raise nb.Invalid(f"{inner.bound.display} did not return logits ({info.classes},)")
    if not output.requires_grad:
        raise nb.Skip(f"{inner.bound.display} cannot be differentiated: its logits do not depend on its input")
    return output.reshape(-1)


def gradients_of(logits: Any, at: Sequence[Any]) -> list[Any]:
    """Of each tensor (1, C, h, w) the gradients (K, C, h, w) of every logit (K,), not of a softmax of them."""
    import torch

    rows = [torch.autograd.grad(logit, at, retain_graph=True, allow_unused=True) for logit in logits]
    return [
        torch.cat([torch.zeros_like(one) if row[place] is None else row[place] for row in rows]).detach()
        for place, one in enumerate(at)
    ]


def input_gradients(inner: nb.Classifier, picture: Any, info: Any) -> tuple[Any, Any]:
    """Logits (K,) of a picture (1, C, H, W), and their gradients (K, C, H, W) by its values."""
    at = picture.detach().clone().requires_grad_()
    logits = logits_of(inner, at, info)
    return logits.detach(), gradients_of(logits, [at])[0]


@dataclass(frozen=True)
class Layer:
    """What a layer gives, `x` (C, h, w), and the gradients of every logit by it, `g` (K, C, h, w)."""

    name: str
    x: Any
    g: Any


def layers_of(who: str, inner: nb.Classifier, picture: Any, info: Any, layers: Layers) -> tuple[Any, list[Layer]]:
    """Logits (K,) of a picture (1, C, H, W), and the layers that are asked for.

    A layer is named by the path of its module, or counted: 1 is the last that gives maps of the size that is met first,
    2 of the size that is met second, -1 of the last size, and 0 is the picture itself. Raises `UsageError` for one that
    is not there.
    """
    at = picture.detach().clone().requires_grad_()
    with _recorded(inner) as recorded:
        logits = logits_of(inner, at, info)
    paths = {path: value for path, value in recorded}
    sizes = {tuple(value.shape[2:]): (path, value) for path, value in recorded}
    counted = list(sizes.values())
    chosen = []
    for layer in layers:
        if layer == 0:
            chosen.append(("picture", at))
        elif isinstance(layer, str) and layer in paths:
            chosen.append((layer, paths[layer]))
        elif isinstance(layer, int) and -len(counted) <= layer <= len(counted):
            chosen.append(counted[layer - 1 if layer > 0 else layer])
        else:
            choices = f"1 to {len(counted)}, or {', '.join(list(paths)[:12])}" if recorded else "none: it has no maps"
            raise nb.UsageError(f"{who}: {inner.bound.display} has no layer {layer!r}: give {choices}")
    gradients = gradients_of(logits, [value for _, value in chosen])
    selected = [Layer(path, value[0].detach(), g) for (path, value), g in zip(chosen, gradients, strict=True)]
    return logits.detach(), selected


@contextmanager
def _recorded(inner: nb.Classifier) -> Iterator[list[tuple[str, Any]]]:
    """Paths and outputs (1, C, h, w), in the order in which the modules end, of what is called within.

    A module hands on a copy of what it gave, so that none behind it that works in place changes what is kept.
    """
    import torch

    recorded: list[tuple[str, Any]] = []

    def hook(path: str) -> Any:
        def keep(module: Any, given: Any, output: Any) -> Any:
            if not isinstance(output, torch.Tensor) or output.ndim != 4 or output.shape[2:].numel() == 1:
                return None
            recorded.append((path, output))
            return output.clone()

        return keep

    modules = [named for _, net in networks_of(inner) for named in net.named_modules()]
    handles = [module.register_forward_hook(hook(path)) for path, module in modules]
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


def combined(maps: Sequence[Any], size: tuple[int, int]) -> Any:
    """Maps (K, h, w) of layers as one (K, H, W): each brought to the size and to [0, 1], then their product.

    Each map of each class has its own range. One that is flat says nothing, and is 1.
    """
    import torch

    product = torch.ones(1)
    for one in maps:
        large = torch.nn.functional.interpolate(one[None], size=size, mode="bilinear", align_corners=False)[0]
        low, high = large.amin(dim=(1, 2), keepdim=True), large.amax(dim=(1, 2), keepdim=True)
        # What rounding left of a flat map is no map.
        flat = high - low <= 1e-5 * torch.maximum(high.abs(), low.abs())
        unit = torch.where(flat, 1.0, (large - low) / (high - low).clamp_min(1e-30))
        product = product.to(unit.device) * unit
    return product
