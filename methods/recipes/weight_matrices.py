"""Which weight matrices a network has, in the order in which a pass executes them, and what share a part covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import noisebench as nb
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

Kind = Literal["linear", "convolution", "attention projection", "embedding", "other"]
_ITEMS = 2
"""Items of a probe: a batch norm in training refuses a single one."""
_VECTOR_PRODUCTS = frozenset({torch.ops.aten.mv, torch.ops.aten.addmv})
_PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
"""Of `nn.MultiheadAttention`, beside that of its `out_proj`."""


@dataclass(frozen=True)
class WeightMatrix:
    """A weight matrix: the module that holds it, the name of the parameter there, its shape, and what a pass did.

    `macs` are those of one item, of what iterates in its first round. `executed` says whether the pass used it, and
    `called` whether it called the module: attention uses the weight of its `out_proj` without a call, so that hooks
    there see nothing.
    """

    module: str
    parameter: str
    kind: Kind
    shape: tuple[int, ...]
    macs: float = 0.0
    executed: bool = False
    called: bool = False

    @property
    def name(self) -> str:
        """That of the layer, or of the parameter where a layer has several."""
        if self.parameter == "weight":
            return self.module
        return f"{self.module}.{self.parameter}" if self.module else self.parameter

    @property
    def size(self) -> int:
        """How many weights it has."""
        return prod(self.shape)

    def of(self, net: nn.Module) -> Any:
        """The weights as they are used."""
        return getattr(net.get_submodule(self.module), self.parameter)


class WeightMatrices(list[WeightMatrix]):
    """The weight matrices of a network; `failure` is the error of its pass in words, empty where one could be made."""

    failure: str = ""


def weight_matrices(net: nn.Module, given: Sequence[int]) -> WeightMatrices:
    """The weight matrices of a network, in the order in which a pass on items of shape `given` first uses them.

    They are the parameters of linear layers, convolutions, attention and embeddings, and all others with two axes
    longer than 1, such as learned positions. What the pass does not use comes last, in the order of definition; that
    is everything where the network has no pass on a single batch. Nothing of the network changes, and no draw is spent.
    """
    defined = _defined(net)
    used: dict[_Name, WeightMatrix] = {}
    failure = ""
    try:
        used = _used(net, given, defined)
    except Exception as error:  # any that the forward of a network raises
        failure = f"{type(error).__name__}: {nb.one_line(str(error), 200)}"
    unused = [one for name, (one, _) in defined.items() if name not in used]
    matrices = WeightMatrices([*used.values(), *(one for one in unused if _is_matrix(one))])
    matrices.failure = failure
    return matrices


def refuse_without_pass(part: str, matrices: WeightMatrices) -> None:
    """Raise `UsageError` that names the error where no pass could be made."""
    if matrices.failure:
        raise nb.UsageError(
            f"part {part} needs a network that gives an output for a batch of its inputs, and its forward raises "
            f"{matrices.failure}: mend it, or give another arch"
        )


def first_and_last(part: str, matrices: WeightMatrices) -> tuple[WeightMatrix, WeightMatrix]:
    """The first and the last that a pass multiplies with. Raises `UsageError` where no pass could be made."""
    refuse_without_pass(part, matrices)
    executed = [one for one in matrices if one.executed and one.kind != "other"]
    if not executed:
        raise nb.UsageError(f"part {part} needs a network that multiplies with weights: give another arch")
    return executed[0], executed[-1]


def covered_share(covered: Iterable[WeightMatrix], matrices: Iterable[WeightMatrix]) -> float:
    """The share of all weights that are of those covered."""
    return sum(one.size for one in covered) / max(sum(one.size for one in matrices), 1)


def is_layer(net: nn.Module, one: WeightMatrix, types: Any) -> bool:
    """Whether it is the weight of a layer of these types."""
    return one.parameter == "weight" and isinstance(net.get_submodule(one.module), types)


def rewritable(net: nn.Module, matrices: Iterable[WeightMatrix]) -> list[WeightMatrix]:
    """Those whose weights a part can use otherwise, (outputs, inputs, …): linear, 2-D convolution, attention.

    In the order of definition, for parts that treat all alike.
    """
    order = [path for path, _ in net.named_modules()]
    return sorted(
        (
            one
            for one in matrices
            if is_layer(net, one, nn.Conv2d | nn.Linear)
            or (one.parameter in _PROJECTIONS and isinstance(net.get_submodule(one.module), nn.MultiheadAttention))
        ),
        key=lambda one: order.index(one.module),
    )


def trained_weight(net: nn.Module, one: WeightMatrix) -> Any:
    """The parameter that is trained: of a weight that a part makes sparse or rounds, the one behind."""
    module: Any = net.get_submodule(one.module)
    if parametrize.is_parametrized(module, one.parameter):
        return getattr(module.parametrizations, one.parameter).original
    return getattr(module, one.parameter)


_Name = tuple[str, str]
"""Of a parameter: its module's, and its own there."""
_Defined = Mapping[_Name, tuple[WeightMatrix, list[Any]]]


def _defined(net: nn.Module) -> _Defined:
    """Every parameter in the order of definition, with the tensors that it is made of."""
    tensors: dict[_Name, list[Any]] = {}
    for path, value in net.named_parameters():
        module, _, parameter = path.rpartition(".")
        if isinstance(net.get_submodule(module), parametrize.ParametrizationList):
            module, _, parameter = module.rpartition(".")
            module = module.removesuffix("parametrizations").removesuffix(".")
        tensors.setdefault((module, parameter), []).append(value)
    defined = {}
    for (module, parameter), values in tensors.items():
        # Of a weight norm the second of two is the matrix.
        shape = tuple(max(values, key=torch.numel).shape)
        defined[module, parameter] = WeightMatrix(module, parameter, _kind_of(net, module), shape), values
    return defined


def _kind_of(net: nn.Module, path: str) -> Kind:
    module = net.get_submodule(path)
    outer = net.get_submodule(path.rpartition(".")[0])
    if isinstance(module, nn.MultiheadAttention) or isinstance(outer, nn.MultiheadAttention):
        return "attention projection"
    if isinstance(module, nn.Linear | nn.Bilinear):
        return "linear"
    if isinstance(module, nn.modules.conv._ConvNd):
        return "convolution"
    return "embedding" if isinstance(module, nn.Embedding | nn.EmbeddingBag) else "other"


def _is_matrix(one: WeightMatrix) -> bool:
    return len(one.shape) > 1 and (one.kind != "other" or sum(side > 1 for side in one.shape) > 1)


def _used(net: nn.Module, given: Sequence[int], defined: _Defined) -> dict[_Name, WeightMatrix]:
    """What a pass uses, in its order."""
    weight = next((value for value in net.parameters() if value.is_floating_point()), torch.zeros(()))
    called: set[str] = set()
    hooks = [
        module.register_forward_pre_hook(lambda *_, path=path: called.add(path)) for path, module in net.named_modules()
    ]
    try:
        with _quiet(weight.device):
            inputs = torch.rand(_ITEMS, *given, device=weight.device, dtype=weight.dtype)
            buffers = {name: value.clone() for name, value in net.named_buffers()}
            with suppress(_AllUsed), _Watch(defined, inputs) as watch:
                torch.func.functional_call(net, buffers, (inputs,))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: replace(one, called=one.module in called) for name, one in watch.used.items()}


@contextmanager
def _quiet(device: torch.device) -> Iterator[None]:
    """Within it draws are of other generators, and attention takes no shortcut past its layers."""
    shortcut = torch.backends.mha.get_fastpath_enabled()
    devices = [device] if device.type == "cuda" else []
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            torch.default_generator.manual_seed(0)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(shortcut)


class _AllUsed(Exception):
    """There is nothing left to see: what iterates, such as a sampler, need not go on."""


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows weights through the operations of a pass, by the memory that they lie in, to those that use them.

    A weight is used where it is multiplied, as a matrix, or meets what the network was given.
    """

    def __init__(self, defined: _Defined, inputs: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.used: dict[_Name, WeightMatrix] = {}
        self._matrices = {name: one for name, (one, _) in defined.items() if _is_matrix(one)}
        self._sources: dict[int, frozenset[_Name]] = {}
        for name in self._matrices:
            self._sources.update((_memory_of(tensor), frozenset({name})) for tensor in defined[name][1])
        self._given = {_memory_of(inputs)}
        self._kept: list[torch.Tensor] = []  # lest their memory is that of another

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        operands = {_memory_of(one) for one in _tensors((args, kwargs))}
        sources = frozenset[_Name]().union(*(self._sources.get(place, ()) for place in operands))
        meets_given = not operands.isdisjoint(self._given)
        macs = _macs(func, args, kwargs, result) if sources else None
        if meets_given or macs is not None:
            self._use(sources, func._overloadpacket, macs)
        for one in _tensors(result):
            self._kept.append(one)
            if meets_given:
                self._given.add(_memory_of(one))
            elif sources:
                self._sources[_memory_of(one)] = sources
        return result

    def _use(self, sources: frozenset[_Name], packet: Any, macs: float | None) -> None:
        for name, one in self._matrices.items():
            if name in sources and name not in self.used:
                kind = one.kind
                if kind == "other" and macs is not None:
                    kind = "convolution" if packet is torch.ops.aten.convolution else "linear"
                self.used[name] = replace(one, kind=kind, executed=True)
        if macs is not None:
            largest = max(sources, key=lambda name: self._matrices[name].size)
            self.used[largest] = replace(self.used[largest], macs=self.used[largest].macs + macs / _ITEMS)
        if len(self.used) == len(self._matrices):
            raise _AllUsed


def _tensors(values: Any) -> list[torch.Tensor]:
    """Those that have memory."""
    return [one for one in tree_leaves(values) if isinstance(one, torch.Tensor) and _memory_of(one)]


def _memory_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided else 0


def _macs(func: Any, args: Any, kwargs: Any, result: Any) -> float | None:
    """Multiply-accumulates of a product with matrices; None of another operation."""
    packet = func._overloadpacket
    if packet in flop_registry:
        return float(flop_registry[packet](*args, **kwargs, out_val=result)) / 2
    return float(max(map(torch.numel, _tensors(args)))) if packet in _VECTOR_PRODUCTS else None
