"""`luma`: the Y channel first, cut to a multiple of the scale, as super-resolution tables have it."""

from __future__ import annotations

from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.text.errors import refuse_all


@pytest.fixture
def colour(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    for name, shape in (("a", (11, 14, 3)), ("b", (9, 7))):
        nb.write_picture(tmp_path / f"{name}.png", rng.integers(0, 256, shape, dtype=np.uint8))
    return f"folder(path={str(tmp_path)!r})"


def test_luma_is_studio_range_and_cut_to_a_multiple(colour: str) -> None:
    whole = open_dataset(bind(colour, "dataset"))
    made = open_dataset(bind(f"luma(of={colour}, multiple=4)", "dataset"))
    assert list(made.ids) == list(whole.ids) == ["a", "b"]
    y = made.load(0).clean
    rgb = whole.load(0).clean.astype(float)
    assert y.shape == (8, 12) and y.dtype == np.uint8
    by_hand = 16 + (65.481 * rgb[3, 5, 0] + 128.553 * rgb[3, 5, 1] + 24.966 * rgb[3, 5, 2]) / 255
    assert y[3, 5] == round(by_hand)
    assert np.array_equal(made.load(1).clean, whole.load(1).clean[:8, :4])


@pytest.mark.parametrize(("value", "luma"), [(0, 16), (255, 235), (128, 126)])
def test_black_is_16_and_white_is_235(tmp_path: Path, value: int, luma: int) -> None:
    nb.write_picture(tmp_path / "flat.png", np.full((4, 4, 3), value, np.uint8))
    made = open_dataset(bind(f"luma(of=folder(path={str(tmp_path)!r}))", "dataset"))
    assert np.unique(made.load(0).clean).tolist() == [luma]


def test_what_is_not_8_bit_or_too_small_is_refused(tmp_path: Path) -> None:
    nb.write_picture(tmp_path / "deep.png", np.full((4, 4), 500, np.uint16))
    of = f"folder(path={str(tmp_path)!r})"
    with pytest.raises(nb.UsageError, match="8-bit pictures.*'deep' is uint16.*: store it as 8 bits"):
        open_dataset(bind(f"luma(of={of})", "dataset")).load(0)
    nb.write_picture(tmp_path / "deep.png", np.full((4, 4), 5, np.uint8))
    with pytest.raises(nb.UsageError, match="smaller than multiple=5"):
        open_dataset(bind(f"luma(of={of}, multiple=5)", "dataset")).load(0)


def test_the_spec_names_the_other_set_and_checks_it() -> None:
    bound = bind("luma(of=set5, multiple=3)", "dataset")
    assert bound.canonical == "luma(multiple=3, of=set5)" and bound.versions == {"luma": 1, "set5": 1}
    with pytest.raises(nb.UsageError, match="did you mean 'set5'"):
        bind("luma(of=set55)", "dataset")
    with pytest.raises(nb.UsageError, match="multiple"):
        bind("luma(of=set5, multiple=0)", "dataset")


def test_one_mistake_that_all_pictures_share_is_said_once() -> None:
    with pytest.raises(nb.UsageError, match=r"^set5 is not there$"):
        refuse_all(["set5 is not there"] * 3, 3, "pictures")
    with pytest.raises(nb.UsageError, match=r"3 of 4 pictures cannot be used: a; b$"):
        refuse_all(["a", "b", "a"], 4, "pictures")
    with pytest.raises(nb.UsageError, match="2 of 3 pictures cannot be used: a; b"):
        refuse_all(["a", "b"], 3, "pictures")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("set5", 2, 33.66),
        ("set5", 3, 30.39),
        ("set5", 4, 28.42),
        ("set14", 2, 30.23),
        ("set14", 3, 27.54),
        ("set14", 4, 26.00),
    ],
)
def test_bicubic_of_srcnn_falls_into_place_to_the_last_printed_decimal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, scale: int, published: float
) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    found = nb.evaluate(
        "bicubic", f"luma(of={name}, multiple={scale})", f"downsample(scale={scale})", protocol=f"y8(border={scale})"
    )
    assert round(found.psnr, 2) == published
