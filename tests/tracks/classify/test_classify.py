"""The track `classify`: labelled pictures, what a regime makes of them, logits and their scores, and its trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.tracks import get_track
from noisebench.engine.run import RunOptions, run
from noisebench.store.cells import read_record
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError
from noisebench.tracks.classify import LabelledPicture

torch = pytest.importorskip("torch")
TRACK = get_track("classify")


class Quiet:
    """A watcher that keeps nothing."""

    def __getattr__(self, name: str):
        return lambda *_: None


def bound(spec: str, kind: str) -> nb.Bound:
    return nb.bind(spec, kind, "classify")


def dataset(spec: str) -> nb.Dataset:
    return nb.open_dataset(bound(spec, "dataset"))


def picture(values: np.ndarray, label: int = 1, **more) -> LabelledPicture:
    return LabelledPicture("one", values, label, ("a", "b", "c"), **more)


# Items


def test_digits_are_all_there_once_and_equal_pictures_are_on_one_side():
    test, train = dataset("digits"), dataset("digits(split=train)")
    assert (len(test.ids), len(train.ids)) == (517, 1280)
    assert not set(test.ids) & set(train.ids)
    seen = [{TRACK.truth_sha256(side.load(i)) for i in range(len(side.ids))} for side in (test, train)]
    assert not seen[0] & seen[1]


def test_a_digit_is_a_float_picture_of_sixteen_steps():
    item = dataset("digits(n=1)").load(0)
    assert item.picture.dtype == np.float32 and item.picture.shape == (8, 8)
    assert set(np.unique(item.picture * 16)) <= set(range(17))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (picture(np.zeros((4, 4), np.float32), label=3), "label 3 is none of its 3 classes"),
        (picture(np.zeros((4, 4), np.float32), annotated=7), "label 7 is none of its 3 classes"),
        (picture(np.full((4, 4), 2, np.float32)), "a picture of floats is on [0, 1]"),
        (picture(np.zeros(4, np.float32)), "(H, W) or (H, W, C) is due"),
    ],
)
def test_what_is_no_labelled_picture_is_refused(item: LabelledPicture, message: str):
    with pytest.raises(UsageError, match="'one'") as caught:
        TRACK.identify(item)
    assert message in str(caught.value)


def test_what_identifies_an_item_depends_on_values_label_and_annotation():
    values = np.zeros((4, 4), np.uint8)
    lines = {
        TRACK.identify(item)
        for item in (
            picture(values),
            picture(values, label=2),
            picture(values, annotated=2),
            picture(values, group="g"),
            picture(values + 1),
        )
    }
    assert len(lines) == 5


# Regimes


def test_regimes_are_those_of_restore():
    assert nb.bind("gaussian(sigma=25)", "regime", "classify").entry is nb.bind("gaussian(sigma=25)", "regime").entry


def test_noise_depends_on_picture_regime_and_seed_alone():
    item = picture(np.full((16, 16), 0.5, np.float32))
    one = TRACK.pose(bound("gaussian(sigma=25)", "regime"), item, 0)
    again = TRACK.pose(bound("gaussian(sigma=25)", "regime"), picture(item.picture, label=0), 0)
    other = TRACK.pose(bound("gaussian(sigma=25)", "regime"), item, 1)
    assert one.input_sha256 == again.input_sha256 != other.input_sha256
    assert one.given.shape == (16, 16, 1) and one.wanted == (3,)
    assert one.info.sigma == 25 / 255 and one.info.classes == 3
    assert np.std(one.given) == pytest.approx(25 / 255, rel=0.1)


def test_a_regime_that_needs_a_noisy_picture_is_skipped():
    with pytest.raises(nb.Skip, match="^regime real .*noisy pictures"):
        TRACK.pose(bound("real", "regime"), picture(np.zeros((4, 4), np.float32)), 0)


# Scores


def test_scores_of_logits_by_hand():
    item = picture(np.zeros((4, 4), np.float32), label=1)
    case = TRACK.pose(bound("none", "regime"), item, 0)
    metrics = [bound("accuracy", "metric"), bound("nll", "metric")]
    logits = np.log(np.array([0.2, 0.5, 0.3], np.float32)) + 7
    scores = TRACK.score(logits, item, case, bound("softmax", "protocol"), metrics)
    assert scores == {"accuracy": 1.0, "nll": pytest.approx(np.log(2), abs=1e-6)}
    scores = TRACK.score(logits[[1, 0, 2]], item, case, bound("softmax", "protocol"), metrics)
    assert scores == {"accuracy": 0.0, "nll": pytest.approx(np.log(5), abs=1e-6)}
    cool = TRACK.score(logits, item, case, bound("softmax(temperature=0.5)", "protocol"), metrics)
    assert cool["nll"] == pytest.approx(-np.log(0.25 / 0.38), abs=1e-6)


def test_what_a_classifier_must_return():
    runner = TRACK.open(bound("uniform", "method"))
    case = TRACK.pose(bound("none", "regime"), picture(np.zeros((4, 4), np.float32)), 0)
    assert runner.accept(np.zeros((1, 3)), case).tolist() == [0, 0, 0]
    for output, message in ((np.zeros(4), "shape"), ([0, 0, 0], "list"), (np.array([0, np.nan, 0]), "NaN")):
        with pytest.raises(nb.Invalid, match=message):
            runner.accept(output, case)


def test_the_oracle_is_right_and_a_guess_is_as_good_as_the_first_class():
    every = dataset("digits(n=40)")
    first = np.mean([every.load(i).label == 0 for i in range(40)])
    assert nb.evaluate("oracle", "digits(n=40)", track="classify").accuracy == 1
    guess = nb.evaluate("uniform", "digits(n=40)", track="classify")
    assert guess.accuracy == pytest.approx(first) and guess.nll == pytest.approx(np.log(10))


# Networks


@pytest.mark.parametrize("arch", ["mlp(hidden=(5,))", "small_cnn(width=2)", "small_resnet(width=2)"])
@pytest.mark.parametrize("given", [(1, 8, 8), (3, 9, 13)])
def test_networks_give_logits_for_pictures_of_any_size(arch: str, given: tuple[int, ...]):
    one = nb.bind(arch, "arch")
    net = one.entry.obj(given, (7,), **one.kwargs).eval()
    assert net(torch.zeros(2, *given)).shape == (2, 7)


def test_an_mlp_without_hidden_layers_is_linear_and_counts_its_weights():
    one = nb.bind("mlp(hidden=(), bias=false)", "arch")
    net = one.entry.obj((1, 8, 8), (10,), **one.kwargs)
    assert sum(p.numel() for p in net.parameters()) == 640
    x = torch.rand(3, 1, 8, 8)
    assert torch.allclose(net(2 * x), 2 * net(x))


@pytest.mark.parametrize("kind", ["each by itself", "among others", "of other sizes"])
def test_networks_are_given_pictures_together_only_where_that_changes_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
):
    classifier = TRACK.open(bound("trained(arch=mlp)", "method"))
    mean = torch.nn.Linear(64, 10)

    def net(pictures):
        flat = pictures.flatten(1)[:, :64]
        return mean(flat - flat.mean(0) if kind == "among others" else flat)

    classifier.instance.use(net, (1, 8, 8))
    digits, regime = dataset("digits(n=5)"), bound("gaussian(sigma=25)", "regime")
    cases = [TRACK.pose(regime, digits.load(i), 0) for i in range(5)]
    if kind == "of other sizes":
        cases[2] = replace(cases[2], given=np.zeros((9, 8, 1), np.float32))
    together = classifier.call_together(cases)
    assert (together is None) == (kind != "each by itself")
    if together is not None:
        alone = [classifier.accept(classifier.call(classifier.prepare(c.given), c.info), c) for c in cases]
        np.testing.assert_allclose(together, alone, atol=1e-5)
        assert len({tuple(logits) for logits in together}) == 5


def test_a_classifier_for_pictures_is_refused():
    one = nb.bind("small_cnn", "arch")
    with pytest.raises(UsageError, match="takes pictures .* and gives logits"):
        one.entry.obj((1, 8, 8), (1, 8, 8), **one.kwargs)


# Trainings


def course(regime: str, order, seed: int = 0, data: str = "digits(split=train, n=20)"):
    return TRACK.batches(dataset(data), range(5, 15), bound(regime, "regime"), order, crop=0, seed=seed)


def test_a_batch_has_pictures_labels_and_places():
    batches = course("none", lambda step: [0, 3, 9])
    batch, whole = batches(4), dataset("digits(split=train, n=20)")
    assert (batches.given, batches.wanted) == ((1, 8, 8), (10,))
    assert batch["index"].tolist() == [5, 8, 14]
    assert batch["wanted"].tolist() == batch["truth"].tolist() == [whole.load(i).label for i in (5, 8, 14)]
    assert (batch["given"][1, 0] == whole.load(8).picture).all()


def test_noise_of_a_batch_is_new_in_each_step_and_the_same_again():
    batches = course("gaussian(sigma=25)", lambda step: [0, 1])
    assert (batches(0)["given"] == batches(0)["given"]).all()
    assert (batches(0)["given"] != batches(1)["given"]).any()
    assert (batches(0)["given"] != course("gaussian(sigma=25)", lambda step: [0, 1], seed=1)(0)["given"]).any()


def test_a_trained_classifier_is_better_than_a_guess_and_its_test_pictures_are_refused(tmp_path: Path):
    recipe = "arch=mlp(hidden=(32,)), data=digits(split=train, n=400), steps=60, checks=2, validation=50"
    suite = Suite(
        suite="t", track="classify", methods=(f"trained({recipe})",), datasets=("digits(n=60)",), regimes=("none",)
    )
    summary = run(suite, tmp_path / "s", RunOptions(), Quiet())
    assert summary.ok
    record = read_record(tmp_path / "s", summary.cells[-1].key)
    assert np.mean(record.scores["accuracy"]) > 0.5
    assert record.cell.method.flags["trained_on"] == ["digits(n=400, split=train)"]
    wrong = Suite(
        suite="t", track="classify", methods=("trained(data=digits, steps=2, checks=1)",),
        datasets=("digits(n=60)",), regimes=("none",),
    )  # fmt: skip
    with pytest.raises(UsageError, match="which is tested"):
        run(wrong, tmp_path / "s", RunOptions(), Quiet())


# Real sets


@pytest.mark.data
def test_fashion_mnist_is_the_published_one(monkeypatch: pytest.MonkeyPatch, data_dir: Path):
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    whole = dataset("fashion_mnist")
    item = whole.load(0)
    assert len(whole.ids) == 10_000 and len(dataset("fashion_mnist(split=train)").ids) == 60_000
    assert (item.label, item.classes[item.label], item.picture.shape) == (9, "ankle boot", (28, 28))


@pytest.mark.data
def test_cifar10_takes_classes_by_turns_and_human_labels_are_for_training(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    test = dataset("cifar10_subset(n=20)")
    assert [test.load(i).label for i in range(12)] == [*range(10), 0, 1]
    worst = dataset("cifar10_subset(split=train, labels=worst)")
    wrong = [i.given_label != i.label for i in map(worst.load, range(10_000))]
    assert np.mean(wrong) == pytest.approx(0.4105, abs=1e-4)
    with pytest.raises(UsageError, match="give split=train"):
        dataset("cifar10_subset(labels=worst)")


def test_a_set_that_is_not_there_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match=r"fashion_mnist is not in .*: put fashion_mnist.npz there"):
        dataset("fashion_mnist(n=1)").load(0)
