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
        ("unet/config.json", '{"_class_name": "UNet3DModel"}', "only a UNet2DModel"),
        ("unet/config.json", '{"_class_name": "UNet2DConditionModel"}', "is told a text: give embeddings"),
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


# ---- pipelines of latents that are told a text


CLASSES = 3


def latent_pipeline(folder: Path) -> str:
    """A tiny pipeline like Stable Diffusion's, with embeddings of no text and of three; what names it in a spec."""
    torch.manual_seed(3)
    net = diffusers.UNet2DConditionModel(
        sample_size=4, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        cross_attention_dim=6, attention_head_dim=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2, norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, sample_size=8,
    )  # fmt: skip
    net.save_pretrained(folder / "unet")
    vae.save_pretrained(folder / "vae")
    diffusers.DDIMScheduler(beta_schedule="scaled_linear").save_pretrained(folder / "scheduler")
    np.save(folder / "texts.npy", np.random.default_rng(0).standard_normal((1 + CLASSES, 5, 6)).astype(np.float32))
    return f"path={json.dumps(str(folder))}, embeddings={json.dumps(str(folder / 'texts.npy'))}"


def asked(labels: Any = (0, 1, 2, 0), channels: int = 3) -> LatentBatch:
    pictures = np.zeros((4, channels, 8, 8), np.float32)
    return LatentBatch("batch-000", 4, Reference(pictures), None if labels is None else np.asarray(labels))


@pytest.mark.parametrize(
    "sampler",
    [
        "ddim(model={m}, steps=3)",
        "heun(model=guided(model={m}, weight=5), steps=2)",
        "dpm_solver_2m(model={m}, steps=3)",
        "diffusers_sampler(model={m}, scheduler=unipc, steps=3)",
        "interpolated(sampler=ddim(model={m}, steps=3))",
        "ddim(model=anagram(model={m}, balance=False), steps=3)",
    ],
)
def test_a_pipeline_of_latents_makes_pictures_by_every_sampler(sampler: str, tmp_path: Path) -> None:
    named = latent_pipeline(tmp_path)
    inner = sampler.replace("{m}", f"diffusers({named})")
    made = samples(f"decoded(sampler={inner}, {named.partition(', ')[0]})", asked())
    assert made.shape == (4, 3, 8, 8)
    assert np.isfinite(made).all() and np.std(made) > 0


def test_the_text_of_its_class_is_told_and_none_where_no_class_is_asked_for(tmp_path: Path) -> None:
    made = Denoiser(bind(f"diffusers({latent_pipeline(tmp_path)})", "method", "generate"))
    made.setup("cpu")
    x, texts = torch.randn(2, 4, 4, 4), torch.from_numpy(np.load(tmp_path / "texts.npy"))
    net = diffusers.UNet2DConditionModel.from_pretrained(tmp_path / "unet").eval()
    levels = levels_of(diffusers.DDIMScheduler(beta_schedule="scaled_linear"))
    sigma = float(levels[300])
    for labels, told in ((np.array([2, 0]), texts[[3, 1]]), (None, texts[[0, 0]])):
        with torch.no_grad():
            noise = net(x / (1 + sigma**2) ** 0.5, 300, encoder_hidden_states=told).sample
        assert_allclose(made(x, sigma, labels), x - sigma * noise, atol=2e-4)
    with pytest.raises(nb.UsageError, match="beyond the 3 texts"):
        made(x, sigma, np.array([3, 0]))


def test_the_decoder_is_that_of_the_pipeline(tmp_path: Path) -> None:
    path = latent_pipeline(tmp_path).partition(", ")[0]
    vae = diffusers.AutoencoderKL.from_pretrained(tmp_path / "vae").eval()
    item = asked()
    given = get_track("generate").pose(bind("none", "regime", "generate"), item, 0).given
    with torch.no_grad():
        due = vae.decode(torch.from_numpy(given.reshape(4, -1)[:, :64].reshape(4, 4, 4, 4)) / 0.18215).sample
    assert_allclose(samples(f"decoded(sampler=identity, {path})", item), due, atol=1e-5)
    with pytest.raises(nb.Skip, match="pictures of 3 channels"):
        samples(f"decoded(sampler=identity, {path})", asked(channels=1))


def test_embeddings_and_decoder_are_in_the_key(tmp_path: Path) -> None:
    named = latent_pipeline(tmp_path)
    texts = str(tmp_path / "texts.npy")
    files = bind(f"diffusers({named})", "method", "generate").entry.obj.weight_files
    assert files(str(tmp_path)).items() < files(str(tmp_path), texts).items() and texts in files(str(tmp_path), texts)
    decoder = bind(f"decoded(sampler=identity, path={json.dumps(str(tmp_path))})", "method", "generate").entry.obj
    assert set(decoder.weight_files(str(tmp_path))) == {"vae/config.json", "vae/diffusion_pytorch_model.safetensors"}


def test_embeddings_of_another_width_are_refused(tmp_path: Path) -> None:
    named = latent_pipeline(tmp_path)
    np.save(tmp_path / "texts.npy", np.zeros((4, 5, 7), np.float32))
    with pytest.raises(nb.UsageError, match="tokens, 6"):
        samples(f"ddim(model=diffusers({named}), steps=2)", asked(channels=4))
