"""Embeddings: distances, the objectives by loops over pairs, retrieval, what is refused, and a training."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.recipes.archs.embedding import distances, points
from noisebench.store.cells import keys, read_record
from numpy.testing import assert_allclose
from torch import nn

LABELS = torch.tensor([0, 0, 1, 2, 1, 0])


class Fixed(nn.Module):
    """A network whose embeddings are its parameters."""

    def __init__(self, kind: str, seed: int = 0) -> None:
        super().__init__()
        self.kind: Any = kind
        self.values = nn.Parameter(torch.randn(6, 5, generator=torch.Generator().manual_seed(seed)).double())

    def embedded(self, x: Any) -> Any:
        return self.values

    def distances(self, anchors: Any, others: Any) -> Any:
        return distances(self.kind, anchors, others)

    def points(self, embeddings: Any) -> Any:
        return points(self.kind, embeddings)

    def remember(self, embeddings: Any, labels: Any) -> None:
        pass


def loss(spec: str, net: Any) -> Any:
    """The value of an objective of the fixed batch."""
    objective = nb.bind(spec, "objective")
    return objective.entry.obj(net, {"given": torch.zeros(6, 1, 4, 4), "wanted": LABELS}, **objective.kwargs)


def apart(kind: str, a: np.ndarray, b: np.ndarray) -> float:
    """The definition of a distance, of two vectors."""
    if kind == "snr":
        return float(np.var(a - b) / np.var(a))
    if kind == "sphere":
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.linalg.norm(a - b))


@pytest.mark.parametrize("kind", ["snr", "euclid", "sphere"])
def test_distances_are_those_of_their_definitions_for_each_pair(kind: Any) -> None:
    a, b = (np.random.default_rng(seed).normal(seed, 2, (n, 7)) for seed, n in ((1, 4), (2, 3)))
    due = [[apart(kind, one, other) for other in b] for one in a]
    assert_allclose(distances(kind, torch.from_numpy(a), torch.from_numpy(b)), due, rtol=1e-10)


def test_the_snr_distance_is_the_inverse_of_the_ratio_and_knows_no_scale_and_no_offset() -> None:
    rng = np.random.default_rng(3)
    a, noise = (one - one.mean() for one in (rng.normal(size=64), rng.normal(size=64)))
    found = float(distances("snr", *(torch.from_numpy(one[None]) for one in (a, a + noise)))[0, 0])
    decibel = 10 * math.log10(float(np.sum(a**2) / np.sum(noise**2)))
    assert found == pytest.approx(10 ** (-decibel / 10), abs=1e-12)
    scaled = float(
        distances("snr", torch.from_numpy(3 * a[None] + 1), torch.from_numpy(3 * (a + noise)[None] + 1))[0, 0]
    )
    assert scaled == pytest.approx(found, abs=1e-12)
    swapped = float(distances("snr", torch.from_numpy((a + noise)[None]), torch.from_numpy(a[None]))[0, 0])
    assert swapped == pytest.approx(found * np.var(a) / np.var(a + noise), rel=1e-10)


def test_the_metric_of_pictures_is_the_same_distance() -> None:
    rng = np.random.default_rng(4)
    clean, restored = (rng.uniform(size=(9, 7)).astype(np.float32) for _ in range(2))
    found = nb.score(restored, clean, ["snr_distance"], protocol="raw")["snr_distance"]
    assert found == pytest.approx(apart("snr", clean.astype(float).ravel(), restored.astype(float).ravel()), rel=1e-6)


@pytest.mark.parametrize("kind", ["snr", "euclid", "sphere"])
def test_each_objective_is_the_mean_over_its_pairs(kind: str) -> None:
    net = Fixed(kind)
    values, labels = net.values.detach().numpy(), LABELS.numpy()
    away = np.array([[apart(kind, a, b) for b in values] for a in values])
    pairs = [(i, j) for i, j in itertools.permutations(range(6), 2) if labels[i] == labels[j]]
    others = {i: [j for j in range(6) if labels[j] != labels[i]] for i in range(6)}

    near = [away[i, j] for i, j in pairs]
    far = [2 - away[i, j] for i in range(6) for j in others[i] if away[i, j] < 2]
    assert float(loss("contrastive(margin=2)", net)) == pytest.approx(np.mean(near) + (np.mean(far) if far else 0))

    short = [0.7 + away[i, j] - away[i, k] for i, j in pairs for k in others[i]]
    assert float(loss("triplet(margin=0.7)", net)) == pytest.approx(np.mean([one for one in short if one > 0]))

    each = [math.log1p(sum(math.exp(2 * (away[i, j] - away[i, k])) for k in others[i])) for i, j in pairs]
    assert float(loss("n_pair(scale=2)", net)) == pytest.approx(np.mean(each))

    both = [
        math.log(
            sum(math.exp(0.5 - away[i, k]) for k in others[i]) + sum(math.exp(0.5 - away[j, k]) for k in others[j])
        )
        + away[i, j]
        for i, j in pairs
    ]
    due = np.mean([max(0.0, one) ** 2 for one in both]) / 2
    assert float(loss("lifted(margin=0.5)", net)) == pytest.approx(due)


@pytest.mark.parametrize("objective", ["contrastive", "triplet", "n_pair", "lifted"])
@pytest.mark.parametrize("kind", ["snr", "euclid", "sphere"])
def test_gradients_are_finite_also_where_embeddings_are_equal(objective: str, kind: str) -> None:
    net = Fixed(kind)
    with torch.no_grad():
        net.values[1] = net.values[0]
    loss(f"{objective}(zero_mean=1)", net).backward()
    assert net.values.grad is not None and bool(net.values.grad.isfinite().all())


def test_the_pull_is_the_mean_sum_of_an_embedding() -> None:
    net = Fixed("snr")
    more = float(loss("triplet(zero_mean=3)", net)) - float(loss("triplet", net))
    assert more == pytest.approx(3 * float(net.values.sum(dim=1).abs().mean()))


def test_a_batch_without_pairs_costs_nothing_but_the_pull() -> None:
    net = Fixed("snr")
    for name in ("n_pair", "lifted", "contrastive(margin=0)", "triplet"):
        objective = nb.bind(name, "objective")
        batch = {"given": torch.zeros(6, 1, 4, 4), "wanted": torch.arange(6)}
        assert float(objective.entry.obj(net, batch, **objective.kwargs)) == 0


def test_a_network_that_embeds_nothing_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="arch=embedding"):
        loss("triplet", nn.Linear(2, 2))


def test_an_embedding_classifies_by_the_nearest_centre_that_it_has_seen() -> None:
    arch = nb.bind("embedding(of=small_cnn(width=4), dims=6, distance=euclid)", "arch")
    net = arch.entry.obj((1, 9, 9), (3,), **arch.kwargs).eval()
    x = torch.randn(4, 1, 9, 9, generator=torch.Generator().manual_seed(1))
    net.remember(net.embedded(x)[:2], torch.tensor([0, 2]))
    logits = net(x[:2])
    assert logits.argmax(dim=1).tolist() == [0, 2]
    assert_allclose(
        logits.detach()[:, [0, 2]], -torch.cdist(net.embedded(x[:2]), net.centres[[0, 2]]).detach(), atol=1e-3
    )
    assert bool((logits[:, 1] < logits[:, [0, 2]].amin() - 40).all())


def spread_part() -> Any:
    """The part, of digits of three classes."""
    part = nb.bind("class_spread(of=some_classes(of=digits(split=train), classes=(0, 1, 2)))", "part")
    return part.entry.obj(**part.kwargs)


@pytest.mark.parametrize(("kind", "power"), [("snr", 1), ("euclid", 2), ("sphere", 2)])
def test_the_spread_of_classes_is_by_the_distance_that_is_trained(kind: str, power: int) -> None:
    net = Fixed(kind)
    part = spread_part()
    # Six pictures, so that they have the six embeddings of the network.
    part.arrays = LabelledArrays(np.zeros((6, 1, 4, 4), np.float32), LABELS.numpy(), ("a", "b", "c"), ())
    part.finish(net)
    values, labels = net.values.detach().numpy(), LABELS.numpy()
    made, weights = (one.detach().numpy() for one in points(kind, net.values))

    def spread(of: np.ndarray) -> float:
        """The least sum of distances to one centre, which for `sphere` need not be of length 1."""
        centre = np.average(made[of], axis=0, weights=weights[of])
        if kind == "sphere":
            return sum(float(np.sum((one / np.linalg.norm(one) - centre) ** 2)) for one in values[of])
        return sum(apart(kind, one, centre) ** power for one in values[of])

    found = part.figures()
    within = sum(spread(np.flatnonzero(labels == k)) for k in (0, 1, 2))
    assert found["ratio"] == pytest.approx(within / spread(np.arange(6)))
    assert 0 <= found["nmi"] <= 1
    assert found["mean"] == pytest.approx(np.mean(np.abs(values.mean(1)) / values.std(1)))


def test_the_spread_is_of_the_pictures_that_are_given_and_says_what_does_not_fit() -> None:
    part, net = spread_part(), Fixed("snr")
    part.observe(net, {"given": torch.zeros(2, 1, 8, 8), "wanted": LABELS[:2]}, None, 0, 1)
    assert part.arrays.pictures.shape[1:] == (1, 8, 8) and set(part.arrays.labels) == {0, 1, 2}
    with pytest.raises(nb.UsageError, match=r"part class_spread: .*\(1, 8, 8\).*\(3, 8, 8\): give a set"):
        spread_part().observe(net, {"given": torch.zeros(2, 3, 8, 8)}, None, 0, 1)
    with pytest.raises(nb.UsageError, match="networks that embed"):
        spread_part().observe(nn.Linear(2, 2), {"given": torch.zeros(2, 1, 8, 8)}, None, 0, 1)


def test_the_centre_of_points_has_the_least_snr_distance_to_them_all() -> None:
    values = Fixed("snr").values.detach().numpy()
    made, weights = (one.numpy() for one in points("snr", torch.from_numpy(values)))
    centre = np.average(made, axis=0, weights=weights)
    least = sum(apart("snr", one, centre) for one in values)
    steps = 0.1 * np.random.default_rng(0).normal(size=(20, 5))
    assert all(
        sum(apart("snr", one, centre + step) for one in values) > least for step in steps - steps.mean(1)[:, None]
    )


def test_a_trained_embedding_finds_digits_alone_and_in_a_gallery(tmp_path: Path, cli: Any) -> None:
    how = "arch=embedding(of=small_cnn(width=8), dims=16), objective=triplet(zero_mean=0.1), steps=120, checks=2"
    cli(
        "run", "--track", "classify", "--datasets", "digits(n=60)", "--regimes", "none", "--store", tmp_path / "store",
        "--methods", f"trained({how}, parts=class_spread(of=digits(n=60)))",
        f"retrieval(method=trained({how}, parts=class_spread(of=digits(n=60))), gallery=digits(split=train, n=200))",
    )  # fmt: skip
    cells = [read_record(tmp_path / "store", key) for key in keys(tmp_path / "store")]
    scores = [float(np.mean(one.scores["accuracy"])) for one in cells if one.cell.kind == "score"]
    assert len(scores) == 2 and min(scores) > 0.7


def test_what_embeds_nothing_or_has_pictures_of_another_size_is_skipped() -> None:
    method = nb.bind("retrieval(method=uniform, gallery=digits(split=train, n=20))", "method", "classify")
    with pytest.raises(nb.Skip, match="embeds nothing"):
        nb.Classifier(method).setup("cpu")
