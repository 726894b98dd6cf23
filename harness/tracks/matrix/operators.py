"""How a matrix is measured: some of its entries, or its inner products with Gaussian matrices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...components.keyed_noise import keyed_generator
from ...text.errors import UsageError
from ...text.wording import counted

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
MOST_NUMBERS = 25_000_000
"""Of all measurement matrices together: 200 MB in float64."""


def on_grid(values: Floats) -> Floats:
    """Values to the nearest 1/1024: sums of their products are exact, so that no library rounds them in its own way."""
    return np.asarray(np.rint(values * 1024) / 1024)


class Operator(Protocol):
    """A linear map from matrices of `shape` (p, q) to `count` numbers; it is pickled, so it is small.

    `gain` is what a measurement of a matrix of Frobenius norm 1 is, root mean square. `identity` is a text that no
    other operator has.
    """

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def count(self) -> int: ...
    @property
    def gain(self) -> float: ...
    @property
    def identity(self) -> str: ...
    def measure(self, matrix: Floats) -> Floats:
        """The measurements (m,) of a matrix (p, q)."""

    def adjoint(self, values: Floats) -> Floats:
        """The sum of the measurement matrices, each times its value: (m,) → (p, q)."""


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries at (`rows[i]`, `columns[i]`), int64 (m,), none of them twice."""

    rows: Places
    columns: Places
    shape: tuple[int, int]

    @property
    def count(self) -> int:
        """How many entries."""
        return len(self.rows)

    @property
    def gain(self) -> float:
        """Root mean square of an entry of a matrix of Frobenius norm 1."""
        return float(1 / np.sqrt(self.shape[0] * self.shape[1]))

    @property
    def identity(self) -> str:
        """A hash of the places."""
        sha = hashlib.sha256(self.rows.astype("<i8").tobytes() + self.columns.astype("<i8").tobytes())
        return f"entries {self.shape} {sha.hexdigest()}"

    @property
    def complete(self) -> bool:
        """Whether every entry is measured."""
        return self.count == self.shape[0] * self.shape[1]

    def measure(self, matrix: Floats) -> Floats:
        """The entries (m,) of a matrix (p, q)."""
        return np.asarray(matrix[self.rows, self.columns], dtype=np.float64)

    def adjoint(self, values: Floats) -> Floats:
        """A matrix (p, q) with the values in their places and 0 elsewhere."""
        matrix = np.zeros(self.shape)
        matrix[self.rows, self.columns] = values
        return matrix

    def __repr__(self) -> str:
        return f"Entries({self.count:,} of {self.shape[0]} x {self.shape[1]})"


@dataclass(frozen=True, eq=False)
class Sensing:
    """`count` inner products <A_i, X>, the A_i of independent N(0, 1) entries drawn by key, to the nearest 1/1024.

    `symmetric`: A_i is (G + Gᵀ) / 2 of such a matrix G, which measures a symmetric X as G does. Only the key travels;
    where matrices are needed they are drawn, and kept as long as the object. Raises `UsageError` above 25 million
    numbers (200 MB).
    """

    key: bytes
    count: int
    shape: tuple[int, int]
    symmetric: bool = False
    gain: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        numbers = self.count * self.shape[0] * self.shape[1]
        if numbers > MOST_NUMBERS:
            raise UsageError(
                f"{counted(self.count, 'dense measurement')} of {self.shape[0]} x {self.shape[1]} matrices are "
                f"{numbers:,} numbers: {MOST_NUMBERS:,} is the most; measure fewer, or entries"
            )
        if self.symmetric and self.shape[0] != self.shape[1]:
            raise UsageError(f"symmetric measurements are of square matrices, not {self.shape[0]} x {self.shape[1]}")

    @property
    def identity(self) -> str:
        """Key, number, shape and kind."""
        return f"sensing {self.key.hex()} {self.count} {self.shape} {self.symmetric}"

    @cached_property
    def matrices(self) -> Floats:
        """The A_i, (m, p, q)."""
        drawn = on_grid(keyed_generator(self.key).standard_normal((self.count, *self.shape)))
        return (drawn + drawn.transpose(0, 2, 1)) / 2 if self.symmetric else drawn

    def measure(self, matrix: Floats) -> Floats:
        """The inner products (m,) with a matrix (p, q)."""
        return np.asarray(self.matrices.reshape(self.count, -1) @ np.asarray(matrix, np.float64).ravel())

    def adjoint(self, values: Floats) -> Floats:
        """Σ values[i] · A_i, (p, q)."""
        return np.asarray(values @ self.matrices.reshape(self.count, -1)).reshape(self.shape)

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __repr__(self) -> str:
        kind = "symmetric Gaussian" if self.symmetric else "Gaussian"
        return f"Sensing({self.count:,} {kind} of {self.shape[0]} x {self.shape[1]})"


@dataclass(frozen=True, eq=False)
class MeasurementSubset:
    """Some of the measurements of an operator, by their `places` int64 (n,)."""

    of: Operator
    places: Places

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        return self.of.shape

    @property
    def count(self) -> int:
        """How many measurements."""
        return len(self.places)

    @property
    def gain(self) -> float:
        """That of all."""
        return self.of.gain

    @property
    def identity(self) -> str:
        """That of all, and a hash of the places."""
        return f"part of {self.of.identity} {hashlib.sha256(self.places.astype('<i8').tobytes()).hexdigest()}"

    def measure(self, matrix: Floats) -> Floats:
        """These measurements (n,) of a matrix (p, q)."""
        return self.of.measure(matrix)[self.places]

    def adjoint(self, values: Floats) -> Floats:
        """The sum of these measurement matrices, each times its value: (n,) → (p, q)."""
        whole = np.zeros(self.of.count)
        whole[self.places] = values
        return self.of.adjoint(whole)


def part_of(operator: Operator, places: Places) -> Operator:
    """The operator of the measurements at `places` (n,) alone."""
    if isinstance(operator, Entries):
        return Entries(operator.rows[places], operator.columns[places], operator.shape)
    return MeasurementSubset(operator, places)
