"""The torch network of any classifier, trained by a recipe or not, for components that take its gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from ..components.registry import Bound
from ..components.tracks import get_track
from ..planning.cells import method_part, weights_part
from ..text.errors import Skip, UsageError, described, message_of
from ..track.info import Info
from ..track.runner_protocol import Runner
from .learned import Learned


def classifier_network(
    method: Bound, name: str, given: tuple[int, ...], classes: int | None = None, device: str = "cpu"
) -> Learned:
    """What any method of `classify` that takes tensors says of pictures (N, C, H, W), to be differentiated in them.

    `given` is the shape (C, H, W) of one picture, `classes` what the method is told of their number. Raises
    `UsageError`, which begins with `name`, for a method that fails or that torch cannot differentiate.

        >>> import torch
        >>> @nb.method("brighter_half", track="classify", layout="tensor")
        ... def brighter_half(picture, info):
        ...     '''Which half of a picture is brighter.'''
        ...     return torch.stack([half.mean() for half in picture.chunk(2, dim=3)])[None]
        >>> method = nb.bind("brighter_half", "method", "classify")
        >>> network = nb.classifier_network(method, "example", (1, 8, 8), classes=2)
        >>> pictures = torch.zeros(1, 1, 8, 8, requires_grad=True)
        >>> network.net(pictures)[0, 1].backward()
        >>> pictures.grad[0, 0, 0].tolist()
        [0.0, 0.0, 0.0, 0.0, 0.03125, 0.03125, 0.03125, 0.03125]
    """
    import torch

    who = f"{name}: {method.display}"
    if method.entry.meta["layout"] != "tensor":
        raise UsageError(
            f"{who} is trained by no recipe: give trained(…), or a classifier that takes tensors, since numpy arrays "
            "have no gradient"
        )
    runner = get_track(method.track).open(method)
    try:
        runner.setup(device)
        info = Info({"shape": given[1:], "classes": classes})
        runner.check(info)
    except Skip as skip:
        raise UsageError(f"{who}: {message_of(skip)}") from None
    modules = dict(_modules_of(runner))
    for module in modules.values():
        module.eval().requires_grad_(False)
    two = torch.full((2, *given), 0.5, device=device).requires_grad_()
    net = _network(runner, info, who, two)
    logits = net(two)
    sources = method_part(method).sources
    lines = [
        "classifier 1", method.canonical, repr(method.versions),
        *(f"{file} {sha256}" for part in (sources, weights_part(method)) for file, sha256 in part.items()),
        *(f"{attribute} {_sha256(module)}" for attribute, module in modules.items()),
    ]  # fmt: skip
    return Learned(net, given, tuple(logits.shape[1:]), lines)


def _network(runner: Runner, info: Info, who: str, two: Any) -> Callable[[Any], Any]:
    """Pictures (N, C, H, W) → logits (N, K). Raises `UsageError` for what is none, or has no gradient where one is due.

    A method that does not take `two` pictures at once is called on one after the other.
    """
    import torch

    def called(pictures: Any) -> Any:
        try:
            # Most say no_grad for speed alone.
            with mock.patch.multiple(torch, no_grad=torch.enable_grad, inference_mode=_differentiable):
                return runner.call(pictures, info)
        except Exception as error:
            raise UsageError(f"{who} fails on pictures {tuple(pictures.shape)}: {described(error)}") from error

    try:
        together = getattr(called(two), "shape", ())[:-1] == (2,)
    except UsageError:
        together = False

    def logits(pictures: Any) -> Any:
        each = [called(pictures)] if together else [called(picture[None]) for picture in pictures]
        if not all(torch.is_tensor(one) and one.numel() >= 2 for one in each):
            raise UsageError(f"{who} gives no logits of two classes or more for each picture, as a tensor")
        joined = torch.cat([one.reshape(-1, one.shape[-1]) for one in each])
        if pictures.requires_grad and torch.is_grad_enabled() and not joined.requires_grad:
            raise UsageError(f"{who} has no gradient: its output does not depend on its input by operations of torch")
        return joined

    return logits


def _differentiable(mode: bool = True) -> Any:
    """What `torch.inference_mode` is while gradients are due."""
    import torch

    return torch.enable_grad()


def _modules_of(runner: Runner) -> Iterator[tuple[str, Any]]:
    """The torch modules that an instance, or the file of a function, holds."""
    import torch

    obj = runner.bound.entry.obj
    attributes = vars(runner.instance) if runner.instance is not None else getattr(obj, "__globals__", {})
    yield from ((name, value) for name, value in sorted(attributes.items()) if isinstance(value, torch.nn.Module))


def _sha256(module: Any) -> str:
    """The hash of all weights and buffers."""
    sha = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()
