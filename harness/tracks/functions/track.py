"""Track `functions`: noisy samples of a function in, its values elsewhere out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import degraded, metric_value, read_only
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...track.info import Info
from ...track.outputs import ArrayFiles
from ...track.protocols import Case, Defaults, Words, add_track, checked_declarations
from ...track.runner import MethodRunner, accepted_numbers

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .target import Floats, Samples, Target

_DECLARED: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}}


class ValueFiles(ArrayFiles):
    """Values as `.npy`, float64 (M,)."""

    dtype = "<f8"

    def panel(self, item: Target, case: Case, output: Floats) -> Mapping[str, bytes] | None:
        """The fit drawn over samples and truth, None where points have more than one coordinate."""
        from .drawing import draw_fit

        return {"fit": draw_fit(item, case.given, output)} if item.at.shape[1] == 1 else None


class Fitter(MethodRunner):
    """A method `f(samples, info, **params)`, or a class with `fit(samples, info)`: values (M,) at `samples.at`."""

    verb = "fit"

    def can_use_device(self) -> bool:
        """Whether a class sets up a network: samples are numpy arrays."""
        return hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Samples) -> Samples:
        """A private copy of the samples."""
        from .target import Samples

        return Samples(given.x.copy(), given.y.copy(), given.at.copy())

    def accept(self, output: Any, case: Case) -> Floats:
        """Values float64 (M,). Raises `Invalid` for another shape or type, NaN or Inf."""
        values: Floats = accepted_numbers(output, case.wanted)
        return values

    def untouched(self, prepared: Samples, given: Samples) -> bool:
        """Whether the method left the samples as they were."""
        return all(bool((getattr(prepared, n) == getattr(given, n)).all()) for n in ("x", "y", "at"))


class Functions:
    """Items are functions sampled on points, a regime makes the samples noisy, a method gives values elsewhere."""

    name = "functions"
    version = 1
    words = Words(
        item="function",
        items="functions",
        given="noisy samples",
        output="fit",
        truth="true values",
        level="noise level",
    )
    defaults = Defaults(
        protocol="held_out",
        metrics=("rmse", "sup_norm"),
        rank_by="rmse",
        dataset="bumps",
        regime="gaussian(sigma=0.05)",
        size=(400,),
    )
    preload: tuple[str, ...] = ("numpy", "scipy.linalg")
    outputs: OutputFiles = ValueFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name unknown here."""
        return checked_declarations(kind, declared, _DECLARED)

    def identify(self, item: Target) -> str:
        """Id, and the hash of points and values, on one line."""
        sha = hashlib.sha256()
        for array in (item.x, item.y, item.at, item.truth):
            sha.update(f"{array.shape}".encode() + array.astype("<f8").tobytes())
        return f"{item.id!r} {sha.hexdigest()}"

    def pose(self, regime: Bound, item: Target, seed: int, draw: int = 0) -> Case:
        """The samples with their noise, keyed by function, regime, seed and draw."""
        import numpy as np

        from .target import Samples

        values = hashlib.sha256(b"".join(a.astype("<f8").tobytes() for a in (item.x, item.y))).hexdigest()
        key = noise_key(regime, seed, values, draw)
        rng = keyed_generator(key)
        y, disclosed = item.y, dict[str, Any]()
        for part in regime.parts:
            y, new = degraded(part, y, rng)
            # Of two noises in a row neither level is the level of both.
            disclosed |= {n: None if n in disclosed else v for n, v in new.items()}
        given = Samples(item.x, np.ascontiguousarray(y, dtype=np.float64), item.at)
        sha = hashlib.sha256(b"".join(a.astype("<f8").tobytes() for a in (given.x, given.y, given.at)))
        return Case(given, Info({**disclosed, "shape": item.truth.shape}, key), sha.hexdigest(), item.truth.shape)

    def open(self, method: Bound) -> Fitter:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        return Fitter(method)

    def score(
        self, output: Floats, item: Target, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric: of errors as the protocol leaves them."""
        fit, truth = protocol.entry.obj(output, item.truth, item.y, **protocol.kwargs)
        fit, truth = read_only(fit), read_only(truth)
        return {metric.display: metric_value(metric, fit, truth, item) for metric in metrics}

    def probe(self, size: tuple[int, ...]) -> Target:
        """A sine sampled at `size` (N,) points, for costs."""
        import numpy as np

        from .target import as_target

        (n,) = size
        x, at = np.linspace(0, 1, n), np.linspace(0, 1, max(1, n // 2))
        return as_target("cost", x, np.sin(9 * x), at, np.sin(9 * at))

    # Below: what a track may have. See the protocols of `track.py` and of `report/sections.py`.

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """The fits of one function side by side: see `tracks/functions/report.py`."""
        from .report import fit_panels

        return fit_panels(boards, most, notes, sheet)


TRACK = add_track(Functions())
