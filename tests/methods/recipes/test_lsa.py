"""Labels of the web: sets that have their noise, detectors of it by turns, and what else is trained against it."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.objectives.mixup import mixup, weighted
from noisebench.recipes.parts._noise_detectors import by_line, by_loss, low_mode, seen_by
from noisebench.tracks.classify import NO_CLASS, LabelledPicture
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, Attentive
from torch import nn

HALF = "web_noise(of=digits(split=train, n=300), by=digits(split=test), outside=0.25, flipped=0.25, validated=60)"


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def items_of(spec: str) -> tuple[Any, list[LabelledPicture]]:
    found = opened(spec)
    return found, [found.load(index) for index in range(len(found.ids))]


def part(spec: str, net: nn.Module, given: tuple[int, ...] = (3, 1, 1)) -> Any:
    made = bind(spec, "part")
    one = made.entry.obj(**made.kwargs)
    one.prepare(net, given)
    return one


def objective(spec: str, net: Any, batch: Any) -> Any:
    made = bind(spec, "objective")
    return made.entry.obj(net, batch, **made.kwargs)


# ---- the sets


def test_shares_of_pictures_are_outside_and_flipped_and_the_truth_is_kept() -> None:
    whole, (found, items) = items_of("digits(split=train)")[1], items_of("webdigits(outside=0.3, flipped=0.2)")
    trained = [(a, b) for place, (a, b) in enumerate(zip(whole, items, strict=True)) if place not in found.kept_apart]
    outside = [b for _, b in trained if b.label == NO_CLASS]
    flipped = [(a, b) for a, b in trained if b.label != NO_CLASS and b.given_label != b.label]
    assert 0.26 < len(outside) / len(trained) < 0.34 and 0.16 < len(flipped) / len(trained) < 0.24
    # An outside picture has the label of the one that it stands for; a flipped one is the picture that it was.
    assert all(b.given_label == a.label for a, b in trained if b.label == NO_CLASS)
    assert all(np.array_equal(a.picture, b.picture) and a.label == b.label for a, b in flipped)
    assert len({(b.given_label - b.label) % 10 for _, b in flipped}) == 9


def test_what_is_kept_apart_is_clean_and_is_what_a_training_is_validated_on() -> None:
    found, items = items_of(HALF)
    assert len(found.kept_apart) == 60
    assert all(items[place].given_label == items[place].label for place in found.kept_apart)
    assert any(item.label == NO_CLASS for item in items)


def test_noise_of_a_set_depends_on_its_seed_and_no_more() -> None:
    def labels(more: str) -> list[int]:
        return [item.given_label + 100 * item.label for item in items_of(HALF[:-1] + more + ")")[1]]

    assert labels("") == labels(", seed=0") != labels(", seed=1")


def test_crops_of_photographs_are_pictures_of_eight_by_eight() -> None:
    crops = [item for item in items_of("webdigits(outside=1.0, flipped=0.0)")[1] if item.label == NO_CLASS]
    assert len(crops) == 1080 and {item.picture.shape for item in crops} == {(8, 8)}
    assert all(item.picture.min() == 0 and item.picture.max() == 1 for item in crops[:50])
    assert len({item.picture.tobytes() for item in crops}) == len(crops)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("webdigits(outside=0.7, flipped=0.4)", "outside=0.7 and flipped=0.4 .*: give less"),
        ("web_noise(of=digits, by=rim_lesions, outside=1.0, flipped=0.0)", "give two sets of one size"),
    ],
)
def test_what_is_no_such_set_is_said_in_one_line(spec: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said) as error:
        items_of(spec)
    assert "\n" not in str(error.value)


def test_a_picture_of_no_class_is_scored_by_nothing() -> None:
    item = LabelledPicture("a", np.zeros((2, 2), np.float32), NO_CLASS, ("x", "y"), 1)
    track = nb.get_track("classify")
    case = track.pose(bind("none", "regime", "classify"), item, 0)
    protocol = bind("softmax", "protocol", "classify")
    metrics = [bind(name, "metric", "classify") for name in ("accuracy", "nll", "certified(radius=0.1)")]
    scores = track.score(np.zeros(2, np.float32), item, case, protocol, metrics)
    assert all(isinstance(score, nb.NotDefined) for score in scores.values()) and len(scores) == 3


def test_a_picture_of_no_class_needs_what_an_annotator_took_it_for() -> None:
    with pytest.raises(nb.UsageError, match="label -1 is none of its 2 classes"):
        nb.get_track("classify").identify(LabelledPicture("a", np.zeros((2, 2), np.float32), NO_CLASS, ("x", "y")))


# ---- the detectors


def test_the_low_mode_is_known_by_its_mean_whatever_the_order() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.05, 300), rng.normal(3, 0.3, 100)])
    for order in (np.arange(400), np.arange(400)[::-1]):
        low = low_mode(values[order])
        assert (low[order < 300] > 0.99).all() and (low[order >= 300] < 0.01).all()


def test_of_equal_values_none_is_high() -> None:
    for values in (np.ones(5), np.ones(1), np.ones(0)):
        assert low_mode(values).tolist() == [1.0] * len(values)
        assert not by_loss(values, 0.95).noisy.any()


def test_a_line_finds_what_the_loss_detector_did_not_trust_and_its_like() -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal([8, 0], 1, (100, 2))])
    trusted = np.zeros(400, bool)
    trusted[300:380] = True  # twenty of that place were missed
    found = by_line(features, trusted)
    assert found.noisy[380:].all() and found.noisy[:300].mean() < 0.01
    assert found.score[300:].min() > found.score[:300].max()


@pytest.mark.parametrize("said", [False, True])
def test_without_two_kinds_the_line_finds_nothing(said: bool) -> None:
    assert not by_line(np.random.default_rng(2).normal(size=(9, 3)), np.full(9, said)).noisy.any()


@pytest.mark.parametrize(
    ("arch", "given"), [("small_cnn(width=4)", (3, 9, 7)), ("mlp(hidden=(6,))", (1, 5, 5)), ("small_resnet", (1, 8, 8))]
)
def test_seeing_leaves_the_network_as_it_is(arch: str, given: tuple[int, ...]) -> None:
    made = bind(arch, "arch")
    net = made.entry.obj(given, (3,), **made.kwargs).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.rand(600, *given)
    seen = seen_by(net, x, [one for one in net.modules() if isinstance(one, nn.Linear)][-1])
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    torch.testing.assert_close(seen.logits[550:], net.eval()(x[550:]).detach())
    length = seen.features.norm(dim=1)  # 0 where a layer gives nothing but zeros
    torch.testing.assert_close(length, (length > 0).float())
    assert length.mean() > 0.9


# ---- the objectives


def test_mixup_is_the_loss_of_mixed_pictures_against_both_labels() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    x, y = torch.rand(6, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.manual_seed(3)
    found = mixup(net, {"given": x, "wanted": y})
    torch.manual_seed(3)
    share = float(torch.distributions.Beta(1.0, 1.0).sample())
    share = max(share, 1 - share)
    other = torch.randperm(6)
    made = net(share * x + (1 - share) * x[other])
    torch.testing.assert_close(found, share * F.cross_entropy(made, y) + (1 - share) * F.cross_entropy(made, y[other]))
    plain = mixup(net, {"given": x, "wanted": y}, alpha=0)
    torch.testing.assert_close(plain, F.cross_entropy(net(x), y))


def test_a_loss_is_a_weighted_mean_over_soft_labels() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])
    labels, weights = torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([1.0, 3.0])
    due = (-(0.5 * math.log(0.25) + 0.5 * math.log(0.75)) + 3 * math.log(2)) / 4
    assert float(weighted(logits, labels, weights)) == pytest.approx(due, rel=1e-6)
    assert float(weighted(logits, labels, torch.zeros(2))) == 0


def test_small_losses_are_kept_and_their_share_falls() -> None:
    logits = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [2.0, 0.0]])
    batch = {"given": logits, "wanted": torch.zeros(4, dtype=torch.long)}
    losses = F.cross_entropy(logits, batch["wanted"], reduction="none").sort().values
    for progress, kept in ((0.0, 4), (0.1, 3), (0.2, 2), (0.9, 2)):
        found = objective(
            "small_loss(share=0.5, ramp=0.2)", nn.Identity(), batch | {"progress": torch.full((4,), progress)}
        )
        assert float(found) == pytest.approx(float(losses[:kept].mean()))


def test_generalised_cross_entropy_lies_between_its_two_ends() -> None:
    from noisebench.recipes.losses.gce import gce

    logits, labels = torch.randn(7, 4, dtype=torch.float64), torch.arange(7) % 4
    torch.testing.assert_close(gce(logits, labels, q=1e-9), F.cross_entropy(logits, labels))
    said = logits.softmax(dim=1).gather(1, labels[:, None])
    torch.testing.assert_close(gce(logits, labels, q=1.0), (1 - said).mean())
    torch.testing.assert_close(gce(logits, labels, q=0.7), ((1 - said**0.7) / 0.7).mean())


# ---- the part


class Known(nn.Module):
    """A network whose logits are what it is given, through one layer of ones."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3, bias=False)
        self.layer.weight.data = torch.eye(3)

    def forward(self, x: Any) -> Any:
        return self.layer(x.flatten(1))


def world(wrong: tuple[int, ...] = (5, 17), outside: tuple[int, ...] = ()) -> dict[str, torch.Tensor]:
    """Sixty items of which a network is sure, of three classes; some told wrong, some of no class at all.

    Half of these have a label that the network would give them.
    """
    truth = torch.arange(60) % 3
    given = 4 * F.one_hot(truth, 3).float() + 0.01 * torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    wanted = truth.clone()
    wanted[list(wrong)] = (truth[list(wrong)] + 1) % 3
    given[list(outside)] = torch.tensor([-6.0, -6.0, 6.0])
    wanted[list(outside)] = torch.tensor([0 if item % 2 else 2 for item in outside], dtype=torch.long)
    truth[list(outside)] = NO_CLASS
    return {"given": given.reshape(60, 3, 1, 1), "wanted": wanted, "truth": truth, "index": torch.arange(60)}


def fed(one: Any, items: dict[str, torch.Tensor], orders: list[list[int]]) -> list[Any]:
    """What the part makes of batches, each of so many items."""
    return [one.batch({n: v[order] for n, v in items.items()}, step, 9) for step, order in enumerate(orders)]


HALVES = [list(range(30)), list(range(30, 60))]


def test_a_noisy_item_gets_the_label_of_the_network_and_the_others_keep_theirs() -> None:
    one, items = part("lsa(detector=loss)", Known()), world()
    first, second, third = fed(one, items, [*HALVES, HALVES[0]])
    assert "soft_labels" not in first and "soft_labels" not in second  # no epoch is over yet
    assert {*one.weight} == {5, 17}
    own = torch.softmax(items["given"][:30].flatten(1), dim=1) ** 2
    due = F.one_hot(items["wanted"][:30], 3).float()
    for item in (5, 17):
        due[item] = own[item] / own[item].sum()
    torch.testing.assert_close(third["soft_labels"], due)
    assert torch.equal(third["wanted"], items["wanted"][:30])
    assert (third["weights"] == torch.tensor([one.weight.get(i, 1.0) for i in range(30)])).all()


def test_an_epoch_is_over_where_an_item_comes_again_also_within_a_batch() -> None:
    one, items = part("lsa(detector=loss, warmup=2)", Known()), world()
    fed(one, items, [*HALVES])
    assert one.epochs == 0
    fed(one, items, [[*range(20)], [*range(20, 60)]])
    assert one.epochs == 1 and not one.weight
    fed(one, items, [[3, 4, 5]])
    assert one.epochs == 2 and {*one.weight} == {5, 17} and one.since == {3, 4, 5}


def test_linear_comes_first_and_then_loss_by_turns() -> None:
    one, items = part("lsa", Known()), world(outside=tuple(range(40, 52)))
    losses = F.cross_entropy(items["given"].flatten(1), items["wanted"], reduction="none").numpy()
    by_loss_taken = by_loss(losses, 0.95).noisy
    line = by_line(F.normalize(items["given"].flatten(1), dim=1).numpy(), by_loss_taken).noisy
    assert (line != by_loss_taken).any()
    fed(one, items, [*HALVES, HALVES[0]])
    assert [*one.weight] == np.flatnonzero(line).tolist()
    fed(one, items, [HALVES[1], HALVES[0]])
    assert one.epochs == 2 and [*one.weight] == np.flatnonzero(by_loss_taken).tolist()


def test_figures_are_of_the_kinds_of_noise() -> None:
    outside = tuple(range(40, 52))
    one, items = part("lsa(detector=linear)", Known()), world(outside=outside)
    fed(one, items, [*HALVES, HALVES[0]])
    found = one.figures()
    losses = F.cross_entropy(items["given"].flatten(1), items["wanted"], reduction="none").numpy()
    noisy = by_loss(losses, 0.95).noisy
    clean = (items["truth"] == items["wanted"]).numpy()
    assert found["loss_found_flipped"] == noisy[[5, 17]].mean()
    assert found["loss_found_outside"] == noisy[list(outside)].mean()
    assert found["loss_clean_lost"] == noisy[clean].mean()
    assert found["loss_auroc_outside"] < 1 and found["linear_auroc_outside"] == 1
    assert found["linear_alone_lost"] <= found["linear_clean_lost"]


def test_pictures_alone_are_told_to_a_part_that_is_told_no_truth() -> None:
    one, items = part("lsa(detector=loss)", Known()), world()
    del items["truth"]
    fed(one, items, [*HALVES, HALVES[0]])
    assert {*one.weight} == {5, 17} and one.figures() == {}


def trainer(more: str, steps: int = 30) -> Trainer:
    spec = f"trained(arch=mlp(hidden=(8,)), batch=20, steps={steps}, checks=1, {more})"
    return Trainer(recipe_of(bind(spec, "method", "classify").kwargs), (3, 1, 1), (3,), 0, "cpu")


def advanced(one: Trainer, steps: range) -> Trainer:
    items = world(outside=(40, 44, 50))
    for step in steps:
        order = [(20 * step + place) % 60 for place in range(20)]
        one.advance({name: value[order].numpy() for name, value in items.items()})
    return one


def test_a_training_that_was_stopped_goes_on_as_if_it_was_not() -> None:
    how = "objective=mixup, parts=lsa(warmup=2)"
    whole, half, other = (trainer(how) for _ in range(3))
    advanced(whole, range(20))
    advanced(half, range(13))
    other.resume(half.snapshot())
    advanced(other, range(13, 20))
    assert other.weights() == whole.weights() and other.figures() == whole.figures() != {}


def test_before_the_first_detection_training_is_that_without_the_part() -> None:
    plain, own = trainer("objective=mixup"), trainer("objective=mixup, parts=lsa(warmup=3)")
    assert advanced(plain, range(9)).weights() == advanced(own, range(9)).weights()
    assert advanced(plain, range(9, 12)).weights() != advanced(own, range(9, 12)).weights()


def test_an_objective_that_reads_no_labels_of_a_part_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="give objective=mixup") as error:
        advanced(trainer("parts=lsa"), range(5))
    assert "\n" not in str(error.value)
    advanced(trainer("objective=mixup(alpha=0), parts=lsa"), range(5))


def test_wrong_labels_are_counted_by_the_part_that_looks_beside_it() -> None:
    one = advanced(trainer("objective=mixup, parts=(lsa, label_noise(visits=2))"), range(12))
    assert one.figures()["wrong_share"] == pytest.approx(5 / 60)


def test_layers_are_counted_as_a_pass_calls_them() -> None:
    net = Attentive()
    assert part("lsa(layer=1)", net, GIVEN).at is net.stem and part("lsa(layer=4)", net, GIVEN).at is net.head
    assert part("lsa", net, GIVEN).at is net.blocks.linear2


def test_a_layer_that_is_not_there_and_batches_without_labels_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="layer=4 .* 1 .*: give a lower"):
        part("lsa(layer=4)", Known())
    with pytest.raises(nb.UsageError, match="is for labelled items"):
        part("lsa", Known()).batch({"given": torch.zeros(2, 3), "wanted": torch.zeros(2, 3)}, 0, 1)
