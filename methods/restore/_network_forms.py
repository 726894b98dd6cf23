"""The forms in which a network is deployed: other precisions, compiled, exported, in batches. Each is put in place."""

from __future__ import annotations

import io
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import noisebench as nb

Forward = Callable[..., Any]


def networks_of(instance: Any) -> list[Any]:
    """The torch modules that a method and those that it wraps hold, each once."""
    import torch

    modules: dict[int, Any] = {}
    for value in _attributes(instance):
        if isinstance(value, torch.nn.Module):
            modules[id(value)] = value
        elif (inner := getattr(value, "instance", None)) is not None and hasattr(type(value), "instance"):
            modules |= {id(module): module for module in networks_of(inner)}
    return list(modules.values())


def _attributes(instance: Any) -> Iterator[Any]:
    yield from vars(instance).values()
    yield from vars(instance).get("_modules", {}).values()


def round_weights(module: Any) -> int:
    """Round all kernels to 8 bits, with a scale for each index of their first axis; the bytes that this takes."""
    import torch

    taken = 0
    with torch.no_grad():
        for weights in module.parameters():
            if weights.ndim < 2:
                taken += weights.numel() * 4
                continue
            scale = weights.abs().amax(dim=tuple(range(1, weights.ndim)), keepdim=True).clamp_min(1e-30) / 127
            weights.copy_((weights / scale).round() * scale)
            taken += weights.numel() + 4 * weights.shape[0]
    return taken


def cast(module: Any, forward: Forward, precision: str) -> Forward:
    """The network in another precision; what goes in and comes out stays float32."""
    import torch

    kind = getattr(torch, precision)
    module.to(kind)
    return lambda *given, **named: _as_type(forward(*_as_type(given, kind), **_as_type(named, kind)), torch.float32)


def _as_type(values: Any, kind: Any) -> Any:
    """Tensors of floats as `kind`, in tuples, lists and dictionaries too."""
    import torch

    if isinstance(values, torch.Tensor):
        return values.to(kind) if values.is_floating_point() else values
    if isinstance(values, dict):
        return {name: _as_type(value, kind) for name, value in values.items()}
    return type(values)(_as_type(value, kind) for value in values) if isinstance(values, tuple | list) else values


def in_batch(forward: Forward, count: int) -> Forward:
    """The network called on `count` pictures at once: the picture, and others that are the same, shifted."""
    import torch

    def repeated(value: Any, first: int) -> Any:
        if not isinstance(value, torch.Tensor) or value.ndim == 0 or len(value) != first:
            return value
        return torch.cat([torch.roll(value, shift, dims=-1) if value.ndim > 1 else value for shift in range(count)])

    def call(*given: Any, **named: Any) -> Any:
        first = len(given[0]) if given and isinstance(given[0], torch.Tensor) else 1
        output = forward(
            *(repeated(value, first) for value in given),
            **{name: repeated(value, first) for name, value in named.items()},
        )
        if not isinstance(output, torch.Tensor) or len(output) != first * count:
            raise nb.Skip("its network does not give one output for each picture of a batch")
        return output[:first]

    return call


def compiled(forward: Forward) -> Forward:
    """The network by `torch.compile`. Raises `Skip` without a C++ compiler."""
    import torch
    import torch._inductor.config

    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        why = f"torch.compile needs a C++ compiler, and {compiler} is not here: install g++, or set CXX"
        raise nb.Skip(why, needs="a C++ compiler")
    torch._inductor.config.compile_threads = 1  # a cell has no processes to start
    return torch.compile(forward)


def exported(module: Any, forward: Forward, to: Callable[[Any, tuple[Any, ...]], Forward]) -> Forward:
    """The network as `to` builds it from module and inputs, once for each size. Raises `Skip` where it cannot."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, *given: Any) -> Any:
            return forward(*given)

    built: dict[tuple[Any, ...], Forward] = {}

    def call(*given: Any, **named: Any) -> Any:
        if named or not all(isinstance(value, torch.Tensor) for value in given):
            raise nb.Skip("its network is called with more than tensors, which is not exported")
        size = tuple(tuple(value.shape) for value in given)
        if size not in built:
            try:
                with torch.no_grad(), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    built[size] = to(Whole().eval(), given)
            except (nb.Skip, MemoryError):
                raise
            except Exception as error:  # what cannot be exported fails in whatever way
                raise nb.Skip(f"its network cannot be exported: {nb.one_line(error, 120)}") from None
        return built[size](*given)

    return call


def torchscript(whole: Any, given: tuple[Any, ...]) -> Forward:
    """Traced, written to a file and read again."""
    import torch

    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(whole, given, check_trace=False), file)  # type: ignore[no-untyped-call]
    file.seek(0)
    return torch.jit.load(file, map_location=given[0].device)  # type: ignore[no-any-return, no-untyped-call]


def onnx(whole: Any, given: tuple[Any, ...]) -> Forward:
    """Exported to ONNX, run by ONNX Runtime on the processor."""
    import onnxruntime
    import torch

    file = io.BytesIO()
    names = [f"input_{number}" for number in range(len(given))]
    torch.onnx.export(whole, given, file, input_names=names, dynamo=False)  # type: ignore[arg-type]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])

    def call(*values: Any) -> Any:
        arrays = [value.detach().cpu().numpy() for value in values]
        return torch.from_numpy(session.run(None, dict(zip(names, arrays, strict=True)))[0])

    return call
