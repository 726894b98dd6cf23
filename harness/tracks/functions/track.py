"""Track `functions`: noisy samples of a function in, its values elsewhere out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...components.calls import degraded_in_turn, read_only
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.info import Info
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ...track.words import Words

if TYPE_CHECKING:
    from .target import Floats, Target


class ValueFiles(ArrayFiles):
    """Values as `.npy`, float64 (M,); shown is the fit over samples and truth."""

    dtype = "<f8"
    panel = LazyPart("drawing.draw_fit")


class Functions(DefaultTrack):
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
    preload = ("numpy", "scipy.linalg", "noisebench.tracks.functions.fitter")
    outputs = ValueFiles()
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}}

    copied = LazyPart("near_copies.why_copied")
    open = LazyPart("fitter.Fitter")
    panels = LazyPart("report.fit_panels")

    def identify(self, item: Target) -> str:
        """Id, and the hash of points and values, on one line."""
        sha = hashlib.sha256()
        for array in (item.x, item.y, item.at, item.truth):
            sha.update(f"{array.shape}".encode() + array.astype("<f8").tobytes())
        return f"{item.id!r} {sha.hexdigest()}"

    def pose(self, regime: Bound, item: Target, seed: int, draw: int = 0) -> Case:
        """The samples with their noise, keyed by function, regime, seed and draw."""
        import numpy as np

        from .target import SampledPoints

        values = hashlib.sha256(b"".join(a.astype("<f8").tobytes() for a in (item.x, item.y))).hexdigest()
        key = noise_key(regime, seed, values, draw)
        y, disclosed = degraded_in_turn(regime, item.y, keyed_generator(key))
        given = SampledPoints(item.x, np.ascontiguousarray(y, dtype=np.float64), item.at)
        sha = hashlib.sha256(b"".join(a.astype("<f8").tobytes() for a in (given.x, given.y, given.at)))
        return Case(given, Info({**disclosed, "shape": item.truth.shape}, key), sha.hexdigest(), item.truth.shape)

    def metric_arguments(self, output: Floats, item: Target, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """The fit and the true values as the protocol leaves them."""
        fit, truth = protocol.entry.obj(output, item.truth, item.y, **protocol.kwargs)
        return read_only(fit), read_only(truth), item

    def probe(self, size: tuple[int, ...]) -> Target:
        """A sine sampled at `size` (N,) points, for costs."""
        import numpy as np

        from .target import as_target

        (n,) = size
        x, at = np.linspace(0, 1, n), np.linspace(0, 1, max(1, n // 2))
        return as_target("cost", x, np.sin(9 * x), at, np.sin(9 * at))


TRACK = add_track(Functions())
