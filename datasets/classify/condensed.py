"""A few pictures a class that stand for another set: learned by matching gradients, or chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.classify._arrays import LabelledArrays, arch_lines, labelled_arrays
from noisebench.tracks.classify import LabelledPicture

_DCC = "S. Lee et al., Dataset condensation with contrastive signals, ICML 2022"
_VERSION = "1"

Method = Literal["dc", "dcc", "dsa", "dsac", "random", "k_centre"]


class Condensed:
    """So many pictures of each class."""

    def __init__(self, pictures: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], classes: Sequence[str]) -> None:
        self._pictures, self._labels, self._classes = pictures, labels, classes
        self.ids: Sequence[str] = [f"condensed_{i:04d}" for i in range(len(labels))]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (H, W, C)."""
        picture = np.ascontiguousarray(self._pictures[index].transpose(1, 2, 0))
        return LabelledPicture(self.ids[index], picture, int(self._labels[index]), self._classes)


def _places(held: LabelledArrays, method: str, ipc: int, seed: int, name: str) -> np.ndarray[Any, Any]:
    """Places of the real pictures that are chosen, or begun with, class by class."""
    found = []
    for label in np.unique(held.labels):
        at = np.flatnonzero(held.labels == label)
        if len(at) < ipc:
            raise nb.UsageError(f"dataset {name} has {len(at)} pictures of {held.classes[label]}: give ipc={len(at)}")
        if method == "k_centre":
            import torch
            from noisebench.datasets.classify._condensing import k_centres

            found.append(at[k_centres(torch.from_numpy(held.pictures[at]), ipc)])
        else:
            rng = nb.keyed_generator(nb.text_key(f"condensed|{seed}|{label}"))
            found.append(at[rng.permutation(len(at))[:ipc]])
    return np.concatenate(found)


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
    seed: Annotated[int, Ge(0)] = 0,
) -> Condensed:
    """A few pictures a class that stand for another set: learned by matching gradients, or chosen.

    of: the other set. ipc: pictures a class. method: `dc` matches the gradients of each class (Zhao et al., ICLR 2021),
    `dcc` their mean over classes (Lee et al.), but for the share `warmup` of networks; `dsa` and `dsac` are these with
    real and learned pictures shifted, turned, scaled and brightened alike; `random` and `k_centre` choose real ones.
    Learned ones begin as `random` chooses and are made once, which takes a while: by `outer` new networks `arch`, each
    for `inner` steps at `rate` and trained for `epochs` on what is learned after each.
    """
    held = labelled_arrays(of)
    places = _places(held, method, ipc, seed, of.display)
    pictures, labels = held.pictures[places], held.labels[places]
    if method in ("random", "k_centre"):
        return Condensed(pictures, labels, held.classes)

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        import torch
        from noisebench.datasets.classify._condensing import Course, condense

        shape, classes = tuple(held.pictures.shape[1:]), (len(held.classes),)
        made = condense(
            torch.from_numpy(held.pictures),
            torch.from_numpy(held.labels),
            torch.from_numpy(pictures),
            torch.from_numpy(labels),
            lambda: arch.entry.obj(shape, classes, **arch.kwargs),
            Course(outer, inner, rate, epochs, method in ("dcc", "dsac"), method in ("dsa", "dsac"), warmup),
            seed=seed,
            say=say,
        )
        return {"pictures": made.numpy()}

    how = f"condensed {_VERSION} {method} {ipc=} {outer=} {inner=} {rate=} {epochs=} {warmup=} {seed=}"
    made = nb.made_once("condensed", [how, *arch_lines(arch), *held.lines], make)
    return Condensed(made["pictures"], labels, held.classes)
