from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.datasets.classify._arrays import arch_lines, kept_by_key, labelled_arrays

_DIET = "M. Paul et al., Deep learning on a data diet: finding important examples early in training, NeurIPS 2021"
_VERSION = "1"

Score = Literal["el2n", "grand"]


class Pruned:
    """The chosen pictures of another set, in its order; behind them those at `validated`, which are kept apart."""

    def __init__(self, of: nb.Dataset, places: Sequence[int], validated: Sequence[int]) -> None:
        self._of, self._places = of, [*places, *validated]
        self.ids: Sequence[str] = [of.ids[place] for place in self._places]
        self.kept_apart: Sequence[int] = range(len(places), len(self._places))

    def load(self, index: int) -> Any:
        """Picture `index`, as the other set has it."""
        return self._of.load(self._places[index])


def chosen(scores: np.ndarray[Any, Any], keep: float, offset: float) -> list[int]:
    """Places of the share `keep` with the highest scores, behind the share `offset` that is left out; in order."""
    order = np.argsort(-scores, kind="stable")
    first = round(offset * len(order))
    return sorted(int(place) for place in order[first : first + max(1, round(keep * len(order)))])


def _scored(
    of: nb.Bound, trained: Sequence[int], score: Score, arch: nb.Bound, nets: int, epochs: int, seed: int
) -> np.ndarray[Any, Any]:
    """A score of each picture at `trained`, larger is harder; read where it was computed before."""
    data = labelled_arrays(of)
    pictures, labels, lines = data.pictures[trained], data.labels[trained], [data.lines[place] for place in trained]

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        import torch
        from noisebench.recipes.parts._example_scores import mean_scores

        scores = mean_scores(
            lambda: arch.entry.obj(tuple(pictures.shape[1:]), (len(data.classes),), **arch.kwargs),
            torch.from_numpy(pictures),
            torch.from_numpy(labels),
            score,
            nets=nets,
            epochs=epochs,
            seed=seed,
            say=say,
        )
        return {"scores": scores.numpy()}

    settings = f"pruned {_VERSION} {score} nets={nets} epochs={epochs} seed={seed}"
    scores: np.ndarray[Any, Any] = nb.made_once("pruned", [settings, *arch_lines(arch), *lines], make)["scores"]
    return scores


@nb.dataset("pruned", track="classify", licence="that of the other set", citation=_DIET)
def pruned(
    *,
    of: nb.DatasetSpec,
    score: Literal["el2n", "grand", "random"] = "el2n",
    keep: Annotated[float, Gt(0), Le(1)] = 0.5,
    offset: Annotated[float, Ge(0), Lt(1)] = 0.0,
    arch: Annotated[Any, nb.Nested("arch")] = "mlp",
    nets: Annotated[int, Ge(1), Le(1000)] = 10,
    epochs: Annotated[int, Ge(0), Le(1000)] = 4,
    validated: Annotated[int, Ge(1)] = 200,
    seed: Annotated[int, Ge(0)] | None = None,
) -> Pruned:
    """A share of another set, by how hard its pictures are to small networks early in their training.

    of: the other set. keep: the share that stays, the hardest behind the share `offset` that is left out: offset=0.5
    of keep=0.5 are the easiest. score: `el2n`, the distance of the probabilities from the label, or `grand`, the norm
    of the gradient of the loss, both a mean over `nets` networks `arch`, each trained for `epochs`, which takes a
    while and is done once; `random` is none. With wrong labels leave out the very hardest. validated: pictures of the
    other set that are kept apart before any is scored, chosen by key, so that a training on any share is validated on
    the same ones. seed: of the networks, and of `random`; none is that of the training.
    """
    if keep + offset > 1 + 1e-9:
        raise nb.UsageError(f"dataset pruned: keep={keep} and offset={offset} add up to more than 1: give less")
    other, seed = nb.open_dataset(of), seed or 0
    kept = kept_by_key(other.ids, validated)
    trained = sorted({*range(len(other.ids))} - {*kept})
    if not trained:
        raise nb.UsageError(
            f"dataset pruned: {of.display} has {len(other.ids)} pictures, and validated={validated} are kept apart: "
            "nothing is left to train on"
        )
    if score == "random":
        scores = nb.keyed_generator(nb.text_key(f"pruned|random|{seed}")).random(len(trained))
    else:
        scores = _scored(of, trained, score, arch, nets, epochs, seed)
    return Pruned(other, [trained[place] for place in chosen(scores, keep, offset)], kept)
