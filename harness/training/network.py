"""The network of a recipe: its architecture, prepared by the parts, with trained weights."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..planning.recipe import Recipe
from ..text.errors import Skip, UsageError, one_line
from .checkpoint import given_checkpoint, read_card, read_weights

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]


def made_parts(recipe: Recipe) -> list[Any]:
    """An instance of each part of a recipe."""
    return [one.entry.obj(**one.kwargs) for one in recipe.parts]


def build(recipe: Recipe, parts: list[Any], given: Shape, wanted: Shape) -> nn.Module:
    """The untrained network from a batch of shape `given` to one of shape `wanted`, both without the batch.

    Its parameters come from torch's generator. Raises `UsageError` where the architecture does not fit the shapes.
    """
    from torch import nn

    try:
        net = recipe.arch.entry.obj(given, wanted, **recipe.arch.kwargs)
    except (TypeError, ValueError) as error:
        raise UsageError(f"arch {recipe.arch.display} from {given} to {wanted}: {one_line(error)}") from None
    if not isinstance(net, nn.Module):
        raise UsageError(f"arch {recipe.arch.display} gives {type(net).__name__}: give a torch.nn.Module")
    for one in parts:
        if hasattr(one, "prepare"):
            shapes = (given,) if len(signature(one.prepare).parameters) > 1 else ()
            net = one.prepare(net, *shapes)
    module: nn.Module = net
    return module


def trained_shapes(recipe: Recipe) -> tuple[Shape, Shape]:
    """The shapes of one item that a trained network gets and gives. Raises `Skip` as `trained_network`."""
    training = read_card(_checkpoint(recipe)).training
    return tuple(training.given), tuple(training.wanted)


def trained_network(recipe: Recipe, device: str) -> nn.Module:
    """The network with the weights that its training gave, in eval mode.

    Raises `Skip` where no checkpoint was given to this process, and `UsageError` where it does not fit.

        >>> recipe = nb.recipe_of(nb.bind("trained(arch=dncnn(depth=5))", "method").kwargs)
        >>> nb.trained_network(recipe, "cpu")
        Traceback (most recent call last):
        noisebench.text.errors.Skip: needs the checkpoint of its training: `noisebench run` trains it first
    """
    file = _checkpoint(recipe)
    net = build(recipe, made_parts(recipe), *trained_shapes(recipe))
    try:
        net.load_state_dict(read_weights(file))
    except RuntimeError as error:
        raise UsageError(f"checkpoint {one_line(file)} does not fit {recipe.arch.display}: {one_line(error)}") from None
    return net.to(device).eval().requires_grad_(False)


def _checkpoint(recipe: Recipe) -> Path:
    file = given_checkpoint(recipe.text)
    if file is None:
        raise Skip("needs the checkpoint of its training: `noisebench run` trains it first")
    return file
