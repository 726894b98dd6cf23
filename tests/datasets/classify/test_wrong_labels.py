"""Labels that are wrong by class and by picture: how many, which, and that they depend on nothing else."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind

TRAIN = "digits(split=train)"


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def labels(spec: str) -> tuple[list[int], list[int]]:
    """The true labels of a set, and those that a training is told."""
    data = opened(spec)
    items = [data.load(index) for index in range(len(data.ids))]
    return [item.label for item in items], [item.given_label for item in items]


def test_each_class_is_taken_for_the_next_in_a_share_of_its_labels() -> None:
    true, told = labels(f"asymmetric_labels(of={TRAIN}, share=0.3)")
    assert true == labels(TRAIN)[0]
    assert {(b - a) % 10 for a, b in zip(true, told, strict=True)} == {0, 1}
    for label in range(10):
        wrong = np.mean([b != a for a, b in zip(true, told, strict=True) if a == label])
        assert 0.3 - 3 * (0.21 / 120) ** 0.5 < wrong < 0.3 + 3 * (0.21 / 120) ** 0.5


def test_classes_are_taken_for_those_that_are_named_and_none_for_itself() -> None:
    to = (0, 1, 0, 5, 7, 3, 6, 7, 8, 1)
    true, told = labels(f"asymmetric_labels(of={TRAIN}, share=0.4, to={to})")
    pairs = {(a, b) for a, b in zip(true, told, strict=True) if a != b}
    assert pairs == {(2, 0), (3, 5), (4, 7), (5, 3), (9, 1)}
    for wrong in ("(1, 0)", "(0, 1, 2, 3, 4, 5, 6, 7, 8, 10)"):
        with pytest.raises(nb.UsageError, match="and there are 10: give one from 0 to 9 for each"):
            opened(f"asymmetric_labels(of={TRAIN}, to={wrong})").load(0)


def test_labels_by_picture_are_so_many_wrong_and_alike_where_pictures_are() -> None:
    true, told = labels(f"instance_labels(of={TRAIN}, share=0.3)")
    wrong = np.array(true) != np.array(told)
    assert true == labels(TRAIN)[0] and 0.26 < wrong.mean() < 0.34
    # Pictures of one class are alike, and so is what they are taken for: far from all classes alike.
    for label in range(10):
        counts = np.bincount([b for a, b in zip(true, told, strict=True) if a == label != b], minlength=10)
        assert counts[label] == 0 and counts.max() > 0.3 * counts.sum()
    data = opened(f"instance_labels(of={TRAIN}, share=1)")
    item = data.load(3)
    assert item.annotated not in (None, item.label)


@pytest.mark.parametrize("name", ["asymmetric_labels", "instance_labels"])
def test_they_depend_on_the_picture_and_the_seed_alone(name: str) -> None:
    whole = dict(zip(opened(TRAIN).ids, labels(f"{name}(of={TRAIN}, share=0.5)")[1], strict=True))
    few = opened(f"{name}(of=digits(split=train, n=200), share=0.5)")
    assert [few.load(i).given_label for i in reversed(range(200))] == [whole[id_] for id_ in reversed(few.ids)]
    assert labels(f"{name}(of={TRAIN}, share=0.5, seed=1)")[1] != [*whole.values()]
    assert labels(f"{name}(of={TRAIN}, share=0)")[1] == labels(TRAIN)[1]
    one = f"{name}(of=some_classes(of={TRAIN}, classes=(3,)), share=0.5)"
    assert {*labels(one)[1]} == {0}
