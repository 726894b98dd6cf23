"""Retrieval of unseen classes: how classes are drawn, how an embedding is chosen, and that none finds itself."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import pytest
import torch
from noisebench.methods.classify.best_retrieval import recall_at_1
from noisebench.recipes.archs.embedding import distances


def opened(spec: str) -> Any:
    return nb.open_dataset(nb.bind(spec, "dataset", "classify"))


class Plain:
    """Embeddings are the pictures, compared by Euclid's distance."""

    def distances(self, a: Any, b: Any) -> Any:
        return distances("euclid", a, b)


def test_the_sides_share_no_class_and_have_all_of_them() -> None:
    classes = {
        side: opened(f"class_split(of=digits, side={side}, seed=3)").load(0).classes
        for side in ("training", "validation", "test")
    }
    assert [len(one) for one in classes.values()] == [4, 2, 4]
    assert sorted(name for side in classes.values() for name in side) == [str(n) for n in range(10)]
    again = opened("class_split(of=digits(split=train), side=test, seed=3)").load(0).classes
    assert again == classes["test"]
    assert len({tuple(opened(f"class_split(of=digits, seed={n})").load(0).classes) for n in range(5)}) > 1


def test_too_few_classes_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="has 10 classes, too few for 8 of training, 2 of validation"):
        opened("class_split(of=digits, training=8)")


def test_recall_asks_for_the_nearest_other_one() -> None:
    rows = torch.tensor([[0.0, 0], [0, 1], [9, 9], [9, 8], [0, 3]])
    assert recall_at_1(Plain(), rows, torch.tensor([0, 0, 1, 1, 1])) == pytest.approx(4 / 5)


def test_a_method_that_embeds_nothing_is_skipped() -> None:
    spec = "best_retrieval(methods=(svm,), held_out=digits(n=20), gallery=digits(n=20))"
    made = nb.Classifier(nb.bind(spec, "method", "classify"))
    with pytest.raises(nb.Skip, match="embeds nothing"):
        made.setup("cpu")
