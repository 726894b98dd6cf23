"""Stacks are read a page at a time, in the levels that are stored; hostile files are refused in one line."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import tifffile
from noisebench.components.registry import bind
from noisebench.imaging.pictures import read_picture

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 2**16, (3, 5, 6)).astype(np.uint16)


def tiff(folder: Path, pages: Any, name: str = "stack.tif", **how: Any) -> Path:
    tifffile.imwrite(folder / name, pages, photometric=how.pop("photometric", "minisblack"), **how)
    return folder / name


@pytest.mark.parametrize("pages", [DEEP, DEEP.astype(np.uint8), RNG.random((2, 4, 7), np.float32)], ids=str)
def test_each_page_of_a_tiff_is_as_it_was_stored(pages: Any, tmp_path: Path) -> None:
    file = tiff(tmp_path, pages, compression="zlib")
    assert nb.open_stack(file).pages == len(pages)
    for index, page in enumerate(pages):
        read = nb.read_page(file, index)
        assert read.dtype == page.dtype and np.array_equal(read, page)


def test_levels_that_stand_for_0_and_1_are_given(tmp_path: Path) -> None:
    file = tiff(tmp_path, np.array([[[-1000, 0, 1000]]], np.int16))
    assert nb.read_page(file, 0, (-1000, 1000)).tolist() == [[0, 0.5, 1]]
    with pytest.raises(nb.UsageError, match=r"page 0: has values -1000 … 1000: give low= and high="):
        nb.read_page(file, 0)


def test_a_stack_is_a_dataset_of_its_pages(tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    (tmp_path / "noisy").mkdir()
    for folder, more in (("clean", 0), ("noisy", 1)):
        for name in "ab":
            tiff(tmp_path / folder, DEEP // 2 + more, f"{name}.tif")
    one = nb.open_dataset(bind(f"stack(path='{tmp_path}/clean/a.tif', low=0, high=65535)", "dataset"))
    assert list(one.ids) == ["0000", "0001", "0002"] and one.load(1).group == ""
    assert np.allclose(one.load(1).clean, DEEP[1] // 2 / 65535)
    both = nb.open_dataset(bind(f"stack(path='{tmp_path}/clean', noisy='{tmp_path}/noisy')", "dataset"))
    sample = both.load(4)
    assert both.ids[4] == "b/0001" and sample.group == "b" and np.array_equal(sample.noisy, sample.clean + np.uint16(1))
    tiff(tmp_path / "noisy", DEEP[:2], "b.tif")
    with pytest.raises(nb.UsageError, match="has 3 pages"):
        nb.open_dataset(bind(f"stack(path='{tmp_path}/clean', noisy='{tmp_path}/noisy')", "dataset"))


@pytest.mark.parametrize("given", ["low=0", "low=2, high=1"])
def test_half_a_range_is_refused(given: str) -> None:
    with pytest.raises(nb.UsageError, match="low below high"):
        nb.open_dataset(bind(f"stack(path='s.tif', {given})", "dataset"))


def enormous() -> bytes:
    """A TIFF of 8 bits whose header claims 10⁹ × 10⁹ pixels."""
    tags = [(256, 4, 10**9), (257, 4, 10**9), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, 10**9),
            (279, 4, 4)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("name", ["bad.tif", "bad.dcm", "bad.nii", "bad.nii.gz"])
@pytest.mark.parametrize("data", [b"", b"II*\0" + bytes(8), bytes(400), bytes(range(256)) * 4])
def test_a_damaged_stack_is_one_line_that_names_it(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(nb.UsageError, match=name) as error:
        nb.read_page(tmp_path / name, 0)
    assert len(str(error.value).splitlines()) == 1


def test_what_a_header_claims_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "bomb.tif").write_bytes(enormous())
    with pytest.raises(nb.UsageError, match=r"bomb\.tif' claims 1 pages of 1000000000×1000000000"):
        nb.open_stack(tmp_path / "bomb.tif")


def test_truncated_and_not_finite_pages_are_refused(tmp_path: Path) -> None:
    file = tiff(tmp_path, DEEP)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(nb.UsageError, match=r"stack\.tif' is"):
        for index in range(3):
            nb.read_page(file, index)
    with pytest.raises(nb.UsageError, match="page 1: has NaN"):
        pages = np.full((2, 4, 6), 0.5, np.float32)
        pages[1, 2, 3] = np.nan
        nb.read_page(tiff(tmp_path, pages), 1)


def test_an_absent_file_and_another_kind_are_named(tmp_path: Path) -> None:
    for name, why in (("no.tif", "does not exist"), ("a.gif", "must end in")):
        with pytest.raises(nb.UsageError, match=why):
            nb.open_stack(tmp_path / name)


@pytest.mark.parametrize("name, package", [("a.dcm", "pydicom"), ("a.nii.gz", "nibabel")])
def test_a_missing_package_names_the_extra(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noisebench.imaging.stacks.is_installed", lambda name: False)
    (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    with pytest.raises(nb.UsageError, match=rf'{package}: pip install "noisebench\[medical\]"'):
        nb.open_stack(tmp_path / name)


def test_slices_of_nifti_are_pages(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="needs noisebench[medical]")
    volume = RNG.integers(0, 1000, (4, 5, 3)).astype(np.int16)
    for name in ("v.nii", "v.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / name)
        assert nb.open_stack(tmp_path / name).pages == 3
        assert np.allclose(nb.read_page(tmp_path / name, 2, (0, 1000)), volume[:, :, 2] / 1000)


def test_ct_is_read_in_hounsfield_units(tmp_path: Path) -> None:
    dataset = pytest.importorskip("pydicom.dataset", reason="needs noisebench[medical]")
    uid = pytest.importorskip("pydicom.uid")
    one = dataset.Dataset()
    one.Modality, one.Rows, one.Columns, one.SamplesPerPixel = "CT", 1, 3, 1
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.PhotometricInterpretation, one.RescaleSlope, one.RescaleIntercept = "MONOCHROME2", 1, -1024
    one.SOPClassUID, one.SOPInstanceUID = uid.CTImageStorage, uid.generate_uid()
    one.file_meta = dataset.FileMetaDataset()
    one.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    one.PixelData = np.array([[0, 1024, 4095]], np.uint16).tobytes()
    one.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    expected = [[0, 0.25, 4095 / 4096]]
    assert np.allclose(nb.read_page(tmp_path / "ct.dcm", 0), expected)
    assert np.allclose(read_picture(tmp_path / "ct.dcm"), expected)
