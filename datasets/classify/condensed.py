from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.classify._arrays import LabelledArrays, arch_lines, kept_by_key, labelled_arrays
from noisebench.tracks.classify import LabelledPicture

_DCC = "S. Lee et al., Dataset condensation with contrastive signals, ICML 2022"
_VERSION = "1"

Method = Literal["dc", "dcc", "dsa", "dsac", "random", "k_centre"]


class Condensed:
    """So many pictures of each class; behind them pictures of the other set, at `validated`, that are kept apart."""

    def __init__(
        self, pictures: np.ndarray[Any, Any], data: LabelledArrays, places: np.ndarray[Any, Any], of: nb.Dataset,
        validated: Sequence[int],
    ) -> None:  # fmt: skip
        self._pictures, self._labels, self._classes = pictures, data.labels[places], data.classes
        self._of, self._validated = of, validated
        learned = [f"condensed_{i:04d}" for i in range(len(pictures))]
        self.ids: Sequence[str] = [*learned, *(of.ids[place] for place in validated)]
        self.kept_apart: Sequence[int] = range(len(learned), len(self.ids))

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (H, W, C)."""
        if index in self.kept_apart:
            kept: LabelledPicture = self._of.load(self._validated[index - len(self._pictures)])
            return kept
        picture = np.ascontiguousarray(self._pictures[index].transpose(1, 2, 0))
        return LabelledPicture(self.ids[index], picture, int(self._labels[index]), self._classes)


def _places(
    data: LabelledArrays, trained: np.ndarray[Any, Any], method: str, ipc: int, seed: int, name: str
) -> np.ndarray[Any, Any]:
    """Places of the real pictures that are chosen, or begun with, class by class."""
    places = []
    for label in np.unique(data.labels):
        at = trained[data.labels[trained] == label]
        if len(at) < ipc:
            raise nb.UsageError(
                f"dataset condensed: class {data.classes[label]!r} of {name} has {len(at)} pictures to train on, and "
                f"ipc={ipc} is more: give a smaller ipc or validated"
            )
        if method == "k_centre":
            import torch
            from noisebench.datasets.classify._condensing import k_centres

            places.append(at[k_centres(torch.from_numpy(data.pictures[at]), ipc)])
        else:
            rng = nb.keyed_generator(nb.text_key(f"condensed|{seed}|{label}"))
            places.append(at[rng.permutation(len(at))[:ipc]])
    return np.concatenate(places)


@nb.dataset("condensed", track="classify", licence="that of the other set", citation=_DCC)
def condensed(
    *,
    of: nb.DatasetSpec,
    method: Method = "dcc",
    ipc: Annotated[int, Ge(1), Le(10_000)] = 1,
    arch: Annotated[Any, nb.Nested("arch")] = "mlp",
    outer: Annotated[int, Ge(1), Le(100_000)] = 100,
    inner: Annotated[int, Ge(1), Le(1000)] = 4,
    rate: Annotated[float, Gt(0)] = 0.1,
    epochs: Annotated[int, Ge(0), Le(1000)] = 5,
    warmup: Annotated[float, Ge(0), Le(1)] = 0.0,
    validated: Annotated[int, Ge(1)] = 200,
    seed: Annotated[int, Ge(0)] | None = None,
) -> Condensed:
    """A few pictures a class that stand for another set: learned by matching gradients, or chosen.

    of: the other set. ipc: pictures a class. method: `dc` matches the gradients of each class (Zhao et al., ICLR 2021),
    `dcc` their mean over classes (Lee et al.), but for the share `warmup` of networks; `dsa` and `dsac` are these with
    real and learned pictures shifted, turned, scaled and brightened alike; `random` and `k_centre` choose real ones.
    Learned ones begin as `random` chooses and are made once, which takes a while: by `outer` new networks `arch`, each
    for `inner` steps at `rate` and trained for `epochs` on what is learned after each. validated: pictures of the other
    set that are kept apart, chosen by key; a training is validated on them. seed: none is that of the training.
    """
    other, data, seed = nb.open_dataset(of), labelled_arrays(of), seed or 0
    kept = kept_by_key(other.ids, validated)
    trained = np.setdiff1d(np.arange(len(other.ids)), kept)
    places = _places(data, trained, method, ipc, seed, of.display)
    pictures, labels = data.pictures[places], data.labels[places]
    if method in ("random", "k_centre"):
        return Condensed(pictures, data, places, other, kept)

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        import torch
        from noisebench.datasets.classify._condensing import Condensation, condense

        shape, classes = tuple(data.pictures.shape[1:]), (len(data.classes),)
        learned = condense(
            torch.from_numpy(data.pictures[trained]),
            torch.from_numpy(data.labels[trained]),
            torch.from_numpy(pictures),
            torch.from_numpy(labels),
            lambda: arch.entry.obj(shape, classes, **arch.kwargs),
            Condensation(outer, inner, rate, epochs, method in ("dcc", "dsac"), method in ("dsa", "dsac"), warmup),
            seed=seed,
            say=say,
        )
        return {"pictures": learned.numpy()}

    text = f"condensed {_VERSION} {method} {ipc=} {outer=} {inner=} {rate=} {epochs=} {warmup=} {seed=} {validated=}"
    saved_arrays = nb.made_once("condensed", [text, *arch_lines(arch), *data.lines], make)
    return Condensed(saved_arrays["pictures"], data, places, other, kept)
