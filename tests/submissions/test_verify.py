"""What `verify` says of an entry: verified, scores verified, not verifiable or refuted, by runs and by kept outputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bubblewrap import needs_bubblewrap
from conftest import Run
from msgspec import structs
from noisebench.store.export import export_text
from noisebench.store.record import Record
from noisebench.submissions.entry import RESULTS, read_entry, write_entry
from noisebench.submissions.named_programs import why_program
from noisebench.submissions.pack import Packed, pack
from noisebench.submissions.rescore import Unscored, scored_again
from noisebench.submissions.verify import difference, read_share, sample
from noisebench.testing import throwaway
from stored_cells import made

PLUGIN = """
import noisebench as nb

@nb.method("mine", layout="hwc")
def mine(noisy, info, *, strength: float = 0.5):
    return noisy * strength
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two methods, and an entry of each: `built_in.nbz`, and `mine.nbz` with its outputs."""
    from shell import shell

    folder = tmp_path_factory.mktemp("packed")
    throwaway(folder, "", mine=PLUGIN)
    done = shell(
        "noisebench run --methods mine gaussian_filter --plugin mine.py --datasets 'gaussian_field(n=2, size=24)' "
        "--regimes 'gaussian(sigma={15,25})' --keep all --store store",
        folder,
    )
    assert done.returncode == 0, done.stderr
    pack(folder / "store", "gaussian_filter", folder / "built_in.nbz")
    assert pack(folder / "store", "mine", folder / "mine.nbz", outputs=True) == Packed(2, 4, [])
    return folder


@pytest.fixture
def folder(packed: Path, tmp_path: Path) -> Path:
    for name in ("built_in.nbz", "mine.nbz"):
        shutil.copy(packed / name, tmp_path)
    return tmp_path


def forge(entry: Path, change: Callable[[Record], Record], *, outputs: bool = True, rows: int = 9) -> None:
    """Give an entry other results, with seals and a manifest that agree with these, and outputs of the first rows."""
    old = read_entry(entry)
    contents = [(RESULTS, export_text(map(change, old.results)).encode())]
    for record in old.results if outputs else ():
        key = record.cell.key
        contents += [(f"outputs/{key}/{row:05d}.npy", old.output(key, row)) for row in old.outputs_of(key)[:rows]]
    write_entry(entry, old.manifest.packed_at, contents, None)


def better(record: Record) -> Record:
    """A record that claims half a decibel more for one item."""
    psnr = record.scores["psnr"] + np.array([0.0, 0.5])
    return replace(record, scores={**record.scores, "psnr": psnr})


@needs_bubblewrap
def test_a_method_that_is_here_is_run_again(cli: Run, folder: Path) -> None:
    told = cli("verify", "built_in.nbz", "--rerun", "1", "--sample-key", "k", "--json")
    document = json.loads(told.stdout)
    (cell,) = document["cells"]
    assert (document["verdict"], cell["verdict"], document["cells_with_scores"]) == ("verified", "verified", 2)
    assert cell["differences"] == {"psnr": 0.0, "ssim": 0.0} and "last bit" in cell["why"]
    assert document["signer"] is None and document["sample_key"] == "k"
    assert sorted(path.name for path in folder.iterdir()) == ["built_in.nbz", "mine.nbz"]


@needs_bubblewrap
def test_a_score_that_does_not_come_out_again_is_refuted_by_how_much(cli: Run, folder: Path) -> None:
    forge(folder / "built_in.nbz", better)
    told = cli("verify", "built_in.nbz", "--rerun", "1", code=1)
    line, verdict = told.stdout.splitlines()[1:]
    assert verdict.startswith("refuted: ") and "psnr of gaussian_field_001 is " in line
    assert float(line.split()[-1].strip(")")) == pytest.approx(0.5, abs=1e-3)


def lenient(record: Record) -> Record:
    """A record that claims 0.4 dB more, and that its scores are printed without decimals."""
    psnr = record.scores["psnr"] + 0.4
    parts = {name: structs.replace(part, decimals=0) for name, part in record.cell.metrics.items()}
    cell = structs.replace(record.cell, metrics=parts)
    return replace(record, cell=cell, scores={**record.scores, "psnr": psnr})


def turned(record: Record) -> Record:
    """A record whose metrics rank the other way."""
    parts = {name: structs.replace(part, higher=not part.higher) for name, part in record.cell.metrics.items()}
    return replace(record, cell=structs.replace(record.cell, metrics=parts))


def no_baseline(record: Record) -> Record:
    """A record whose method keeps quiet about what it is."""
    method = structs.replace(record.cell.method, flags={**record.cell.method.flags, "role": ""})
    return replace(record, cell=structs.replace(record.cell, method=method))


def without_last_item(record: Record) -> Record:
    columns = {name: getattr(record, name)[:-1] for name in ("items", "input_sha256", "output_sha256", "notes")}
    scores = {name: values[:-1] for name, values in record.scores.items()}
    return replace(record, seconds=record.seconds[:-1], scores=scores, **columns)


@needs_bubblewrap
@pytest.mark.parametrize(
    ("change", "due"),
    [(lenient, "(off by 0.4)"), (turned, "psnr is best"), (no_baseline, "role"), (without_last_item, "its items")],
)
def test_what_an_entry_says_beside_its_scores_is_checked_too(
    change: Callable[[Record], Record], due: str, cli: Run, folder: Path
) -> None:
    forge(folder / "built_in.nbz", change)
    assert due in cli("verify", "built_in.nbz", "--rerun", "1", code=1).stdout


@pytest.mark.parametrize(
    ("change", "due"), [(lenient, "(off by 0.4)"), (turned, "psnr is best"), (without_last_item, "1 of 2 items")]
)
def test_outputs_that_are_scored_again_are_held_against_the_metrics_of_here(
    change: Callable[[Record], Record], due: str, cli: Run, folder: Path
) -> None:
    kept = 1 if change is without_last_item else 2
    forge(folder / "mine.nbz", change, rows=kept)
    assert due in cli("verify", "mine.nbz", "--rerun", "1", code=1).stdout


@needs_bubblewrap
def test_a_plug_in_is_run_in_the_sandbox_where_it_is_given(cli: Run, folder: Path, packed: Path) -> None:
    shutil.copy(packed / "mine.py", folder)
    told = cli("verify", "mine.nbz", "--plugin", "mine.py", "--rerun", "1")
    assert told.stdout.splitlines()[-1].startswith("verified: 1 of 2 cells")
    (folder / "mine.py").write_text(PLUGIN.replace("noisy * strength", "noisy * strength * 1"))
    told = cli("verify", "mine.nbz", "--plugin", "mine.py", "--rerun", "1")
    assert told.stdout.splitlines()[-1].startswith("scores verified: ") and "mine.py of the method" in told.stdout


def test_kept_outputs_are_scored_where_the_method_is_not_here(cli: Run, folder: Path) -> None:
    told = cli("verify", "mine.nbz", "--rerun", "all")
    assert told.stdout.count("scores verified") == 3 and "equal scores" in told.stdout
    forge(folder / "mine.nbz", better)
    told = cli("verify", "mine.nbz", "--rerun", "all", code=1)
    assert told.stdout.splitlines()[-1].startswith("refuted: 2 of 2")


def test_inputs_that_are_others_are_refuted(cli: Run, folder: Path) -> None:
    forge(folder / "mine.nbz", lambda record: replace(record, input_sha256=["0" * 64, *record.input_sha256[1:]]))
    assert "the input of gaussian_field_000" in cli("verify", "mine.nbz", "--rerun", "1", code=1).stdout


def test_an_output_that_was_not_the_one_scored_is_refused(cli: Run, folder: Path) -> None:
    forge(folder / "mine.nbz", lambda record: replace(record, output_sha256=["0" * 64] * 2))
    told = cli("verify", "mine.nbz", "--rerun", "1", code=2)
    assert told.stdout == "" and told.stderr.splitlines()[-1].endswith("its hash is another")


def test_what_can_neither_be_run_nor_scored_is_not_verifiable(cli: Run, folder: Path) -> None:
    forge(folder / "mine.nbz", lambda record: record, outputs=False)
    told = cli("verify", "mine.nbz", code=3)
    assert told.stdout.splitlines()[-1].startswith("not verifiable: 1 of 2") and "'mine'" in told.stdout


@pytest.mark.parametrize(
    "spec", ["command(argv=touch)", "command(argv='touch opened')", "estimated(method=command(argv=ls))"]
)
def test_a_program_that_an_entry_names_is_not_started(cli: Run, tmp_path: Path, spec: str) -> None:
    one = made("command", 30.0, display=spec)
    write_entry(tmp_path / "e.nbz", "", [(RESULTS, export_text([one]).encode())], None)
    assert "--method SPEC" in cli("verify", "e.nbz", code=3).stdout
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("part", ["dataset", "regime"])
def test_a_program_within_what_is_scored_is_not_started_either(tmp_path: Path, part: str) -> None:
    one = made("nlm", 30.0, **{part: "x(of=command(argv='touch opened'))"})
    assert why_program(one.cell) == f"its {part} names a program" and why_program(made("nlm", 30.0).cell) == ""
    write_entry(tmp_path / "e.nbz", "", [(RESULTS, export_text([one]).encode())], None)
    with pytest.raises(Unscored, match="names a program"):
        scored_again(read_entry(tmp_path / "e.nbz"), one, [0])


def test_a_sample_is_drawn_by_its_key() -> None:
    keys = [f"{n:064x}" for n in range(100)]
    assert sample(keys, "5%", "a") == sample(keys[::-1], "5%", "a") != sample(keys, "5%", "b")
    sizes = {share: len(sample(keys, share, "a")) for share in ("5%", "0.1%", "3", "1000", "all", "100%")}
    assert sizes == {"5%": 5, "0.1%": 1, "3": 3, "1000": 100, "all": 100, "100%": 100}
    assert sample([], "5%", "a") == set()


@pytest.mark.parametrize("share", ["", "0", "0%", "101%", "-1", "5 %", "nan%", "1e3", "٣", "most"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(ValueError, match="share"):
        read_share(share)


def test_scores_may_be_off_by_half_of_the_last_printed_decimal() -> None:
    stated = made("nlm", 30.0, np.inf, np.nan)

    def off(*values: float) -> str:
        return difference(stated, replace(stated, scores={"psnr": np.array(values)}))[0]

    assert off(30.0, np.inf, np.nan) == off(30.004, np.inf, np.nan) == ""
    assert "30.006" in off(30.006, np.inf, np.nan)
    assert off(30.0, 90.0, np.nan) and off(30.0, -np.inf, np.nan) and off(30.0, np.inf, 1.0)


def test_entries_are_compared_as_methods_and_reported_as_stores(cli: Run, folder: Path) -> None:
    told = cli("compare", "built_in.nbz", "mine.nbz", "--json")
    pairs = {(one["method_a"], one["method_b"], one["items"]) for one in json.loads(told.stdout)["differences"]}
    assert pairs == {("gaussian_filter", "mine", 2)}
    assert "mine" in cli("report", "mine.nbz", "--to", "board", "--only", "board").stdout
    (folder / "mine.nbz").write_bytes((folder / "mine.nbz").read_bytes()[:-9])
    assert "mine.nbz" in cli("report", "mine.nbz", "--to", "other", code=2).stderr
