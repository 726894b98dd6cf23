"""Reading and writing picture files: faithful, or refused with one line that names file and remedy."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.imaging.pictures import encode_png
from PIL import Image

RGB = np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3)
GREY = RGB[:, :, 0].copy()


def saved(path: Path, image: Image.Image, form: str = "PNG", **options: object) -> Path:
    image.save(path, form, **options)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(nb.UsageError) as caught:
        nb.read_picture(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (7, 5), (5, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_round_trip_keeps_every_pixel_and_the_bit_depth(tmp_path, shape, dtype):
    picture = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    nb.write_picture(tmp_path / "a.png", picture)
    back = nb.read_picture(tmp_path / "a.png")
    assert back.dtype == dtype
    assert np.array_equal(back, picture)


def test_colours_come_in_rgb_order(tmp_path):
    red = Image.new("RGB", (2, 2), (255, 1, 2))
    assert nb.read_picture(saved(tmp_path / "r.png", red))[0, 0].tolist() == [255, 1, 2]


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_forms_give_the_same_pixels_whatever_the_file_is_called(tmp_path, form):
    path = saved(tmp_path / "picture.dat", Image.fromarray(RGB), form)
    assert np.array_equal(nb.read_picture(path), RGB)


def test_lossless_webp_is_read(tmp_path):
    path = saved(tmp_path / "a.webp", Image.fromarray(RGB), "WEBP", lossless=True)
    assert np.array_equal(nb.read_picture(path), RGB)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_gives_the_pixels_that_another_decoder_gives(tmp_path, progressive):
    path = saved(tmp_path / "a.jpg", Image.fromarray(RGB), "JPEG", progressive=progressive)
    assert np.array_equal(nb.read_picture(path), np.asarray(Image.open(path)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_that_is_shown_turned_is_refused_and_one_that_is_not_is_read(tmp_path, kind):
    exif = Image.Exif()
    exif[0x112] = 6
    turned = saved(tmp_path / f"turned.{kind.lower()}", Image.fromarray(RGB), kind, exif=exif)
    with pytest.raises(nb.UsageError, match=r"turned\..*EXIF orientation 6.*: save it"):
        nb.read_picture(turned)
    exif[0x112] = 1
    upright = saved(tmp_path / f"upright.{kind.lower()}", Image.fromarray(RGB), kind, exif=exif)
    assert nb.read_picture(upright).shape == (12, 10, 3)


def test_a_picture_too_large_to_be_read_is_said_to_be_too_large(tmp_path):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    (tmp_path / "wide.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(nb.UsageError, match=r"wide\.png.*too large"):
        nb.read_picture(tmp_path / "wide.png")


def test_a_palette_is_expanded(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    path = saved(tmp_path / "p.png", image)
    assert np.array_equal(nb.read_picture(path), np.asarray(image.convert("RGB")))


def test_one_bit_grey_becomes_0_and_255(tmp_path):
    path = saved(tmp_path / "b.png", Image.fromarray(GREY).convert("1"))
    assert set(np.unique(nb.read_picture(path))) == {0, 255}


@pytest.mark.parametrize(("mode", "expected"), [("RGBA", RGB), ("LA", GREY)])
def test_an_opaque_alpha_channel_is_dropped(tmp_path, mode, expected):
    path = saved(tmp_path / "a.png", Image.fromarray(expected).convert(mode))
    assert np.array_equal(nb.read_picture(path), expected)


def test_transparency_is_refused_with_advice(tmp_path):
    image = Image.fromarray(RGB).convert("RGBA")
    image.putpixel((3, 3), (1, 2, 3, 254))
    assert "transparent alpha channel: flatten it" in refusal(saved(tmp_path / "a.png", image))
    grey = saved(tmp_path / "g.png", Image.fromarray(GREY), transparency=5)
    assert "flatten it" in refusal(grey)
    palette = Image.fromarray(RGB).quantize(16)
    assert "flatten it" in refusal(saved(tmp_path / "p.png", palette, transparency=b"\x00\x80"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "PPM", "WEBP"])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, form):
    noise = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    whole = saved(tmp_path / "whole", Image.fromarray(noise), form).read_bytes()
    # A TIFF of Pillow begins with its directory, so only a cut into the pixels or the head counts.
    for end in {1, 7, 20, len(whole) // 2, len(whole) * 9 // 10, len(whole) - 1} - {0}:
        cut = tmp_path / f"cut{end}"
        cut.write_bytes(whole[:end])
        refusal(cut)


def test_a_flipped_bit_in_a_png_is_found(tmp_path):
    whole = bytearray(encode_png(RGB))
    whole[len(whole) // 2] ^= 4
    (tmp_path / "bad.png").write_bytes(whole)
    assert "corrupt" in refusal(tmp_path / "bad.png")


def test_a_png_whose_pixels_stop_early_inside_valid_chunks_is_refused(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    whole = encode_png(noise)
    at = whole.index(b"IDAT")
    length = int.from_bytes(whole[at - 4 : at], "big")
    part = b"IDAT" + whole[at + 4 : at + 4 + length // 2]
    chunk = (length // 2).to_bytes(4, "big") + part + zlib.crc32(part).to_bytes(4, "big")
    end = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
    (tmp_path / "early.png").write_bytes(whole[: at - 4] + chunk + end)
    refusal(tmp_path / "early.png")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x89PNG", "truncated"),
        (b"<!DOCTYPE html><html>not here</html>", "web page"),
        (b"just a text file, not a picture", "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "corrupt"),
        (b"\xff\xd8\xff\xd9", "without pixels"),
    ],
)
def test_what_is_not_a_picture_is_refused(tmp_path, content, says):
    (tmp_path / "x.png").write_bytes(content)
    assert says in refusal(tmp_path / "x.png")


def test_cmyk_is_refused_with_advice(tmp_path):
    cmyk = Image.fromarray(RGB).convert("CMYK")
    assert "CMYK JPEG: convert it to RGB" in refusal(saved(tmp_path / "c.jpg", cmyk, "JPEG"))
    assert "convert it to RGB" in refusal(saved(tmp_path / "c.tif", cmyk, "TIFF"))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "GIF"])
def test_several_frames_are_refused(tmp_path, form):
    first, second = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    path = saved(tmp_path / "moving", first, form, save_all=True, append_images=[second])
    assert "save" in refusal(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    assert "does not exist" in refusal(tmp_path / "gone.png")
    assert "cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["two words.png", "<script>.png", "line\nbreak.png", "日本 é.png", "a'b\".png"])
def test_odd_names_are_read_and_shown_on_one_line(tmp_path, name):
    nb.write_picture(tmp_path / name, GREY)
    assert np.array_equal(nb.read_picture(tmp_path / name), GREY)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(nb.UsageError) as caught:
        nb.read_picture(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_float_npy_becomes_float32(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.full((3, 4), 0.25, dtype))
    back = nb.read_picture(tmp_path / "a.npy")
    assert back.dtype == np.dtype(np.float32)
    assert (back == 0.25).all()


def test_16_bits_in_either_order_of_bytes_are_read_and_written(tmp_path):
    deep = GREY.astype(np.uint16) * 300
    big = deep.astype(">u2")
    np.save(tmp_path / "a.npy", big)
    nb.write_picture(tmp_path / "a.png", big)
    for name in ("a.npy", "a.png"):
        back = nb.read_picture(tmp_path / name)
        assert back.dtype == np.dtype(np.uint16)
        assert np.array_equal(back, deep)


def test_complex_npy_is_read_as_magnitude_and_a_single_channel_as_grey(tmp_path):
    np.save(tmp_path / "c.npy", np.full((3, 4, 1), 0.3 + 0.4j, np.complex64))
    back = nb.read_picture(tmp_path / "c.npy")
    assert back.shape == (3, 4)
    assert np.allclose(back, 0.5, atol=1e-7)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array([[{"a": 1}]], object), "Python objects"),
        (np.zeros((3, 40, 50), np.float32), "channels first"),
        (np.zeros(5, np.float32), "shape"),
        (np.zeros((0, 4), np.float32), "shape"),
        (np.full((2, 2), np.nan, np.float32), "NaN"),
        (np.full((2, 2), 200.0, np.float32), "divide"),
        (np.zeros((2, 2), np.int64), "dtype int64"),
    ],
)
def test_an_npy_that_is_no_picture_is_refused(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array)
    assert says in refusal(tmp_path / "a.npy")


def test_a_damaged_npy_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((20, 20), np.float32))
    for end in (7, 30, 200):
        (tmp_path / "a.npy").write_bytes(buffer.getvalue()[:end])
        refusal(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(buffer.getvalue().replace(b"(20, 20)", b"(20, 20,"))
    refusal(tmp_path / "a.npy")


def test_an_npy_that_claims_more_than_it_holds_is_refused(tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**6)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\0" * 400)
    refusal(tmp_path / "a.npy")


def test_float_tiff_on_0_1_is_read_and_another_scale_refused(tmp_path):
    values = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    assert cv2.imwrite(str(tmp_path / "f.tif"), values)
    assert np.array_equal(nb.read_picture(tmp_path / "f.tif"), values)
    assert cv2.imwrite(str(tmp_path / "f.tif"), values * 255)
    assert "divide" in refusal(tmp_path / "f.tif")


def test_writing_leaves_nothing_behind_when_it_fails(tmp_path, monkeypatch):
    nb.write_picture(tmp_path / "a.png", GREY)
    before = (tmp_path / "a.png").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        nb.write_picture(tmp_path / "a.png", 255 - GREY)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("a.jpg", GREY), ("a.png", GREY.astype(np.float32)), ("a.png", np.zeros((2, 2, 4), np.uint8)),
        ("a.npy", np.array([[None]])), ("a\0.png", GREY),
    ],
)  # fmt: skip
def test_writing_what_does_not_fit_is_refused(tmp_path, name, picture):
    with pytest.raises(nb.UsageError):
        nb.write_picture(tmp_path / name, picture)
    with pytest.raises(nb.UsageError, match=r"x\.png' .*its folder .*: make it first$"):
        nb.write_picture(tmp_path / "none" / "x.png", GREY)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "f.png").mkdir()
    with pytest.raises(nb.UsageError, match=r"f\.png' .*a folder .*: name another file$"):
        nb.write_picture(tmp_path / "f.png", GREY)
    assert [p.name for p in tmp_path.iterdir()] == ["f.png"]
