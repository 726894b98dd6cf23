"""Datasets: folders and pairs, the embedded and the named sets, synthetic sets, and how sets are fetched."""

from __future__ import annotations

import argparse
import csv
import hashlib
import http.server
import json
import os
import re
import threading
from collections import Counter
from importlib import resources
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.cli import data as cli
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind, registry
from noisebench.imaging import fetch as fetching
from noisebench.imaging.manifest import COLUMNS, read_manifest
from noisebench.imaging.pictures import encode_png

SETS = {
    "set5": 5, "set12": 12, "set14": 14, "bsd68": 68, "cbsd68": 68, "kodak24": 24,
    "kodak24_crop500": 24, "polyu": 100, "mri_knee": 3, "lowlight_easy": 10, "lowlight_medium": 10,
}  # fmt: skip
DATA = Path(os.environ.get("NOISEBENCH_DATA") or Path(__file__).parents[4] / "shared" / "data")


def opened(spec):
    return open_dataset(bind(spec, "dataset"))


def grey(value, size=(4, 5)):
    return np.full(size, value, np.uint8)


def refused(call, *args, **kwargs):
    with pytest.raises(nb.UsageError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- folder -----------------------------------------------------------------------------------------------


def test_a_folder_gives_its_pictures_in_the_order_of_their_names(tmp_path):
    for value, name in enumerate(["b", "a", "c d", "é", "<script>", "x\ny"]):
        nb.write_picture(tmp_path / f"{name}.png", grey(value))
    (tmp_path / "notes.txt").write_text("no picture")
    dataset = opened(f"folder(path={str(tmp_path)!r})")
    assert list(dataset.ids) == ["<script>", "a", "b", "c d", "x\ny", "é"]
    assert [int(dataset.load(i).clean[0, 0]) for i in range(6)] == [4, 1, 0, 2, 5, 3]
    assert dataset.load(0).noisy is None


def test_a_folder_gives_pictures_of_every_ending(tmp_path):
    for name in ("a.png", "b.tiff", "c.jpg", "d.JPEG", "e.npy", "F.PNG", "g.bmp", "h.PGM"):
        nb.write_picture(tmp_path / "made.png", grey(1))
        (tmp_path / "made.png").rename(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    assert list(opened(f"folder(path={str(tmp_path)!r})").ids) == ["F", *"abcdegh"]


def test_a_pattern_reaches_other_endings_and_subfolders(tmp_path):
    (tmp_path / "sub").mkdir()
    nb.write_picture(tmp_path / "a.png", grey(1))
    nb.write_picture(tmp_path / "a.npy", grey(2))
    nb.write_picture(tmp_path / "sub" / "a.png", grey(3))
    (tmp_path / "readme.md").write_text("text")
    spec = f"folder(path={str(tmp_path)!r}, pattern={{!r}})"
    assert list(opened(f"folder(path={str(tmp_path)!r})").ids) == ["a.npy", "a.png"]
    assert list(opened(spec.format("*.npy")).ids) == ["a"]
    assert list(opened(spec.format("**/*.png")).ids) == ["a", "sub/a"]


def test_paths_are_relative_to_the_working_directory_and_know_the_home(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    nb.write_picture(tmp_path / "mine" / "a.png", grey(7))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(opened("folder(path=mine)").ids) == ["a"]
    assert list(opened("folder(path='~/mine')").ids) == ["a"]


@pytest.mark.parametrize("pattern", ["../*.png", "/etc/*.png", "x/../../*.png"])
def test_a_pattern_never_leaves_the_folder(tmp_path, pattern):
    nb.write_picture(tmp_path / "secret.png", grey(1))
    (tmp_path / "inside" / "x").mkdir(parents=True)
    message = refused(opened, f"folder(path={str(tmp_path / 'inside')!r}, pattern={pattern!r})")
    assert f"pattern {pattern!r}" in message and "without '..'" in message


def test_a_folder_without_a_match_names_folder_pattern_and_what_there_is(tmp_path):
    message = refused(opened, f"folder(path={str(tmp_path)!r})")
    assert "'*'" in message and "holds none of .png, .jpg" in message and tmp_path.name in message
    (tmp_path / "a.JPG").write_bytes(b"\xff\xd8")
    assert "'*.JPG'" in refused(opened, f"folder(path={str(tmp_path)!r}, pattern='*.png')")
    assert "does not exist" in refused(opened, "folder(path='no such place')")
    assert "is not a folder" in refused(opened, f"folder(path={str(tmp_path / 'a.JPG')!r})")
    refused(opened, f"folder(path={str(tmp_path)!r}, pattern='')")


def test_a_folder_whose_pictures_lie_deeper_is_told_how_they_are_taken(tmp_path):
    (tmp_path / "all" / "train").mkdir(parents=True)
    nb.write_picture(tmp_path / "all" / "train" / "a.png", grey(1))
    message = refused(opened, f"folder(path={str(tmp_path)!r})")
    assert "folder 'all/train'" in message and message.endswith("pattern='**/*'")


def test_a_dataset_that_raises_is_told_with_its_line():
    def raises():
        return {}["x"]

    nb.dataset("raises")(raises)
    try:
        assert refused(opened, "raises").endswith(
            f"KeyError: 'x' (test_datasets.py, line {raises.__code__.co_firstlineno + 1})"
        )
    finally:
        del registry("dataset")._entries["raises"]
    assert refused(nb.open_dataset, "photos").endswith(": nb.open_dataset(nb.bind('photos', 'dataset'))")


def test_a_file_name_that_is_not_text_still_has_an_id_for_json(tmp_path):
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))).write_bytes(encode_png(grey(9)))
    dataset = opened(f"folder(path={str(tmp_path)!r})")
    assert list(dataset.ids) == ["\N{REPLACEMENT CHARACTER}"]
    assert dataset.load(0).clean[0, 0] == 9


def test_pictures_are_read_when_they_are_loaded_and_not_before(tmp_path):
    nb.write_picture(tmp_path / "a.png", grey(1))
    (tmp_path / "b.png").write_bytes(b"")
    dataset = opened(f"folder(path={str(tmp_path)!r})")
    assert dataset.load(0).id == "a"
    assert "b.png" in refused(dataset.load, 1)


# --- pairs ------------------------------------------------------------------------------------------------


@pytest.fixture
def sides(tmp_path):
    for side in ("clean", "noisy"):
        (tmp_path / side).mkdir()
    return (
        tmp_path / "clean",
        tmp_path / "noisy",
        f"pairs(clean={str(tmp_path / 'clean')!r}, noisy={str(tmp_path / 'noisy')!r})",
    )


def test_pairs_are_matched_by_name_and_not_by_order(sides):
    clean, noisy, spec = sides
    for value, name in enumerate(["a", "b", "c"]):
        nb.write_picture(clean / f"{name}.png", grey(value))
        nb.write_picture(noisy / f"{name}.{'npy' if name == 'a' else 'png'}", grey(value + 10))
    dataset = opened(spec)
    assert list(dataset.ids) == ["a", "b", "c"]
    loaded = [dataset.load(i) for i in range(3)]
    assert [(int(s.clean[0, 0]), int(s.noisy[0, 0])) for s in loaded] == [(0, 10), (1, 11), (2, 12)]


def test_pictures_without_a_partner_are_listed_and_refused(sides):
    clean, noisy, spec = sides
    for name in ("a", "b"):
        nb.write_picture(clean / f"{name}.png", grey(0))
    for name in ("b", "z\n1"):
        nb.write_picture(noisy / f"{name}.png", grey(0))
    message = refused(opened, spec)
    assert message.startswith(f"unmatched files: 'a' only in {clean}; 'z 1' only in {noisy}: ")
    assert message.endswith(" same names")


def test_two_files_of_one_name_are_ambiguous(sides):
    clean, noisy, spec = sides
    nb.write_picture(clean / "a.png", grey(0))
    nb.write_picture(clean / "a.npy", grey(0))
    nb.write_picture(noisy / "a.png", grey(0))
    message = refused(opened, spec)
    assert "'a.npy'" in message and "'a.png'" in message


def test_a_pair_of_two_sizes_names_both_files(sides):
    clean, noisy, spec = sides
    nb.write_picture(clean / "a.png", grey(0))
    nb.write_picture(noisy / "a.png", grey(0, (5, 4)))
    message = refused(opened(spec).load, 0)
    assert "clean/a.png" in message and "noisy/a.png" in message and "(4, 5)" in message and "(5, 4)" in message


# --- the embedded set -------------------------------------------------------------------------------------


def test_photos_are_twelve_verified_pictures_led_by_a_grey_textured_one():
    photos = opened("photos")
    assert len(photos.ids) == 12
    assert photos.ids[0] == "camera"
    assert photos.verify() == []
    channels = Counter(photos.load(i).clean.ndim for i in range(12))
    assert channels == {2: 5, 3: 7}
    assert all(photos.load(i).clean.shape[:2] == (256, 256) for i in range(12))


def test_photos24_are_photos_and_as_many_more_of_which_two_scenes_are_there_twice():
    photos, more = opened("photos"), opened("photos24")
    assert more.verify() == [] and len(more.ids) == len(set(more.sha256)) == 24
    assert (more.ids[:12], more.sha256[:12]) == (photos.ids, photos.sha256)
    samples = [more.load(i) for i in range(24)]
    assert all(sample.clean.shape[:2] == (256, 256) for sample in samples)
    assert Counter(sample.clean.ndim for sample in samples) == {2: 13, 3: 11}
    assert {s.id: s.group for s in samples if s.group} == {
        "astronaut": "astronaut", "helmet": "astronaut", "coffee": "coffee", "saucer": "coffee"
    }  # fmt: skip


PICTURES = Path(str(resources.files("noisebench.datasets.restore") / "pictures"))


def licences():
    return list(csv.DictReader((PICTURES / "licences.csv").read_text("utf-8").splitlines()))


def test_photos_are_small_and_each_has_author_and_licence():
    files = sorted(f.name for f in PICTURES.iterdir() if f.suffix in (".png", ".webp"))
    assert sum((PICTURES / f).stat().st_size for f in files) < 1_500_000
    assert sorted(p.file for p in opened("photos24").pictures) == files
    assert sorted(row["file"] for row in licences()) == files
    assert {row["licence"] for row in licences()} == {"CC0-1.0", "public domain"}
    assert all(row["author"] and row["statement"] and row["address"] for row in licences())


def test_photos_are_the_pixels_of_their_sources():
    import pywt
    import skimage

    folders = {"scikit-image": Path(skimage.__file__).parent, "PyWavelets": Path(pywt.__file__).parent}
    known = [row for row in licences() if row["source"].split()[0] in folders]
    assert len(known) == 13
    for row in known:
        source = folders[row["source"].split()[0]] / row["source"].split()[-1]
        original = np.load(source)["data"].astype(np.uint8) if source.suffix == ".npz" else nb.read_picture(source)
        (x0, y0, x1, y1), by = map(int, row["crop_x0_y0_x1_y1"].split()), int(row["reduced_by"])
        blocks = original[y0:y1, x0:x1].reshape(256, by, 256, by, -1)
        picture = nb.read_picture(PICTURES / row["file"])
        assert np.array_equal(picture, np.rint(blocks.mean(axis=(1, 3))).reshape(picture.shape)), row["file"]
        assert row["grey"] == ("source" if picture.ndim == 2 else ""), row["file"]


def test_photos_span_dark_and_bright_smooth_and_textured():
    photos = opened("photos")
    samples = {photos.ids[i]: photos.load(i).clean.astype(float) for i in range(12)}
    step = {n: np.abs(np.diff(p, axis=1)).mean() for n, p in samples.items()}
    assert samples["hubble"].mean() < 30 < 120 < samples["astronaut"].mean()
    assert step["clock"] < 1.5 < 10 < step["grass"]


# --- named sets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), SETS.items())
def test_named_sets_have_manifest_licence_citation_and_addresses(name, count):
    dataset = opened(name)
    assert len(dataset.ids) == len(set(dataset.ids)) == count
    meta = registry("dataset").get(name).meta
    assert meta["licence"] and meta["citation"] and meta["homepage"].startswith("https://")
    pinned = re.compile(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/.+")
    assert all(pinned.fullmatch(p.address) for p in dataset.pictures)


@pytest.mark.data
@pytest.mark.parametrize("name", SETS)
def test_named_sets_verify_where_they_are(name, monkeypatch):
    if not DATA.is_dir():
        pytest.skip("set NOISEBENCH_DATA to the folder of the test sets")
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    dataset = opened(name)
    if dataset.where() is None:
        pytest.skip(f"{name} is not in NOISEBENCH_DATA")
    assert dataset.verify() == []
    sample = dataset.load(0)
    assert nb.pixel_sha256(sample.clean) == dataset.sha256[0]
    assert (sample.noisy is not None) == (name == "polyu")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A named set of one pair and one single picture, its manifest, and an empty data root."""
    pictures = {
        "clean/a.png": ("a", "clean", grey(1)),
        "noisy/a.png": ("a", "noisy", grey(2)),
        "clean/b.png": ("b", "clean", np.full((3, 2, 3), 9, np.uint16)),
    }
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path / "root"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def make(base="", **changes):
        rows = []
        for file, (name, role, p) in pictures.items():
            row = {
                "id": name, "role": role, "file": file, "width": p.shape[1], "height": p.shape[0],
                "channels": p.shape[2] if p.ndim == 3 else 1, "sha256": nb.pixel_sha256(p),
                "address": base and f"{base}/{file}",
            }  # fmt: skip
            rows.append({**row, **changes})
            changes = {}
        with open(tmp_path / "tiny.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return nb.ManifestSet("tiny", tmp_path / "tiny.csv", folder="Tiny", homepage="https://example.org")

    def put(place):
        for file, (_, _, picture) in pictures.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            nb.write_picture(place / file, picture)

    make.put = put
    make.pictures = pictures
    make.root = tmp_path / "root" / "Tiny"
    make.cache = tmp_path / "cache" / "noisebench" / "data" / "Tiny"
    return make


def test_a_set_is_looked_for_in_the_data_folder_and_then_in_the_cache(tiny):
    dataset = tiny()
    assert dataset.where() is None
    message = refused(dataset.load, 0)
    assert str(tiny.root) in message and str(tiny.cache) in message and "https://example.org" in message
    assert "noisebench data fetch tiny" in refused(tiny("http://x").load, 0)
    tiny.put(tiny.cache)
    assert tiny().where() == tiny.cache
    tiny.put(tiny.root)
    assert tiny().where() == tiny.root
    (tiny.root / "clean/b.png").unlink()
    assert tiny().where() == tiny.cache


def test_a_pair_of_a_named_set_is_loaded_with_its_noisy_picture(tiny):
    tiny.put(tiny.root)
    dataset = tiny()
    assert list(dataset.ids) == ["a", "b"]
    assert dataset.load(0).noisy[0, 0] == 2
    assert dataset.load(1).noisy is None
    assert dataset.load(1).clean.dtype == np.uint16


def test_a_lossless_reencoding_verifies_and_a_changed_pixel_does_not(tiny):
    import cv2

    tiny.put(tiny.root)
    assert cv2.imwrite(str(tiny.root / "clean/a.tiff"), grey(1))
    (tiny.root / "clean/a.tiff").replace(tiny.root / "clean/a.png")
    assert tiny().verify() == []
    changed = grey(1)
    changed[0, 0] = 2
    nb.write_picture(tiny.root / "clean/a.png", changed)
    nb.write_picture(tiny.root / "noisy/a.png", grey(2, (9, 9)))
    (tiny.root / "clean/b.png").unlink()
    problems = tiny("http://x").verify()
    assert len(problems) == 3
    assert "a.png' has other pixels" in problems[0] and "fetch tiny" in problems[0]
    assert "is 9x9x1 where the manifest has 5x4x1" in problems[1]
    assert "lacks" in problems[2] and "b.png" in problems[2]
    assert "a.png" in refused(tiny().load, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"file": "../a.png"}, "inside the set"),
        ({"file": "/etc/passwd"}, "inside the set"),
        ({"file": "C:\\a.png"}, "inside the set"),
        ({"file": ""}, "inside the set"),
        ({"width": "wide"}, "whole numbers"),
        ({"sha256": "abc"}, "64 hexadecimal"),
        ({"role": "other"}, "role must be"),
        ({"id": ""}, "id not empty"),
        ({"file": "noisy/a.png"}, "a file twice"),
        ({"role": "noisy"}, "a picture twice"),
    ],
)
def test_a_manifest_that_is_not_valid_names_its_file(tiny, change, says):
    message = refused(tiny, **change)
    assert says in message and "tiny.csv" in message


def test_a_manifest_with_other_columns_or_none_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("id,file\n")
    assert "columns must be" in refused(read_manifest, tmp_path / "m.csv")
    assert "cannot be read" in refused(read_manifest, tmp_path / "gone.csv")


# --- synthetic sets ---------------------------------------------------------------------------------------


def test_synthetic_pictures_depend_on_their_recipe_and_number_alone():
    few, many = opened("gaussian_field(n=2)"), opened("gaussian_field(n=20)")
    assert np.array_equal(few.load(1).clean, many.load(1).clean)
    assert not np.array_equal(many.load(1).clean, many.load(2).clean)
    assert not np.array_equal(opened("gaussian_field(exponent=1)").load(1).clean, many.load(1).clean)
    assert list(few.ids) == ["gaussian_field_000", "gaussian_field_001"]
    with pytest.raises(IndexError):
        few.load(2)


def test_golden_hashes_of_the_synthetic_sets():
    piecewise = opened("piecewise").load(0)
    field = opened("gaussian_field").load(0)
    assert hashlib.sha256(piecewise.meta["labels"].astype("<i4").tobytes()).hexdigest()[:16] == "90af0479fbd2dc9c"
    assert nb.pixel_sha256(piecewise.clean)[:16] == "1d53a25c2889d7b7"
    assert nb.pixel_sha256(field.clean)[:16] == "f30cc2f3a42f8069"


def test_the_field_has_the_mean_variance_and_spectrum_that_it_claims():
    dataset = opened("gaussian_field(n=200, size=32, exponent=1.5, std=0.1)")
    samples = [dataset.load(i) for i in range(200)]
    spectrum = samples[0].meta["spectrum"]
    assert spectrum.shape == (32, 32) and spectrum.mean() == pytest.approx(0.01, rel=1e-12)
    fields = np.stack([s.clean for s in samples]).astype(float) - samples[0].meta["mean"]
    assert np.abs(fields.mean(axis=(1, 2))).max() < 1e-7
    power = (np.abs(np.fft.fft2(fields)) ** 2).mean(axis=0) / 32**2
    known = spectrum > 0
    ratio = power[known] / spectrum[known]
    # A bin is a mean of 200 chi-square draws of 1 or 2 degrees: standard error 0.1 or 0.07; of all: 0.003.
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert ratio.max() < 1.6 and ratio.min() > 0.5


@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_the_wiener_filter_with_the_true_spectrum_reaches_the_bayes_error(sigma):
    dataset = opened("gaussian_field(n=20)")
    s2 = (sigma / 255) ** 2
    errors, wrong = [], []
    for i in range(20):
        sample = dataset.load(i)
        spectrum, mean = sample.meta["spectrum"], sample.meta["mean"]
        noise = np.random.default_rng(i).normal(0, sigma / 255, sample.clean.shape)
        transformed = np.fft.fft2(sample.clean + noise - mean)
        for list_, factor in ((errors, 1.0), (wrong, 2.0)):
            gain = spectrum / (spectrum + factor * s2)
            estimate = mean + np.fft.ifft2(transformed * gain).real
            list_.append(((estimate - sample.clean) ** 2).mean())
    bayes = (spectrum * s2 / (spectrum + s2)).mean()
    assert np.mean(errors) == pytest.approx(bayes, rel=0.02)
    assert np.mean(wrong) > np.mean(errors)


def test_fields_stay_on_0_1_in_nearly_all_pixels():
    dataset = opened("gaussian_field")
    outside = [((p < 0) | (p > 1)).mean() for p in (dataset.load(i).clean for i in range(8))]
    assert max(outside) < 1e-3


def test_piecewise_pictures_are_constant_on_their_regions_and_the_region_mean_is_as_good_as_claimed():
    sigma, ratios = 0.1, []
    for i in range(8):
        sample = opened("piecewise(pieces=9, size=64)").load(i)
        labels = sample.meta["labels"]
        assert sample.clean.dtype == np.float32 and labels.shape == (64, 64)
        noisy = sample.clean + np.random.default_rng(i).normal(0, sigma, labels.shape)
        regions = np.unique(labels)
        for region in regions:
            inside = labels == region
            assert np.ptp(sample.clean[inside]) == 0
            error = noisy[inside].mean() - sample.clean[inside].mean(dtype=np.float64)
            ratios.append(error**2 * inside.sum() / sigma**2)
        assert sample.clean.min() >= 0.1 and sample.clean.max() <= 0.9
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.sqrt(2 / len(ratios)))


@pytest.mark.parametrize(
    "spec", ["piecewise(n=0)", "gaussian_field(size=4)", "gaussian_field(std=0)", "piecewise(pieces=0)"]
)
def test_parameters_out_of_range_are_refused(spec):
    assert "must be" in refused(opened, spec)


# --- fetching ---------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    """A web server on this machine: `answers` maps a path to a list of answers, the last of which stays."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked[self.path] += 1
            left = answers.get(self.path, [(404, b"gone")])
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            if isinstance(body, str):  # a redirection
                self.send_header("Location", body)
                body = b""
            cut = status == 200 and body.startswith(b"CUT")
            self.send_header("Content-Length", str(len(body) + (1000 if cut else 0)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    answers, asked = {}, Counter()
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    web.answers, web.asked, web.base = answers, asked, f"http://127.0.0.1:{web.server_port}"
    yield web
    web.shutdown()
    web.server_close()
    thread.join()


def serve(server, tiny):
    server.answers.update({f"/{f}": [(200, encode_png(p))] for f, (_, _, p) in tiny.pictures.items()})
    return tiny(server.base)


def files(place):
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def test_a_set_is_fetched_verified_and_not_fetched_again(server, tiny):
    seen = []
    dataset = serve(server, tiny)
    assert fetching.fetch(dataset, lambda *step: seen.append(step), pause=0) == tiny.root
    assert seen == [(1, 3, "clean/a.png"), (2, 3, "noisy/a.png"), (3, 3, "clean/b.png")]
    assert dataset.verify() == []
    assert files(tiny.root) == ["clean/a.png", "clean/b.png", "noisy/a.png"]
    fetching.fetch(dataset, pause=0)
    assert set(server.asked.values()) == {1}


def test_only_what_is_missing_or_wrong_is_fetched(server, tiny):
    dataset = serve(server, tiny)
    tiny.put(tiny.root)
    (tiny.root / "clean/a.png").write_bytes(b"half a pict")
    (tiny.root / "clean/b.png").unlink()
    fetching.fetch(dataset, pause=0)
    assert dict(server.asked) == {"/clean/a.png": 1, "/clean/b.png": 1}
    assert tiny().verify() == []


def test_passing_faults_are_tried_again(server, tiny):
    dataset = serve(server, tiny)
    good = server.answers["/clean/a.png"][0]
    server.answers["/clean/a.png"] = [(503, b"busy"), (200, b"CUT short"), (429, b"slow"), good]
    fetching.fetch(dataset, pause=0)
    assert server.asked["/clean/a.png"] == 4
    assert dataset.verify() == []


def test_pauses_double_between_tries(server, monkeypatch):
    pauses = []
    monkeypatch.setattr(fetching.time, "sleep", pauses.append)
    server.answers["/x"] = [(503, b"busy")]
    assert "in 4 tries (HTTP 503)" in refused(fetching.download, f"{server.base}/x")
    assert pauses == [1, 2, 4]


def test_a_server_that_is_not_there_is_one_line(tiny):
    dataset = tiny("http://127.0.0.1:1")
    assert "http://127.0.0.1:1/clean/a.png" in refused(fetching.fetch, dataset, pause=0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b"<html>please log in</html>"), "web page"),
        ((200, encode_png(grey(3))), "has other pixels"),
        ((200, encode_png(grey(1, (2, 2)))), "is 2x2x1 where the manifest has 5x4x1"),
        ((200, encode_png(grey(1))[:-9]), "truncated"),
        ((200, b""), "empty"),
        ((404, b"gone"), "HTTP 404"),
    ],
)
def test_wrong_content_is_refused_at_once_and_nothing_is_written(server, tiny, answer, says):
    dataset = serve(server, tiny)
    server.answers["/noisy/a.png"] = [answer]
    message = refused(fetching.fetch, dataset, pause=0)
    assert says in message and "/noisy/a.png" in message
    assert server.asked["/noisy/a.png"] == 1
    assert files(tiny.root) == ["clean/a.png"]


def test_a_redirection_to_a_local_file_is_not_followed(server, tiny, tmp_path):
    nb.write_picture(tmp_path / "local.png", grey(1))
    dataset = serve(server, tiny)
    server.answers["/clean/a.png"] = [(302, f"file://{tmp_path}/local.png")]
    refused(fetching.fetch, dataset, pause=0)
    assert not tiny.root.exists() or files(tiny.root) == []
    assert "not http" in refused(fetching.download, f"file://{tmp_path}/local.png")


def test_a_link_that_leads_out_of_the_set_is_not_written_through(server, tiny, tmp_path):
    dataset = serve(server, tiny)
    (tmp_path / "outside").mkdir()
    tiny.root.mkdir(parents=True)
    (tiny.root / "clean").symlink_to(tmp_path / "outside")
    assert "leads out" in refused(fetching.fetch, dataset, pause=0)
    assert files(tmp_path / "outside") == []


def test_a_set_without_addresses_says_where_to_put_it(tiny):
    message = refused(fetching.fetch, tiny(), pause=0)
    assert str(tiny.root) in message and "https://example.org" in message


# --- the verb `data` --------------------------------------------------------------------------------------


def verb(*words):
    parser = argparse.ArgumentParser(prog="noisebench")
    cli.add(parser.add_subparsers())
    args = parser.parse_args(["data", *words])
    return args.run(args)


@pytest.fixture
def named(tiny, server):
    """`tiny`, registered for a while."""
    dataset = serve(server, tiny)

    def tiny_set():
        """A tiny set."""
        return dataset

    nb.dataset("tiny", licence="mine")(tiny_set)
    yield dataset
    del registry("dataset")._entries["tiny"]


def test_list_says_what_there_is(named, capsys):
    assert verb("list", "--json") == 0
    rows = {r["name"]: r for r in json.loads(capsys.readouterr().out)}
    assert set(SETS) < set(rows)
    assert rows["photos"]["state"] == "present" and rows["photos"]["pictures"] == 12
    assert rows["tiny"] == {
        "name": "tiny", "pictures": 2, "state": "absent", "folder": None, "fetch": True, "licence": "mine",
        "citation": "", "homepage": "", "about": "A tiny set.",
    }  # fmt: skip
    assert rows["folder"]["state"] == rows["piecewise"]["state"] == "no manifest"
    assert verb("list") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["name", "pictures", "files", "licence"]
    assert "no manifest" not in out and "data fetch NAME" in err
    assert ["tiny", "2", "absent", "mine"] in [line.split() for line in lines]


def test_where_fetch_and_verify_from_the_command_line(named, tiny, capsys):
    assert verb("where", "tiny") == 1
    out, err = capsys.readouterr()
    assert out == f"{tiny.root}\n" and err == "tiny: absent\n"
    assert verb("verify", "tiny") == 1
    assert "data fetch tiny" in capsys.readouterr().out
    assert verb("fetch", "tiny") == 0
    out, err = capsys.readouterr()
    assert out == f"tiny: {tiny.root}\n" and err == "tiny: 3/3\n"
    named.__dict__.pop("root", None)
    assert verb("verify", "tiny", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "tiny", "pictures": 3, "problems": []}]
    assert verb("where", "tiny", "photos") == 0


def test_data_option_overrules_the_environment(named, tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", "elsewhere")
    tiny.put(tmp_path / "given" / "Tiny")
    assert verb("where", "tiny", "--data", str(tmp_path / "given")) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'given' / 'Tiny'}\n"


def test_an_unknown_or_unnamed_set_is_a_usage_error():
    assert "did you mean 'set12'" in refused(verb, "where", "set123")
    assert "has no manifest" in refused(verb, "verify", "folder")
    said = refused(verb, "where", "sachs")
    assert "'sachs'" in said and "track graph" in said and "docs/data.md" in said


def test_functions_give_what_the_verb_gives(named, tiny):
    opened = cli.named_set("tiny")
    assert opened.where() is None and opened.candidates()[0] == tiny.root
    assert cli.fetch("tiny") == tiny.root
    named.__dict__.pop("root", None)
    assert cli.named_set("tiny").verify() == []


def test_a_broken_plugin_does_not_hide_the_other_sets(capsys):
    def broken():
        raise RuntimeError("no luck")

    nb.dataset("broken_set")(broken)
    try:
        rows = {r["name"]: r for r in cli.list_data()}
    finally:
        del registry("dataset")._entries["broken_set"]
    assert rows["broken_set"]["state"] == "broken" and rows["broken_set"]["about"] == "no luck"
    assert rows["photos"]["state"] == "present"


# --- the manifest of a folder -----------------------------------------------------------------------------


def test_a_manifest_of_a_folder_is_used_at_once_and_verifies(tmp_path, capsys):
    pictures = {"a.png": grey(1), "sub/b.png": np.full((3, 2, 3), 9, np.uint16), "c.npy": np.zeros((2, 3), np.float32)}
    for name, picture in pictures.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        nb.write_picture(tmp_path / "mine" / name, picture)
    (tmp_path / "mine" / "notes.txt").write_text("no picture")
    target = tmp_path / "mine.csv"
    assert verb("manifest", str(tmp_path / "mine"), "--to", str(target)) == 0
    assert capsys.readouterr() == ("", f"3 pictures, relative to {tmp_path / 'mine'}\n")
    dataset = nb.ManifestSet("mine", target, folder="mine", fixed=tmp_path / "mine")
    assert list(dataset.ids) == ["a", "c", "sub/b"] and dataset.verify() == []
    assert np.array_equal(dataset.load(2).clean, pictures["sub/b.png"])
    shape = {p.id: (p.file, p.width, p.height, p.channels, p.address) for p in dataset.pictures}
    assert shape["sub/b"] == ("sub/b.png", 2, 3, 3, "") and shape["a"] == ("a.png", 5, 4, 1, "")
    nb.write_picture(tmp_path / "mine" / "a.png", grey(2))
    assert "has other pixels" in dataset.verify()[0]


def test_a_manifest_of_pairs_has_both_folders(tmp_path, capsys):
    for side, value in (("clean", 1), ("noisy", 5)):
        (tmp_path / side).mkdir()
        nb.write_picture(tmp_path / side / "a.png", grey(value))
    assert verb("manifest", str(tmp_path / "clean"), "--noisy", str(tmp_path / "noisy")) == 0
    (tmp_path / "pairs.csv").write_text(capsys.readouterr().out)
    dataset = nb.ManifestSet("pairs", tmp_path / "pairs.csv", folder="pairs", fixed=tmp_path)
    assert dataset.verify() == [] and [p.file for p in dataset.pictures] == ["clean/a.png", "noisy/a.png"]
    assert (dataset.load(0).clean[0, 0], dataset.load(0).noisy[0, 0]) == (1, 5)


def test_a_manifest_as_json_has_the_same_rows(tmp_path, capsys):
    nb.write_picture(tmp_path / "a.png", grey(1))
    assert verb("manifest", str(tmp_path), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["root"] == str(tmp_path) and document["pictures"][0]["sha256"] == nb.pixel_sha256(grey(1))


def test_pictures_that_differ_in_their_ending_keep_it_as_their_id(tmp_path):
    nb.write_picture(tmp_path / "a.png", grey(1))
    nb.write_picture(tmp_path / "a.npy", grey(2))
    verb("manifest", str(tmp_path), "--to", str(tmp_path / "m.csv"))
    assert [p.id for p in read_manifest(tmp_path / "m.csv")] == ["a.npy", "a.png"]


def test_what_cannot_be_in_a_manifest_is_one_line_and_nothing_is_written(tmp_path):
    folder, target = tmp_path / "mine", tmp_path / "m.csv"
    folder.mkdir()
    line = ("manifest", str(folder), "--to", str(target))
    assert "has no file" in refused(verb, *line)
    (folder / "a.png").write_bytes(encode_png(grey(1))[:-9])
    assert "a.png' is truncated" in refused(verb, *line)
    (folder / "a.png").unlink()
    nb.write_picture(folder / "x\ny.png", grey(1))
    message = refused(verb, *line)
    assert "/x y.png' " in message and "manifest" in message and message.endswith(": rename it")
    (folder / "x\ny.png").rename(folder / "a.png")
    assert "give two folders" in refused(verb, *line, "--noisy", str(folder))
    (tmp_path / "noisy").mkdir()
    nb.write_picture(tmp_path / "noisy" / "b.png", grey(1))
    assert "'a' only in" in refused(verb, *line, "--noisy", str(tmp_path / "noisy"))
    assert not target.exists()
    assert "cannot be written" in refused(verb, *line[:3], str(tmp_path / "gone" / "m.csv"))
