"""Track `matrix`: noisy measurements of a low-rank matrix in, the matrix out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...components.calls import degraded, metric_value, read_only
from ...components.keyed_noise import keyed_generator, noise_key, text_key
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...text.errors import NotDefined
from ...track.info import Info
from ...track.outputs import ArrayFiles
from ...track.protocols import Case, Defaults, Words, add_track, checked_declarations
from ...track.runner import MethodRunner, accepted_numbers

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .items import Measured, Measurements
    from .operators import Floats

_DECLARED: Mapping[str, Mapping[str, Any]] = {"regime": {"title": "", "gross": False}}
"""`gross`: what the regime changes counts as corrupted, and is looked for among the residuals."""


class MatrixFiles(ArrayFiles):
    """Matrices as `.npy`, float64 (p, q)."""

    dtype = "<f8"

    def panel(self, item: Measured, case: Case, output: Floats) -> Mapping[str, bytes] | None:
        """The true matrix beside what was measured, and the recovered one beside its error."""
        from .drawing import draw_recovery

        return draw_recovery(item, case.given, output)


class Recoverer(MethodRunner):
    """A method `f(given, info, **params)`, or a class with `recover(given, info)`: a matrix of `given.shape`."""

    verb = "recover"

    def can_use_device(self) -> bool:
        """Whether a class sets up a network: measurements are numpy arrays."""
        return hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Measurements) -> Measurements:
        """The measurements, of which the method may change its own copy."""
        from .items import Measurements

        return Measurements(given.operator, given.y.copy(), given.psd)

    def accept(self, output: Any, case: Case) -> Floats:
        """The matrix, float64 (p, q). Raises `Invalid` for another shape or type, NaN or Inf."""
        values: Floats = accepted_numbers(output, case.wanted)
        return values

    def untouched(self, prepared: Measurements, given: Measurements) -> bool:
        """Whether the method left the measurements as they were."""
        return bool((prepared.y == given.y).all())


@dataclass(frozen=True)
class PosedMatrix(Case):
    """A case that knows which measurements gross noise has hit, (m,): the scorer's alone, so that it is not pickled."""

    corrupted: Any = None

    def __reduce__(self) -> tuple[type[Case], tuple[Any, ...]]:
        return Case, (self.given, self.info, self.input_sha256, self.wanted, self.note)


class MatrixTrack:
    """Items are matrices of low rank that are measured, a regime makes the measurements noisy, a method recovers."""

    name = "matrix"
    version = 1
    words = Words(
        item="matrix",
        items="matrices",
        given="noisy measurements",
        output="recovered matrix",
        truth="true matrix",
        level="noise level",
    )
    defaults = Defaults(
        protocol="whole",
        metrics=("relative_error", "numerical_rank", "outlier_recall"),
        rank_by="relative_error",
        dataset="gaussian_psd",
        regime="outliers(share=0.2, scale=10)",
        size=(20, 20),
    )
    preload: tuple[str, ...] = ("numpy", "scipy.linalg")
    outputs: OutputFiles = MatrixFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name unknown here."""
        return checked_declarations(kind, declared, _DECLARED)

    def identify(self, item: Measured) -> str:
        """Id, and the hash of the matrix and of all that is measured and told of it, on one line."""
        told = f"{item.psd} {item.rank} {item.peak} {_values_sha256(item)}"
        return f"{item.id!r} {hashlib.sha256(told.encode()).hexdigest()}"

    def pose(self, regime: Bound, item: Measured, seed: int, draw: int = 0) -> Case:
        """The measurements with their noise, keyed by what is measured, regime, seed and draw.

        A measurement that a regime makes NaN is not given.
        """
        import numpy as np

        from .items import Measurements
        from .operators import part_of

        key = noise_key(regime, seed, _values_sha256(item), draw)
        rng = keyed_generator(key)
        y, told = item.y, dict[str, Any]()
        corrupted = np.zeros(len(y), bool) if item.disturbance is None else item.disturbance != 0
        for part in regime.parts:
            noisy, new = degraded(part, y, rng, drops=True)
            if part.entry.meta["gross"]:
                corrupted = corrupted | (noisy != y)
            # Of two noises in a row neither level is the level of both.
            told |= {n: None if n in told else v for n, v in new.items()}
            y = noisy
        told |= {"shape": item.truth.shape, "rank": item.rank}
        operator, left = item.operator, np.flatnonzero(~np.isnan(y))
        if len(left) < len(y):
            operator, y, corrupted = part_of(operator, left), y[left], corrupted[left]
        given = Measurements(operator, np.ascontiguousarray(y, dtype=np.float64), item.psd)
        sha = hashlib.sha256(f"{operator.identity} {item.psd} ".encode() + given.y.astype("<f8").tobytes())
        return PosedMatrix(given, Info(told, key), sha.hexdigest(), item.truth.shape, corrupted=corrupted)

    def open(self, method: Bound) -> Recoverer:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        return Recoverer(method)

    def score(
        self, output: Floats, item: Measured, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric: of the entries that the protocol counts, of those that are known."""
        import numpy as np

        from .scored import Recovery

        assert isinstance(case, PosedMatrix)
        counted = protocol.entry.obj(item, case.given.operator, **protocol.kwargs) & np.isfinite(item.truth)
        recovery = Recovery(read_only(output), item, read_only(counted), case.given, read_only(case.corrupted))
        scores: dict[str, float] = {}
        for metric in metrics:
            scores[metric.display] = metric_value(metric, recovery) if counted.any() else NotDefined(_NOTHING)
        return scores

    def probe(self, size: tuple[int, ...]) -> Measured:
        """A positive semidefinite matrix of rank 2 and of `size` (d, d), or another of (p, q), for costs.

        Measured by 15 numbers a row and column of a factor, by Gaussian matrices; its rank is told.
        """
        import numpy as np

        from .items import as_measured
        from .operators import Sensing

        height, width = size
        psd = height == width
        left, right = (np.cos(np.outer(np.arange(n) + 1.0, (1.0, 2.0))) for n in (height, width))
        count = 15 * (height if psd else height + width)
        operator = Sensing(text_key("cost"), count, (height, width), psd)
        return as_measured("cost", left @ (left if psd else right).T, operator, psd=psd, rank=2)

    # Below: what a track may have. See the protocols of `report/sections.py`.

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """What each method recovered of one matrix, and its errors: see `tracks/matrix/report.py`."""
        from ...report.plots.side_by_side import tile_panels
        from .report import RECOVERED

        return tile_panels(boards, most, notes, sheet, RECOVERED)


def _values_sha256(item: Measured) -> str:
    """The hash of the true values, and of what is measured of them."""
    sha = hashlib.sha256(item.operator.identity.encode())
    for array in (item.truth, item.disturbance):
        if array is not None:
            sha.update(f"{array.shape}".encode() + array.astype("<f8").tobytes())
    return sha.hexdigest()


_NOTHING = "no entry counts: all known ones are measured"
TRACK = add_track(MatrixTrack())
