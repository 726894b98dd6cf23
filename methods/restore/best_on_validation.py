from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped

_SEED = 2**31
"""Seeds of tests are small: this one draws other noise."""


@nb.method("best_on_validation", layout="hwc")
class BestOnValidation:
    """The one of several methods that has the best mean PSNR on validation pictures: the tuning of what trains nothing.

    methods: such as `(gaussian_filter(width=0.7), gaussian_filter(width=1))`; of equal ones the first. data, regime:
    the validation pictures, the first `count` of them, and the noise that they get, which is other noise than that of
    any test; those of `regime=real` must be other pictures than those that are tested. A method that skips one of them
    is not chosen. The choice is made once, said on standard error and kept in the cache. For methods that are trained
    there is `tuned`.
    """

    def __init__(
        self,
        *,
        methods: Annotated[Any, nb.Nested("method", many=True)],
        data: nb.DatasetSpec,
        regime: Annotated[Any, nb.Nested("regime")],
        count: Annotated[int, Ge(1), Le(10_000)] = 16,
    ) -> None:
        _refuse(methods)
        self.methods, self.data, self.regime, self.count = methods, data, regime, count

    @staticmethod
    def flags(*, methods: Any, **_: Any) -> dict[str, Any]:
        """Blind where all are. Raises `UsageError` for methods of which none can be chosen."""
        _refuse(methods)
        return {"blind": all(one.entry.meta["blind"] for one in methods)}

    @staticmethod
    def weight_files(**_: Any) -> dict[str, str]:
        """Nothing of its own."""
        return {}

    def setup(self, device: Any) -> None:
        """Choose, or read the choice from the cache, and set up what was chosen. Raises `Skip` where all skip."""
        dataset = nb.open_dataset(self.data)
        pictures = [dataset.load(index) for index in range(min(self.count, len(dataset.ids)))]
        cases = [nb.get_track("restore").pose(self.regime, picture, _SEED) for picture in pictures]
        self.inputs = {nb.pixel_sha256(case.given) for case in cases}
        scores = nb.made_once(
            "best_on_validation", self._made_of(pictures), lambda say: self._scores(pictures, cases, device, say)
        )["psnr"]
        if not np.isfinite(scores).any():
            raise nb.Skip("each of the methods skips a validation picture, or is missing a package or weights")
        self.inner = wrapped("best_on_validation", self.methods[int(np.nanargmax(scores))])
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted. Raises `Skip` for a picture of the validation."""
        if nb.pixel_sha256(noisy) in self.inputs:
            raise nb.Skip("this is one of the pictures by which it was chosen: give other data")
        return apply(self.inner, noisy, info)

    def _made_of(self, pictures: Any) -> Iterator[str]:
        """All that the choice depends on."""
        sources = nb.module_sources(Path(__file__).resolve(), __name__)
        for bound in (*self.methods, self.data, self.regime):
            yield f"{bound.canonical} {bound.versions!r}"
            sources = sources | nb.method_sources(bound)
        yield from (f"{name} {sha256}" for name, sha256 in sorted(sources.items()))
        yield from (nb.get_track("restore").identify(picture) for picture in pictures)

    def _scores(self, pictures: Any, cases: Any, device: Any, say: Any) -> dict[str, Any]:
        """The mean PSNR of each method; NaN for one that skips."""
        import sys

        scores = []
        for place, method in enumerate(self.methods):
            say(place, len(self.methods))
            try:
                scores.append(_score(method, pictures, cases, device))
            except nb.Skip:
                scores.append(math.nan)
            print(f"best_on_validation: {method.display}: {scores[-1]:.3f} dB", file=sys.stderr, flush=True)
        return {"psnr": np.array(scores)}


def _refuse(methods: Any) -> None:
    """Raise `UsageError` for no method, and for those that cannot be wrapped or are trained by a run."""
    if not methods:
        raise nb.UsageError("best_on_validation: methods is empty: give two or more, in brackets")
    for method in methods:
        refuse_unwrappable("best_on_validation", method)
        if any(getattr(entry.obj, kind, False) for entry in method.entries for kind in ("trained", "tuned")):
            raise nb.UsageError(f"best_on_validation takes methods that no run trains, not {method.display}: use tuned")


def _score(method: Any, pictures: Any, cases: Any, device: Any) -> float:
    """Mean PSNR in dB of float pictures, cut to [0, 1]. Raises `Skip`."""
    inner = nb.Restorer(method)
    inner.setup(device)
    scores = [
        nb.psnr(np.clip(apply(inner, case.given, case.info), 0, 1), picture.clean, "float")
        for picture, case in zip(pictures, cases, strict=True)
    ]
    return float(np.mean(np.minimum(scores, 100)))
