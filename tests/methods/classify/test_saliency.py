"""Saliency maps: what NormGrad and its rivals compute, what maps are judged by, and pictures hidden in canvases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from board_records import record
from noisebench.boards.board import Board
from noisebench.boards.build import boards
from noisebench.methods.classify import _explaining as explaining
from noisebench.methods.classify.after_step import stepped
from noisebench.methods.classify.normgrad import contributions
from noisebench.methods.classify.randomized import begin_anew
from noisebench.track.posed_case import Case
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.explanation import packed, unpacked
from torch import nn

TRACK = nb.get_track("classify")


def convolutions(channels: int, classes: int, in_place: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(in_place), nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(in_place), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(5, classes),
    )  # fmt: skip


@nb.method("tiny_net", track="classify")
class TinyNet:
    """A convolutional or a linear network with weights of its own, called without gradients."""

    def __init__(self, *, channels: int = 1, side: int = 8, classes: int = 3, kind: str = "cnn") -> None:
        torch.manual_seed(0)
        self.net = (
            nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, classes))
            if kind == "linear"
            else convolutions(channels, classes, kind == "in_place")
        )
        for module in self.net:
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 1.5)
        self.net = self.net.eval().requires_grad_(False)

    def classify(self, picture: Any, info: Any) -> Any:
        with torch.no_grad():
            return self.net(picture)


@nb.method("mean_colour", track="classify", layout="hwc")
def mean_colour(picture: Any, info: Any) -> Any:
    """Logits that are a mean and its negatives, by numpy."""
    return np.full(info.classes, picture.mean(), np.float32)


def opened(spec: str) -> nb.Classifier:
    made = nb.Classifier(nb.bind(spec, "method", "classify"))
    made.setup()
    return made


def told(classes: int = 3) -> nb.Info:
    return nb.Info({"classes": classes}, b"one")


def drawn(height: int = 8, width: int = 8, channels: int = 1, seed: int = 0) -> Any:
    return np.random.default_rng(seed).random((height, width, channels), np.float32)


def tensor(picture: Any) -> Any:
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]


def maps_of(spec: str, picture: Any, classes: int = 3) -> Any:
    return opened(spec).explain(picture, told(classes))[1][0]


# NormGrad


def explicit(layer: explaining.Layer, head: Callable[[Any], Any], variant: str, classes: int) -> Any:
    """Gradients of the weights of an identity that each place has to itself, by autograd: (K, h, w, weights)."""
    x = layer.x
    channels, height, width = x.shape
    rows = x.reshape(channels, -1).T
    if variant == "bias":
        weights = torch.zeros(height * width, channels, requires_grad=True)
        made = rows + weights
    elif variant == "scaling":
        weights = torch.ones(height * width, channels, requires_grad=True)
        made = rows * weights
    else:
        if variant == "conv3x3":
            padded = nn.functional.pad(x, (1, 1, 1, 1))
            around = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
            rows = torch.stack(around, 1).reshape(9 * channels, -1).T
        identity = torch.zeros(channels, rows.shape[1])
        centre = torch.arange(channels) * (9 if variant == "conv3x3" else 1) + (4 if variant == "conv3x3" else 0)
        identity[torch.arange(channels), centre] = 1
        weights = identity.repeat(height * width, 1, 1).requires_grad_()
        made = torch.einsum("pci,pi->pc", weights, rows)
    logits = head(made.T.reshape(1, channels, height, width))[0]
    found = [torch.autograd.grad(one, weights, retain_graph=True)[0] for one in logits]
    return torch.stack(found).reshape(classes, height, width, -1)


AGGREGATED = {
    "norm": lambda w: w.norm(dim=-1), "positive_norm": lambda w: w.clamp_min(0).norm(dim=-1),
    "sum": lambda w: w.sum(dim=-1), "max": lambda w: w.amax(dim=-1),
}  # fmt: skip


@pytest.mark.parametrize("place", ["2", "4"])
@pytest.mark.parametrize("variant", ["bias", "scaling", "conv1x1", "conv3x3"])
def test_contributions_are_the_gradients_of_an_identity_that_each_place_has_to_itself(variant: str, place: str) -> None:
    inner = opened("tiny_net")
    picture = tensor(drawn(9, 7))
    _, (layer,) = explaining.layers_of("normgrad", inner, picture, told(), (place,))
    head = inner.instance.net[int(place) + 1 :]
    gradients = explicit(layer, head, variant, 3)
    for name, aggregated in AGGREGATED.items():
        due = aggregated(gradients)
        error = (contributions(layer, variant, name) - due).abs().max() / due.abs().max()
        assert float(error) <= 1e-6, name


def test_the_norm_is_that_of_activations_times_that_of_gradients() -> None:
    _, (layer,) = explaining.layers_of("normgrad", opened("tiny_net"), tensor(drawn()), told(), ("4",))
    outer = torch.einsum("chw,kdhw->kcdhw", layer.x, layer.g).flatten(1, 2).norm(dim=1)
    due = layer.x.norm(dim=0) * layer.g.norm(dim=1)
    assert float((outer - due).abs().max() / due.max()) <= 1e-6
    torch.testing.assert_close(contributions(layer, "conv1x1", "norm"), due)


def test_a_layer_that_works_in_place_changes_nothing_of_the_one_before() -> None:
    apart, in_place = (opened(f"tiny_net(kind={kind})") for kind in ("cnn", "in_place"))
    for place in ("0", "1", "2", "5", "6"):
        (one,), (other,) = (
            explaining.layers_of("normgrad", inner, tensor(drawn()), told(), (place,))[1] for inner in (apart, in_place)
        )
        torch.testing.assert_close(one.x, other.x)
        torch.testing.assert_close(one.g, other.g)
    assert (
        float(one.x.min())
        >= 0
        > float(explaining.layers_of("n", in_place, tensor(drawn()), told(), ("5",))[1][0].x.min())
    )


def test_layers_are_counted_by_the_sizes_of_their_maps() -> None:
    inner = opened("tiny_net")
    found = explaining.layers_of("normgrad", inner, tensor(drawn()), told(), (0, 1, 2, -1, -2))[1]
    assert [one.name for one in found] == ["picture", "2", "6", "6", "2"]
    assert [tuple(one.x.shape) for one in found[:3]] == [(1, 8, 8), (4, 8, 8), (5, 4, 4)]


@pytest.mark.parametrize("layer", ["(3,)", "(-3,)", "(head,)", "(9,)"])
def test_a_layer_that_is_not_there_is_named_with_those_that_are(layer: str) -> None:
    with pytest.raises(nb.UsageError, match=r"tiny_net has no layer .*: give 1 to 2, or 0, 1, 2") as caught:
        maps_of(
            f"normgrad(method=tiny_net, layers={layer.replace('head', repr('head')).replace('9', repr('9'))})", drawn()
        )
    assert "\n" not in str(caught.value)


def test_a_network_without_maps_says_so() -> None:
    with pytest.raises(nb.UsageError, match="none: it has no maps"):
        maps_of("normgrad(method=tiny_net(kind=linear))", drawn())
    assert maps_of("normgrad(method=tiny_net(kind=linear), layers=(0,))", drawn()).shape == (3, 8, 8)


def test_the_gradient_is_that_of_the_logit_and_of_no_softmax() -> None:
    inner = opened("gradient(method=tiny_net(kind=linear, channels=3))")
    weight = inner.instance.inner.instance.net[1].weight.reshape(3, 3, 8, 8)
    maps = inner.explain(drawn(channels=3), told())[1][0]
    np.testing.assert_allclose(maps, weight.abs().amax(dim=1), rtol=1e-6)


def test_before_a_mean_over_places_normgrad_is_the_same_for_every_class_and_its_bias_is_flat() -> None:
    maps = maps_of("normgrad(method=tiny_net, layers=(-1,))", drawn())
    np.testing.assert_allclose(maps[1:], np.broadcast_to(maps[0], (2, 8, 8)), atol=1e-6)
    assert np.ptp(maps[0]) == pytest.approx(1)
    flat = maps_of("normgrad(method=tiny_net, layers=(-1,), variant=bias)", drawn())
    assert (flat == flat[:, :1, :1]).all()


def test_grad_cam_before_a_mean_over_places_is_the_class_activation_map() -> None:
    inner = opened("tiny_net")
    net, picture = inner.instance.net, tensor(drawn())
    x, head = net[:7](picture)[0], net[9].weight
    due = torch.einsum("kc,chw->khw", head, x).clamp_min(0)
    maps = maps_of("grad_cam(method=tiny_net)", drawn())
    np.testing.assert_allclose(maps, explaining.combined([due], (8, 8)), atol=1e-5)


def test_maps_of_layers_have_a_range_of_their_own_and_are_multiplied() -> None:
    rng = torch.Generator().manual_seed(0)
    one, other = torch.randn((2, 4, 4), generator=rng), torch.randn((2, 8, 8), generator=rng) * 100 + 5
    flat = torch.full((2, 2, 2), 3.0)
    together = explaining.combined([one, other, flat], (8, 8))
    large = nn.functional.interpolate(one[None], size=(8, 8), mode="bilinear", align_corners=False)[0]
    unit = [(m - m.amin((1, 2), True)) / (m.amax((1, 2), True) - m.amin((1, 2), True)) for m in (large, other)]
    torch.testing.assert_close(together, unit[0] * unit[1])


# Its rivals


def test_integrated_gradients_add_up_to_the_change_of_the_logit() -> None:
    inner, picture = opened("integrated_gradients(method=tiny_net, steps=400)"), drawn()
    found = inner.instance.attributions(tensor(picture), told()).sum(dim=(1, 2, 3))
    net = inner.instance.inner.instance.net
    with torch.no_grad():
        due = (net(tensor(picture)) - net(tensor(0 * picture)))[0]
    np.testing.assert_allclose(found, due, atol=2e-3)


def test_smooth_grad_of_a_linear_network_is_its_gradient() -> None:
    a, b = (maps_of(f"{name}(method=tiny_net(kind=linear))", drawn()) for name in ("smooth_grad", "gradient"))
    np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("side", [1, 3])
def test_occlusion_of_a_linear_network_is_what_each_square_adds(side: int) -> None:
    picture = drawn()
    inner = opened(f"occlusion(method=tiny_net(kind=linear), side={side}, stride={side})")
    weight = inner.instance.inner.instance.net[1].weight.reshape(3, 8, 8).numpy()
    added = weight * (picture[:, :, 0] - picture.mean())
    found = inner.explain(picture, told())[1][0]
    if side == 1:
        np.testing.assert_allclose(found, added, atol=1e-5)
    else:
        np.testing.assert_allclose(found[:, 0, 0], added[:, :3, :3].sum(axis=(1, 2)), atol=1e-5)
        np.testing.assert_allclose(found[:, 7, 7], added[:, 5:, 5:].sum(axis=(1, 2)), atol=1e-5)


def test_occlusion_explains_what_is_not_torch_and_covers_a_picture_smaller_than_its_square() -> None:
    assert maps_of("occlusion(method=mean_colour)", drawn(5, 6, 3)).shape == (3, 5, 6)


@pytest.mark.parametrize(
    "name", ["normgrad", "grad_cam", "gradient", "integrated_gradients", "smooth_grad", "occlusion"]
)
@pytest.mark.parametrize(("size", "classes"), [((8, 8, 1), 3), ((11, 6, 3), 2), ((17, 30, 2), 12)])
def test_maps_have_the_size_of_the_picture_whatever_its_channels_and_the_classes(
    name: str, size: tuple[int, int, int], classes: int
) -> None:
    method = f"tiny_net(channels={size[2]}, classes={classes})"
    logits, maps = opened(f"{name}(method={method})").explain(drawn(*size), told(classes))
    np.testing.assert_allclose(logits, opened(method).classify(drawn(*size), told(classes)), rtol=1e-5)
    assert maps[0].shape == (classes, *size[:2]) and maps[0].dtype == np.float32
    assert name == "grad_cam" or np.ptp(maps[0]) > 0  # what speaks against a class may be all there is


@pytest.mark.parametrize("method", ["mean_colour", "k_nn", "gradient(method=tiny_net)"])
def test_what_cannot_be_differentiated_is_skipped(method: str) -> None:
    with pytest.raises(nb.Skip, match="numpy arrays|more than logits"):
        opened(f"normgrad(method={method})")


def test_explaining_leaves_the_network_as_it_was() -> None:
    inner = opened("normgrad(method=tiny_net)")
    net = inner.instance.inner.instance.net
    before = {name: value.clone() for name, value in net.state_dict().items()}
    inner.explain(drawn(), told())
    assert all((before[name] == value).all() for name, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())
    assert not any(one.requires_grad or one.grad is not None for one in net.parameters())


# After a step, and without training


def test_after_a_step_the_map_is_that_of_the_network_that_learned_the_class() -> None:
    """Of a linear network the step is known: each row w_j goes to w_j − rate (p_j − [j = k]) x."""
    picture, rate = drawn(), 0.5
    inner = opened(f"after_step(method=gradient(method=tiny_net(kind=linear)), rate={rate})")
    net = explaining.network_within("after_step", inner)[1]
    weight, x = net[1].weight.clone(), torch.from_numpy(picture.reshape(-1))
    logits, maps = inner.explain(picture, told())
    chance = torch.softmax(torch.from_numpy(logits), 0)
    for label in range(3):
        due = weight[label] - rate * (chance[label] - 1) * x
        np.testing.assert_allclose(maps[0][label].ravel(), due.abs(), rtol=1e-4, atol=1e-6)
    assert (net[1].weight == weight).all() and not net[1].weight.requires_grad


def test_a_step_is_taken_back_where_something_fails_behind_it() -> None:
    inner = opened("tiny_net")
    before = [one.clone() for one in inner.instance.net.parameters()]
    with pytest.raises(ZeroDivisionError), stepped(inner, inner.instance.net, drawn(), told(), 0, 0.1):
        assert any((a != b).any() for a, b in zip(before, inner.instance.net.parameters(), strict=True))
        _ = 1 / 0
    assert all((a == b).all() for a, b in zip(before, inner.instance.net.parameters(), strict=True))


def test_a_network_begins_anew_by_its_seed_alone_and_the_explained_one_stays() -> None:
    inner = opened("randomized(method=gradient(method=tiny_net), seed=3)")
    _, (own, unlearned) = inner.explain(drawn(), told())
    np.testing.assert_array_equal(own, maps_of("gradient(method=tiny_net)", drawn()))
    torch.manual_seed(7)
    again = opened("randomized(method=gradient(method=tiny_net), seed=3)").explain(drawn(), told())[1][1]
    other = opened("randomized(method=gradient(method=tiny_net), seed=4)").explain(drawn(), told())[1][1]
    np.testing.assert_array_equal(unlearned, again)
    assert not np.allclose(unlearned, own) and not np.allclose(unlearned, other)
    net = explaining.network_within("randomized", inner.instance.unlearned)[1]
    assert (net[1].running_mean == 0).all() and (net[1].weight == 1).all()


def test_weights_that_no_module_draws_are_named() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    with pytest.raises(nb.Skip, match=r"weight 0\.scale .*reset_parameters"):
        begin_anew(nn.Sequential(Scaled(), nn.Linear(1, 1)), 0)


@pytest.mark.parametrize("name", ["after_step", "randomized"])
def test_a_wrapper_of_maps_needs_maps_and_one_network(name: str) -> None:
    with pytest.raises(nb.UsageError, match=f"{name}'?: method=tiny_net gives no maps"):
        opened(f"{name}(method=tiny_net)")
    with pytest.raises(nb.Skip, match="0 torch networks, not one"):
        opened(f"{name}(method=guessed_map)").explain(drawn(), told())


# Output


def test_a_map_for_all_classes_is_that_of_each_and_what_is_packed_comes_apart_again() -> None:
    logits, maps = np.arange(3, dtype=np.float32), drawn(4, 5)[:, :, 0]
    said, (first, second) = unpacked(packed(logits, [maps, np.stack([maps, 2 * maps, 3 * maps])], (4, 5)), (4, 5))
    np.testing.assert_array_equal(said, logits)
    np.testing.assert_array_equal(first, np.stack([maps] * 3))
    np.testing.assert_array_equal(second[2], 3 * maps)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (np.zeros(3), "ndarray where a tuple of logits and maps was due"),
        ((np.zeros(3),), "tuple of logits and maps"),
        ((np.zeros(4), np.zeros((4, 5))), "logits"),
        ((np.zeros(3), np.zeros((5, 4))), r"map of shape \(5, 4\) where \(3, 4, 5\) or \(4, 5\) was due"),
        ((np.zeros(3), np.full((4, 5), np.nan)), "NaN"),
        ((np.zeros(3), [[0]]), "list where a map was due"),
    ],
)
def test_what_is_no_explanation_is_invalid(output: Any, message: str) -> None:
    runner = TRACK.open(nb.bind("guessed_map", "method", "classify"))
    with pytest.raises(nb.Invalid, match=message):
        runner.accept(output, Case(drawn(4, 5), told(), "", (3,)))


def test_outputs_with_maps_are_kept_and_read_back(tmp_path: Path) -> None:
    output = packed(np.zeros(3, np.float32), [drawn(4, 5)[:, :, 0]], (4, 5))
    TRACK.outputs.save(output, tmp_path / "one.npy")
    np.testing.assert_array_equal(TRACK.outputs.load(tmp_path / "one.npy", (3,)), output)
    with pytest.raises(ValueError, match="21"):
        TRACK.outputs.load(tmp_path / "one.npy", (4,))


def test_another_method_is_given_the_logits_alone() -> None:
    inner = opened("guessed_map(method=tiny_net)")
    np.testing.assert_array_equal(inner.classify(drawn(), told()), opened("tiny_net").classify(drawn(), told()))
    assert inner.classify_all([drawn(), drawn(seed=1)], told()).shape == (2, 3)
    assert opened("smoothed(method=guessed_map(method=tiny_net), n=20)").classify(drawn(), told()).shape == (4,)


# Metrics


def scores(maps: Any, regions: Any = None, label: int = 1, second: Any = None) -> Iterator[Any]:
    """Of logits by which class 1 is the likeliest and class 2 the least likely, as `scored` by a metric."""
    logits, size = np.array([1, 2, 0], np.float32), np.asarray(maps).shape[-2:]
    item = LabelledPicture("one", np.zeros(size, np.float32), label, ("a", "b", "c"), regions=regions)
    output = packed(logits, [np.asarray(maps), *([] if second is None else [np.asarray(second)])], size)
    case = TRACK.pose(nb.bind("none", "regime", "classify"), item, 0)
    protocol = nb.bind("softmax", "protocol", "classify")

    def scored(metric: str) -> Any:
        return TRACK.score(output, item, case, protocol, [nb.bind(metric, "metric", "classify")]).popitem()[1]

    return scored  # type: ignore[return-value]


REGIONS = np.array([[1, 1, -1], [0, -1, -1]], np.int16)


def test_the_greatest_pixels_are_pointed_at_and_share_a_hit() -> None:
    assert scores([[0, 5.0, 1], [0, 0, 0]], REGIONS)("pointing") == 1
    assert scores([[0, 5.0, 1], [0, 0, 9]], REGIONS)("pointing") == 0
    assert scores([[0, 5.0, 5], [5, 0, 5]], REGIONS)("pointing") == 0.25
    assert scores(np.ones((2, 3)), REGIONS)("pointing") == pytest.approx(2 / 6)


def test_the_map_of_the_true_class_is_judged_and_not_that_of_the_likeliest() -> None:
    maps = np.zeros((3, 2, 3), np.float32)
    maps[0, 1, 0] = maps[1, 1, 2] = 1
    assert [scores(maps, REGIONS, label)("pointing") for label in (0, 1)] == [1, 0]


def test_the_share_of_a_map_counts_what_is_above_zero() -> None:
    maps = [[1.0, 2, -9], [4, 0, 1]]
    assert scores(maps, REGIONS)("energy_share") == pytest.approx(3 / 8)
    assert scores(maps, REGIONS)("energy_share(of=regions)") == pytest.approx(3 / 7)
    assert scores(np.full((2, 3), -1.0), REGIONS)("energy_share") == pytest.approx(2 / 6)


def test_maps_of_the_likeliest_and_the_least_likely_class_are_correlated() -> None:
    maps = np.random.default_rng(0).random((3, 4, 4))
    due = np.corrcoef(maps[1].ravel(), maps[2].ravel())[0, 1]
    assert scores(maps)("class_similarity") == pytest.approx(due, abs=1e-6)
    assert scores(maps[0])("class_similarity") == 1
    flat = np.stack([maps[0], np.ones((4, 4)), maps[2]])
    assert scores(flat)("class_similarity") == 0
    other = maps[[0, 2, 1]]
    due = np.corrcoef(maps[1].ravel(), other[1].ravel())[0, 1]
    assert scores(maps, second=other)("weight_similarity") == pytest.approx(due, abs=1e-6)


def test_the_maps_of_the_true_class_are_aligned_and_not_those_of_the_likeliest() -> None:
    maps, other = np.random.default_rng(0).random((2, 3, 4, 4))
    due = np.corrcoef(maps[2].ravel(), other[2].ravel())[0, 1]
    assert scores(maps, label=2, second=other)("attribution_alignment") == pytest.approx(due, abs=1e-6)
    assert scores(maps, second=maps)("attribution_alignment") == 1


def test_where_there_is_nothing_to_judge_by_the_reason_is_said() -> None:
    whys = [
        scores(np.ones((2, 3)))("pointing").reason,
        scores(np.ones((2, 3)), np.full((2, 3), -1))("energy_share").reason,
        scores(np.ones((2, 3)), np.where(REGIONS == 0, -1, REGIONS))("energy_share(of=regions)").reason,
        scores(np.ones((2, 3)))("weight_similarity").reason,
        scores(np.ones((2, 3)))("attribution_alignment").reason,
    ]
    fragments = (
        "dataset does not say",
        "nothing of the picture",
        "one class alone",
        "no maps without training",
        "no second maps",
    )
    assert all(fragment in why for fragment, why in zip(fragments, whys, strict=True))


def test_regions_are_of_the_true_picture_and_not_of_one_that_a_regime_made_smaller() -> None:
    item = LabelledPicture("one", np.zeros((4, 4), np.float32), 1, ("a", "b"), regions=np.ones((4, 4), np.int16))
    case = TRACK.pose(nb.bind("downsample(scale=2)", "regime", "classify"), item, 0)
    output = packed(np.zeros(2, np.float32), [np.ones((2, 2), np.float32)], (2, 2))
    bound = [nb.bind("pointing", "metric", "classify")]
    value = TRACK.score(output, item, case, nb.bind("softmax", "protocol", "classify"), bound)["pointing"]
    assert "of another size" in value.reason  # type: ignore[attr-defined]


# Items that say what shows their class


def test_regions_are_part_of_an_item_and_nothing_that_a_method_is_told() -> None:
    plain, known = (
        LabelledPicture("one", np.zeros((2, 3), np.float32), 1, ("a", "b"), regions=regions)
        for regions in (None, REGIONS)
    )
    assert TRACK.identify(known).startswith(TRACK.identify(plain) + " regions ")
    cases = [TRACK.pose(nb.bind("gaussian(sigma=9)", "regime", "classify"), one, 0) for one in (plain, known)]
    assert cases[0].input_sha256 == cases[1].input_sha256
    assert cases[0].info.disclosed() == cases[1].info.disclosed()


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (np.zeros((3, 2), np.int16), r"regions are int16 \(3, 2\): integers \(2, 3\) are due"),
        (np.zeros((2, 3), np.float32), "float32"),
        (np.full((2, 3), 2, np.int16), "more than its 2 classes"),
        (np.full((2, 3), -2, np.int16), "-1 is for none"),
    ],
)
def test_regions_that_fit_no_picture_are_refused(regions: Any, message: str) -> None:
    with pytest.raises(nb.UsageError, match=message):
        TRACK.identify(LabelledPicture("one", np.zeros((2, 3), np.float32), 1, ("a", "b"), regions=regions))


def canvases(spec: str) -> nb.Dataset:
    return nb.open_dataset(nb.bind(spec, "dataset", "classify"))


def test_a_picture_lies_where_its_region_says_and_the_rest_is_black() -> None:
    canvas, plain = canvases("hidden(of=digits(n=30), size=20)"), canvases("digits(n=30)")
    corners = set()
    for index in range(30):
        item, digit = canvas.load(index), plain.load(index)
        down, across = np.nonzero(item.regions == digit.label)
        assert item.regions.dtype == np.int16 and (item.regions >= 0).sum() == 64
        box = item.picture[down.min() : down.max() + 1, across.min() : across.max() + 1]
        np.testing.assert_array_equal(box, digit.picture)
        assert item.picture.shape == (20, 20) and (item.picture[item.regions < 0] == 0).all()
        corners.add((int(down.min()), int(across.min())))
    assert len(corners) > 15


def test_a_canvas_depends_on_its_picture_and_the_seed_alone() -> None:
    spec = "hidden(of=digits(n={}), size=20, seed={}, behind=photos)"
    few, many, other = (canvases(spec.format(*values)).load(5) for values in ((6, 0), (30, 0), (30, 1)))
    np.testing.assert_array_equal(few.picture, many.picture)
    assert (few.regions != other.regions).any()
    assert set(np.unique(few.picture[few.regions < 0])) != {0.0}


def test_company_is_of_other_classes_in_places_of_its_own() -> None:
    canvas = canvases("hidden(of=digits(n=40), size=32, beside=2)")
    for index in range(10):
        item = canvas.load(index)
        shown = np.unique(item.regions[item.regions >= 0])
        assert len(shown) == 3 and item.label in shown and (item.regions >= 0).sum() == 3 * 64


@pytest.mark.data
def test_colour_lies_before_colour(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    item = canvases("hidden(of=cifar10_subset(n=3), size=48, behind=(cbsd68, bsd68))").load(1)
    assert item.picture.shape == (48, 48, 3) and (item.regions == item.label).sum() == 32 * 32


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("hidden(of=digits, size=7)", "size=7 has no room for 'digit_"),
        ("hidden(of=digits, size=16, beside=4)", "size=16 .*beside=4 .*: give more for size"),
        ("hidden(of=digits(n=3), size=64, beside=5)", "beside=5 are more classes than the set has"),
        ("hidden(of=digits, size=400, behind=photos)", r"smaller than size=400"),
    ],
)
def test_a_canvas_that_cannot_be_made_says_why(spec: str, message: str) -> None:
    with pytest.raises(nb.UsageError, match=message) as caught:
        canvases(spec).load(0)
    assert "\n" not in str(caught.value)


# As a user has it


def test_maps_stand_on_a_board_beside_a_classifier_and_are_drawn(tmp_path: Path, cli: Any) -> None:
    trained = "trained(arch=small_cnn(width=2), data=hidden(of=digits(split=train, n=300)), steps=5, checks=1)"
    done = cli(
        "run", "--track", "classify", "--datasets", "hidden(of=digits(n=4))", "--regimes", "gaussian(sigma=20)",
        "--methods", trained, f"normgrad(method={trained})", f"randomized(method=grad_cam(method={trained}))",
        "normgrad(method=uniform)",
        "--metrics", "accuracy", "pointing", "weight_similarity", "--store", "s", "--keep", "all", "--seed", "0",
    )  # fmt: skip
    assert "5 cells: 4 ok, 1 skipped" in done.stdout
    cli("report", "s", "--to", "b")
    page = (tmp_path / "b" / "leaderboard.html").read_text()
    assert "gives no maps" in page and "cannot be differentiated" in page
    assert len(list((tmp_path / "b" / "plots").glob("drawing-01-hidden*.png"))) == 1


@pytest.mark.parametrize("stored", [True, False])
def test_an_explanation_takes_no_rank_beside_classifiers_and_takes_one_where_maps_are_judged(stored: bool) -> None:
    nan = float("nan")
    flags = {"explains": True} if stored else {}

    def board(by: str) -> Board:
        found = [
            record(
                "grad_cam", {"accuracy": (1, 0, 1), "psnr": (0.5, 0.6, 0.7)}, flags=flags, rank_by=by, track="classify"
            ),
            record("svm", {"accuracy": (1, 0, 1), "psnr": (nan, nan, nan)}, rank_by=by, track="classify"),
        ]
        (made,) = boards(found)
        return made

    answers = {row.name: (row.ranks, row.unranked) for row in board("accuracy").rows}
    why = "explains: it answers as the classifier does whose maps it gives"
    assert answers == {"svm": ((1, 1), ""), "grad_cam": (None, why)}
    assert [row.name for row in board("psnr").ranked] == ["grad_cam"]
