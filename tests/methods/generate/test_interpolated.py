"""`interpolated`: what becomes of latents, with exact values; and `round_trip`, `seen_noise`, `seen_picture`."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate.interpolated import encoded, slerp
from noisebench.tracks.generate import LatentBatch, Reference
from numpy.testing import assert_allclose

TRACK = get_track("generate")
GAUSSIAN = "gaussian_digits(n=1, count=24, reference=8, trained=40)"
CODED = "encode=true, pictures=gaussian_digits(split=train, trained=40)"
EXACT = "model=exact(of=gaussian_digits)"
REFERENCE = Reference(np.zeros((2, 3, 5, 7), np.float32))


def made(method: str, item: LatentBatch, regime: str = "none", seed: int = 0) -> tuple[Any, Any]:
    """Latents, and what a method makes of them."""
    case = TRACK.pose(bind(regime, "regime", "generate"), item, seed)
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    prepared = runner.prepare(case.given)
    output = runner.accept(runner.call(prepared, case.info), case)
    assert runner.untouched(prepared, case.given)
    return case.given.astype(np.float64), output


def mixed(how: str, count: int = 6, regime: str = "none", **more: Any) -> tuple[Any, Any]:
    spec = ", ".join([f"how={how}", *(f"{name}={value}" for name, value in more.items())])
    item = LatentBatch("batch-000", count, REFERENCE)
    z, output = made(f"interpolated(sampler=identity, {spec})", item, regime)
    return z, output["samples"]


def law_batch(dataset: str = GAUSSIAN) -> LatentBatch:
    item: LatentBatch = nb.open_dataset(bind(dataset, "dataset", "generate")).load(0)
    return item


def metric(name: str, samples: Any) -> float:
    item = LatentBatch("batch-000", len(samples), Reference(np.zeros((2, *samples.shape[1:]), np.float32)))
    output = {"samples": np.asarray(samples, np.float32), "evaluations": None}
    bound, protocol = bind(name, "metric", "generate"), bind("as_is", "protocol", "generate")
    return TRACK.score(output, item, TRACK.pose(bind("none", "regime", "generate"), item, 0), protocol, [bound])[name]


@pytest.mark.parametrize("how", ["lerp", "slerp"])
def test_ends_are_the_latents_of_the_pair(how: str) -> None:
    for fraction, turns in ((0, 0), (1, -1)):
        z, samples = mixed(how, fraction=fraction)
        assert_allclose(samples, np.roll(z, turns, axis=0), atol=1e-5)


def test_a_line_is_a_mean_and_an_arc_keeps_lengths() -> None:
    z, line = mixed("lerp", fraction=0.25)
    assert_allclose(line, 0.75 * z + 0.25 * np.roll(z, -1, axis=0), atol=1e-6)
    first = torch.from_numpy(z / np.linalg.norm(z.reshape(6, -1), axis=1)[:, None, None, None])
    second = first.roll(-1, dims=0)
    half = slerp(first, second, 0.3)
    assert_allclose(half.flatten(1).norm(dim=1), 1, rtol=1e-9)
    angles = [(a * b).flatten(1).sum(dim=1).acos() for a, b in ((first, half), (first, second))]
    assert_allclose(angles[0], 0.3 * angles[1], rtol=1e-6)


def test_latents_that_point_the_same_or_opposite_ways_go_along_the_line() -> None:
    one = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    assert_allclose(slerp(one, 3 * one, 0.5), 2 * one)
    assert_allclose(slerp(one, -3 * one, 0.25), 0 * one, atol=1e-12)
    assert_allclose(slerp(0 * one, one, 0.5), math.sqrt(0.5) * one)


def test_noisediffusion_mixes_by_cosine_and_sine_and_clips_twice() -> None:
    z, samples = mixed("noisediffusion", fraction=0.3)
    angle = 0.15 * math.pi
    clipped = np.clip(z, -2, 2)
    due = math.cos(angle) * clipped + math.sin(angle) * np.roll(clipped, -1, axis=0)
    assert_allclose(samples, np.clip(due, -2, 2), atol=1e-6)
    assert np.abs(due).max() > 2


def test_new_noise_takes_its_share_of_the_variance() -> None:
    _, plain = mixed("noisediffusion", 300, clip=1000)
    _, fresh = mixed("noisediffusion", 300, clip=1000, gamma=0.6)
    rest = fresh - 0.8 * plain
    assert_allclose([plain.std(), fresh.std(), rest.std()], [1, 1, 0.6], atol=0.02)
    assert abs(np.corrcoef(rest.ravel(), plain.ravel())[0, 1]) < 0.03


def test_deviations_of_midpoints_are_those_of_mathematics() -> None:
    # A normal value that is clipped at ±2 has the variance 0.9205; the second clip of the mixture takes some 0.04 more.
    deviations = {how: metric("rms", mixed(how, 400)[1]) for how in ("lerp", "slerp", "noisediffusion")}
    assert_allclose(deviations["lerp"], math.sqrt(0.5), atol=0.01)
    assert_allclose(deviations["slerp"], 1, atol=0.01)
    assert_allclose(deviations["noisediffusion"], 0.937, atol=0.01)


def test_outliers_stay_along_an_arc_and_go_with_the_clip() -> None:
    found = {how: mixed(how, 400, "outliers(share=0.05, scale=4)")[1] for how in ("slerp", "noisediffusion")}
    assert metric("kurtosis", found["slerp"]) > 7
    assert metric("kurtosis", found["noisediffusion"]) == pytest.approx(2.37, abs=0.05)
    assert metric("largest", found["slerp"]) > 8
    assert metric("largest", found["noisediffusion"]) == 2
    assert metric("rms", found["noisediffusion"]) == pytest.approx(0.98, abs=0.01)


def test_metrics_of_latents_are_exact() -> None:
    samples = np.array([1.0, -1.0, 3.0, -3.0]).reshape(2, 1, 1, 2)
    assert metric("rms", samples) == pytest.approx(math.sqrt(5))
    assert metric("kurtosis", samples) == pytest.approx(41 / 25)
    assert metric("largest", samples) == 3
    assert math.isnan(metric("kurtosis", np.ones((2, 1, 1, 2))))


def test_a_batch_of_one_is_its_own_pair() -> None:
    z, samples = mixed("slerp", 1)
    assert_allclose(samples, z, atol=1e-5)


def test_a_flow_of_a_normal_law_is_encoded_in_closed_form() -> None:
    # Along an axis of variance v the flow takes x - mean from σ to σ' by √((v + σ'²) / (v + σ²)).
    item = law_batch()
    runner = TRACK.open(
        bind(f"ddim({EXACT}, steps=250, least=0.02, most=10, schedule=log_uniform)", "method", "generate")
    )
    runner.setup("cpu")
    assert item.law is not None and item.reference.trained is not None
    pictures = item.reference.trained[:8].astype(np.float64)
    found = encoded(runner.instance, torch.from_numpy(pictures)).numpy().reshape(8, -1)
    (variances,), (axes,) = item.law.axes
    along = (pictures.reshape(8, -1) - item.law.means[0]) @ axes
    due = (item.law.means[0] + (along * np.sqrt((variances + 100) / (variances + 4e-4))) @ axes.T) / 10
    assert_allclose(found, due, atol=0.02 * np.abs(due).max())


@pytest.mark.parametrize("how", ["lerp", "slerp"])
def test_pictures_come_back_where_nothing_is_mixed(how: str) -> None:
    errors = []
    for steps in (20, 160):
        spec = f"sampler=ddim(model=exact(of=gaussian_digits), steps={steps}, most=15), {CODED}, fraction=0, how={how}"
        _, output = made(f"round_trip(of=interpolated({spec}))", law_batch())
        errors.append(metric("rms", output["samples"]))
    assert errors[1] < 0.03 and errors[1] < 0.3 * errors[0]


def test_noisediffusion_adds_a_fifth_of_the_picture_at_its_end() -> None:
    sampler = "sampler=ddim(model=exact(of=gaussian_digits), steps=30, most=15)"
    runner = TRACK.open(bind(f"interpolated({sampler}, {CODED}, fraction=0, clip=1000)", "method", "generate"))
    pictures = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    z = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    assert_allclose(runner.instance.mixed(z, pictures), z + 0.2 * pictures / 15)
    assert_allclose(runner.instance.mixed(z), z)


def test_what_is_encoded_depends_on_the_input_alone_and_costs_its_calls() -> None:
    spec = f"interpolated(sampler=ddim(model=exact(of=gaussian_digits), steps=6), {CODED})"
    _, one = made(spec, law_batch())
    _, again = made(spec, law_batch())
    _, other = made(spec, law_batch(), seed=1)
    assert np.array_equal(one["samples"], again["samples"]) and not np.array_equal(one["samples"], other["samples"])
    assert one["evaluations"] == 6 + 5


def test_the_noise_of_a_call_is_what_the_model_saw() -> None:
    spec = "seen_noise(sampler=euler(model=exact(of=gaussian_digits), steps=6, most=10), call={})"
    z, output = made(spec.format(1), law_batch())
    item = law_batch()
    assert item.law is not None
    (variances,), (axes,) = item.law.axes
    along = (10 * z.reshape(24, -1) - item.law.means[0]) @ axes
    assert_allclose(output["samples"].reshape(24, -1), (along * 10 / (variances + 100)) @ axes.T, atol=1e-4)
    with pytest.raises(nb.UsageError, match="above the 6 calls"):
        made(spec.format(7), law_batch())


def test_the_picture_of_a_call_leads_to_the_sample() -> None:
    way = "seen_picture(sampler=euler(model=exact(of=gaussian_digits), steps=6, most=10), call={})"
    z, first = made(way.format(1), law_batch())
    item = law_batch()
    assert item.law is not None
    (variances,), (axes,) = item.law.axes
    along = (10 * z.reshape(24, -1) - item.law.means[0]) @ axes
    due = item.law.means[0] + (along * variances / (variances + 100)) @ axes.T
    assert_allclose(first["samples"].reshape(24, -1), due, atol=1e-4)
    _, last = made(way.format(6), law_batch())
    _, samples = made("euler(model=exact(of=gaussian_digits), steps=6, most=10)", law_batch())
    assert_allclose(last["samples"], samples["samples"], atol=1e-5)
    assert (first["evaluations"], last["evaluations"]) == (1, 6)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("interpolated(sampler=exact)", "not a sampler"),
        ("interpolated(sampler=bayes_optimum)", "bayes_optimum knows the reference"),
        ("interpolated(sampler=identity, encode=true)", "goes down no levels of noise"),
        ("interpolated(sampler=identity, how=slerp, gamma=0.1)", "how=noisediffusion, .*how=slerp: give gamma=0"),
        ("round_trip(of=interpolated(sampler=identity))", "encodes no pictures"),
    ],
)
def test_what_cannot_be_is_said(spec: str, why: str) -> None:
    with pytest.raises(nb.UsageError, match=why):
        TRACK.open(bind(spec, "method", "generate"))


def test_pictures_of_another_size_are_skipped() -> None:
    sampler = "ddim(model=exact(of=gaussian_digits), steps=2)"
    spec = f"interpolated(sampler={sampler}, encode=true, pictures=digits(split=train, trained=9))"
    with pytest.raises(nb.Skip, match="name other ones"):
        made(spec, LatentBatch("batch-000", 2, REFERENCE))


@pytest.mark.parametrize(
    "spec",
    [
        "interpolated(sampler=ddim(model=exact, steps=3))",
        "interpolated(sampler=ddim(model=exact, steps=3), how=slerp, fraction=0.2)",
        "round_trip(of=interpolated(sampler=ddim(model=exact, steps=3), encode=true, fraction=0))",
        "seen_noise(sampler=heun(model=exact, steps=3), call=4)",
    ],
)
def test_the_doctor_has_nothing_against_them(spec: str) -> None:
    found = {one.name: one.ok for one in TRACK.examine(bind(spec, "method", "generate"), lambda name: None, "")}
    assert len(found) == 6 and False not in found.values()


def test_the_doctor_sees_latents_that_come_back_interpolated() -> None:
    bound = bind("interpolated(sampler=identity, how=slerp, fraction=0.2)", "method", "generate")
    found = {one.name: one.ok for one in TRACK.examine(bound, lambda name: None, "")}
    assert [name for name, ok in found.items() if ok is False] == ["samples unlike latents"]
