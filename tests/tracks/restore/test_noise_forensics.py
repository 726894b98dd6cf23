"""What `explain --noisy` says of noises that are made here: level, law, digits, channels, correlation and recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.cli import main
from noisebench.tracks.restore.forensics import noise_findings
from noisebench.tracks.restore.noise_recipes import find_recipe

HEIGHT, WIDTH = 120, 144
COLOUR = np.round(
    np.add.outer(np.linspace(0, 110, HEIGHT), np.linspace(0, 145, WIDTH))[:, :, None] * np.array([1.0, 0.9, 0.8])
).astype(np.uint8)
GREY = COLOUR[:, :, :1]
SEEDS = 30


def findings_of(noisy: np.ndarray, clean: np.ndarray = COLOUR) -> dict[str, Any]:
    """The findings by part, as (text, values)."""
    return {one.part: (one.text, one.values) for one in noise_findings(noisy, clean / 255.0, SEEDS)}


def law_of(spec: str, clean: np.ndarray = COLOUR) -> dict[str, Any]:
    return findings_of(nb.degrade(spec, clean, seed=77)[0].reshape(clean.shape), clean)


@pytest.mark.parametrize("clean", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize(
    ("spec", "law", "sigma"),
    [
        ("gaussian(sigma=25)", "gaussian", 25),
        ("gaussian(sigma=25, clip=True, bits=8)", "gaussian", 25),
        ("gaussian(sigma=5, clip=True, bits=8)", "gaussian", 5),
        ("gaussian(sigma=50, clip=True)", "gaussian", 50),
        ("laplace(sigma=20)", "laplace", 20),
        ("uniform(width=50)", "uniform", 50 / 12**0.5),
        ("correlated(sigma=15, radius=1)", "gaussian", 15),
    ],
)
def test_level_and_law_of_additive_noise(spec: str, law: str, sigma: float, clean: np.ndarray) -> None:
    findings = law_of(spec, clean)
    assert findings["law"][1]["law"] == law
    assert findings["level"][1]["sigma"] == pytest.approx(sigma, rel=0.03)
    assert findings["digits"][1] == {"clipped": "clip" in spec, "rounded": "bits" in spec}


@pytest.mark.parametrize(
    ("spec", "law", "name", "value"),
    [
        ("poisson(peak=30)", "poisson", "peak", 30),
        ("poisson_gaussian(peak=30, sigma=15)", "poisson_gaussian", "peak", 30),
        ("poisson_gaussian(peak=30, sigma=15)", "poisson_gaussian", "sigma", 15),
        ("gamma(looks=4)", "gamma", "looks", 4),
        ("salt_pepper(p=0.1)", "salt_pepper", "share", 0.1),
        ("impulse(p=0.2)", "impulse", "share", 0.2),
    ],
)
def test_law_of_noise_that_goes_with_the_picture(spec: str, law: str, name: str, value: float) -> None:
    values = law_of(spec)["law"][1]
    assert values["law"] == law and values[name] == pytest.approx(value, rel=0.1)


def test_counts_are_whole() -> None:
    assert law_of("poisson(peak=30)")["law"][1]["whole_counts"] is True
    assert law_of("poisson(peak=30, bits=8)")["law"][1]["whole_counts"] is False


def test_correlation_in_space() -> None:
    assert law_of("gaussian(sigma=25)")["in space"][0].startswith("white")
    assert law_of("gaussian(sigma=50, clip=True, bits=8)")["in space"][0].startswith("white")
    assert law_of("correlated(sigma=25, radius=1.5)")["in space"][1]["radius"] == pytest.approx(1.5, rel=0.05)
    assert "rows" in law_of("stripes(sigma=10)")["in space"][0]


def unit(clean: np.ndarray = COLOUR) -> np.ndarray:
    return clean / 255.0


def planes(draws: np.ndarray) -> np.ndarray:
    return draws.transpose(1, 2, 0)


def torch_draws(seed: int, *shape: int) -> np.ndarray:
    torch = pytest.importorskip("torch")
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).numpy()


SHAPE = COLOUR.shape
CHANNELS_FIRST = (3, HEIGHT, WIDTH)
MADE: dict[str, tuple[Callable[[], np.ndarray], dict[str, Any]]] = {
    "legacy, rows first": (
        lambda: (unit() + np.random.RandomState(0).normal(0, 25 / 255, SHAPE)).astype(np.float32),
        {"generator": "numpy RandomState", "seed": 0, "order": "(H, W, C)", "channels": "red green blue", "sigma": 25,
         "regime": "kair(sigma=25)"},
    ),
    "legacy, channels first": (
        lambda: (unit() + planes(np.random.RandomState(7).normal(0, 15 / 255, CHANNELS_FIRST))).astype(np.float32),
        {"generator": "numpy RandomState", "seed": 7, "order": "(C, H, W)", "channels": "red green blue", "sigma": 15},
    ),
    "legacy, blue first": (
        lambda: unit() + np.random.RandomState(3).normal(0, 0.1, SHAPE)[:, :, ::-1],
        {"seed": 3, "order": "(H, W, C)", "channels": "blue green red", "sigma": 25.5},
    ),
    "legacy, blue first, channels first": (
        lambda: unit() + planes(np.random.RandomState(4).normal(0, 0.1, CHANNELS_FIRST))[:, :, ::-1],
        {"seed": 4, "order": "(C, H, W)", "channels": "blue green red", "sigma": 25.5},
    ),
    "one draw for all channels": (
        lambda: unit() + np.random.default_rng(5).normal(0, 15 / 255, (HEIGHT, WIDTH, 1)),
        {"generator": "numpy default_rng", "seed": 5, "channels": "one draw for all channels", "sigma": 15},
    ),
    "single precision": (
        lambda: unit().astype(np.float32)
        + np.random.default_rng(6).standard_normal(SHAPE, np.float32) * np.float32(10 / 255),
        {"generator": "numpy default_rng float32", "seed": 6, "sigma": 10},
    ),
    "torch": (
        lambda: unit().astype(np.float32) + planes(torch_draws(11, *CHANNELS_FIRST)) * np.float32(25 / 255),
        {"generator": "torch", "seed": 11, "order": "(C, H, W)", "sigma": 25},
    ),
    "torch, clipped": (
        lambda: np.clip(
            unit().astype(np.float32) + planes(torch_draws(2, *CHANNELS_FIRST)) * np.float32(50 / 255), 0, 1
        ),
        {"generator": "torch", "seed": 2, "sigma": 50, "digitised": "clipped"},
    ),
    "8 bits, rounded": (
        lambda: np.clip(np.rint(COLOUR + np.random.default_rng(9).normal(0, 30, SHAPE)), 0, 255).astype(np.uint8),
        {"generator": "numpy default_rng", "seed": 9, "sigma": 30, "digitised": "clipped, rounded"},
    ),
    "8 bits, cut off": (
        lambda: np.clip(COLOUR + np.random.RandomState(1).normal(0, 30, SHAPE), 0, 255).astype(np.uint8),
        {"seed": 1, "sigma": 30, "digitised": "clipped, cut off"},
    ),
    "8 bits, wrapped around": (
        lambda: (COLOUR + np.random.RandomState(1).normal(0, 20, SHAPE)).astype(np.int64).astype(np.uint8),
        {"seed": 1, "sigma": 20, "digitised": "cut off, wrapped around"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_recipe_is_known_to_the_last_bit(name: str) -> None:
    draw, wanted = MADE[name]
    text, values = findings_of(draw())["recipe"]
    assert values["equal"] == 1, text
    assert {key: values[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "spec", ["kair(sigma=15)", "restormer(sigma=15)", "swinir(sigma=15)", "dncnn_matlab(sigma=15)"]
)
def test_a_published_recipe_is_named_by_its_regime(spec: str) -> None:
    values = law_of(spec)["recipe"][1]
    assert values["equal"] == 1 and values["regime"] == spec


@pytest.mark.parametrize(
    "spec", ["gaussian(sigma=25)", "gaussian(sigma=12.5, clip=True, bits=8)", "poisson(peak=30)", "laplace(sigma=20)"]
)
def test_noise_of_noisebench_is_known_by_regime_and_seed(spec: str) -> None:
    noisy, _ = nb.degrade(spec, COLOUR, seed=4)
    assert findings_of(noisy)["recipe"][1] == {"regime": spec, "seed": 4, "equal": 1.0}


def test_a_seed_that_is_not_looked_through_is_not_known() -> None:
    noisy = unit() + np.random.RandomState(SEEDS).normal(0, 0.1, SHAPE)
    assert findings_of(noisy)["recipe"][1] == {"seed": None}
    assert find_recipe(noisy, unit(), noisy - unit(), SEEDS + 1) is not None


def test_channels_of_one_draw_are_told_from_those_of_several() -> None:
    one = unit() + np.random.RandomState(50).normal(0, 0.1, (HEIGHT, WIDTH, 1))
    assert findings_of(one)["channels"][1]["channel_correlation"] == pytest.approx(1, abs=0.01)
    apart = unit() + np.random.RandomState(50).normal(0, 0.1, SHAPE)
    assert "one draw each" in findings_of(apart)["channels"][0]
    mixed = apart + np.random.RandomState(51).normal(0, 0.05, (HEIGHT, WIDTH, 1))
    assert "in part" in findings_of(mixed)["channels"][0]


def test_no_noise_and_a_tiny_picture() -> None:
    assert [one.part for one in noise_findings(COLOUR, unit(), 1)] == ["level"]
    for shape in ((1, 1, 1), (1, 40, 3), (9, 9, 1)):
        clean = np.full(shape, 0.5)
        noisy = clean + np.random.default_rng(0).normal(0, 0.1, shape)
        parts = {one.part: one.values for one in noise_findings(noisy, clean, 3)}
        assert parts["law"]["law"] == "unknown" and parts["recipe"] == {"seed": None}


def test_a_flat_picture_and_one_that_is_clipped_everywhere() -> None:
    flat = np.full(SHAPE, 0.5)
    noisy = flat + np.random.default_rng(99).normal(0, 0.1, SHAPE)
    assert "one brightness" in {one.part: one.text for one in noise_findings(noisy, flat, 1)}["law"]
    black = np.zeros(SHAPE)
    noisy = np.clip(np.random.default_rng(99).normal(0, 0.1, SHAPE), 0, 1)
    assert noise_findings(noisy, black, 1)


def test_the_command_prints_a_line_a_part_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nb.write_picture(tmp_path / "clean.png", COLOUR)
    np.save(tmp_path / "noisy.npy", (unit() + np.random.RandomState(0).normal(0, 60 / 255, SHAPE)).astype(np.float32))
    words = ["explain", "--noisy", str(tmp_path / "noisy.npy"), str(tmp_path / "clean.png"), "--seeds", "5"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["level", "law", "digits", "channels", "in space", "recipe"]
    assert lines[-1].endswith("kair(sigma=60)")
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document[-1]["regime"] == "kair(sigma=60)" and document[1]["law"] == "gaussian"


def array(file: Path, values: Any, **more: Any) -> Path:
    np.save(file, np.asarray(values), **more)
    return file


@pytest.mark.parametrize(
    ("noisy", "says"),
    [
        (np.full(SHAPE, np.nan), "finite"), (np.full(SHAPE, np.inf), "finite"), (np.full(SHAPE, 100.0), "divide"),
        (np.zeros((5, 5)), "one size"), (np.zeros(SHAPE, complex), "complex"), (np.zeros(4), "shape"),
        (np.array([["a"]]), "values"), (np.array([[{}]], object), "allow_pickle"),
    ],
)  # fmt: skip
def test_what_is_no_noisy_picture_is_refused_in_a_line(
    tmp_path: Path, noisy: np.ndarray, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nb.write_picture(tmp_path / "clean.png", COLOUR)
    file = array(tmp_path / "noisy.npy", noisy, allow_pickle=True)
    assert main(["explain", "--noisy", str(file), str(tmp_path / "clean.png")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and says in error


def test_options_that_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nb.write_picture(tmp_path / "clean.png", COLOUR)
    clean = str(tmp_path / "clean.png")
    for words in (["--noisy", clean], ["--noisy", clean, clean, "--claimed", "25.1"], ["--noisy", str(tmp_path), clean],
                  ["--noisy", clean, clean, "--seeds", "0"], ["--noisy", clean, clean, "--track", "audio"],
                  ["--noisy", str(tmp_path / "absent.npy"), clean]):  # fmt: skip
        assert main(["explain", *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1
