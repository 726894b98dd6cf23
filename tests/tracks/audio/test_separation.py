"""Separation by class: mixtures, batches, masks and the three objectives against what is worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.recipes.archs._log_spectra import clips_of, magnitude, picture_of, spectra_of
from noisebench.recipes.objectives._separation import mixture_spectra, multi_hot, partners, sums_of, unsupervised_error
from noisebench.recipes.objectives.bimodal import named_error
from noisebench.tracks.audio import Clip, as_clip, clip_sha256
from noisebench.tracks.audio.mixture import MixedClip, as_mixture, item_sha256
from numpy.testing import assert_allclose

TRACK = get_track("audio")
KINDS = ("plucked", "bowed", "flute", "organ", "bell")
NET = "class_mask_unet(width=4, depth=2, size=64, hop=16)"


def clips(n: int = 2, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> str:
    made = (f"instruments(kinds=({kind},), n={n}, seconds=0.1, rate=8000, seed={seed})" for kind in kinds)
    return f"({', '.join(made)})"


def dataset_of(text: str, track: str = "audio") -> Any:
    return nb.open_dataset(bind(text, "dataset", track))


def network(text: str = NET, length: int = 800) -> Any:
    bound = bind(text, "arch", "audio")
    torch.manual_seed(0)
    return bound.entry.obj((1, length), (1, length), **bound.kwargs)


def objective(name: str, net: Any, batch: Any) -> torch.Tensor:
    bound = bind(name, "objective", "audio")
    loss: torch.Tensor = bound.entry.obj(net, batch, **bound.kwargs)
    return loss


def value(name: str, net: Any, batch: Any) -> float:
    with torch.no_grad():
        return float(objective(name, net, batch))


def batch_of(n: int = 6, length: int = 800, classes: int = 5) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    labels = torch.stack([torch.randperm(classes)[:2] for _ in range(n)])
    wanted = 0.05 * torch.randn(n, 1, length)
    return {"given": wanted + 0.05 * torch.randn(n, 1, length), "wanted": wanted, "labels": labels}


# ---- mixtures


def test_a_mixture_is_the_sum_of_clips_of_equal_power_of_which_the_first_is_to_be_found():
    one, two = as_clip("a", np.sin(np.arange(800.0)), 8_000), as_clip("b", 5 * np.sin(0.3 * np.arange(800.0)), 8_000)
    made = as_mixture("m", (one, two), (3, 1))
    other = made.mixture.astype(np.float64) - made.wave
    assert made.sources == (3, 1)
    assert_allclose(made.wave, one.wave)
    assert np.mean(other**2) == pytest.approx(np.mean(one.wave.astype(np.float64) ** 2), rel=1e-5)
    assert np.corrcoef(other, two.wave)[0, 1] == pytest.approx(1, abs=1e-6)


def test_sources_are_of_the_classes_that_are_said_and_each_seed_draws_others():
    text = f"mixtures(of={clips()}, n=8, sources=3)"
    made, again, other = dataset_of(text), dataset_of(text), dataset_of(text.replace("sources=3", "sources=3, seed=1"))
    assert len(made.ids) == 8
    for place in range(8):
        item = made.load(place)
        assert len({*item.sources}) == 3
        own = dataset_of(f"instruments(kinds=({KINDS[item.sources[0]]},), n=2, seconds=0.1, rate=8000)")
        assert any(np.array_equal(item.wave, own.load(k).wave) for k in range(2))
        assert item_sha256(item) == item_sha256(again.load(place))
    assert [made.load(k).sources for k in range(8)] != [other.load(k).sources for k in range(8)]


def test_a_method_is_given_the_mixture_and_told_its_class():
    item = dataset_of(f"mixtures(of={clips()}, n=1)").load(0)
    case = TRACK.pose(bind("none", "regime", "audio"), item, 0)
    assert_allclose(case.given, item.mixture)
    assert case.info.source == item.sources[0]
    assert TRACK.truth_sha256(item) == TRACK.truth_sha256(Clip("other id", item.wave, item.rate))
    # The same mixture with the other source wanted is another item, and another input.
    other = item.mixture.astype(np.float64) - item.wave
    turned = MixedClip("t", other.astype(np.float32), item.rate, mixture=item.mixture, sources=item.sources[::-1])
    assert TRACK.pose(bind("none", "regime", "audio"), turned, 0).input_sha256 != case.input_sha256
    assert item_sha256(turned) != item_sha256(item)
    noisy = TRACK.pose(bind("white(snr=10)", "regime", "audio"), item, 0)
    noise = noisy.given.astype(np.float64) - item.mixture
    assert 10 * math.log10(np.var(item.mixture) / np.var(noise)) == pytest.approx(10, abs=0.01)
    assert noisy.info.source == item.sources[0]


def test_a_clip_in_no_mixture_has_the_keys_that_it_had():
    clip = as_clip("a", np.sin(np.arange(800.0)), 8_000)
    assert item_sha256(clip) == clip_sha256(clip)
    assert "source" not in TRACK.pose(bind("none", "regime", "audio"), clip, 0).info


def test_known_methods_find_the_source():
    item = dataset_of(f"mixtures(of={clips()}, n=1)").load(0)
    case = TRACK.pose(bind("none", "regime", "audio"), item, 0)
    found = {}
    for name in ("identity", "ideal_ratio_mask"):
        runner = TRACK.open(bind(name, "method", "audio"))
        output = runner.accept(runner.call(runner.prepare(case.given), case.info.replace(sample=item)), case)
        metric = bind("si_sdr", "metric", "audio")
        found[name] = TRACK.score(output, item, case, bind("plain", "protocol", "audio"), [metric])["si_sdr"]
    assert abs(found["identity"]) < 3  # of equal power; what correlates moves it
    assert found["ideal_ratio_mask"] > found["identity"] + 3


def test_batches_have_the_classes_of_each_mixture_and_cut_both_alike():
    data = dataset_of(f"mixtures(of={clips()}, n=3)")
    made = TRACK.batches(data, [0, 2], bind("none", "regime", "audio"), lambda _: [1, 0], crop=800, seed=0)(0)
    assert made["labels"].tolist() == [list(data.load(2).sources), list(data.load(0).sources)]
    assert_allclose(made["given"][0, 0], data.load(2).mixture)
    assert_allclose(made["wanted"][0, 0], data.load(2).wave)


def test_what_is_no_mixture_is_refused():
    one, quiet = as_clip("a", np.sin(np.arange(800.0)), 8_000), as_clip("q", np.zeros(800), 8_000)
    for others, sources, words in (
        ((one,), (0,), "two clips or more"), ((one, one), (1, 1), "a class of its own"),
        ((one, quiet), (0, 1), "silent"),
        ((one, as_clip("s", one.wave[:9], 8_000)), (0, 1), "one length"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            as_mixture("m", others, sources)
    for text, words in (
        (f"mixtures(of={clips()}, sources=6)", "6 sources of 5 classes"),
        (f"mixtures(of={clips(kinds=('bell', 'bell'))})", "give each its own"),
    ):
        with pytest.raises(nb.UsageError, match=words):
            dataset_of(text)
    uneven = "(voices(n=1, seconds=0.1, rate=8000), voices(n=1, seconds=0.2, rate=8000))"
    with pytest.raises(nb.UsageError, match="one length and rate"):
        dataset_of(f"mixtures(of={uneven})").load(0)


# ---- spectra and the network


@pytest.mark.parametrize(("hop", "length"), [(16, 1), (16, 63), (16, 1_000), (32, 95)])
def test_spectra_lead_back_to_the_clip(hop: int, length: int):
    wave = torch.randn(2, 1, length)
    spectra = spectra_of(wave, 64, hop)
    assert spectra.shape == (2, 33, 1 + math.ceil(length / hop))
    assert_allclose(clips_of(spectra, 64, hop, length), wave, atol=1e-5)


def test_a_picture_is_log1p_of_magnitudes_on_0_to_1():
    wave = torch.cos(torch.arange(4_096) * 2 * math.pi * 16 / 256)[None, None]
    picture = picture_of(wave)
    assert picture.shape == (1, 1, 129, 65)
    assert 0 <= float(picture.min()) <= float(picture.max()) <= 1
    # A tone of amplitude 1 in the middle of a bin has half of the sum of the window.
    assert float(picture[0, 0, 16, 30]) == pytest.approx(math.log1p(64) / math.log1p(128), abs=1e-4)
    assert float(picture_of(torch.ones(1, 1, 4_096))[0, 0, 0, 30]) == pytest.approx(1, abs=1e-6)
    silent = torch.zeros(1, 1, 400, requires_grad=True)
    picture_of(silent).sum().backward()
    assert not silent.grad.any()  # and no NaN


def test_the_spectrograms_are_those_pictures_with_the_place_of_their_set():
    made = dataset_of(f"spectrograms(of={clips()}, crop=600)", "classify")
    assert [made.load(k).label for k in range(7)] == [0, 1, 2, 3, 4, 0, 1]
    wave = dataset_of("instruments(kinds=(flute,), n=2, seconds=0.1, rate=8000)").load(1).wave[:600]
    assert_allclose(made.load(7).picture, picture_of(torch.from_numpy(wave)[None, None])[0, 0], atol=1e-6)
    with pytest.raises(nb.UsageError, match="give a smaller crop"):
        dataset_of(f"spectrograms(of={clips()}, crop=4096)", "classify").load(0)


def test_clips_of_another_seed_are_other_clips():
    own, others = (dataset_of(f"spectrograms(of={clips(seed=k)}, crop=600)", "classify") for k in (0, 1))
    known = {own.load(k).picture.tobytes() for k in range(10)}
    assert known.isdisjoint(others.load(k).picture.tobytes() for k in range(10))


def test_a_mask_weighs_keeps_the_level_and_hears_which_class_is_asked_for():
    net = network()
    for length in (1, 50, 777):
        wave, asked = 0.1 * torch.randn(2, 1, length), torch.eye(5)[:2]
        with torch.no_grad():
            made = net(wave, asked)
            assert_allclose(net(3 * wave, asked), 3 * made, rtol=1e-3, atol=1e-4)
        assert made.shape == wave.shape
        assert torch.isfinite(net(0 * wave, asked)).all()
    with torch.no_grad():
        one, other = net(wave[:1], torch.eye(5)[:1]), net(wave[:1], torch.eye(5)[3:4])
    assert float((one - other).abs().max()) > 1e-5


# ---- objectives


def test_mixtures_are_added_to_others_of_other_classes():
    labels = torch.tensor([[0, 1], [1, 2], [2, 3], [4, 3]])
    other, usable = partners(labels)
    assert usable.all()
    assert other.tolist() == [2, 3, 0, 0]
    _, usable = partners(torch.tensor([[0, 1], [1, 2], [2, 0]]))
    assert not usable.any()


@pytest.mark.parametrize("name", ["mix_and_separate", "bimodal"])
def test_weak_objectives_read_no_single_source(name: str):
    net, batch = network(), batch_of()
    net.frozen_classifier = lambda pictures: pictures.mean(dim=3)[:, 0, 5:10]
    without = {key: tensor for key, tensor in batch.items() if key != "wanted"}
    assert value(name, net, batch) == value(name, net, without) > 0


def weights_of(magnitudes: torch.Tensor) -> torch.Tensor:
    return torch.log(1 + magnitudes).clamp(1e-3, 10)


def test_the_supervised_loss_is_nothing_for_the_magnitudes_of_the_source_and_their_weighted_error_else():
    net, batch = network(), batch_of()
    mixed = mixture_spectra(net, batch["given"])
    own = magnitude(net.spectra(batch["wanted"] / batch["given"].abs().amax(dim=(1, 2), keepdim=True)))
    truth = own / mixed.magnitudes
    assert float(mixed.magnitudes.max()) <= 32  # the sum of the window
    net.mask = lambda magnitudes, asked: truth
    assert value("supervised_separation", net, batch) == pytest.approx(0, abs=1e-6)
    net.mask = lambda magnitudes, asked: truth + 0.25
    by_hand = (weights_of(mixed.magnitudes) * 0.25 * mixed.magnitudes).mean()
    assert value("supervised_separation", net, batch) == pytest.approx(float(by_hand), rel=1e-4)


def test_the_unsupervised_error_asks_for_all_classes_of_the_first_mixture():
    net, seen = network(), []
    batch = batch_of(2)
    batch["labels"] = torch.tensor([[0, 3], [2, 1]])

    def mask(magnitudes: Any, asked: Any) -> Any:
        seen.append((magnitudes, asked))
        return torch.zeros_like(magnitudes)

    net.mask = mask
    sums = sums_of(net, batch["given"], batch["labels"], "test")
    assert sums is not None
    found = unsupervised_error(net, sums)
    magnitudes, asked = seen[0]
    assert asked.tolist() == [[1, 0, 0, 1, 0], [0, 1, 1, 0, 0]]
    total = batch["given"][0] + batch["given"][1]
    own = torch.stack([magnitude(net.spectra((clip / total.abs().max())[None]))[0] for clip in batch["given"]])
    assert float(found) == pytest.approx(float((weights_of(magnitudes) * own).mean()), rel=1e-4)


@pytest.mark.parametrize("name", ["mix_and_separate", "bimodal"])
def test_a_batch_in_which_no_two_mixtures_can_be_added_is_no_loss(name: str):
    net, batch = network(), batch_of(3)
    net.frozen_classifier = lambda pictures: pictures.mean(dim=3)[:, 0, 5:10]
    loss = objective(name, net, batch | {"labels": torch.tensor([[0, 1], [1, 2], [2, 0]])})
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in net.parameters())


def test_sources_that_sum_to_their_mixture_are_consistent():
    net, batch = network(), batch_of(2)
    batch["labels"] = torch.tensor([[0, 3], [2, 1]])
    alone = "bimodal(contrastive=0, unsupervised=0)"
    both = mixture_spectra(net, batch["given"] + batch["given"].flip(0))
    own = both.of(net, batch["given"])
    share = own / both.magnitudes
    net.mask = lambda magnitudes, asked: torch.cat([0.3 * share, 0.7 * share])
    assert value(alone, net, batch) == pytest.approx(0, abs=1e-5)
    net.mask = lambda magnitudes, asked: torch.cat([share, 0.5 * share])
    by_hand = 5 * (weights_of(own) * 0.5 * own).mean()
    assert value(alone, net, batch) == pytest.approx(float(by_hand), rel=1e-4)


def test_repeated_classes_count_once_among_those_that_are_there():
    logits, labels = torch.tensor([[2.0, 0.0, 9.0], [1.0, 0.0, 9.0], [0.0, 3.0, 9.0]]), torch.tensor([0, 0, 1])
    one = [math.log(1 + math.exp(-gap)) for gap in (2.0, 1.0, 3.0)]  # class 2, which is not there, plays no part
    assert float(named_error(logits, labels)) == pytest.approx(((one[0] + one[1]) / 2 + one[2]) / 2, rel=1e-6)


def test_the_classifier_is_asked_of_each_source_in_full_and_changes_the_masks_alone():
    net, batch, asked = network(), batch_of(4, 4_096), []
    batch["labels"] = torch.tensor([[0, 1], [2, 3], [1, 0], [3, 4]])
    frozen = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.LazyLinear(5))

    def logits(pictures: Any) -> Any:
        asked.append(pictures.shape)
        return frozen(pictures)

    frozen(torch.zeros(1, 1, 129, 65))
    frozen.requires_grad_(False)
    net.frozen_classifier = logits
    objective("bimodal(consistency=0, unsupervised=0)", net, batch).backward()
    assert asked == [(8, 1, 129, 65)]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters())
    assert all(parameter.grad is None for parameter in frozen.parameters())


@pytest.mark.parametrize("name", ["supervised_separation", "mix_and_separate", "bimodal(contrastive=0)"])
def test_a_few_steps_make_the_loss_smaller(name: str):
    net, batch = network(), batch_of(4)
    tone = 0.05 * torch.sin(torch.arange(800) * 0.3).expand(4, 1, 800)
    batch |= {"given": batch["given"] + tone, "wanted": tone, "labels": torch.tensor([[0, 1], [2, 3], [1, 0], [3, 4]])}
    optimizer, found = torch.optim.Adam(net.parameters(), 1e-2), []
    for _ in range(12):
        loss = objective(name, net, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.9 * found[0]


def test_what_does_not_go_together_is_refused():
    net, batch = network(), batch_of()
    for name in ("supervised_separation", "mix_and_separate", "bimodal"):
        with pytest.raises(nb.UsageError, match="arch=class_mask_unet"):
            objective(name, torch.nn.Linear(1, 1), batch)
        with pytest.raises(nb.UsageError, match="data=mixtures"):
            objective(name, net, {"given": batch["given"], "wanted": batch["wanted"]})
        with pytest.raises(nb.UsageError, match=r"class 8 .*classes=5: give arch=class_mask_unet\(classes=9\)"):
            objective(name, net, batch | {"labels": batch["labels"] + 4})
    with pytest.raises(nb.UsageError, match="frozen_classifier"):
        objective("bimodal", net, batch)
    net.frozen_classifier = lambda pictures: pictures.mean(dim=(1, 2))[:, :3]
    with pytest.raises(nb.UsageError, match="knows 3 classes"):
        objective("bimodal", net, batch)
    with pytest.raises(nb.UsageError, match="mixtures of 4 classes or more"):
        objective("mix_and_separate", network("class_mask_unet(classes=3, width=4, depth=2, size=64, hop=16)"),
                  batch | {"labels": batch["labels"] % 3})  # fmt: skip
    with pytest.raises(nb.UsageError, match="batch=2"):
        objective("mix_and_separate", net, {key: tensor[:1] for key, tensor in batch.items()})
    with pytest.raises(nb.UsageError, match="give hop=15 or less"):
        network("class_mask_unet(size=30, hop=20)")


# ---- the method


def test_a_separator_asks_for_the_class_that_it_is_told_and_skips_what_has_none():
    runner = TRACK.open(bind(f"trained(arch={NET})", "method", "audio"))
    net, item = network(), dataset_of(f"mixtures(of={clips()}, n=1)").load(0)
    runner.instance.use(net, (1, 800))
    case = TRACK.pose(bind("none", "regime", "audio"), item, 0)
    made = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
    with torch.no_grad():
        asked = multi_hot(torch.tensor([[item.sources[0]]]), 5)
        assert_allclose(made, net(torch.from_numpy(item.mixture)[None, None], asked)[0, 0], atol=1e-6)
    for source, words in ((None, "give it mixtures"), (7, "class 7")):
        with pytest.raises(nb.Skip, match=words):
            runner.call(runner.prepare(case.given), case.info.replace(source=source))


def test_a_recipe_of_two_tracks_trains_and_its_network_is_used(cli: Any):
    classifier = (
        f"trained(arch=small_cnn(width=2), data=spectrograms(of={clips(4, seed=2)}, crop=512), batch=4, steps=2, "
        "checks=1, validation=2)"
    )
    method = (
        f"trained(arch={NET}, objective=bimodal, regime=none, parts=frozen_classifier(of={classifier}), "
        f"data=mixtures(of={clips(4, seed=1)}, n=8), crop=512, batch=4, steps=2, checks=1, validation=1)"
    )
    done = cli("run", "--track", "audio", "--methods", method, "--datasets", f"mixtures(of={clips()}, n=1)",
               "--regimes", "none", "--metrics", "si_sdr")  # fmt: skip
    assert "3 cells: 3 ok (3 run now)" in done.stdout
