"""The track `adapt`: streams, what learns from them, and its scores, against values worked out by hand."""

from __future__ import annotations

import copy
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.adapt._adapting import (
    StreamLearner,
    entropy_of,
    normalised_by_batch,
    norms_of,
    sure_enough,
    surer,
)
from noisebench.track.calling import call_on
from noisebench.tracks.adapt import Stream
from noisebench.tracks.classify import LabelledPicture
from torch import nn

TRACK = get_track("adapt")
KNOWN = "some_classes(of=digits, classes=(0,1,2))"
OTHER = "some_classes(of=digits, classes=(8,9))"


def opened(spec: str, track: str = "adapt") -> Any:
    return nb.open_dataset(bind(spec, "dataset", track))


def made(labels: list[int], order: list[int], batch: int = 2) -> Stream:
    """Pictures 3 x 2 of three classes, each of one value."""
    items = [
        LabelledPicture(f"p{i}", np.full((3, 2), i / 10, np.float32), label, ("a", "b", "c"), 0 if label < 0 else None)
        for i, label in enumerate(labels)
    ]
    return Stream("made", items, np.array(order, np.int64), batch)


def posed(item: Stream, regime: str = "none", seed: int = 0) -> nb.Case:
    return TRACK.pose(bind(regime, "regime", "adapt"), item, seed)


def scores(output: Any, item: Stream, *metrics: str) -> list[Any]:
    bound = [bind(name, "metric", "adapt") for name in metrics]
    return list(TRACK.score(output, item, posed(item), bind("softmax", "protocol", "adapt"), bound).values())


# ---- the streams


def test_a_stream_brings_each_picture_once_a_round_in_another_order() -> None:
    item = opened(f"stream(of={KNOWN}, rounds=3, batch=20)").load(0)
    n = len(item.pictures)
    rounds = item.order.reshape(3, n)
    assert all(sorted(row) == list(range(n)) for row in rounds.tolist())
    assert len({tuple(row) for row in rounds.tolist()}) == 3
    assert item.labels.tolist() == [item.pictures[place].label for place in item.order]


def test_streams_differ_in_their_order_and_a_number_gives_the_same() -> None:
    some = opened(f"stream(of={KNOWN}, streams=2)")
    more = opened(f"stream(of={KNOWN}, streams=3)")
    assert np.array_equal(some.load(1).order, more.load(1).order)
    assert not np.array_equal(some.load(0).order, some.load(1).order)


def test_unknown_pictures_are_the_share_of_an_open_set() -> None:
    item = opened(f"open_set(of={KNOWN}, unknown={OTHER}, share=0.25)").load(0)
    labels = item.labels
    assert (labels < 0).mean() == pytest.approx(0.25, abs=0.005) and {*labels[labels >= 0].tolist()} == {0, 1, 2}
    assert {len(one.classes) for one in item.pictures} == {3}


def test_some_classes_are_numbered_anew() -> None:
    whole, found = opened("digits", "classify"), opened("some_classes(of=digits, classes=(7,2))", "classify")
    true = {whole.ids[i]: whole.load(i).label for i in range(len(whole.ids))}
    assert {true[name] for name in found.ids} == {2, 7}
    assert all(found.load(i).label == [7, 2].index(true[name]) for i, name in enumerate(found.ids))
    assert found.load(0).classes == ("7", "2")


def test_regions_are_numbered_anew_too() -> None:
    of = "hidden(of=digits(n=60), beside=1, size=32)"
    whole, found = opened(of, "classify"), opened(f"some_classes(of={of}, classes=(7,2))", "classify")
    olds = [whole.load(whole.ids.index(name)) for name in found.ids]
    for old, new in zip(olds, map(found.load, range(len(found.ids))), strict=True):
        for number in range(-1, 10):
            assert {*new.regions[old.regions == number]} <= {{7: 0, 2: 1}.get(number, -1)}
        assert (new.regions == new.label).any()
        get_track("classify").identify(new)
    assert any((old.regions >= 0).sum() > (np.isin(old.regions, (7, 2))).sum() for old in olds)


def test_a_wrong_label_is_of_the_classes_that_are_left() -> None:
    found = opened("some_classes(of=flipped_labels(of=digits, share=0.5), classes=(1,4,5))", "classify")
    items = [found.load(i) for i in range(len(found.ids))]
    assert any(item.given_label != item.label for item in items)
    assert all(0 <= item.given_label < 3 for item in items)


@pytest.mark.parametrize(
    ("spec", "track", "said"),
    [
        (f"open_set(of={KNOWN}, unknown={OTHER}, share=0.9)", "adapt", "give another share, or more pictures"),
        (f"open_set(of={KNOWN}, unknown={OTHER}, share=0.001)", "adapt", r"share=0.001 takes 0 .* has [1-9]\d+: give"),
        ("open_set(of=digits(n=9), unknown=digits(n=20))", "adapt", "9 of 9 pictures .* are in digits.n=9. too: give"),
        (
            f"open_set(of={KNOWN}, unknown=hidden(of=digits(n=90), beside=1, size=32), share=0.1)",
            "adapt",
            "give sets of one size",
        ),
        ("some_classes(of=digits, classes=(3,12))", "classify", "class 12 .* 10 of digits.*: count from 0"),
        ("some_classes(of=digits, classes=(3,3))", "classify", "each once"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(spec: str, track: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said) as error:
        opened(spec, track)
    assert "\n" not in str(error.value)


def test_pictures_of_two_sizes_are_no_stream() -> None:
    item = made([0, 1], [0, 1])
    other = LabelledPicture("q", np.zeros((4, 2), np.float32), 0, ("a", "b", "c"))
    with pytest.raises(nb.UsageError, match="'made': .* size or classes: give"):
        TRACK.identify(Stream("made", [*item.pictures, other], item.order, 2))
    with pytest.raises(nb.UsageError, match="'made': .*order .*from 0 to 1"):
        TRACK.identify(Stream("made", item.pictures, np.array([0, 2]), 2))


def test_a_picture_is_as_noisy_as_in_classify_and_no_level_is_told() -> None:
    item = made([0, 1, 2], [2, 0, 1, 1])
    case = posed(item, "gaussian(sigma=25)", 3)
    classify = get_track("classify")
    due = [classify.pose(bind("gaussian(sigma=25)", "regime", "classify"), one, 3).given for one in item.pictures]
    assert np.array_equal(case.given.pictures, np.stack(due))
    assert case.info.sigma is None and case.info.classes == 3 and case.wanted == (4, 3)
    assert case.input_sha256 != posed(item, "gaussian(sigma=25)", 4).input_sha256
    assert case.input_sha256 != posed(made([0, 1, 2], [0, 2, 1, 1]), "gaussian(sigma=25)", 3).input_sha256


# ---- how a method is called


class Counting:
    """Logits that say how many batches came before, and how often a stream was begun."""

    begun = 0

    def begin(self, info: Any) -> None:
        self.begun += 1
        self.count = 0

    def classify(self, pictures: Any, info: Any) -> Any:
        self.count += 1
        self.seen = pictures.shape
        return torch.tensor([[self.count, self.begun, float(p.mean())] for p in pictures])


@pytest.fixture
def counting() -> Any:
    from noisebench.components.registry import registry

    nb.method("counting", track="adapt")(Counting)
    yield TRACK.open(bind("counting", "method", "adapt"))
    del registry("method", "adapt")._entries["counting"]


def test_batches_come_in_order_and_a_stream_begins_anew(counting: Any) -> None:
    item = made([0, 1, 2], [2, 0, 1, 1, 0])
    for stream in (1, 2):
        out = call_on(counting, posed(item), "cpu")[0]
        assert out[:, 0].tolist() == [1, 1, 2, 2, 3] and {*out[:, 1].tolist()} == {stream}
        np.testing.assert_allclose(out[:, 2], [0.2, 0.0, 0.1, 0.1, 0.0], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3), (2, 2), (2,)])
def test_what_are_no_logits_of_a_batch_is_invalid(shape: tuple[int, ...]) -> None:
    with pytest.raises(nb.Invalid, match="due"):
        nb.evaluate(lambda pictures, info: np.zeros(shape), f"stream(of={KNOWN}, batch=2)", "none", track="adapt")


# ---- scores


def test_accuracy_is_of_known_classes_and_may_be_of_the_end() -> None:
    item = made([0, 1, 2, -1], [0, 1, 2, 3, 0, 1, 2, 3])
    out = np.zeros((8, 3), np.float32)
    out[:4, 0] = 1  # right for the first alone
    out[4:, 1:] = [[0, 0], [1, 0], [0, 1], [1, 0]]  # all right, ties go to the first
    assert scores(out, item, "accuracy", "accuracy(last=0.5)") == [4 / 6, 1.0]
    assert isinstance(scores(out, made([-1], [0] * 8), "accuracy")[0], nb.NotDefined)


def test_a_part_of_a_picture_at_the_end_counts_as_a_whole_one() -> None:
    item = made([0, 1], [0] * 7)
    out = np.zeros((7, 2), np.float32)
    out[3, 1] = 1  # wrong for the first of the last four
    assert scores(out, item, "accuracy(last=0.5)") == [3 / 4]


def test_auroc_tells_unknown_pictures_by_their_surest_class() -> None:
    item = made([0, 1, -1, -1], [0, 1, 2, 3])
    out = np.array([[3, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 0]], np.float32)
    assert scores(out, item, "auroc") == [0.75]
    assert isinstance(scores(out, made([0, 1, 2, 0], [0, 1, 2, 3]), "auroc")[0], nb.NotDefined)


def test_doubted_is_the_share_that_lost_in_the_class_of_the_source() -> None:
    item = made([0, 0, 1, -1], [0, 1, 2, 3])
    before = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]], np.float32)  # right, right, wrong, unknown
    now = np.array([[2, 0, 0], [0.5, 0, 0], [0, 5, 0], [9, 0, 0.5]], np.float32)
    out = np.concatenate([now, before], axis=1)
    names = [f"doubted(of={kind})" for kind in ("right", "wrong", "unknown")]
    assert scores(out, item, *names) == [0.5, 1.0, 1.0]
    assert all(isinstance(one, nb.NotDefined) for one in scores(now, item, *names))


# ---- what learns


def small(norm: bool = True) -> nn.Module:
    arch = bind(f"small_cnn(width=4, norm={norm})", "arch")
    torch.manual_seed(0)
    net: nn.Module = arch.entry.obj((1, 8, 8), (3,), **arch.kwargs)
    for _ in range(3):  # running statistics of its own
        net(torch.rand(20, 1, 8, 8))
    return net.eval().requires_grad_(False)


class Held:
    def __init__(self, net: Any) -> None:
        self.net = net

    def classify(self, picture: Any, info: Any) -> Any:
        return self.net(picture)


class Inner:
    def __init__(self, net: Any) -> None:
        self.instance, self.bound = Held(net), bind("uniform", "method", "classify")


def test_batch_norms_use_what_has_just_come_and_the_classifier_stays() -> None:
    net, x = small(), 3 + torch.rand(10, 1, 8, 8)
    held = copy.deepcopy(net.state_dict())
    found = normalised_by_batch(Inner(net), "tent")  # type: ignore[arg-type]
    torch.testing.assert_close(found(x), copy.deepcopy(net).train()(x))
    assert all(torch.equal(value, held[name]) for name, value in net.state_dict().items())


def test_a_network_without_batch_norm_and_a_classifier_without_a_network_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="tent .*batch norm.*arch=small_cnn"):
        normalised_by_batch(Inner(small(norm=False)), "tent")  # type: ignore[arg-type]
    with pytest.raises(nb.UsageError, match="holds one network"):
        normalised_by_batch(nb.Classifier(bind("uniform", "method", "classify")), "tent")


def by_hand(net: nn.Module, batches: list[Any], lr: float, kept: Any) -> list[Any]:
    """The same in training mode, with all that moves found by name."""
    moved, source = copy.deepcopy(net).train(), copy.deepcopy(net).train()
    affine = [p.requires_grad_(True) for name, p in moved.named_parameters() if ".1." in name or ".5." in name or ".9." in name]  # fmt: skip  # noqa: E501
    optimizer, out = torch.optim.Adam(affine, lr=lr), []
    for x in batches:
        logits, before = moved(x), source(x)
        out.append(torch.cat([logits, before], dim=1).detach())
        said = logits.softmax(dim=1)
        entropy = -(said * said.log()).sum(dim=1)
        chosen = kept(said, before.softmax(dim=1), entropy)
        if chosen.any():
            optimizer.zero_grad()
            entropy[chosen].mean().backward()
            optimizer.step()
    return out


def borne_out(now: Any, before: Any, entropy: Any) -> Any:
    return torch.stack([n[b.argmax()] >= b.max() for n, b in zip(now, before, strict=True)])


@pytest.mark.parametrize(
    ("mine", "due"),
    [
        (lambda now, before: torch.ones(len(now), dtype=torch.bool), lambda now, before, e: torch.ones(len(e)) > 0),
        (surer, borne_out),
        (sure_enough(0.98), lambda now, before, e: e < 0.98 * np.log(3)),
    ],
)
def test_what_is_learned_is_one_step_on_the_entropy_of_what_is_kept(mine: Any, due: Any) -> None:
    net = small()
    batches = list(torch.rand(6, 12, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    learner = StreamLearner(normalised_by_batch(Inner(net), "tent"), 0.02)  # type: ignore[arg-type]
    found = [learner.step(x, mine) for x in batches]
    for one, other in zip(found, by_hand(net, batches, 0.02, due), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_logits_are_told_before_the_network_learns_of_the_batch() -> None:
    source = normalised_by_batch(Inner(small()), "tent")  # type: ignore[arg-type]
    learner, x = StreamLearner(source, 0.1), torch.rand(9, 1, 8, 8)
    first = learner.step(x, lambda now, before: torch.ones(9, dtype=torch.bool))
    torch.testing.assert_close(first[:, :3], source(x))
    assert entropy_of(learner.net(x).log_softmax(dim=1)).mean() < entropy_of(source(x).log_softmax(dim=1)).mean()


def test_the_first_batch_is_kept_whole_and_one_that_is_not_borne_out_teaches_nothing() -> None:
    said = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]]).log()
    assert surer(said, said).all()
    # The class of the source counts, not the likeliest one now.
    now = torch.tensor([[0.1, 0.8, 0.1], [0.1, 0.75, 0.15]]).log()
    assert surer(now, said).tolist() == [False, True]
    source = normalised_by_batch(Inner(small()), "tent")  # type: ignore[arg-type]
    learner = StreamLearner(source, 0.1)
    learner.step(torch.rand(9, 1, 8, 8), lambda now, before: torch.zeros(9, dtype=torch.bool))
    for mine, theirs in zip(norms_of(learner.net), norms_of(source), strict=True):
        assert torch.equal(mine.weight, theirs.weight) and torch.equal(mine.bias, theirs.bias)


@pytest.fixture
def nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a trained classifier, one that is small and untrained."""
    from noisebench.training.trained_method import TrainedMethod

    def setup(self: Any, device: str) -> None:
        self.use(small(), (1, 8, 8))

    monkeypatch.setattr(TrainedMethod, "setup", setup)


@pytest.mark.parametrize(
    "name",
    ["tent(method=trained)", "crowd_filter(method=trained, lr=0.1)", "entropy_filter(method=trained, below=1.0)"],
)
def test_each_stream_begins_with_the_classifier_as_it_was(name: str, nets: None) -> None:
    runner = TRACK.open(bind(name, "method", "adapt"))
    runner.setup("cpu")
    item = opened(f"open_set(of={KNOWN}, unknown={OTHER}, share=0.2, batch=20)").load(0)
    first = call_on(runner, posed(item), "cpu")[0]
    again = call_on(runner, posed(item), "cpu")[0]
    assert np.array_equal(first, again) and first.shape == (len(item.order), 6)
    assert np.array_equal(first[:20, :3], first[:20, 3:]) and not np.array_equal(first[20:, :3], first[20:, 3:])


@pytest.mark.parametrize("name", ["tent", "crowd_filter", "entropy_filter", "batch_statistics"])
def test_pictures_of_other_channels_are_skipped(name: str, nets: None) -> None:
    runner = TRACK.open(bind(f"{name}(method=trained)", "method", "adapt"))
    runner.setup("cpu")
    with pytest.raises(nb.Skip, match="is for 1 channels, not 3"):
        runner.instance.classify(torch.rand(2, 3, 8, 8), None)


def test_a_batch_of_one_and_norms_without_scales_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4, affine=False))
    found = normalised_by_batch(Inner(net), "tent")  # type: ignore[arg-type]
    assert found(torch.rand(2, 1, 2, 2)).shape == (2, 4)
    with pytest.raises(nb.UsageError, match="one picture .*: give .*batch="):
        found(torch.rand(1, 1, 2, 2))
    from noisebench.training.trained_method import TrainedMethod

    monkeypatch.setattr(TrainedMethod, "setup", lambda self, device: self.use(net, (1, 2, 2)))
    runner = TRACK.open(bind("tent(method=trained)", "method", "adapt"))
    with pytest.raises(nb.UsageError, match="have nothing to learn"):
        runner.setup("cpu")


def test_the_source_says_of_a_stream_what_it_says_of_each_picture(nets: None) -> None:
    runner = TRACK.open(bind("source(method=trained)", "method", "adapt"))
    runner.setup("cpu")
    item = opened(f"stream(of={KNOWN}, batch=7)").load(0)
    out = call_on(runner, posed(item), "cpu")[0]
    x = torch.from_numpy(np.stack([item.pictures[place].picture for place in item.order]))[:, None]
    np.testing.assert_allclose(out, small()(x).numpy(), rtol=1e-4, atol=1e-5)
