"""Metrics by way of torchmetrics: the numbers of its own functions, its directions, and what is refused."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.planning.plan import metric_part
from skimage import data

torch = pytest.importorskip("torch")
image = pytest.importorskip("torchmetrics.functional.image")
CLEAN = np.maximum(data.astronaut()[:180, 180:364], 1)  # SAM has no angle to a black pixel
NOISY = np.clip(CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape), 1, 255).astype(np.uint8)


def tensor(picture: np.ndarray, scale: float = 1.0) -> Any:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)) / np.float32(scale)).float()[None]


def value(name: str, restored: np.ndarray = NOISY, clean: np.ndarray = CLEAN, protocol: str = "uint8") -> float:
    spec = f"torchmetrics(name={name!r})"
    return next(iter(nb.score(restored, clean, spec, protocol).values()))


PAIRS = {
    "PeakSignalNoiseRatio": lambda x, y: image.peak_signal_noise_ratio(x, y, data_range=255.0),
    "StructuralSimilarityIndexMeasure": lambda x, y: image.structural_similarity_index_measure(x, y, data_range=255.0),
    "MultiScaleStructuralSimilarityIndexMeasure": lambda x, y: image.multiscale_structural_similarity_index_measure(
        x, y, data_range=255.0
    ),
    "UniversalImageQualityIndex": image.universal_image_quality_index,
    "SpectralAngleMapper": image.spectral_angle_mapper,
    "ErrorRelativeGlobalDimensionlessSynthesis": image.error_relative_global_dimensionless_synthesis,
    "SpatialCorrelationCoefficient": image.spatial_correlation_coefficient,
    "RootMeanSquaredErrorUsingSlidingWindow": image.root_mean_squared_error_using_sliding_window,
    "RelativeAverageSpectralError": image.relative_average_spectral_error,
    "SpectralDistortionIndex": image.spectral_distortion_index,
    "VisualInformationFidelity": image.visual_information_fidelity,
    "TotalVariation": lambda x, y: image.total_variation(x),
}


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_are_those_of_a_direct_call(name: str) -> None:
    direct = float(PAIRS[name](tensor(NOISY), tensor(CLEAN)))
    assert np.isfinite(direct)
    assert value(name) == pytest.approx(direct, rel=1e-6)


def test_one_picture_leaves_nothing_behind_for_the_next() -> None:
    once = value("UniversalImageQualityIndex")
    value("UniversalImageQualityIndex", CLEAN, CLEAN)
    assert value("UniversalImageQualityIndex") == once


def test_the_range_is_that_of_the_protocol() -> None:
    direct = image.structural_similarity_index_measure(tensor(NOISY, 255), tensor(CLEAN, 255), data_range=1.0)
    assert value("StructuralSimilarityIndexMeasure", protocol="float") == pytest.approx(float(direct), rel=1e-6)


def test_equal_pictures_have_an_infinite_psnr_as_ours_do() -> None:
    assert value("PeakSignalNoiseRatio", CLEAN, CLEAN) == np.inf


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("UniversalImageQualityIndex", True),
        ("SpectralAngleMapper", False),
        ("ErrorRelativeGlobalDimensionlessSynthesis", False),
        ("SpectralDistortionIndex", False),
    ],
)
def test_the_direction_is_that_in_which_equal_pictures_are_best(name: str, higher: bool) -> None:
    assert metric_part(bind(f"torchmetrics(name={name})", "metric")).higher is higher
    assert (value(name, CLEAN, CLEAN) > value(name)) is higher


def test_the_version_of_the_package_is_part_of_the_metric() -> None:
    import torchmetrics

    part = metric_part(bind("torchmetrics(name=TotalVariation)", "metric"))
    assert part.made_with == f"torchmetrics {torchmetrics.__version__}"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("PeakSignalNoise", "has no image metric 'PeakSignalNoise': did you mean 'PeakSignalNoiseRatio'?"),
        ("LearnedPerceptualImagePatchSimilarity", "needs weights that torchmetrics downloads: use lpips"),
        ("DeepImageStructureAndTextureSimilarity", "needs weights that torchmetrics downloads"),
        ("FrechetInceptionDistance", "for sets fid or kid"),
        ("QualityWithNoReference", "takes more than a restored and a clean picture"),
        ("SpatialDistortionIndex", "takes more than a restored and a clean picture"),
    ],
)
def test_what_cannot_be_used_is_one_line_before_anything_runs(name: str, says: str) -> None:
    for call in (lambda: value(name), lambda: metric_part(bind(f"torchmetrics(name={name!r})", "metric"))):
        with pytest.raises(nb.UsageError) as caught:
            call()
        assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_picture_that_the_metric_refuses_has_no_score_and_says_why() -> None:
    found = value("MultiScaleStructuralSimilarityIndexMeasure", NOISY[:20], CLEAN[:20])
    assert isinstance(found, nb.NotDefined) and "of 20×184: " in found.reason and "\n" not in found.reason
    colour = value("PeakSignalNoiseRatioWithBlockedEffect")
    assert isinstance(colour, nb.NotDefined) and "3 channels" in colour.reason
    black = np.zeros_like(CLEAN)
    assert value("SpectralAngleMapper", black, black).reason.startswith("SpectralAngleMapper has no value")
    assert "border" in value("TotalVariation", protocol="y8(border=99)").reason
