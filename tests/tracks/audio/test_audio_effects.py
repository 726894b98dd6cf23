"""Effects with knobs: the sets, the network, its loss and schedule, and the rivals, by hand and against libraries."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.datasets.audio.compressed import KNOBS, settings_of, turned
from noisebench.methods.audio.linear_filter import fitted
from noisebench.planning.cells import shown_to
from noisebench.recipes.archs.signaltrain import fourier
from noisebench.track.calling import call_on, reveal
from noisebench.tracks.audio import Clip, ClipEffect, as_clip, clip_sha256
from numpy.testing import assert_allclose, assert_array_equal

TRACK = get_track("audio")
SMALL = "signaltrain(size=16, hop=6, frames=13, last=5, width=8)"  # 56 samples are seen, 8 told
OF = "instruments(n=3, seconds=0.2, rate=8000)"
NOISE = np.random.default_rng(0).standard_normal(400)


def opened(text: str = f"compressed(of={OF})") -> Any:
    return nb.open_dataset(bind(text, "dataset", "audio"))


def network(text: str = SMALL, knobs: int = 4, length: int = 64) -> Any:
    bound = bind(text, "arch", "audio")
    torch.manual_seed(0)
    return bound.entry.obj((1 + knobs, length), (1, length), **bound.kwargs)


def posed(item: Clip, regime: str = "none") -> Any:
    return TRACK.pose(bind(regime, "regime", "audio"), item, 0)


def made_by(method: str, item: Clip) -> np.ndarray:
    runner = TRACK.open(bind(method, "method", "audio"))
    if runner.can_use_device():
        runner.setup("cpu")
    return call_on(runner, reveal(posed(item), item, shown_to(runner.meta)), "cpu")[0]


def batches(*clips: Clip, crop: int = 64) -> Any:
    class Clips:
        ids = tuple(clip.id for clip in clips)

        def load(self, index: int) -> Clip:
            return clips[index]

    regime = bind("none", "regime", "audio")
    return TRACK.batches(Clips(), range(len(clips)), regime, lambda step: [0, len(clips) - 1], crop=crop, seed=0)


# ---- the set


def test_knobs_are_settings_on_a_scale_from_minus_half_to_half():
    low, middle, high = (settings_of(np.full(4, knob)) for knob in (-0.5, 0.0, 0.5))
    assert low == {"threshold": -30, "ratio": 1, "attack": 1, "release": 1}
    assert middle == {"threshold": -15, "ratio": 3, "attack": 20.5, "release": 20.5}
    assert high == {"threshold": 0, "ratio": 5, "attack": 40, "release": 40}


def test_knobs_have_the_moments_of_their_beta_distribution():
    rng = np.random.default_rng(0)
    drawn = np.array([turned(rng) for _ in range(5_000)])
    assert np.abs(drawn).max() <= 0.5
    assert_allclose(drawn.mean(axis=0), 0, atol=0.02)
    assert_allclose(drawn.var(axis=0), 1 / (4 * 2.6), rtol=0.04)  # of Beta(a, a): 1 / (4 (2 a + 1))


def test_a_clip_is_what_the_compressor_makes_of_the_dry_one_at_the_settings_told():
    for place in range(3):
        clip = opened().load(place)
        info = posed(clip).info
        names = ", ".join(f"{name}={getattr(info, name)!r}" for name in KNOBS)
        dry = Clip("dry", clip.posed, clip.rate)
        assert np.abs(dry.wave).max() == 1
        assert_array_equal(posed(dry, f"compressor({names})").given, clip.wave)
        assert settings_of(info.knobs) == {name: getattr(info, name) for name in KNOBS}
        assert_array_equal(posed(clip).given, clip.posed)


def test_knobs_are_of_clip_and_seed_alone():
    first, again = opened().load(1), opened().load(1)
    other = opened(f"compressed(of={OF}, seed=1)").load(1)
    assert clip_sha256(first) == clip_sha256(again)
    assert not np.array_equal(first.effect.knobs, other.effect.knobs)
    assert not np.array_equal(first.effect.knobs, opened().load(2).effect.knobs)
    # The same notes with other knobs are no clip that was not trained on.
    assert TRACK.truth_sha256(first) == TRACK.truth_sha256(other)
    assert TRACK.identify(first) != TRACK.identify(other)


def test_steady_levels_come_out_on_the_static_curve():
    def settled(level: float, threshold: float, ratio: float) -> float:
        square = Clip("square", (10 ** (level / 20) * np.where(np.arange(4_000) % 2, 1, -1)).astype(np.float32), 8_000)
        case = posed(square, f"compressor(threshold={threshold}, ratio={ratio}, attack=10, release=10)")
        return 20 * math.log10(abs(float(case.given[-1])))

    assert settled(-6, -18, 3) == pytest.approx(-14, abs=1e-3)  # -18 + 12 / 3
    assert settled(0, -30, 5) == pytest.approx(-24, abs=1e-3)
    assert settled(-20, -18, 5) == pytest.approx(-20, abs=1e-3)
    assert settled(0, -30, 1) == pytest.approx(0, abs=1e-3)


def test_a_set_of_effects_or_of_silence_is_refused():
    with pytest.raises(nb.UsageError, match="has an effect already"):
        opened(f"compressed(of=compressed(of={OF}))").load(0)


# ---- batches


def test_a_batch_has_the_knobs_of_each_clip_all_along_and_the_pair_is_cut_alike():
    clips = [opened().load(place) for place in (0, 2)]
    batch = batches(*clips)(0)
    assert batch["given"].shape == (2, 5, 64)
    assert batch["wanted"].shape == (2, 1, 64)
    for row, clip in enumerate(clips):
        assert_array_equal(
            batch["given"][row, 1:], np.repeat(clip.effect.knobs.astype(np.float32)[:, None], 64, axis=1)
        )
        places = np.lib.stride_tricks.sliding_window_view(clip.posed, 64)
        start = int(np.flatnonzero((places == batch["given"][row, 0]).all(axis=1))[0])
        assert_array_equal(batch["wanted"][row, 0], clip.wave[start : start + 64])


def test_clips_of_different_effects_do_not_train_together():
    with pytest.raises(nb.UsageError, match="have 4 and 0 knobs"):
        batches(opened().load(0), as_clip("plain", NOISE, 8_000))


# ---- the network


@pytest.mark.parametrize(("size", "hop"), [(16, 6), (16, 8), (15, 4), (64, 24), (1_024, 384)])
def test_the_basis_leads_there_and_back(size: int, hop: int):
    analysis, synthesis = fourier(size, hop)
    clip = torch.randn(1, 1, 9 * hop + size)
    there = torch.nn.functional.conv1d(clip, analysis, stride=hop, padding=size)
    back = torch.nn.functional.conv_transpose1d(there, synthesis, stride=hop, padding=size)
    length = min(back.shape[2], clip.shape[2]) - size
    assert_allclose(back[..., :length], clip[..., :length], atol=2e-5)


def test_the_basis_is_that_of_torch():
    analysis, _ = fourier(16, 8)
    clip = torch.randn(1, 160)
    ours = torch.nn.functional.conv1d(clip[:, None], analysis, stride=8)
    theirs = torch.stft(clip, 16, 8, window=torch.hann_window(16), center=False, return_complex=True) / 4
    assert_allclose(ours[:, :9], theirs.real, atol=1e-5)
    assert_allclose(ours[:, 9:], theirs.imag, atol=1e-5)


def test_lengths_are_those_of_the_paper():
    net = network("signaltrain", length=8_192)
    assert (net.context, net.output_length, net.magnitude.joined.in_features) == (8_192, 2_048, 16 + 4)
    made, magnitudes = net.last_samples(torch.zeros(2, 5, 8_192))
    assert made.shape == (2, 1, 2_048)
    assert magnitudes.shape == (2, 513, 9)


@pytest.mark.parametrize("length", [1, 8, 57, 200])
def test_a_clip_of_any_length_goes_through_part_by_part(length: int):
    net = network()
    x = torch.cat([torch.randn(2, 1, length), torch.tensor([-0.5, 0.5])[:, None, None].expand(2, 4, length)], dim=1)
    with torch.no_grad():
        whole = net(x)
        assert whole.shape == (2, 1, length)
        for end in range(8, length + 1, 8):
            part = torch.nn.functional.pad(x[..., :end], (56, 0))[..., -56:]
            made, _ = net.last_samples(torch.cat([part[:, :1], x[:, 1:, -1:].expand(-1, -1, 56)], dim=1))
            assert_allclose(whole[..., end - 8 : end], made, atol=1e-5)


def test_a_gain_and_a_turn_that_are_told_are_what_becomes_of_the_clip():
    net = network()
    x = torch.cat([torch.randn(1, 1, 56), torch.zeros(1, 4, 56)], dim=1)
    net.magnitude.forward = lambda seen, knobs: torch.full((1, seen.shape[1], 5), 0.25)
    for angle, factor in ((0.0, 1.5), (math.pi, 0.5)):
        net.phase.forward = lambda seen, knobs, angle=angle: torch.full((1, seen.shape[1], 5), angle)
        made, _ = net.last_samples(x)
        assert_allclose(made.detach(), factor * x[:, :1, -8:], atol=1e-5)


def test_knobs_change_what_is_told_and_what_is_fixed_is_not_learned():
    net = network()
    clip = torch.randn(1, 1, 56)
    low, high = (net.last_samples(torch.cat([clip, torch.full((1, 4, 56), knob)], dim=1))[0] for knob in (-0.5, 0.5))
    assert not torch.equal(low, high)
    learned, fixed = network(), network(SMALL.replace(")", ", basis=fixed)"))
    names = {name for name, p in fixed.named_parameters() if not p.requires_grad}
    assert names == {"analysis", "synthesis"}
    assert all(p.requires_grad for p in learned.parameters())
    assert not any(
        name.startswith("phase") for name, _ in network(SMALL.replace(")", ", phase=False)")).named_parameters()
    )


def test_silence_has_finite_gradients():
    net = network()
    objective = bind("signaltrain", "objective", "audio")
    batch = {"given": torch.zeros(2, 5, 64), "wanted": torch.zeros(2, 1, 64)}
    objective.entry.obj(net, batch, **objective.kwargs).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("text", "given", "wanted", "words"),
    [
        ("signaltrain", (1, 8_192), (1, 8_192), "train it on a set such as compressed"),
        ("signaltrain", (5, 8_191), (1, 8_191), "give crop=8192 or more"),
        ("signaltrain(size=16, hop=9)", (5, 999), (1, 999), "give hop=8 or less"),
        ("signaltrain(size=64, hop=8, last=9)", (5, 999), (1, 999), "last from 10 to frames"),
        ("signaltrain(last=26)", (5, 9_999), (1, 9_999), "and last from .* to frames"),
    ],
)
def test_a_network_that_cannot_be_is_refused(text: str, given: Any, wanted: Any, words: str):
    with pytest.raises(nb.UsageError, match=words):
        bound = bind(text, "arch", "audio")
        bound.entry.obj(given, wanted, **bound.kwargs)


def test_a_clip_with_other_knobs_is_refused():
    with pytest.raises(nb.UsageError, match="trained with 4 knobs, and is told 0: use the method signaltrain"):
        network()(torch.zeros(1, 1, 99))


# ---- loss and schedule


def test_log_cosh_is_the_plain_formula_and_does_not_overflow():
    loss = bind("log_cosh", "loss", "audio").entry.obj
    d = torch.linspace(-20, 20, 401, dtype=torch.float64)
    assert float(loss(d, 0 * d)) == pytest.approx(float(d.cosh().log().mean()), rel=1e-12)
    for value in (-1e30, 1e30):
        far = torch.tensor([value], requires_grad=True)
        made = loss(far, torch.zeros(1))
        made.backward()
        assert float(made.detach()) == pytest.approx(1e30)
        assert far.grad.item() == math.copysign(1, value)
    assert float(loss(torch.tensor([0.01]), torch.zeros(1))) == pytest.approx(0.5e-4, rel=2e-2)


def test_the_loss_is_of_the_last_samples_and_weighs_high_frequencies():
    net, objective = network(), bind("signaltrain(weight=0.5)", "objective", "audio")
    made, magnitudes = torch.zeros(2, 1, 8), torch.zeros(2, 9, 5)
    net.last_samples = lambda parts: (made, magnitudes)
    wanted = torch.zeros(2, 1, 64)
    wanted[..., :56] = 7  # what lies before the last eight plays no part
    batch = {"given": torch.zeros(2, 5, 64), "wanted": wanted}
    assert float(objective.entry.obj(net, batch, **objective.kwargs)) == 0
    wanted[..., 56:] = 2
    magnitudes[:, 3] = 1
    by_hand = math.log(math.cosh(2)) + 0.5 * math.exp(7 * 3 / 9) / 9
    assert float(objective.entry.obj(net, batch, **objective.kwargs)) == pytest.approx(by_hand, rel=1e-5)
    with pytest.raises(nb.UsageError, match="arch=signaltrain"):
        objective.entry.obj(torch.nn.Linear(1, 1), batch, **objective.kwargs)


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0, 1 / 15), (0.15, (1 + 1 / 15) / 2), (0.3, 1), (0.65, (1 + 1 / 1_500) / 2), (1, 1 / 1_500)],
)
def test_one_cycle_rises_for_three_tenths_and_falls_to_nearly_nothing(progress: float, factor: float):
    bound = bind("one_cycle", "schedule", "audio")
    assert bound.entry.obj(progress, **bound.kwargs) == pytest.approx(factor, rel=1e-9)


def test_a_few_steps_make_the_loss_smaller():
    net, objective = network(), bind("signaltrain", "objective", "audio")
    dry = torch.randn(16, 1, 64)
    batch = {"given": torch.cat([dry, torch.rand(16, 4, 1).expand(-1, -1, 64) - 0.5], dim=1), "wanted": 0.5 * dry}
    found = []
    for _ in range(40):
        loss = objective.entry.obj(net, batch, **objective.kwargs)
        net.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 1e-3 * p.grad.sign()
        found.append(float(loss.detach()))
    assert found[-1] < 0.5 * found[0]


# ---- metric and rivals


def test_the_mean_absolute_error_by_hand():
    clip = as_clip("made", [0.5, -0.5, 0.25, -0.25], 8_000)
    bound = [bind("mae", "metric", "audio")]
    plain = bind("plain", "protocol", "audio")
    scores = TRACK.score(np.array([0.5, 0.5, 0.25, 0.25], np.float32), clip, posed(clip), plain, bound)
    assert scores["mae"] == pytest.approx(0.375)


def test_the_compressor_in_the_middle_is_right_where_the_knobs_are():
    dry = opened().load(0).posed
    middle = settings_of(np.zeros(4))
    wave = posed(Clip("dry", dry, 8_000), "compressor(threshold=-15, ratio=3, attack=20.5, release=20.5)").given
    item = Clip("made", wave, 8_000, effect=ClipEffect(dry, middle, np.zeros(4)))
    assert_array_equal(made_by("compressor", item), wave)
    assert_array_equal(made_by("identity", item), dry)


def test_the_static_curve_by_hand():
    levels = np.array([0.0, -6.0, -18.0, -40.0])
    dry = (10 ** (levels / 20) * [1, -1, 1, -1]).astype(np.float32)
    item = Clip("made", dry, 8_000, effect=ClipEffect(dry, {"threshold": -18.0, "ratio": 3.0}, np.zeros(2)))
    made = made_by("static_curve", item)
    assert_allclose(20 * np.log10(np.abs(made)), [-12, -14, -18, -40], atol=1e-4)
    assert_array_equal(np.sign(made), np.sign(dry))
    with pytest.raises(nb.Skip, match="threshold and ratio"):
        made_by("static_curve", as_clip("plain", NOISE, 8_000))


def test_a_filter_is_found_again():
    true = np.array([0.5, -0.25, 0.125])
    assert_allclose(fitted([NOISE], [np.convolve(NOISE, true)[:400]], 5), [*true, 0, 0], atol=1e-9)
    assert_allclose(fitted([np.zeros(9)], [np.zeros(9)], 3), 0)


def test_the_filter_of_a_set_is_nearer_than_the_dry_clip():
    clip = opened().load(1)
    made = made_by(f"linear_filter(data=compressed(of={OF}), taps=4)", clip).astype(np.float64)
    for other in (clip.posed, np.zeros(1_600)):
        assert np.sum((made - clip.wave) ** 2) < np.sum((other - clip.wave) ** 2)
    with pytest.raises(nb.UsageError, match="has no effect"):
        made_by(f"linear_filter(data={OF})", clip)


# ---- the method


def test_the_method_tells_the_network_the_knobs_and_is_skipped_without():
    runner = TRACK.open(bind(f"trained(arch={SMALL}, crop=64)", "method", "audio"))
    heard = []

    class Net(torch.nn.Linear):
        asks = "knobs"

        def forward(self, x: Any) -> Any:
            heard.append(x)
            return x[:, :1]

    runner.instance.use(Net(1, 1), (5, 64))
    item = opened().load(0)
    made = call_on(runner, posed(item), "cpu")[0]
    assert_array_equal(made, item.posed)
    assert_allclose(heard[0][0, 1:, 0], item.effect.knobs, atol=1e-6)
    with pytest.raises(nb.Skip, match="needs the knobs"):
        call_on(runner, posed(as_clip("plain", NOISE, 8_000)), "cpu")


def test_a_recipe_trains_and_its_network_is_used(cli: Any):
    data = "compressed(of=instruments(n=4, seconds=0.2, rate=8000, seed=9))"
    how = (
        f"arch={SMALL}, objective=signaltrain, regime=none, schedule=one_cycle, data={data}, crop=64, batch=2, "
        "steps=2, checks=1, validation=1"
    )
    done = cli(
        "run", "--track", "audio", "--methods", f"trained({how})", "--datasets", f"compressed(of={OF})",
        "--regimes", "none", "--metrics", "mae", "log_spectral_distance",
    )  # fmt: skip
    assert "2 cells: 2 ok (2 run now)" in done.stdout
