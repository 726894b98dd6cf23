"""The track `segment`: pictures and their label maps, its scores, its losses, against counts by hand and libraries."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.datasets.segment.boundary_noise import dilated, eroded, shifted
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs.twins import Twins
from noisebench.recipes.objectives.dice import dice_losses
from noisebench.recipes.parts.agreement import Agreement
from noisebench.tracks.segment import UNLABELLED, MappedPicture
from noisebench.tracks.segment.batches import IGNORED, MapBatches
from noisebench.tracks.segment.drawing import draw_maps
from noisebench.tracks.segment.maps import Maps
from noisebench.tracks.segment.metrics.boundary_f import boundary
from noisebench.training.batches import training_batches
from noisebench.training.trainer import Trainer
from torch import nn

TRACK = get_track("segment")
METRICS = ("dice", "iou", "accuracy", "boundary_f")


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "segment"))


def bound(kind: str, spec: str) -> Any:
    return bind(spec, kind, "segment")


def mapped(truth: Any, classes: Sequence[str] = ("ground", "a"), background: int | None = 0) -> MappedPicture:
    labels = np.array(truth, np.int64)
    ramp = np.linspace(0, 1, labels.size, dtype=np.float32).reshape(labels.shape)
    return MappedPicture("made", ramp, labels, classes, background)


def logits_of(found: Any, classes: int) -> Any:
    return (np.arange(classes)[:, None, None] == np.array(found)).astype(np.float32)


def scores(found: Any, item: MappedPicture, *metrics: str) -> list[Any]:
    case = TRACK.pose(bound("regime", "none"), item, 0)
    output = logits_of(found, len(item.classes))
    said = TRACK.score(output, item, case, bound("protocol", "argmax"), [bound("metric", name) for name in metrics])
    return list(said.values())


def collected(pairs: list[tuple[Any, MappedPicture]], *metrics: str, taken: int = 0) -> Any:
    """What a set metric has of such pictures, after `taken` of them the collector is made anew from what it gave."""
    sets = {name: TRACK.plan_set(bound("metric", name))[1] for name in metrics}
    given: list[Any] = []
    for number, (found, item) in enumerate(pairs):
        if number in (0, taken):
            collector = TRACK.collector(sets, None, len(pairs), protocol=bound("protocol", "argmax"), taken=given)
        given.append(collector.take(logits_of(found, len(item.classes)), item))
    return collector.score()


# ---- scores


def test_dice_and_iou_are_those_of_a_count_by_hand() -> None:
    item = mapped([[1, 1, 1, 0], [0, 0, 0, 0]])
    # Two of three found, one too many.
    assert scores([[0, 1, 1, 1], [0, 0, 0, 0]], item, "dice", "iou", "accuracy") == [4 / 6, 2 / 4, 6 / 8]


def test_a_class_in_one_map_alone_counts_nothing_and_one_in_neither_is_left_out() -> None:
    item = mapped([[1, 1], [0, 0]], ("ground", "a", "b", "c"))
    assert scores([[1, 1], [2, 0]], item, "dice", "iou") == [0.5, 0.5]
    assert scores([[0, 0], [0, 0]], item, "dice") == [0.0]


def test_without_an_object_in_either_map_there_is_no_score() -> None:
    found = scores([[0, 0]], mapped([[0, 0]]), *METRICS)
    assert [isinstance(one, nb.NotDefined) for one in found] == [True, True, False, True] and found[2] == 1.0


@pytest.mark.parametrize("background", [None, 2])
def test_scores_are_those_of_scikit_learn(background: int | None) -> None:
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score

    rng = np.random.default_rng(0)
    truth, found = rng.integers(-1, 4, (9, 7)), rng.integers(0, 4, (9, 7))
    item = mapped(truth, tuple("abcd"), background)
    known = truth >= 0
    pair = truth[known], found[known]
    which = [one for one in range(4) if one != background]
    assert scores(found, item, "dice", "iou", "accuracy") == pytest.approx([
        f1_score(*pair, labels=which, average="macro"),
        jaccard_score(*pair, labels=which, average="macro"),
        accuracy_score(*pair),
    ])  # fmt: skip


def test_what_is_found_in_unlabelled_pixels_changes_no_score() -> None:
    truth = np.array([[1, 1, -1, 0], [0, 1, -1, 0], [0, 0, -1, -1]])
    item = mapped(truth)
    one, other = np.zeros((3, 4), int), np.zeros((3, 4), int)
    one[0, :2] = other[0, :2] = 1
    other[truth < 0] = 1
    assert scores(one, item, *METRICS) == scores(other, item, *METRICS)
    sets = [collected([(found, item)], "mean_iou")["mean_iou"]["value"] for found in (one, other)]
    assert sets == pytest.approx([(5 / 6 + 2 / 3) / 2] * 2)


def test_a_boundary_is_beside_another_class_and_not_beside_the_border() -> None:
    inside = np.zeros((5, 6), bool)
    inside[:3, :3] = True
    expected = np.zeros((5, 6), bool)
    expected[:3, 2] = expected[2, :3] = True
    assert np.array_equal(boundary(inside, np.ones_like(inside)), expected)
    labelled = np.ones_like(inside)
    labelled[3] = False  # what lies below is not known
    expected[2, :2] = False
    assert np.array_equal(boundary(inside, labelled), expected)


def test_boundary_f_forgives_as_many_pixels_as_it_says() -> None:
    truth, found = np.zeros((20, 20), int), np.zeros((20, 20), int)
    truth[:, :10], found[:, :12] = 1, 1
    values = [scores(found, mapped(truth), f"boundary_f(within={reach})")[0] for reach in (0, 1, 1.9, 2)]
    assert values == [0, 0, 0, 1]
    # Half of the found boundary lies on the true one, and all of the true one near it.
    found = truth.copy()
    found[:10, 15] = 1
    precision, recall = 20 / 30, 1.0
    expected = 2 * precision * recall / (precision + recall)
    assert scores(found, mapped(truth), "boundary_f(within=1)")[0] == pytest.approx(expected)


def test_mean_iou_is_of_one_confusion_matrix_and_not_a_mean_over_pictures() -> None:
    from sklearn.metrics import jaccard_score

    rng = np.random.default_rng(1)
    pairs = []
    for size in ((4, 5), (9, 3), (6, 6)):
        truth = rng.integers(-1, 3, size)
        pairs.append((np.where(rng.random(size) < 0.6, np.maximum(truth, 0), 1), mapped(truth, tuple("abc"))))
    found = np.concatenate([one.ravel() for one, _ in pairs])
    truth = np.concatenate([item.labels.ravel() for _, item in pairs])
    each = jaccard_score(truth[truth >= 0], found[truth >= 0], average=None)
    said = collected(pairs, "mean_iou", "mean_iou(of=b)")
    assert said["mean_iou"]["value"] == pytest.approx(each.mean()) and said["mean_iou"]["n"] == 3
    assert said["mean_iou(of=b)"]["value"] == pytest.approx(each[1])
    alone = [collected([pair], "mean_iou")["mean_iou"]["value"] for pair in pairs]
    assert abs(np.mean(alone) - each.mean()) > 1e-3


def test_a_class_that_is_in_no_map_is_left_out_of_the_mean() -> None:
    item = mapped([[0, 1]], tuple("abc"))
    said = collected([([[0, 1]], item)], "mean_iou", "mean_iou(of=c)", "mean_iou(of=d)")
    assert said["mean_iou"]["value"] == 1.0
    assert said["mean_iou(of=c)"]["value"] is None and "no class 'd'" in said["mean_iou(of=d)"]["note"]


def test_a_set_goes_on_from_what_was_counted() -> None:
    rng = np.random.default_rng(2)
    pairs = [(rng.integers(0, 2, (4, 4)), mapped(rng.integers(0, 2, (4, 4)))) for _ in range(4)]
    assert collected(pairs, "mean_iou", taken=2) == collected(pairs, "mean_iou")
    with pytest.raises(nb.UsageError, match="same classes"):
        collected([pairs[0], ([[0]], mapped([[0]], ("x", "y")))], "mean_iou")


def test_the_error_of_a_set_is_that_of_leaving_one_picture_out() -> None:
    right, wrong = ([[0, 1]], mapped([[0, 1]])), ([[0, 0]], mapped([[0, 1]]))
    said = collected([right, right, wrong], "mean_iou")["mean_iou"]
    without = [np.mean([2 / 3, 1 / 2])] * 2 + [1.0]
    assert said["error"] == pytest.approx(np.sqrt(2 * np.var(without)))


# ---- pictures


def test_a_picture_of_ellipses_depends_on_its_own_number_alone() -> None:
    few, many = opened("ellipses(n=2, size=24)"), opened("ellipses(n=5, size=24)")
    assert np.array_equal(few.load(1).picture, many.load(1).picture) and few.ids[1] == many.ids[1]
    kinds = ["ellipses(n=2, size=24, split=train)", "ellipses(n=2, size=24, seed=1)", "ellipses(n=2, size=24)"]
    assert len({TRACK.truth_sha256(opened(kind).load(1)) for kind in kinds}) == 3
    item = few.load(0)
    assert item.picture.shape == item.labels.shape == (24, 24) and {*np.unique(item.labels)} == {0, 1}
    assert all(few.load(i).picture.min() > 0.05 and few.load(i).picture.max() < 0.95 for i in range(2))


def test_ellipses_have_the_area_of_ellipses_and_bars_are_ground() -> None:
    data = opened("ellipses(n=12, size=48)")
    shares = [data.load(i).labels.mean() for i in range(12)]
    # One or two of π a b, with both semi-axes on [0.1, 0.26], which may overlap.
    assert min(shares) > 0.9 * np.pi * 0.1**2 and max(shares) < 2 * np.pi * 0.26**2
    bright = [(data.load(i).picture > 0.53) & (data.load(i).labels == 0) for i in range(12)]
    assert np.mean([one.mean() for one in bright]) > 0.02


def test_dilation_and_erosion_move_a_boundary_by_their_reach() -> None:
    labels = np.zeros((15, 15), np.int64)
    labels[5:10, 5:10] = 1
    more, less = dilated(labels, 0, 2), eroded(labels, 0, 2)
    assert [more[7].sum(), more[:, 7].sum(), less[7].sum()] == [9, 9, 1]
    assert more[3, 3] == 0 and more[4, 4] == 1  # a disc, no square
    two = labels.copy()
    two[5:10, 10:] = 2
    assert (dilated(two, 0, 2)[5:10] == np.maximum(dilated(two, 0, 2)[5:10], two[5:10])).all()
    assert dilated(two, 0, 2)[4, 12] == 2 and dilated(two, 0, 2)[4, 7] == 1
    assert eroded(two, 0, 1)[7, 9] == 1 and eroded(two, 0, 1)[7, 10] == 2  # they meet, and no ground is near


def test_a_shift_moves_all_labels_and_unlabelled_pixels_stay() -> None:
    labels = np.array([[0, 1, 0, 0], [0, 1, -1, 0], [0, 0, 0, 0]])
    assert shifted(labels, 0, 1).tolist() == [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    item = MappedPicture("i", np.zeros(labels.shape, np.float32), labels, ("g", "a"), 0)
    of = SimpleNamespace(ids=["i"], load=lambda index: item)
    from noisebench.datasets.segment.boundary_noise import BoundaryNoise

    for seed in range(6):
        told = BoundaryNoise(of, 1.0, 1, "mixed", seed).load(0).given_labels
        assert np.array_equal(told == UNLABELLED, labels == UNLABELLED)


def test_so_many_maps_are_wrong_as_the_share_says_and_the_truth_stays() -> None:
    plain, noisy = opened("ellipses(n=120, size=16)"), opened("boundary_noise(of=ellipses(n=120, size=16), reach=2)")
    pairs = [(plain.load(i), noisy.load(i)) for i in range(120)]
    assert all(np.array_equal(a.labels, b.labels) and np.array_equal(a.picture, b.picture) for a, b in pairs)
    wrong = [not np.array_equal(b.given_labels, b.labels) for _, b in pairs]
    assert 0.22 < np.mean(wrong) < 0.38
    # What is changed depends on the picture's id alone, not on how many there are.
    again = opened("boundary_noise(of=ellipses(n=20, size=16), reach=2)")
    assert all(np.array_equal(again.load(i).given_labels, noisy.load(i).given_labels) for i in range(20))
    assert TRACK.identify(pairs[wrong.index(True)][1]) != TRACK.identify(pairs[wrong.index(True)][0])


def test_maps_without_a_background_can_be_shifted_alone() -> None:
    from noisebench.datasets.segment.boundary_noise import BoundaryNoise

    of = SimpleNamespace(ids=["made"], load=lambda index: mapped(np.eye(6, dtype=int), background=None))
    with pytest.raises(nb.UsageError, match="kind=shift"):
        BoundaryNoise(of, 1.0, 1, "mixed", 0).load(0)
    assert BoundaryNoise(of, 1.0, 1, "shift", 0).load(0).annotated is not None


@pytest.mark.skipif(
    not os.path.exists(os.path.join(os.environ.get("NOISEBENCH_DATA", "/nowhere"), "camvid_small", "labels.npz")),
    reason="camvid_small is not at $NOISEBENCH_DATA",
)
def test_camvid_has_eleven_classes_and_the_published_shares() -> None:
    data = opened("camvid_small")
    items = [data.load(i) for i in range(len(data.ids))]
    assert len(items) == 60 and items[0].picture.shape == (180, 240, 3) and len(items[0].classes) == 11
    assert items[0].background is None and "unlabelled" not in items[0].classes
    labels = np.stack([item.labels for item in items])
    shares = np.bincount(labels.ravel() + 1, minlength=12) / labels.size
    published = [0.036, 0.172, 0.244, 0.012, 0.257, 0.093, 0.117, 0.011, 0.011, 0.041, 0.005, 0.002]
    assert shares == pytest.approx(published, abs=6e-4)
    unseen = opened("camvid_small(unseen=True)").ids
    assert {*unseen} == {name for name in data.ids if not name.startswith("0001TP")} and 0 < len(unseen) < 60


def test_camvid_that_is_not_there_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nb.UsageError, match=r"camvid_small is not in .*labels\.npz"):
        opened("camvid_small")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": np.zeros((2, 3), int)}, r"its map is int64 \(2, 3\)"),
        ({"labels": np.zeros((2, 2))}, "its map is float64"),
        ({"labels": np.full((2, 2), 2)}, "more than its 2 classes"),
        ({"labels": np.full((2, 2), -2)}, "more than its 2 classes"),
        ({"picture": np.full((2, 2), 1.5, np.float32)}, r"on \[0, 1\]"),
        ({"picture": np.zeros(4, np.float32)}, "has shape"),
        ({"background": 2}, "background 2"),
    ],
)
def test_a_picture_that_is_none_is_refused(change: dict[str, Any], said: str) -> None:
    from dataclasses import replace

    with pytest.raises(nb.UsageError, match=said):
        TRACK.identify(replace(mapped([[0, 1], [0, 0]]), **change))


# ---- what is given


def test_noise_depends_on_the_picture_and_a_regime_of_another_size_is_skipped() -> None:
    items = [opened("ellipses(n=3, size=24)").load(i) for i in range(2)]
    noisy = bound("regime", "gaussian(sigma=25)")
    a, again, other = (TRACK.pose(noisy, item, 0).given for item in (items[0], items[0], items[1]))
    assert np.array_equal(a, again) and a.shape == (24, 24, 1) and a.dtype == np.float32
    noises = [one[..., 0] - item.picture for one, item in ((a, items[0]), (other, items[1]))]
    assert np.std(noises[0]) == pytest.approx(25 / 255, rel=0.1) and not np.allclose(noises[0], noises[1])
    case = TRACK.pose(noisy, items[0], 0)
    assert case.wanted == (2, 24, 24) and case.info.classes == 2
    with pytest.raises(nb.Skip, match="another size"):
        TRACK.pose(bound("regime", "downsample(scale=2)"), items[0], 0)


def test_a_batch_holds_the_annotators_map_and_crops_fit_their_pictures() -> None:
    data = opened("boundary_noise(of=ellipses(n=6, size=24), share=1)")
    whole = MapBatches(data, [1, 3, 5], bound("regime", "none"), lambda step: [2, 0], seed=0)
    batch = whole(0)
    assert batch["given"].shape == (2, 1, 24, 24) and whole.wanted == (2, 24, 24) and batch["index"].tolist() == [5, 1]
    assert np.array_equal(batch["wanted"][0], data.load(5).given_labels)
    assert np.array_equal(batch["truth"][1], data.load(1).labels) and batch["wanted"].dtype == np.int64
    crops = MapBatches(data, [0, 1], bound("regime", "none"), lambda step: [0, 0, 0], seed=0, crop=10)
    found, picture, labels = crops(4), data.load(0).picture, data.load(0).given_labels
    assert crops.given == (1, 10, 10) and crops.wanted == (2, 10, 10)
    views = np.lib.stride_tricks.sliding_window_view
    for given, wanted in zip(found["given"], found["wanted"], strict=True):
        hits = np.argwhere((views(picture, (10, 10)) == given[0]).all(axis=(2, 3)))
        assert any(np.array_equal(labels[y : y + 10, x : x + 10], wanted) for y, x in hits)
    assert all(np.array_equal(crops(4)[name], found[name]) for name in found)
    assert not np.array_equal(crops(5)["given"], found["given"])


def test_noise_is_new_with_each_step_or_fixed() -> None:
    data, regime = opened("ellipses(n=2, size=16)"), bound("regime", "gaussian(sigma=50)")
    fresh = MapBatches(data, [0, 1], regime, lambda step: [0], seed=0)
    fixed = MapBatches(data, [0, 1], regime, lambda step: [0], seed=0, fixed=True)
    assert not np.array_equal(fresh(0)["given"], fresh(1)["given"])
    assert np.array_equal(fixed(0)["given"], fixed(1)["given"])


def test_unlabelled_pixels_are_what_torch_ignores() -> None:
    item = mapped([[0, -1], [1, 0]])
    data = SimpleNamespace(ids=["made"], load=lambda index: item)
    batch = MapBatches(data, [0], bound("regime", "none"), lambda step: [0], seed=0)(0)
    assert batch["wanted"][0].tolist() == [[0, IGNORED], [1, 0]]
    said = torch.randn(1, 2, 2, 2, requires_grad=True)
    F.cross_entropy(said, torch.from_numpy(batch["wanted"])).backward()
    assert said.grad is not None and (said.grad[0, :, 0, 1] == 0).all() and (said.grad[0, :, 0, 0] != 0).all()


def test_pictures_that_do_not_go_together_are_refused() -> None:
    items = [opened(f"ellipses(n=1, size={size})").load(0) for size in (16, 24)]
    data = SimpleNamespace(ids=["a", "b"], load=lambda index: items[index])
    none, order = bound("regime", "none"), lambda step: [0, 1]
    with pytest.raises(nb.UsageError, match="differ in size"):
        MapBatches(data, [0, 1], none, order, seed=0)
    assert MapBatches(data, [0, 1], none, order, seed=0, crop=12)(0)["given"].shape == (2, 1, 12, 12)
    with pytest.raises(nb.UsageError, match="no crop of 20"):
        MapBatches(data, [0, 1], none, order, seed=0, crop=20)


# ---- methods


def output_of(method: str, item: MappedPicture) -> Any:
    runner = TRACK.open(bound("method", method))
    runner.setup()
    case = TRACK.pose(bound("regime", "none"), item, 0)
    return runner.accept(runner.call(runner.prepare(case.given), case.info.replace(sample=item)), case)


def test_the_oracle_is_perfect_and_the_commonest_class_is_everywhere() -> None:
    item = opened("ellipses(n=3, size=32)").load(1)
    assert (output_of("oracle", item).argmax(axis=0) == item.labels).all()
    said = output_of("majority(data=ellipses(n=8, size=16, split=train))", item)
    data = opened("ellipses(n=8, size=16, split=train)")
    count = sum(int(data.load(i).labels.sum()) for i in range(8))
    assert said.shape == (2, 32, 32) and (said.argmax(axis=0) == 0).all()
    assert np.exp(said[1]) == pytest.approx((count + 1) / (8 * 256 + 2), rel=1e-5)


@pytest.mark.parametrize("objects", ["bright", "dark"])
def test_otsu_parts_two_greys(objects: str) -> None:
    labels = np.zeros((16, 16), np.int64)
    labels[4:9, 5:12] = 1
    picture = np.where(labels == (objects == "bright"), 0.8, 0.2).astype(np.float32)
    item = MappedPicture("two", picture, labels, ("ground", "thing"), 0)
    assert (output_of(f"otsu(objects={objects})", item).argmax(axis=0) == labels).all()


def test_otsu_takes_a_flat_picture_and_skips_three_classes() -> None:
    flat = MappedPicture("flat", np.full((4, 4), 0.5, np.float32), np.zeros((4, 4), int), ("ground", "thing"), 0)
    assert (output_of("otsu", flat) == 0).all()
    with pytest.raises(nb.Skip, match="two classes, not 3"):
        output_of("otsu", mapped([[0, 1]], tuple("abc")))


@pytest.mark.parametrize("output", [np.zeros((2, 3)), np.zeros((3, 2, 3)), [[0]], np.full((2, 2, 3), np.nan)])
def test_another_shape_is_no_output(output: Any) -> None:
    case = TRACK.pose(bound("regime", "none"), mapped([[0, 1, 0], [0, 0, 0]]), 0)
    with pytest.raises(nb.Invalid):
        TRACK.open(bound("method", "otsu")).accept(output, case)


def test_a_function_of_mine_is_evaluated() -> None:
    made = nb.evaluate("otsu", "ellipses(n=2, size=24)", "none", track="segment", metrics=["dice", "mean_iou"])
    assert 0 < made.dice <= 1


# ---- losses


def say(seed: int = 0, classes: int = 3, size: int = 5) -> tuple[Any, Any, Any]:
    """Logits (2, K, S, S), labels of which some are not known, and weights."""
    torch.manual_seed(seed)
    logits = torch.randn(2, classes, size, size, dtype=torch.float64)
    labels = torch.randint(0, classes, (2, size, size))
    labels[0, 0, :2] = IGNORED
    return logits, labels, torch.rand(2, size, size, dtype=torch.float64)


def dice_of_net(logits: Any, labels: Any, **more: Any) -> Any:
    options = {name: more.pop(name) for name in ("background",) if name in more}
    return bind("dice", "objective").entry.obj(
        lambda given: logits, {"given": None, "wanted": labels, **more}, **options
    )


def test_dice_is_its_formula_with_weights_above_and_below() -> None:
    logits, labels, weights = say()
    p = logits.float().softmax(dim=1).numpy()
    known = labels.numpy() >= 0
    expected = []
    for one in range(3):
        y, w = (labels.numpy() == one) & known, weights.float().numpy() * known
        expected.append(1 - 2 * (w * p[:, one] * y).sum() / (w * (p[:, one] + y)).sum())
    assert float(dice_of_net(logits, labels, weights=weights)) == pytest.approx(np.mean(expected), abs=1e-6)
    assert float(dice_of_net(logits, labels, weights=weights, background=False)) == pytest.approx(
        np.mean(expected[1:]), abs=1e-6
    )


def test_weights_of_one_are_plain_dice_and_their_unit_does_not_matter() -> None:
    logits, labels, weights = say()
    plain = dice_of_net(logits, labels)
    assert torch.equal(dice_of_net(logits, labels, weights=torch.ones_like(weights)), plain)
    assert float(dice_of_net(logits, labels, weights=weights)) == pytest.approx(
        float(dice_of_net(logits, labels, weights=7 * weights)), abs=1e-6
    )
    assert float(dice_of_net(logits, labels, weights=weights)) != pytest.approx(float(plain), abs=1e-3)


def test_a_pixel_of_weight_zero_has_no_gradient_and_does_not_count() -> None:
    logits, labels, weights = say()
    weights[1, 2:, 1:3] = 0
    logits.requires_grad_(True)
    dice_of_net(logits, labels, weights=weights).backward()
    none = (weights == 0) | (labels < 0)
    assert (logits.grad.movedim(1, 3)[none] == 0).all()
    assert (logits.grad.movedim(1, 3)[~none].abs().sum(dim=1) > 0).all()
    # Were the weights above alone, what is found where they are 0 would count below.
    moved = logits.detach().clone()
    moved.movedim(1, 3)[none] += torch.tensor([5.0, -5.0, 0.0], dtype=moved.dtype)
    assert float(dice_of_net(moved, labels, weights=weights)) == pytest.approx(
        float(dice_of_net(logits.detach(), labels, weights=weights)), abs=1e-7
    )


def test_a_perfect_map_has_no_loss_and_absent_classes_are_left_out() -> None:
    labels = torch.tensor([[[0, 1], [1, IGNORED]]])
    sure = 100 * F.one_hot(labels.clamp_min(0), 4).movedim(3, 1).double()
    assert float(dice_of_net(sure, labels)) == pytest.approx(0, abs=1e-6)
    assert dice_losses(sure, labels)[1].tolist() == [1, 1, 0, 0]
    nothing = torch.full((1, 2, 2), IGNORED)
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    loss = dice_of_net(logits, nothing)
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and (logits.grad == 0).all()


def test_co_teaching_learns_from_what_the_other_finds_easy() -> None:
    labels = torch.tensor([[[0, 1, 0, 1], [IGNORED, 0, 1, 1]]])
    torch.manual_seed(3)
    shape = (2, 2, 4)
    net = Twins((1, 2, 4), shape, of=bind("unet(width=2, depth=1)", "arch"))
    with torch.no_grad():
        for one in net.both:
            one.head.weight.normal_(std=0.5)
    batch = {"given": torch.randn(1, 1, 2, 4), "wanted": labels, "progress": torch.ones(1)}
    loss = bind("co_teaching", "objective").entry.obj(net, batch, share=0.5, ramp=0.1)
    known = labels.flatten() >= 0
    each = [
        F.cross_entropy(said, labels, reduction="none").detach().flatten()[known]
        for said in (one(batch["given"]) for one in net.both)
    ]
    kept = round(0.5 * 7)
    easy = [one.argsort()[:kept] for one in each]
    assert loss.item() == pytest.approx(float(each[0][easy[1]].mean() + each[1][easy[0]].mean()), abs=1e-6)
    assert {*easy[0].tolist()} != {*easy[1].tolist()}
    # At the beginning all are learned from.
    whole = bind("co_teaching", "objective").entry.obj(net, batch | {"progress": torch.zeros(1)}, share=0.5, ramp=0.1)
    assert whole.item() == pytest.approx(float(each[0].mean() + each[1].mean()), abs=1e-6)


def test_twins_begin_apart_are_their_mean_and_can_be_copied() -> None:
    net = Twins((1, 8, 8), (3, 8, 8), of=bind("unet(width=2, depth=1)", "arch"))
    x = torch.randn(2, 1, 8, 8)
    made = net(x)
    assert torch.allclose(made, (net.both[0](x) + net.both[1](x)) / 2) and not torch.allclose(*net.outputs)
    assert torch.equal(copy.deepcopy(net)(x), made)
    with pytest.raises(nb.UsageError, match="twins"):
        bind("co_teaching", "objective").entry.obj(nn.Conv2d(1, 3, 1), {"given": x, "wanted": None})


# ---- rounds


class Constant(nn.Module):
    """Logits that are the same everywhere."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))

    def forward(self, x: Any) -> Any:
        return self.values[None, :, None, None].expand(len(x), -1, *x.shape[2:]) + 0 * x


def rounds(net: nn.Module, values: Sequence[tuple[float, float]], **options: Any) -> list[Any]:
    """The batch of each of as many steps, the network having these logits behind each."""
    part = Agreement(**options)
    part.prepare(net)
    labels = torch.tensor([[[0, 1], [IGNORED, 1]]])
    batch = {"given": torch.zeros(1, 1, 2, 2), "wanted": labels, "truth": torch.tensor([[[0, 0], [0, 1]]])}
    found = []
    for step, after in enumerate(values):
        found.append(part.batch(batch, step, len(values)))
        with torch.no_grad():
            net.values.copy_(torch.tensor(after))
    return [*found, part]


def test_weights_are_how_far_the_network_of_the_round_before_agrees() -> None:
    third = (0.0, float(np.log(2.0)))  # probabilities 1/3 and 2/3
    first, second, part = rounds(Constant(0.0, 0.0), [third, (9.0, 0.0)], rounds=2)
    assert (first["weights"] == 1).all()
    assert second["weights"].flatten().tolist() == pytest.approx([1 / 3, 2 / 3, 0, 2 / 3])
    assert torch.equal(second["wanted"], first["wanted"])
    assert part.figures() == pytest.approx({
        "mean_weight": 5 / 9, "weight_right": 1 / 2, "weight_wrong": 2 / 3, "wrong_before": 1 / 3, "wrong_after": 1 / 3,
    })  # fmt: skip
    hard = rounds(Constant(0.0, 0.0), [third, (9.0, 0.0)], rounds=2, weigh="hard")[1]
    assert hard["weights"].flatten().tolist() == [0, 1, 0, 1]


def test_who_made_a_label_never_weighs_it() -> None:
    first, second, third = (0.0, 2.0), (1.0, 0.0), (0.0, 0.0)
    batch = rounds(Constant(0.0, 0.0), [first, second, third])[2]
    # Labels are those of the first network, class 1 all over, and weights those of the second.
    assert batch["wanted"].flatten().tolist() == [1, 1, IGNORED, 1]
    agreed = 1 / (1 + np.e)
    assert batch["weights"].flatten().tolist() == pytest.approx([agreed, agreed, 0, agreed])
    kept = rounds(Constant(0.0, 0.0), [first, second, third], relabel=False)[2]
    assert kept["wanted"].flatten().tolist() == [0, 1, IGNORED, 1]
    later = rounds(Constant(0.0, 0.0), [first, second, third, third], rounds=4)[3]
    assert later["wanted"].flatten().tolist() == [0, 0, IGNORED, 0]


def tiny(more: str, arch: str = "unet(width=2, depth=2)") -> Any:
    """The trainer of a recipe of six steps, which knows its batches."""
    data = "boundary_noise(of=ellipses(n=6, size=16, split=train), share=1)"
    spec = f"trained(arch={arch}, {more}, data={data}, batch=2, steps=6, checks=1, validation=2)"
    recipe = recipe_of(bound("method", spec).kwargs)
    _, batches, _ = training_batches(recipe, TRACK, 0)
    made = Trainer(recipe, batches.given, batches.wanted, 0, "cpu")
    made.batches = batches  # type: ignore[attr-defined]
    return made


def step(trainer: Any, first: int, last: int) -> list[float]:
    return [trainer.advance(trainer.batches(number)) for number in range(first, last)]


PAIR = "twins(of=unet(width=2, depth=1))"


@pytest.mark.parametrize(
    ("recipe", "arch"),
    [
        ("objective=supervised(loss=cross_entropy)", "unet(width=2, depth=2)"),
        ("objective=dice", "unet(width=2, depth=2)"),
        ("objective=dice, parts=agreement", "unet(width=2, depth=2)"),
        ("objective=dice, parts=agreement", PAIR),
        ("objective=co_teaching", PAIR),
    ],
)
def test_a_recipe_of_maps_learns_and_goes_on_from_a_snapshot(recipe: str, arch: str) -> None:
    whole, stopped, resumed = (tiny(recipe, arch) for _ in range(3))
    losses = step(whole, 0, 6)
    step(stopped, 0, 5)
    resumed.resume(stopped.snapshot())
    step(resumed, 5, 6)
    assert np.isfinite(losses).all()
    assert resumed.weights() == whole.weights() and resumed.figures() == whole.figures()


def test_weights_that_the_objective_does_not_read_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="objective=dice"):
        step(tiny("parts=agreement"), 0, 1)


def test_what_is_for_maps_refuses_labels_of_pictures() -> None:
    batch = {"given": torch.zeros(2, 1, 4, 4), "wanted": torch.zeros(2, dtype=torch.int64)}
    with pytest.raises(nb.UsageError, match="label maps"):
        bind("dice", "objective").entry.obj(nn.Identity(), batch)
    with pytest.raises(nb.UsageError, match="label maps"):
        Agreement().batch(batch, 0, 3)


# ---- drawing


def test_a_drawing_shows_the_picture_the_true_map_and_the_found_one() -> None:
    import cv2

    item = mapped([[0, 0, 1, 1]] * 4 + [[0, 0, -1, 1]])
    output = logits_of([[0, 1, 1, 1]] * 5, 2)
    made = draw_maps(item, nb.Case(np.zeros((5, 4, 1), np.float32), nb.Info(), ""), output)
    assert made is not None and [*made] == ["picture", "truth", "map"]
    drawn = {name: cv2.imdecode(np.frombuffer(png, np.uint8), 1) for name, png in made.items()}
    assert {one.shape[:2] for one in drawn.values()} == {(195, 156)}
    middle = {name: one[20, [20, 59, 98, 137]].tolist() for name, one in drawn.items()}
    ground, thing = middle["truth"][0], middle["truth"][3]
    assert middle["truth"] == [ground, ground, thing, thing] and middle["map"] == [ground, thing, thing, thing]
    assert drawn["truth"][175, 98].tolist() == [128] * 3
    white = [drawn["map"][20, column].tolist() == [255] * 3 for column in (38, 77, 116)]
    assert white == [False, True, False] and drawn["map"][175, 77].tolist() != [255] * 3
    assert draw_maps(item, nb.Case(np.zeros((5, 4, 2), np.float32), nb.Info(), ""), output) is None


def test_confusion_counts_true_classes_by_row() -> None:
    maps = Maps(np.array([[0, 1, 1]]), np.array([[0, 0, UNLABELLED]]), 2)
    assert maps.confusion.tolist() == [[1, 1], [0, 0]]
