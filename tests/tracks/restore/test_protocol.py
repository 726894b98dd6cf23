"""What each protocol does to a picture, by exact values."""

from fractions import Fraction

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound, bind, registry
from noisebench.components.tracks import get_track
from noisebench.text.errors import UsageError
from noisebench.tracks.restore.pairs import prepare, to_8bit

BYTES = np.arange(256, dtype=np.uint8).reshape(16, 16)


def pair(restored, clean, spec):
    return prepare(np.asarray(restored), np.asarray(clean), bind(spec, "protocol"))


def restored(values, spec):
    x = np.asarray(values, np.float32)[None, :, None]
    return pair(x, np.zeros_like(x), spec).x.reshape(-1).tolist()


def test_uint8_clips_scales_and_rounds():
    assert restored([-0.5, -1e-9, 0, 0.1, 0.5, 1, 1.0001, 7, 1e30], "uint8") == [
        0,
        0,
        0,
        26,
        128,
        255,
        255,
        255,
        255,
    ]


def test_uint8_rounds_true_ties_to_the_even_byte():
    ties = np.array([[0.5, 1.5, 2.5, 3.5, 126.5, 127.5, 253.5, 254.5]]) / 255
    exact = np.array([[v for v in ties[0] if (v * 255) % 1 == 0.5]])
    assert exact.size >= 4
    assert (to_8bit(exact[:, :, None]) % 2 == 0).all()


def test_uint8_does_not_round_the_product_first():
    # In float32 this product is 0.5 exactly or more after rounding, in truth it lies below or above the tie.
    below = np.nextafter(np.float32(127.5 / 255), np.float32(0))
    above = np.nextafter(np.float32(127.5 / 255), np.float32(1))
    assert restored([below, above], "uint8") == [127, 128]
    random = np.random.default_rng(0).random((512, 512, 3), dtype=np.float32)
    assert np.array_equal(to_8bit(random), np.rint(random.astype(np.float64) * 255).astype(np.uint8))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_byte_divided_by_255_comes_back_as_that_byte(kind):
    assert np.array_equal(to_8bit((BYTES / 255).astype(kind)[:, :, None])[:, :, 0], BYTES)


def test_an_8_bit_clean_picture_is_left_alone():
    prepared = pair(BYTES / np.float32(255), BYTES, "uint8")
    assert prepared.x.dtype == prepared.y.dtype == np.uint8
    assert np.array_equal(prepared.x[:, :, 0], BYTES)
    assert np.array_equal(prepared.y[:, :, 0], BYTES)
    assert prepared.peak == 255


def test_a_16_bit_clean_picture_is_rounded_by_the_same_rule():
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    prepared = pair(deep / 65535, deep, "uint8")
    assert np.array_equal(prepared.y, np.rint(deep.astype(np.float64) / 65535 * 255)[:, :, None])
    assert np.array_equal(prepared.x, prepared.y)


def test_float_clips_and_does_not_round():
    assert restored([-0.5, 0.25, 0.1251, 2], "float") == [0, 0.25, float(np.float32(0.1251)), 1]


def test_raw_does_neither():
    assert restored([-0.5, 0.25, 2], "raw") == [-0.5, 0.25, 2]


@pytest.mark.parametrize("spec", ["float", "raw"])
def test_float_and_raw_take_an_integer_clean_picture_on_the_unit_scale(spec):
    prepared = pair(np.zeros((16, 16), np.float32), BYTES, spec)
    assert prepared.y.dtype == np.float64
    assert np.array_equal(prepared.y[:, :, 0], BYTES / 255)
    assert prepared.peak == 1


@pytest.mark.parametrize("spec", ["float", "raw"])
def test_the_clean_picture_rounded_to_float32_counts_as_identical(spec):
    assert nb.psnr((BYTES / 255).astype(np.float32), BYTES, spec) == np.inf


def test_y8_is_the_studio_luma_in_float():
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]], np.uint8)
    prepared = pair(colours, colours, "y8")
    expected = [16, 235, 81.481, 144.553, 40.966, 16 + (654.81 + 2571.06 + 748.98) / 255]
    assert prepared.x.shape == (1, 6, 1)
    assert prepared.peak == 255
    np.testing.assert_allclose(prepared.x[0, :, 0], expected, rtol=0, atol=1e-12)


def test_y8_rounds_to_8_bits_before_it_mixes():
    almost = np.full((1, 1, 3), 100.4 / 255, np.float32)
    np.testing.assert_allclose(pair(almost, almost, "y8").x, 16 + 219 * 100 / 255, rtol=0, atol=1e-12)


def test_y8_rounded_is_the_studio_luma_half_up():
    colours = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    colours[0, :3] = (255, 255, 255), (0, 0, 0), (100, 100, 100)
    prepared = pair(colours, colours, "y8(rounded=True)")
    exact = [16 + Fraction(65481 * r + 128553 * g + 24966 * b, 255000) for r, g, b in colours.reshape(-1, 3).tolist()]
    assert prepared.x.dtype == np.uint8 and prepared.x[0, :3, 0].tolist() == [235, 16, 102]
    assert prepared.x.reshape(-1).tolist() == [int(value + Fraction(1, 2)) for value in exact]


def test_y8_rounded_cuts_the_border_and_passes_grey():
    assert np.array_equal(pair(BYTES, BYTES, "y8(border=3, rounded=True)").x[:, :, 0], BYTES[3:-3, 3:-3])


def test_the_key_of_y8_is_that_of_before_it_could_round():
    for spec in ("y8(border=4)", "y8(border=4, rounded=False)"):
        assert nb.bind(spec, "protocol").canonical == "y8(border=4)"
    assert nb.bind("y8(border=4, rounded=True)", "protocol").canonical == "y8(border=4, rounded=True)"
    assert nb.bind("y8", "protocol").versions == {"y8": 1}


def test_y8_passes_grey_as_the_8_bit_grey():
    prepared = pair(BYTES, BYTES, "y8")
    assert prepared.x.dtype == np.uint8
    assert np.array_equal(prepared.x[:, :, 0], BYTES)


def test_y8_cuts_the_border_off_each_side():
    assert np.array_equal(pair(BYTES, BYTES, "y8(border=3)").x[:, :, 0], BYTES[3:-3, 3:-3])
    assert pair(BYTES, BYTES, "y8(border=0)").x.shape == (16, 16, 1)


@pytest.mark.parametrize("border", [8, 9, 100])
def test_a_border_that_leaves_nothing_makes_every_score_undefined(border):
    scores = nb.score(BYTES, BYTES, ("psnr", "ssim", "ms_ssim", "mse", "mae"), f"y8(border={border})")
    assert all(isinstance(value, nb.NotDefined) for value in scores.values())


def test_gray8_is_the_full_range_luma_rounded_half_to_even():
    # 299·R + 587·G + 114·B is 28500 for the last colour but one and 61500 for the last: ties.
    colours = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 250], [35, 85, 10]]
    colours = np.array([colours], np.uint8)
    assert pair(colours, colours, "gray8").x.reshape(-1).tolist() == [255, 76, 150, 29, 28, 62]
    assert pair(colours, colours, "gray8").x.dtype == np.uint8


def test_gray8_keeps_every_grey():
    colour = np.repeat(BYTES[:, :, None], 3, axis=2)
    assert np.array_equal(pair(colour, colour, "gray8").x[:, :, 0], BYTES)
    assert np.array_equal(pair(BYTES, BYTES, "gray8").x[:, :, 0], BYTES)


@pytest.mark.parametrize("spec", ["uint8", "float", "raw", "y8", "gray8"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_what_is_not_finite_is_refused_and_located(spec, value, which):
    pictures = [np.zeros((4, 5, 3), np.float32), np.zeros((4, 5, 3), np.float32)]
    pictures[which][2, 3, 1] = value
    with pytest.raises(nb.UsageError, match=r"picture has 1 values .*row 2, column 3"):
        pair(*pictures, spec)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 5)), np.zeros((5, 4)), "4×5×1 and clean is 5×4×1"),
        (np.zeros((4, 5)), np.zeros((4, 5, 3)), "4×5×1 and clean is 4×5×3"),
        (np.zeros((4, 5), np.int64), np.zeros((4, 5)), "restored picture is int64"),
        (np.zeros((4, 5)), np.zeros((4, 5), bool), "clean picture is bool"),
        (np.zeros((1, 4, 5, 3)), np.zeros((4, 5, 3)), "restored picture has shape"),
        (np.zeros((0, 5)), np.zeros((0, 5)), "restored picture has shape"),
    ],
)
def test_pictures_that_do_not_fit_are_one_line(x, y, message):
    with pytest.raises(nb.UsageError, match=message) as caught:
        pair(x, y, "uint8")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["y8", "gray8"])
def test_luma_needs_one_or_three_channels(spec):
    with pytest.raises(nb.UsageError, match="1 or 3 channels, not 4"):
        pair(np.zeros((4, 5, 4)), np.zeros((4, 5, 4)), spec)


@pytest.mark.parametrize("spec", ["y8(border=-1)", "y8(border=1.5)", "y8(edge=1)", "uint9"])
def test_a_wrong_spec_is_refused(spec):
    with pytest.raises(nb.UsageError):
        bind(spec, "protocol")


def test_built_in_metrics_say_which_way_is_better():
    declared = {name: bind(name, "metric").entry.meta for name in ("psnr", "ssim", "ms_ssim", "mse", "mae")}
    assert {name: meta["higher"] for name, meta in declared.items()} == {
        "psnr": True, "ssim": True, "ms_ssim": True, "mse": False, "mae": False,
    }  # fmt: skip
    assert declared["psnr"]["unit"] == "dB"


def test_a_protocol_and_a_metric_of_ones_own(monkeypatch):
    for kind in ("protocol", "metric"):
        monkeypatch.setattr(registry(kind), "_entries", dict(registry(kind)._entries))

    @nb.protocol("test_half_range", version=3, peak=0.5)
    def halve(picture, *, offset: float = 0.0):
        return picture / 2 + offset

    @nb.metric("test_worst", higher=False)
    def worst(pair, *, scale: float = 1.0):
        return float(np.abs(pair.x - pair.y).max()) / pair.peak * scale

    assert bind("test_half_range", "protocol").versions == {"test_half_range": 3}
    scores = nb.score([[0.0, 0.5]], [[0.0, 0.25]], ("test_worst(scale=2)", "mae"), "test_half_range(offset=1)")
    assert scores == {"test_worst(scale=2)": 0.5, "mae": 0.125}


def test_a_protocol_rounds_to_8_bits_or_not_at_all():
    with pytest.raises(ValueError, match="^bits must be 8 or None"):
        nb.protocol("test_ten_bits", bits=10)


@pytest.mark.parametrize(("declared", "peak"), [({}, 1), ({"bits": 8}, 255), ({"bits": 8, "peak": 219}, 219)])
def test_the_peak_of_a_protocol_is_that_of_its_values_where_it_says_none(declared, peak):
    assert own(lambda x: x, **declared).entry.meta["peak"] == peak


@pytest.mark.parametrize("peak", [0, -1, np.inf, np.nan, None, "255"])
def test_a_peak_that_is_no_range_is_refused(peak):
    with pytest.raises(ValueError, match="^peak must be .* above 0, not "):
        nb.protocol("test_peak", peak=peak)


def own(function, **declared):
    """A protocol `p`, which is not registered."""
    return Bound(Entry("p", function, 1, get_track("restore").declare("protocol", declared)), {}, "p", "p")


@pytest.mark.parametrize(
    ("function", "declared", "said"),
    [
        (lambda x: None, {}, "returned NoneType: return a picture (H, W, C)"),
        (lambda x: None, {"bits": 8}, "returned NoneType: return a picture (H, W, C)"),
        (lambda x: x[:, :, 0], {}, "returned shape (4, 5) for a picture of shape (4, 5, 3): return (H, W, C)"),
        (lambda x: x[: 2 + 2 * int(x[0, 0, 0])], {}, "returned 4×5×3 for the restored picture and 2×5×3 for the clean"),
        (lambda x: x * np.nan, {}, "returned 60 values that are not finite (NaN)"),
        (lambda x: x["a"], {}, "IndexError: only integers"),
        (lambda x: x[:1, :1], {"keeps": (0.0, 0.5)}, "return each value by itself, as it declares `keeps`"),
    ],
)
def test_what_a_protocol_does_wrong_is_one_line_that_names_it(function, declared, said):
    with pytest.raises(UsageError) as told:
        prepare(np.ones((4, 5, 3)), np.zeros((4, 5, 3)), own(function, **declared)).x  # noqa: B018
    assert str(told.value).startswith("protocol p: ") and said in str(told.value)
    assert ("(test_protocol.py, line " in str(told.value)) == ("IndexError" in said)
