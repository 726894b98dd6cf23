"""The info of a case: what its regime discloses, and draws that depend on the input alone."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..components.keyed_noise import keyed_generator
from ..text.short_text import short

if TYPE_CHECKING:
    import numpy as np


Step = TypeVar("Step")


class Info:
    """What the regime discloses, on the scale of the input; an unknown attribute is None.

    `shape` is that of the wanted output, (H, W) of a picture; `rng` (numpy) and `generator` (torch, CPU) are keyed by
    the input, for stochastic methods. `sample` is None except for methods registered with `oracle=True`. A method whose
    call takes long reports by `progress` how far it is.

        >>> info = nb.Info({"sigma": 0.1})
        >>> info.sigma, info.peak
        (0.1, None)
    """

    def __init__(self, values: Mapping[str, Any] | None = None, key: bytes = b"") -> None:
        self._values = dict(values or {})
        self._key = hashlib.sha256(b"method" + key).digest()
        self._tell: Callable[[int, int], None] | None = None
        self._rng: np.random.Generator | None = None
        self._generator: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._values.get(name)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __repr__(self) -> str:
        shown = [f"{name}={short(value)}" for name, value in sorted(self._values.items()) if value is not None]
        return f"Info({', '.join([*shown, 'rng=…', 'generator=…'])})"

    def disclosed(self) -> dict[str, Any]:
        """A copy of what is known, by name."""
        return dict(self._values)

    def replace(self, **values: Any) -> Info:
        """The same with some values changed (None takes one away)."""
        return Info({**self._values, **values}, self._key).heard_by(self._tell)

    def stream(self, number: int) -> Info:
        """The same knowledge with draws of its own, for a method that is called several times on one item."""
        return Info(self._values, self._key + number.to_bytes(8, "little")).heard_by(self._tell)

    def heard_by(self, tell: Callable[[int, int], None] | None) -> Info:
        """A copy, with its draws as they are, that reports `progress` to `tell`."""
        info = copy.copy(self)
        info._tell = tell
        return info

    def progress(self, done: int, of: int) -> None:
        """Report that `done` of `of` iterations of a long call are over, for the progress line of the cell."""
        if self._tell is not None:
            self._tell(done, of)

    def each(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The iterations of a long call, one after the other, each with its `progress`."""
        listed = list(steps)
        for done, step in enumerate(listed):
            self.progress(done, len(listed))
            yield step

    @property
    def rng(self) -> np.random.Generator:
        """A numpy generator that depends on the input alone."""
        if self._rng is None:
            self._rng = keyed_generator(self._key)
        return self._rng

    @property
    def generator(self) -> Any:
        """A CPU `torch.Generator` that depends on the input alone."""
        if self._generator is None:
            import torch

            self._generator = torch.Generator().manual_seed(int.from_bytes(self._key[16:23], "little"))
        return self._generator
