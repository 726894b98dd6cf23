from __future__ import annotations

from typing import Annotated, Literal

import noisebench as nb
from annotated_types import Ge
from noisebench.datasets.classify.some_classes import SomeClasses, some_classes

Classes = Annotated[int, Ge(1)]


@nb.dataset("class_split", track="classify", licence="that of the other set")
def class_split(
    *,
    of: nb.DatasetSpec,
    side: Literal["training", "validation", "test"] = "test",
    training: Classes = 4,
    validation: Classes = 2,
    seed: Annotated[int, Ge(0)] = 0,
) -> SomeClasses:
    """The pictures of another set that are of the classes of one side, which are drawn by key and numbered anew.

    of: the other set. side: so many classes are for `training`, so many others for `validation`, and the rest for the
    `test`: what embeds pictures is asked about classes that no training and no choice has seen. seed: another draw of
    the classes, which is the same for all sets of as many classes.
    """
    other = nb.open_dataset(of)
    count = len(other.load(0).classes) if len(other.ids) else 0
    if count < training + validation + 1:
        raise nb.UsageError(
            f"dataset class_split: {of.display} has {count} classes, too few for {training} of training, {validation} "
            "of validation and one of the test: give fewer"
        )
    order = nb.keyed_generator(nb.text_key(f"class_split|{count}|{seed}")).permutation(count)
    ends = {"training": (0, training), "validation": (training, training + validation)}
    first, last = ends.get(side, (training + validation, count))
    chosen: SomeClasses = some_classes(of=of, classes=tuple(sorted(int(one) for one in order[first:last])))
    return chosen
