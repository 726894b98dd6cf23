"""Detection of pictures of unknown classes: the set, the energy, and what any torch network needs for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import registry
from noisebench.tracks.classify.detection import area_under_roc
from scipy.special import logsumexp

KNOWN = "some_classes(of=digits(n=120), classes=(0,1,2))"
UNKNOWN = "some_classes(of=digits(n=120), classes=(8,9))"
TRAIN = "some_classes(of=digits(split=train), classes=(0,1,2))"


@pytest.fixture(autouse=True)
def one_layer() -> Iterator[None]:
    """A classifier that says a tenth of the sums of three parts of a picture."""

    @nb.method("three_parts", track="classify", blind=True)
    class ThreeParts:
        def setup(self, device: Any) -> None:
            self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))

        def classify(self, picture: Any, info: Any) -> Any:
            return picture.flatten(1)[:, :63].reshape(len(picture), 3, 21).sum(dim=2) / 10

    yield
    del registry("method", "classify")._entries["three_parts"]


def opened(spec: str) -> Any:
    return nb.open_dataset(nb.bind(spec, "dataset", "classify"))


def ready(spec: str) -> Any:
    made = nb.Classifier(nb.bind(spec, "method", "classify"))
    made.setup("cpu")
    return made


def odds_of(detector: Any, data: Any) -> tuple[Any, Any]:
    items = [data.load(i) for i in range(len(data.ids))]
    info = nb.Info({"classes": 2, "shape": (8, 8)})
    logits = np.stack([detector.classify(item.as_given, info) for item in items])
    return logits[:, 1] - logits[:, 0], np.array([item.label for item in items])


def test_known_pictures_come_first_and_both_sets_keep_their_values() -> None:
    data, known, unknown = opened(f"known_and_unknown(of={KNOWN}, unknown={UNKNOWN})"), opened(KNOWN), opened(UNKNOWN)
    assert len(data.ids) == len(known.ids) + len(unknown.ids) and len({*data.ids}) == len(data.ids)
    first, last = data.load(0), data.load(len(data.ids) - 1)
    assert (first.label, last.label, first.classes) == (0, 1, ("known", "unknown"))
    assert (first.picture == known.load(0).picture).all()
    assert (last.picture == unknown.load(len(unknown.ids) - 1).picture).all()


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="known_and_unknown.*(24, 24).*sizes?"):
        opened(f"known_and_unknown(of={KNOWN}, unknown=hidden(of=digits(n=9), size=24))")


@pytest.mark.parametrize("temperature", [1, 10])
def test_the_energy_is_minus_the_log_of_the_summed_exponentials(temperature: int) -> None:
    detector = ready(f"energy(method=three_parts, temperature={temperature}, data={TRAIN}, references=100)")
    picture = opened(KNOWN).load(0).as_given
    logits = picture.ravel()[:63].reshape(3, 21).sum(axis=1) / 10
    energy = detector.instance.strangeness(picture.transpose(2, 0, 1), None)
    assert energy == pytest.approx(-temperature * logsumexp(logits / temperature), abs=1e-5)


def test_unknown_digits_are_told_from_known_ones_by_a_network_that_knows_three() -> None:
    data = opened(f"known_and_unknown(of={KNOWN}, unknown={UNKNOWN})")
    odds, labels = odds_of(ready(f"mahalanobis(method=three_parts, on=pixels, data={TRAIN}, references=100)"), data)
    assert area_under_roc(odds[labels == 0], odds[labels == 1])[0] > 0.9
