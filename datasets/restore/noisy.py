from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge


class Noisy:
    """Another dataset's pictures, each with the noisy version that its regime, the seed and its pixels give."""

    def __init__(self, of: nb.Dataset, regimes: Sequence[str], seed: int, target: str) -> None:
        self._of, self._regimes, self._seed, self._target = of, regimes, seed, target
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index` with its noisy version. Raises `UsageError` where the regime changes its size."""
        sample = self._of.load(index)
        regime = self._of_picture(sample.id)
        noisy, _ = nb.degrade(regime, sample.clean, self._seed)
        if noisy.shape[:2] != sample.clean.shape[:2]:
            raise nb.UsageError(f"dataset noisy: regime {regime} changes the size of {sample.id!r}: give another")
        wanted = sample.clean if self._target == "clean" else nb.degrade(regime, sample.clean, self._seed, 1)[0]
        return nb.Sample(sample.id, wanted, noisy, group=sample.group)

    def _of_picture(self, name: str) -> str:
        """Its regime, by its id: the same in any part of the set."""
        return self._regimes[int.from_bytes(nb.text_key(name)[:8], "little") % len(self._regimes)]


@nb.dataset("noisy", licence="that of the other set")
def noisy(
    *,
    of: nb.DatasetSpec,
    regime: Annotated[Any, nb.Nested("regime", many=True)],
    seed: Annotated[int, Ge(0)] = 0,
    target: Literal["clean", "noisy"] = "clean",
) -> Noisy:
    """Pictures of another set that were seen once, through noise: a regime draws on each as a whole, and not again.

    `regime=real` gives a method these very pictures. So a training has as many draws as a camera that took each picture
    once, where `regime=gaussian(sigma=25)` on the clean set draws anew at each step, which no camera can. Of several
    regimes each picture has one, by its id: so one network learns of several kinds of noise.
    target: what stands as truth; `noisy` is a second draw of the same picture, as Noise2Noise is trained on
    (J. Lehtinen et al., Noise2Noise, ICML 2018), and validation then is against that draw. seed: other draws.
    """
    if not regime:
        raise nb.UsageError("dataset noisy: regime is empty: give one, or several in brackets")
    return Noisy(nb.open_dataset(of), [one.canonical for one in regime], seed, target)
