from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import arch_lines, labelled_arrays
from noisebench.tracks.classify import LabelledPicture


class GeneratorProjected:
    """Another set's pictures, with the labels that they have there."""

    def __init__(self, of: nb.Dataset, planes: np.ndarray[Any, Any], nearest: np.ndarray[Any, Any]) -> None:
        self._of, self._planes, self._nearest = of, planes, nearest
        self.ids: Sequence[str] = [f"{name}_projected" for name in of.ids]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32, of its shape."""
        from noisebench.datasets.classify._generator import on_grid

        item: LabelledPicture = self._of.load(index)
        nearest = self._nearest[index].astype(np.float64)
        rng = nb.keyed_generator(nb.text_key(f"projected|{self.ids[index]}"))
        noise = float((self._planes[index] - nearest).std()) * rng.standard_normal(nearest.shape)
        picture = on_grid(nearest + noise).reshape(np.asarray(item.picture).shape)
        return replace(item, id=self.ids[index], picture=picture)


@nb.dataset("generator_projected", track="classify", licence="that of the other set")
def generator_projected(
    *,
    of: nb.DatasetSpec,
    onto: nb.DatasetSpec,
    arch: Annotated[Any, nb.Nested("arch")] = "generator(latent=16, width=8)",
    steps: Annotated[int, Ge(1), Le(1_000_000)] = 800,
    search: Annotated[int, Ge(1), Le(100_000)] = 100,
    prior: Annotated[float, Ge(0), Le(1e6)] = 1.0,
    seed: Annotated[int, Ge(0)] | None = None,
) -> GeneratorProjected:
    """Another set whose pictures an adversarial generator makes as it can: the nearest it finds stands for each.

    of: the other set; its labels stay. onto: the square pictures that the generator `arch` is trained on for `steps`
    steps, once. search, prior: steps of the search for a latent, and the weight of the latents' own law in it, as
    `generator_projection` has them. seed: of the training; none is that of the training that the set is for. White
    noise as strong as what the projection took away is drawn anew, as `projected` does, which is the same of a linear
    generator. Of rings alone it makes a ring of everything: test what is no ring too. Give training pictures alone.
    """
    import torch
    from noisebench.datasets.classify._generator import trained_generator
    from noisebench.recipes.archs.generator import Search
    from noisebench.recipes.parts._example_scores import one_thread

    data, other, seed = labelled_arrays(onto), labelled_arrays(of), seed or 0
    if other.pictures.shape[1:] != data.pictures.shape[1:]:
        raise nb.UsageError(
            f"dataset generator_projected: pictures of {of.display} are {other.pictures.shape[1:]}, those of "
            f"{onto.display} {data.pictures.shape[1:]}"
        )
    generator = trained_generator(data, arch, steps, seed, f"dataset generator_projected(onto={onto.display})")

    def make(say: Callable[[int, int], None]) -> dict[str, Any]:
        draws = torch.Generator().manual_seed(seed)

        def progress(all_steps: Any) -> Any:
            for step in all_steps:
                say(step, len(all_steps))
                yield step

        with one_thread():
            method = Search(search, prior=prior)
            return {"nearest": generator.projected(torch.from_numpy(other.pictures), method, draws, progress).numpy()}

    settings = f"projected 1 {steps=} {search=} {prior=} {seed=}"
    results = nb.made_once("projected", [settings, *arch_lines(arch), *data.lines, "of", *other.lines], make)
    return GeneratorProjected(nb.open_dataset(of), other.pictures, results["nearest"])
