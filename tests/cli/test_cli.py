"""The command line as a user meets it: exit codes, one-line errors, JSON, hostile names, the way from run to report."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from noisebench.cli import main, parser
from noisebench.store.cells import keys
from noisebench.store.reading import read_records
from noisebench.text.errors import UsageError

SMALL = ("--datasets", "gaussian_field(n=2, size=32)", "--regimes", "gaussian(sigma=25)")


def picture(path: Path, value: int = 120, shape=(24, 20)) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    ok, data = cv2.imencode(".png", ((x * 5 + y * 3 + value) % 256).astype(np.uint8))
    assert ok
    path.write_bytes(data.tobytes())


def test_from_run_to_board_and_back_from_the_export(cli, tmp_path):
    first = json.loads(
        cli("run", "--methods", "identity", "gaussian_filter", *SMALL, "--keep", "sample", "--json").stdout
    )
    assert first["ok"] and {c["state"] for c in first["cells"]} == {"run"}
    again = json.loads(cli("run", "--methods", "identity", "gaussian_filter", *SMALL, "--json").stdout)
    assert {c["state"] for c in again["cells"]} == {"stored"}
    cli("report", "nb-store", "--to", "board")
    cli("export", "nb-store", "--to", "all.json")
    cli("report", "all.json", "--to", "again")
    files = sorted(p.relative_to(tmp_path / "board") for p in (tmp_path / "board").rglob("*") if p.is_file())
    assert Path("leaderboard.md") in files and any(f.parts[0] == "plots" for f in files)
    for file in files:
        ours, other = ((tmp_path / name / file).read_bytes() for name in ("board", "again"))
        if file.name == "leaderboard.html":
            # The page of a store shows whole pictures, that of an export the crops of the panels.
            ours, other = (page.partition(b'id="data"')[0] for page in (ours, other))
        assert ours == other, file
    cli("export", "all.json", "--to", "twice.json")
    assert (tmp_path / "twice.json").read_bytes() == (tmp_path / "all.json").read_bytes()


def test_an_export_without_pictures_is_otherwise_the_same(cli, tmp_path):
    cli("run", "--methods", "identity", *SMALL, "--keep", "sample")
    cli("export", "nb-store", "--to", "all.json")
    cli("export", "all.json", "--to", "bare.json", "--no-pictures")
    (bare,), (whole,) = (read_records(tmp_path / name) for name in ("bare.json", "all.json"))
    assert bare.panel is None and whole.panel is not None
    assert bare.seal == whole.seal
    assert json.loads((tmp_path / "bare.json").read_text())["pictures"] == []


def test_a_run_evaluates_to_the_same_numbers_as_python(cli, tmp_path):
    import noisebench as nb

    cli("run", "--methods", "gaussian_filter", *SMALL, "--metrics", "psnr", "ssim")
    (record,) = read_records(tmp_path / "nb-store")
    result = nb.evaluate("gaussian_filter", "gaussian_field(n=2, size=32)", "gaussian(sigma=25)")
    assert [r["psnr"] for r in result.rows] == list(record.scores["psnr"])
    assert [r["input_sha256"] for r in result.rows] == record.input_sha256
    assert result.psnr == pytest.approx(record.scores["psnr"].mean(), abs=1e-12)


def test_the_row_hash_is_that_of_degrade(cli, tmp_path):
    import hashlib

    import noisebench as nb

    (tmp_path / "in").mkdir()
    picture(tmp_path / "in" / "a.png")
    cli("run", "--methods", "identity", "--datasets", "folder(path='in')", "--regimes", "gaussian(sigma=25)")
    (record,) = read_records(tmp_path / "nb-store")
    clean = cv2.imread(str(tmp_path / "in" / "a.png"), cv2.IMREAD_UNCHANGED)
    noisy, info = nb.degrade("gaussian(sigma=25)", clean, seed=0)
    assert record.input_sha256 == [hashlib.sha256(noisy.tobytes()).hexdigest()]
    assert info.sigma == pytest.approx(25 / 255)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("run", "nothing.yaml"), "no suite 'nothing.yaml'"),
        (("run",), "no methods"),
        (("run", "--methods", "identiti", *SMALL), "did you mean 'identity'"),
        (("run", "--methods", "identity", "identity", *SMALL), "given twice"),
        (("run", "--methods", f"nlm(h={{{','.join(map(str, range(1, 1001)))}}})", "--datasets", "photos", "--regimes",
          f"gaussian(sigma={{{','.join(map(str, range(980)))}}})", "--seed", *map(str, range(100))),
         "98,000,000 cells (1,000 methods × 1 dataset × 980 regimes × 100 seeds) are above the limit of 1,000,000"),
        (("run", "--methods", "identity", *SMALL, "--metrics", "psnrr"), "did you mean 'psnr'"),
        (("run", "--methods", "identity", *SMALL, "--protocol", "unit8"), "did you mean 'uint8'"),
        (("run", "--methods", "identity", *SMALL, "--timeout", "soon"), "--timeout must be a time"),
        (("run", "--methods", "identity", *SMALL, "--limit", "0"), "whole number from 1"),
        (("run", "--methods", "identity", *SMALL, "--jobs", "0"), "--jobs 0"),
        (("run", "--methods", "identity", "--datasets", "folder(path='absent')", "--regimes", "none"), "absent"),
        (("run", "--methods", "identity", *SMALL, "--plugin", "no.py"), "no.py is not a file"),
        (("report", "absent"), "absent does not exist"),
        (("score", "absent", "absent"), "is not a folder"),
        (("why", "absent"), "absent does not exist"),
        (("explain", "psnr|x"), "has 2 parts"),
        (("list", "methods", "nlmm"), "did you mean 'nlm'"),
        (("rum",), "invalid choice: 'rum'"),
        (("run", "demo", "--kep", "all"), "unrecognized arguments: --kep"),
        (("run", "demo", "--seeds", "1"), "did you mean '--seed'?"),
        (("run", "demo", "--seed", "x"), "invalid int value: 'x'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_exit_2_and_nothing_written(cli, tmp_path, args, words):
    done = cli(*args, code=2)
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("st", "nlm", "--json"), ("st", "--json", "nlm"), ("--json", "st", "nlm")])
def test_an_option_may_stand_before_a_word_that_can_be_left_out(words):
    args = parser().parse_args(["why", *words])
    assert (args.store, args.filter, args.json) == ("st", "nlm", True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_picture_is_named_and_nothing_written(cli, tmp_path, damage):
    folder = tmp_path / "in"
    folder.mkdir()
    picture(folder / "good.png")
    data = (folder / "good.png").read_bytes()
    (folder / "damaged.png").write_bytes({"truncated": data[:-30], "empty": b"", "text": b"<html>no</html>"}[damage])
    done = cli("run", "--methods", "identity", "--datasets", "folder(path='in')", "--regimes", "none", code=2)
    assert "damaged.png" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "nb-store").exists()


def test_all_damaged_pictures_are_named_at_once(cli, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    picture(folder / "good.png")
    for name in "abcdefgh":
        (folder / f"{name}.png").write_bytes((folder / "good.png").read_bytes()[:-30])
    done = cli("run", "--methods", "identity", "--datasets", "folder(path='in')", "--regimes", "none", code=2)
    assert "8 of 9 pictures cannot be used" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert all(f"{name}.png' is truncated" in done.stderr for name in "abcdefgh")
    done = cli("score", "in", "in", code=2)
    assert "8 of 9 pairs cannot be used" in done.stderr and "h.png" in done.stderr


def test_cells_that_fail_alike_are_one_line_and_stand_in_full_in_the_csv(cli, tmp_path):
    (tmp_path / "bad.py").write_text(
        "import noisebench as nb\n@nb.method('boom', layout='hwc')\n"
        "def boom(noisy, info, *, k: int = 1):\n    raise RuntimeError(f'no {k % 2}')\n"
    )
    specs = ",".join(map(str, range(1, 13)))
    done = cli("run", "--methods", f"boom(k={{{specs}}})", "--plugin", "bad.py", *SMALL, "--protocol", "y8(border=2)",
               "--limit", 1, code=1)  # fmt: skip
    listed = [line for line in done.stdout.splitlines() if line.startswith("  failed: ")]
    assert len(listed) == 2 and all("and 5 more: RuntimeError: no " in line for line in listed)
    assert done.stderr.count("RuntimeError: no 0") == 4  # three cells, and one line on those that follow
    cli("report", "nb-store", "--to", "board")
    rows = list(csv.DictReader((tmp_path / "board" / "leaderboard.csv").open()))
    assert len(rows) == 12
    assert {row["spec"] for row in rows} == {f"boom(k={k})" for k in range(1, 13)}
    assert {(row["track"], row["protocol"]) for row in rows} == {("restore", "y8(border=2)@1")}


def test_a_run_that_a_scheduler_ends_says_how_it_goes_on(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time, noisebench as nb\n@nb.method('slow', layout='hwc')\n"
        "def slow(noisy, info):\n    time.sleep(600)\n    return noisy\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", "from noisebench.cli import entry; entry()", "run", "--methods", "slow",
         "--plugin", "slow.py", *SMALL],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "1 cell to run" in run.stderr.readline()
    run.terminate()
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "stopped: " in said and "; the same command" in said


def test_hostile_names_stay_text_in_every_output_and_inside_the_store(cli, tmp_path):
    folder = tmp_path / "we <script> | 'q' \"d\" ü $%_{}"
    folder.mkdir()
    for name in ("a b", "<script>x<", "..", "line\nbreak", "ünï", "=cmd", "a|b`c"):
        picture(folder / f"{name}.png", len(name))
    before = {p.name for p in tmp_path.iterdir()}
    spec = f"folder(path={str(folder)!r})"
    cli("run", "--methods", "identity", "gaussian_filter", "--datasets", spec, "--regimes", "gaussian(sigma=25)",
        "--keep", "all")  # fmt: skip
    cli("report", "nb-store", "--to", "board")
    cli("store", "verify", "nb-store")
    cli("export", "nb-store", "--to", "e.json")
    assert {p.name for p in tmp_path.iterdir()} - before == {"nb-store", "board", "e.json"}
    record = read_records(tmp_path / "nb-store")[0]
    assert len(record.items) == 7
    outputs = [p for p in (tmp_path / "nb-store").rglob("*.npy")]
    assert len(outputs) == 14 and all(p.stem.isdigit() for p in outputs)

    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen = []

        def handle_starttag(self, tag, attrs):
            self.seen.append(tag)

    tags = Tags()
    tags.feed((tmp_path / "board" / "leaderboard.html").read_text())
    # The data, the program of the page, and its pictures: none comes from a name.
    assert tags.seen.count("script") == 3 and "table" in tags.seen


def test_the_same_picture_elsewhere_gives_the_same_input(cli, tmp_path):
    for place, names in (("one", ("a", "b", "c")), ("two", ("z", "b", "a", "y"))):
        (tmp_path / place).mkdir()
        for name in names:
            picture(tmp_path / place / f"{name}.png", ord(name[0]))
    hashes = []
    for place in ("one", "two"):
        cli("run", "--methods", "identity", "--datasets", f"folder(path='{place}')", "--regimes", "poisson(peak=30)",
            "--store", place + "-store")  # fmt: skip
        (record,) = read_records(tmp_path / (place + "-store"))
        hashes.append(dict(zip(record.items, record.input_sha256, strict=True)))
    assert hashes[0]["a"] == hashes[1]["a"] and hashes[0]["b"] == hashes[1]["b"]
    assert len(set(hashes[0].values())) == 3


def test_a_store_of_a_newer_schema_is_refused_with_advice(cli, tmp_path):
    cli("run", "--methods", "identity", *SMALL)
    (tmp_path / "nb-store" / "store.json").write_text('{"schema": 99}')
    done = cli("run", "--methods", "identity", *SMALL, code=2)
    assert "newer noisebench" in done.stderr and "upgrade" in done.stderr
    cli("report", "nb-store", code=2)


def test_a_folder_that_is_no_store_is_not_written_into(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    done = cli("run", "--methods", "identity", *SMALL, "--store", "mine", code=2)
    assert "mine is not " in done.stderr and "folder with --store" in done.stderr
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_store_verify_finds_damage_and_gc_removes_it(cli, tmp_path):
    cli("run", "--methods", "identity", "gaussian_filter", *SMALL)
    store = tmp_path / "nb-store"
    first, second = keys(store)
    home = store / "cells" / first[:2] / first
    (home / "scores.parquet").write_bytes((home / "scores.parquet").read_bytes()[:-20])
    cell = store / "cells" / second[:2] / second / "cell.json"
    edited = json.loads(cell.read_text())
    edited["inputs"]["seed"] = 7
    cell.write_text(json.dumps(edited))
    problems = json.loads(cli("store", "verify", "nb-store", "--json", code=1).stdout)["problems"]
    assert len(problems) == 2
    assert any("damaged" in p and first in p for p in problems)
    assert any("was edited" in p and second[:12] in p for p in problems)
    *_, remedy, count = cli("store", "verify", "nb-store", code=1).stdout.splitlines()
    assert remedy.startswith("`store gc` removes") and "store rm STORE KEY --yes" in remedy
    assert count == "2 cells, 2 problems"
    cli("store", "gc", "nb-store")
    assert keys(store) == []


def test_gc_leaves_a_cell_of_a_newer_noisebench_alone(cli, tmp_path):
    cli("run", "--methods", "identity", *SMALL)
    (key,) = keys(tmp_path / "nb-store")
    cell = tmp_path / "nb-store" / "cells" / key[:2] / key / "cell.json"
    cell.write_text(json.dumps({**json.loads(cell.read_text()), "schema": 99}))
    assert "newer noisebench" in cli("store", "gc", "nb-store", code=2).stderr
    assert cell.is_file()


def test_dry_run_writes_nothing(cli, tmp_path):
    done = cli("run", "--methods", "identity", *SMALL, "--dry-run")
    assert "run" in done.stdout and "identity" in done.stdout
    assert not (tmp_path / "nb-store").exists()


def test_score_pairs_by_name_and_lists_what_is_unmatched(cli, tmp_path):
    for place, names in (("out", ("a", "b")), ("clean", ("a", "b"))):
        (tmp_path / place).mkdir()
        for name in names:
            picture(tmp_path / place / f"{name}.png", 9 + (place == "out" and name == "b"))
    document = json.loads(cli("score", "out", "clean", "--metrics", "psnr", "mse", "--json").stdout)
    rows = {r["item"]: r["scores"] for r in document["rows"]}
    assert rows["a"]["psnr"] == "inf" and rows["a"]["mse"] == 0
    assert 20 < rows["b"]["psnr"] < 60
    picture(tmp_path / "out" / "c.png")
    done = cli("score", "out", "clean", code=2)
    assert "'c' only in out" in done.stderr or "c only in out" in done.stderr


def test_a_metric_of_a_plugin_that_fails_is_one_line_of_score_and_no_value_is_no_success(cli, tmp_path):
    for place in ("out", "clean"):
        (tmp_path / place).mkdir()
        picture(tmp_path / place / "a.png", 9)
    (tmp_path / "own.py").write_text(
        "import noisebench as nb\n@nb.metric('broken', version=1, higher=True, unit='', decimals=1)\n"
        "def broken(pair):\n    raise ValueError('boom')\n"
    )
    done = cli("score", "out", "clean", "--plugin", "own.py", "--metrics", "broken", code=2)
    assert done.stderr.splitlines() == ["noisebench score: metric broken: ValueError: boom (own.py, line 4)"]


def test_restored_pictures_of_a_folder_are_a_method(cli, tmp_path):
    import noisebench as nb

    (tmp_path / "clean").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a", "b"):
        picture(tmp_path / "clean" / f"{name}.png", ord(name))
        clean = cv2.imread(str(tmp_path / "clean" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        np.save(tmp_path / "out" / f"{name}.npy", nb.degrade("gaussian(sigma=25)", clean)[0])
    args = ("run", "--methods", "identity", "folder(path='out')", "--datasets", "folder(path='clean')", "--regimes",
            "gaussian(sigma=25)", "--json")  # fmt: skip
    cli(*args)
    records = {r.cell.method.name: r for r in read_records(tmp_path / "nb-store")}
    assert list(records["folder"].scores["psnr"]) == list(records["identity"].scores["psnr"])
    np.save(tmp_path / "out" / "a.npy", np.zeros((24, 20), np.float32))
    states = {c["method"]: c["state"] for c in json.loads(cli(*args).stdout)["cells"]}
    assert states == {"identity": "stored", "folder(path=out)": "run"}
    (tmp_path / "out" / "b.npy").unlink()
    done = json.loads(cli(*args, code=1).stdout)
    assert "no picture named 'b'" in {c["method"]: c["reason"] for c in done["cells"]}["folder(path=out)"]


def test_a_signature_of_the_board_can_be_explained(cli, tmp_path):
    cli("run", "--methods", "identity", *SMALL)
    cli("report", "nb-store", "--to", "board")
    text = (tmp_path / "board" / "leaderboard.md").read_text()
    signature = next(line.split("`")[1] for line in text.splitlines() if line.startswith("- `psnr|"))
    document = json.loads(cli("explain", signature, "--json").stdout)
    parts = {p["part"]: p for p in document["parts"]}
    assert parts["regime"]["now"] == parts["protocol"]["now"] == "same version now"
    assert parts["noisebench"]["now"] == "this one"
    assert "sigma" in parts["regime"]["value"]


def test_a_cost_is_a_cell_of_its_own(cli, tmp_path):
    (tmp_path / "s.yaml").write_text(
        "suite: s\nmethods: [gaussian_filter, net]\ndatasets: ['gaussian_field(n=1, size=32)']\n"
        "regimes: ['gaussian(sigma=25)']\ncost: {sizes: [32x48], repeats: 3}\n"
    )
    (tmp_path / "net.py").write_text(
        "import torch, noisebench as nb\n\n@nb.method('net')\nclass Net:\n"
        "    def __init__(self):\n        self.layer = torch.nn.Conv2d(1, 1, 3, padding=1)\n"
        "    def restore(self, noisy, info):\n        return self.layer(noisy)\n"
    )
    cli("run", "s.yaml", "--plugin", "net.py")
    costs = {r.cell.method.name: r.cell.cost for r in read_records(tmp_path / "nb-store") if r.cell.kind == "cost"}
    assert costs["net"].params == 10 and costs["net"].macs == 9 * 32 * 48
    assert costs["gaussian_filter"].macs is None and "macs" in costs["gaussian_filter"].reasons
    for cost in costs.values():
        assert 0 < cost.latency_ms["min"] <= cost.latency_ms["p50"] <= cost.latency_ms["p90"]
        assert cost.latency_rel > 0 and cost.size == [32, 48]


def test_list_looks_a_name_up_before_it_imports_anything(monkeypatch):
    from noisebench.components import catalogue

    looked_at = []
    look = catalogue._entry
    monkeypatch.setattr(catalogue, "_entry", lambda entry: looked_at.append(entry.name) or look(entry))
    with pytest.raises(UsageError, match="no method 'nosuchthing': known: "):
        catalogue.catalogue("method", "", [], "nosuchthing")
    assert [one["name"] for one in catalogue.catalogue("method", "", [], "nlm")] == looked_at == ["nlm"]


@pytest.mark.parametrize(
    "words", [("LONG",), ("list", "LONG"), ("list", "methods", "LONG"), ("run", "--LONG"), ("run", "--seed", "LONG")]
)
def test_a_long_word_is_not_echoed_in_full(capsys, words):
    try:
        code = main([word.replace("LONG", "x" * 100_000) for word in words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert len(capsys.readouterr().err) < 1000


def test_list_shows_parameters(cli):
    found = json.loads(cli("list", "regimes", "poisson_gaussian", "--json").stdout)
    assert {p["name"] for p in found["parameters"]} >= {"peak", "sigma"}
    for kind in ("methods", "datasets", "regimes", "metrics", "protocols", "suites"):
        assert len(json.loads(cli("list", kind, "--json").stdout)) >= 1


@pytest.mark.parametrize("json_asked", [[], ["--json"]])
def test_one_that_cannot_be_imported_is_a_mistake_where_it_is_asked_for(cli, tmp_path, monkeypatch, json_asked):
    (tmp_path / "lost-1.dist-info").mkdir()
    (tmp_path / "lost-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1\n")
    (tmp_path / "lost-1.dist-info" / "entry_points.txt").write_text("[noisebench.methods]\nlost = a_lost_module\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = cli("list", "methods", "lost", *json_asked, code=2)
    assert done.stdout == "" and "method 'lost': importing a_lost_module failed: ModuleNotFoundError" in done.stderr
    assert "lost  " in cli("list", "methods").stdout


def test_verbs_import_pandas_for_no_board_of_theirs(tmp_path):
    lines = [
        ["run", "--methods", "identity", *SMALL],
        ["store", "ls", "nb-store"],
        ["why", "nb-store"],
        ["check", "baseline.json", "nb-store", "--update"],
        ["check", "baseline.json", "nb-store"],
        ["compare", "nb-store", "nb-store"],
    ]
    code = "import sys\nfrom noisebench.cli import main\nfor line in " + repr(lines) + ":\n    main(line)\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print('pandas' in sys.modules)"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "False", done.stdout + done.stderr
