"""Projection into a generator's range: what passes, what it is fitted to, and what it adds to a rare class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.methods.restore._principal import principal
from noisebench.track.info import Info

RNG = np.random.default_rng(0)


def opened(spec: str, track: str = "classify") -> Any:
    return nb.open_dataset(bind(spec, "dataset", track))


def restored(spec: str, noisy: Any) -> Any:
    one = nb.Restorer(bind(spec, "method"))
    one.setup("cpu")
    return one.restore(noisy, Info({}), noisy.shape)


FITTED = "latent_projection(data='rim_lesions(split=train, n=60, size=16)', k={})"


# ---- the generator


def test_pictures_of_a_plane_have_it_as_their_components() -> None:
    directions = np.linalg.qr(RNG.standard_normal((64, 3)))[0].T
    scales = np.array([3.0, 2.0, 1.0])
    rows = 0.5 + (RNG.standard_normal((2000, 3)) * scales) @ directions
    found = principal(list(rows.reshape(-1, 8, 8)), 3, "it")
    assert np.abs(found.directions @ directions.T) == pytest.approx(np.eye(3), abs=0.06)
    assert found.deviations == pytest.approx(scales, rel=0.05)
    np.testing.assert_allclose(found.projected(rows), rows, atol=1e-12)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(3), atol=1e-12)


def test_draws_have_the_moments_of_the_set() -> None:
    rows = RNG.standard_normal((400, 12)) * np.array([3.0, 2.0, *[0.5] * 10])
    found = principal(list(rows), 2, "it")
    drawn = np.stack([found.drawn(np.random.default_rng(i)) for i in range(4000)])
    assert drawn.mean(axis=0) == pytest.approx(rows.mean(axis=0), abs=0.15)
    scatter = (drawn - found.mean) @ found.directions.T
    assert scatter.var(axis=0) == pytest.approx(found.deviations**2, rel=0.1)
    assert (drawn - found.projected(drawn)).std() == pytest.approx(found.rest * (10 / 12) ** 0.5, rel=0.05)
    assert found.rest == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("k", "why"), [(4, "give a smaller k"), (50, "give a smaller k")])
def test_more_directions_than_pictures_are_refused(k: int, why: str) -> None:
    with pytest.raises(nb.UsageError, match=why):
        principal([RNG.standard_normal((2, 2)) for _ in range(4)], k, "it")


# ---- the method


def test_k_of_all_values_of_white_noise_pass() -> None:
    clean = np.full((16, 16, 1), 0.4, np.float32)
    noise = 0.1 * RNG.standard_normal((60, 16, 16, 1)).astype(np.float32)
    one = nb.Restorer(bind(FITTED.format(20), "method"))
    one.setup("cpu")
    still = one.restore(clean, Info({}), (16, 16, 1))
    passed = [one.restore(clean + draw, Info({}), draw.shape) - still for draw in noise]
    assert np.square(passed).sum() / np.square(noise).sum() == pytest.approx(20 / 256, rel=0.1)


def test_what_the_generator_makes_stays_and_a_projection_is_one() -> None:
    noisy = RNG.uniform(size=(16, 16, 1)).astype(np.float32)
    once = restored(FITTED.format(8), noisy)
    assert np.abs(once - noisy).max() > 0.1
    np.testing.assert_allclose(restored(FITTED.format(8), once), once, atol=1e-6)


def test_larger_pictures_are_projected_in_squares_in_each_channel() -> None:
    noisy = RNG.uniform(size=(37, 21, 3)).astype(np.float32)
    whole = restored(FITTED.format(8), noisy)
    assert whole.shape == noisy.shape
    np.testing.assert_allclose(restored(FITTED.format(8), noisy[:, :, 1:2]), whole[:, :, 1:2], atol=1e-6)
    np.testing.assert_allclose(restored(FITTED.format(8), noisy[:16, :16])[:8, :5], whole[:8, :5], atol=1e-6)


def test_what_is_smaller_than_the_generator_makes_is_skipped() -> None:
    with pytest.raises(nb.Skip, match="16×16 pixels, more than 12×20"):
        restored(FITTED.format(8), np.zeros((12, 20, 1), np.float32))


def test_it_is_on_record_what_it_was_fitted_to() -> None:
    bound = bind(FITTED.format(8), "method")
    assert bound.entry.obj.flags(**bound.kwargs) == {"trained_on": ("rim_lesions(n=60, size=16, split=train)",)}


def test_pictures_of_several_sizes_are_refused(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    with pytest.raises(nb.UsageError, match=r"set12\): .*2 shapes: .*patches\(of="):
        restored("latent_projection(data=set12, k=2)", np.zeros((256, 256, 1), np.float32))


# ---- lesions


def test_one_in_so_many_lesions_has_a_rim_and_both_tracks_show_the_same() -> None:
    labelled, clean = opened("rim_lesions(n=100, noise=0)"), opened("rim_lesions(n=100)", "restore")
    items = [labelled.load(i) for i in range(100)]
    assert sum(item.label for item in items) == 5
    assert list(labelled.ids) == list(clean.ids)
    np.testing.assert_array_equal(items[19].picture, clean.load(19).clean)
    assert items[19].label == 1 and items[19].classes == ("disc", "rim")


def test_kinds_are_those_of_the_whole_and_faint_ones_are_apart() -> None:
    whole, rims, discs = (set(opened(f"rim_lesions(n=100, kind={kind})").ids) for kind in ("all", "rim", "disc"))
    assert rims | discs == whole and not rims & discs
    faint = opened("rim_lesions(n=10, kind=faint)")
    assert not whole & set(faint.ids) and faint.load(0).label == 1
    assert not whole & set(opened("rim_lesions(n=100, split=train)").ids)
    with pytest.raises(nb.UsageError, match="none is a rim"):
        opened("rim_lesions(n=10, kind=rim)")


@pytest.mark.parametrize(("kind", "brighter"), [("rim", True), ("disc", False)])
def test_a_rim_is_brighter_than_its_middle_and_a_disc_is_not(kind: str, brighter: bool) -> None:
    sets = opened(f"rim_lesions(n=40, rims=0.5, kind={kind})", "restore")
    found = []
    for i in range(20):
        picture = sets.load(i).clean
        middle = np.median(picture[14:18, 14:18])
        found.append(picture.max() - middle)
    assert (min(found) > 0.1) if brighter else (np.median(found) < 0.1)


def test_a_scan_is_as_noisy_as_said_and_keyed() -> None:
    noisy, clean = opened("rim_lesions(n=20, noise=0.05)"), opened("rim_lesions(n=20)", "restore")
    error = np.stack([noisy.load(i).picture - clean.load(i).clean for i in range(20)])
    assert error.std() == pytest.approx(0.05, rel=0.03)
    np.testing.assert_array_equal(noisy.load(3).picture, opened("rim_lesions(n=20, noise=0.05)").load(3).picture)


# ---- more of a rare class

RINGS = "rim_lesions(split=train, n=40, rims=0.5, kind=rim, size=16)"


def test_synthetic_pictures_are_of_the_class_and_differ() -> None:
    made = opened(f"synthetic(of={RINGS}, n=4, k=5)")
    items = [made.load(i) for i in range(4)]
    assert [item.label for item in items] == [1] * 4 and items[0].picture.shape == (16, 16)
    assert np.abs(items[0].picture - items[1].picture).max() > 0.05
    with pytest.raises(nb.UsageError, match="2 classes: give pictures of one"):
        opened("synthetic(of='rim_lesions(split=train, n=40, rims=0.5)', k=5)")


def test_a_generator_of_rings_makes_rings_of_discs_and_labels_stay() -> None:
    discs = "rim_lesions(n=80, rims=0.5, kind=disc, size=16, noise=0)"
    rings = opened(f"projected(of={discs}, onto={RINGS.replace('size=16', 'size=16, noise=0')}, k=3)")
    before = [opened(discs).load(i) for i in range(40)]
    after = [rings.load(i) for i in range(40)]
    assert {item.label for item in after} == {0}
    assert [item.id for item in after] == [f"{item.id}_projected" for item in before]
    disc, ring = (np.mean([item.picture for item in items], axis=0) for items in (before, after))
    assert disc.max() - disc[7:9, 7:9].mean() < 0.03 < 0.06 < ring.max() - ring[7:9, 7:9].mean()
    with pytest.raises(nb.UsageError, match="those of rim_lesions"):
        opened(f"projected(of=rim_lesions, onto={RINGS}, k=5)").load(0)


def test_a_projected_picture_has_the_energy_that_it_had() -> None:
    lesions = "rim_lesions(n=40, rims=0.5, kind=disc, size=16, noise=0.1)"
    mean = np.mean([opened(RINGS).load(i).picture for i in range(20)], axis=0)

    def energy(items: Any) -> float:
        return float(np.mean([np.square(items.load(i).picture - mean) for i in range(20)]))

    made = opened(f"projected(of={lesions}, onto={RINGS}, k=8)")
    assert energy(made) == pytest.approx(energy(opened(lesions)), rel=0.05)


def test_joined_sets_follow_one_another() -> None:
    both = opened(f"joined(of='rim_lesions(n=30, size=16)', more=synthetic(of={RINGS}, n=3, k=5))")
    assert len(both.ids) == 33 and both.load(30).id == "synthetic_rim_00000" and both.load(29).id == both.ids[29]
    with pytest.raises(nb.UsageError, match="is in both"):
        opened("joined(of=rim_lesions, more=rim_lesions)")
    with pytest.raises(nb.UsageError, match="joined: .*different classes"):
        opened("joined(of=rim_lesions, more=half_space)")
