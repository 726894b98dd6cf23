"""`diffusers` and `diffusers_sampler`: of that library, on pipelines that are made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate._diffusers import level_at, levels_of, times_at
from noisebench.tracks.generate import Denoiser, LatentBatch, Reference
from numpy.testing import assert_allclose

diffusers = pytest.importorskip("diffusers")
SCHEDULER = "scheduler/scheduler_config.json"


def pipeline(folder: Path, predicted: str = "epsilon", classes: int | None = None, channels: int = 1) -> Any:
    """A tiny pipeline, written into the folder."""
    torch.manual_seed(3)
    net = diffusers.UNet2DModel(
        sample_size=8, in_channels=channels, out_channels=channels, layers_per_block=1, block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"), norm_num_groups=4,
        num_class_embeds=classes,
    )  # fmt: skip
    made = diffusers.DDPMPipeline(net, diffusers.DDPMScheduler(prediction_type=predicted))
    made.save_pretrained(folder)
    return made


def model(folder: Path) -> Denoiser:
    made = Denoiser(bind(f"diffusers(path={json.dumps(str(folder))})", "method", "generate"))
    made.setup("cpu")
    return made


def samples(spec: str, item: LatentBatch) -> Any:
    """What a sampler makes of a batch."""
    track = get_track("generate")
    case = track.pose(bind("none", "regime", "generate"), item, 0)
    sampler = track.open(bind(spec, "method", "generate"))
    sampler.setup("cpu")
    return sampler.call(sampler.prepare(case.given), case.info).numpy()


@pytest.mark.parametrize("predicted", ["epsilon", "v_prediction", "sample"])
def test_the_picture_is_the_one_that_the_library_reads_from_the_network(predicted: str, tmp_path: Path) -> None:
    made, time = pipeline(tmp_path, predicted), 300
    kept = float(made.scheduler.alphas_cumprod[time])
    x = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        raw = made.unet.eval()(x, time).sample
        scheduler = diffusers.DDIMScheduler.from_config(made.scheduler.config, clip_sample=False)
        scheduler.set_timesteps(1000)
        due = scheduler.step(raw, time, x).pred_original_sample
        sigma = ((1 - kept) / kept) ** 0.5
        found = model(tmp_path)(x * (1 + sigma**2) ** 0.5, sigma)
    assert_allclose(found, due, atol=2e-4, rtol=2e-4)


def test_levels_between_two_times_lie_between_them_and_those_beyond_are_the_ends() -> None:
    levels = levels_of(diffusers.DDPMScheduler())
    assert_allclose(times_at(levels, levels[[0, 7, 999]]), [0, 7, 999], atol=1e-9)
    assert 7 < times_at(levels, (levels[7] * levels[8]) ** 0.5) < 8
    assert_allclose(times_at(levels, [1e-9, 1e9]), [0, 999])
    assert level_at(levels, 7.5) == pytest.approx((levels[7] * levels[8]) ** 0.5)


def test_a_network_is_run_by_our_samplers_as_by_those_of_the_library(tmp_path: Path) -> None:
    pipeline(tmp_path)
    spec = json.dumps(str(tmp_path))
    most, least = levels_of(diffusers.DDPMScheduler())[[999, 0]]
    ours = f"ddim(model=diffusers(path={spec}), eta=0, steps=400, schedule=linear, least={least}, most={most})"
    theirs = f"diffusers_sampler(model=diffusers(path={spec}), scheduler=ddim, steps=500)"
    data = LatentBatch("batch-000", 4, Reference(np.zeros((4, 1, 8, 8), np.float32)))
    found = [samples(one, data) for one in (ours, theirs)]
    assert np.std(found[0]) > 0.5
    assert np.abs(found[0] - found[1]).max() < 0.05 * np.std(found[0])


def test_classes_are_told_to_a_network_that_has_them(tmp_path: Path) -> None:
    pipeline(tmp_path, classes=3)
    asked = model(tmp_path)
    x = torch.randn(2, 1, 8, 8)
    one, other = (asked(x, torch.ones(2, 1, 1, 1), np.array([k, k])) for k in (0, 2))
    assert not torch.equal(one, other)
    with pytest.raises(nb.Skip, match="labels=true"):
        asked(x, 1.0)


def test_pictures_of_other_channels_are_skipped(tmp_path: Path) -> None:
    pipeline(tmp_path, channels=3)
    with pytest.raises(nb.Skip, match="3 channels, not 1"):
        model(tmp_path)(torch.zeros(1, 1, 8, 8), 1.0)


def test_weights_and_settings_are_in_the_key(tmp_path: Path) -> None:
    pipeline(tmp_path)
    files = bind(f"diffusers(path={json.dumps(str(tmp_path))})", "method", "generate").entry.obj.weight_files
    before = files(str(tmp_path))
    assert set(before) == {
        "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"
    }  # fmt: skip
    config = tmp_path / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.02", "0.03"))
    assert [name for name, sha in files(str(tmp_path)).items() if sha != before[name]] == [SCHEDULER]


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("unet/config.json", '{"_class_name": "UNet2DConditionModel"}', "only a UNet2DModel"),
        ("unet/config.json", "[]", "no JSON object"),
        (SCHEDULER, '{"prediction_type": "flow"}', "predicts 'flow'"),
        (SCHEDULER, '{"beta_schedule": "__import__"}', "cannot be built"),
        ("unet/diffusion_pytorch_model.safetensors", "no weights", "cannot be built"),
    ],
)
def test_a_folder_that_is_no_pipeline_is_refused_in_one_line(file: str, text: str, why: str, tmp_path: Path) -> None:
    pipeline(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(nb.UsageError, match=why) as refused:
        model(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(nb.UsageError, match=r"has no unet/config\.json"):
        bind(f"diffusers(path={json.dumps(str(tmp_path))})", "method", "generate").entry.obj.weight_files(str(tmp_path))


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    pipeline(tmp_path)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save({}, weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(nb.UsageError, match="cannot be built|has no unet"):
        model(tmp_path)


@pytest.mark.parametrize("scheduler", ["ddpm", "ddim", "euler", "heun", "lms", "pndm", "dpm_solver_2m", "unipc"])
def test_every_sampler_of_the_library_draws_of_a_known_law(scheduler: str) -> None:
    data = "mixture_digits(n=1, count=64, reference=512)"
    seen = nb.evaluate(f"diffusers_sampler(model=exact, scheduler={scheduler}, steps=25)", data, track="generate")
    worse = nb.evaluate("diffusers_sampler(model=exact, scheduler=euler, steps=3)", data, track="generate")
    assert seen.energy_distance < 0.004 < worse.energy_distance
    assert 25 <= seen.nfe <= 49


def test_what_pndm_cannot_do_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="scheduler=pndm .*give steps=4, not 3"):
        nb.evaluate("diffusers_sampler(model=exact, scheduler=pndm, steps=3)", "mixture_digits(n=1)", track="generate")
