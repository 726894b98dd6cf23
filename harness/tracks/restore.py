"""Track `restore`: image in, image out. What an item is, what a regime discloses, how a method is called."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import Invalid, Skip
from ..registry import DATASETS, METHODS, Bound, Entry

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Sample:
    """One picture: `clean` uint8, uint16 or float32 [0, 1], (H, W) or (H, W, C); `noisy` likewise where real.

    `meta` may hold what only the oracle and `bayes_optimum` see, such as the true spectrum of a synthetic set.
    """

    id: str
    clean: Array
    noisy: Array | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Dataset(Protocol):
    """Pictures in a fixed order. `ids` is cheap; `load` reads one picture and is called when it is needed."""

    ids: Sequence[str]

    def load(self, index: int) -> Sample: ...


class Info:
    """What the regime discloses, on the [0, 1] scale; an unknown attribute is None.

    `shape` is the (H, W) of the wanted picture; `rng` (numpy) and `generator` (torch, CPU) are keyed by the
    input, for stochastic methods. `sample` is None except for methods registered with `oracle=True`.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, key: bytes = b"") -> None:
        self._values = dict(values or {})
        self._key = hashlib.sha256(b"method" + key).digest()
        self._rng: np.random.Generator | None = None
        self._generator: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._values.get(name)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __repr__(self) -> str:
        return f"Info({', '.join(sorted(self._values))})"

    def disclosed(self) -> dict[str, Any]:
        """A copy of what is known, by name."""
        return dict(self._values)

    def replace(self, **values: Any) -> Info:
        """The same with some values changed (None takes one away)."""
        return Info({**self._values, **values}, self._key)

    def stream(self, number: int) -> Info:
        """The same knowledge with draws of its own, for a method that is called several times on one picture."""
        return Info(self._values, self._key + number.to_bytes(8, "little"))

    @property
    def rng(self) -> np.random.Generator:
        """A numpy generator that depends on the input alone."""
        if self._rng is None:
            self._rng = np.random.Generator(np.random.Philox(key=int.from_bytes(self._key[:16], "little")))
        return self._rng

    @property
    def generator(self) -> Any:
        """A CPU `torch.Generator` that depends on the input alone."""
        if self._generator is None:
            import torch

            self._generator = torch.Generator().manual_seed(int.from_bytes(self._key[16:23], "little"))
        return self._generator


def method(
    name: str,
    *,
    needs: Sequence[str] = (),
    requires: Sequence[str] = (),
    weights: Sequence[str] = (),
    layout: str = "tensor",
    version: int = 1,
    blind: bool = False,
    zero_shot: bool = False,
    self_ensemble: bool = False,
    tiled: bool = False,
    trained_on: Sequence[str] = (),
    oracle: bool = False,
    baseline: bool = False,
    named: bool = False,
    enhances: bool = False,
    cite: str = "",
) -> Callable[[F], F]:
    """Register a restoration method: a function `f(noisy, info, **params)` or a class with `restore`.

    `noisy` is a float32 tensor (1, C, H, W), nominally [0, 1], or for `layout="hwc"` a numpy (H, W, C); return
    the same shape. `needs` lists what the regime must disclose (`peak|looks`: either), `requires` the import
    names of packages that may be absent. `baseline` marks a sanity row of the board; `named` methods are told
    the picture's id as `info.item`, for results that exist already. `enhances` is for a method that is meant to
    change the brightness of a picture.
    """
    if layout not in ("tensor", "hwc"):
        raise ValueError(f"layout is 'tensor' or 'hwc', not {layout!r}")
    meta = {
        "needs": tuple(needs), "requires": tuple(requires), "weights": tuple(weights), "layout": layout,
        "blind": blind, "zero_shot": zero_shot, "self_ensemble": self_ensemble, "tiled": tiled,
        "trained_on": tuple(trained_on), "oracle": oracle, "baseline": baseline, "named": named,
        "enhances": enhances, "cite": cite,
    }  # fmt: skip

    def register(obj: F) -> F:
        METHODS.add(Entry(name, obj, version, meta))
        return obj

    return register


def dataset(name: str, *, version: int = 1, **meta: Any) -> Callable[[F], F]:
    """Register a dataset: a function of keyword parameters that returns a `Dataset`."""

    def register(obj: F) -> F:
        DATASETS.add(Entry(name, obj, version, meta))
        return obj

    return register


def open_dataset(bound: Bound) -> Dataset:
    """The dataset that a bound spec names."""
    opened: Dataset = bound.entry.obj(**bound.kwargs)
    return opened


def missing_packages(bound: Bound) -> list[str]:
    """Import names that the method requires and that are not installed."""
    names = [n for e in bound.entries for n in e.meta.get("requires", ())]
    return [n for n in dict.fromkeys(names) if n not in sys.modules and importlib.util.find_spec(n) is None]


class Restorer:
    """A method ready to be called on float32 (H, W, C) pictures."""

    def __init__(self, bound: Bound) -> None:
        absent = missing_packages(bound)
        if absent:
            extra = " ".join(absent)
            raise Skip(f"needs the package {extra}: pip install {extra}")
        self.bound = bound
        self.meta = bound.entry.meta
        self._object: Any = bound.entry.obj(**bound.kwargs) if inspect.isclass(bound.entry.obj) else None
        self._device: Any = "cpu"

    def setup(self, device: str = "cpu") -> None:
        """Load weights and the like; timed apart from `restore`."""
        self._device = device
        if self._object is not None and hasattr(self._object, "setup"):
            self._object.setup(device)

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Tell a `named` method that the first `chosen` of `ids` come. Returns notes; raises what the method raises."""
        return list(self._object.expect(ids, chosen)) if hasattr(self._object, "expect") else []

    @property
    def instance(self) -> Any:
        """The instance of a class-form method, else None: where parameters of a network are looked for."""
        return self._object

    def check(self, info: Info) -> None:
        """Raise `Skip` where the regime does not disclose what the method needs."""
        lacking = [n for n in self.meta["needs"] if not any(a in info for a in n.split("|"))]
        if lacking:
            named = ", ".join(n.replace("|", " or ") for n in lacking)
            raise Skip(f"needs {named}, which the regime does not disclose")

    def prepare(self, noisy: Array) -> Any:
        """`noisy` float32 (H, W, C) → a private copy in the layout that the method takes."""
        if self.meta["layout"] == "hwc":
            return np.array(noisy, dtype=np.float32, order="C")
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(noisy.transpose(2, 0, 1), dtype=np.float32).copy())
        return tensor[None].to(self._device)

    def call(self, prepared: Any, info: Info) -> Any:
        """The bare call: what latency is measured of."""
        if self._object is not None:
            return self._object.restore(prepared, info)
        return self.bound.entry.obj(prepared, info, **self.bound.kwargs)

    def collect(self, output: Any, shape: tuple[int, ...]) -> Array:
        """The output as float32 (H, W, C). Raises `Invalid` for a wrong shape or type, NaN or Inf."""
        hwc = self.meta["layout"] == "hwc"
        if not hwc:
            if not hasattr(output, "detach"):
                raise Invalid(f"returned {type(output).__name__} where a tensor (1, C, H, W) was due")
            output = output.detach().cpu().numpy()
        elif not isinstance(output, np.ndarray):
            raise Invalid(f"returned {type(output).__name__} where a numpy array (H, W, C) was due")
        want = shape if hwc else (1, shape[2], shape[0], shape[1])
        if hwc and output.ndim == 2 and shape[2] == 1:
            output = output[:, :, None]
        if output.shape != want:
            raise Invalid(f"returned shape {tuple(output.shape)} where {tuple(want)} was due")
        if output.dtype.kind not in "fiu":
            raise Invalid(f"returned dtype {output.dtype} where float32 was due")
        picture = np.ascontiguousarray(output if hwc else output[0].transpose(1, 2, 0), dtype=np.float32)
        if not np.isfinite(picture).all():
            bad = "NaN" if np.isnan(picture).any() else "Inf"
            raise Invalid(f"returned {int((~np.isfinite(picture)).sum())} values that are not finite ({bad})")
        return picture

    def gives(self, output: Any, shape: tuple[int, ...]) -> bool:
        """Whether `output` is a picture of `shape`."""
        try:
            self.collect(output, shape)
        except Invalid:
            return False
        return True

    def restore(self, noisy: Array, info: Info, shape: tuple[int, ...] | None = None) -> Array:
        """`noisy` float32 (H, W, C) → restored float32 of `shape` (default: the same). Raises `Skip`, `Invalid`."""
        self.check(info)
        output = self.call(self.prepare(noisy), info)
        if shape and shape != noisy.shape and self.gives(output, noisy.shape):
            raise Skip("keeps the size of its input, which this regime makes smaller")
        return self.collect(output, shape or noisy.shape)
