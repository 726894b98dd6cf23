"""Verdicts as a file: judged again without their cells, stale where code has changed, of the same cells alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from messages import missing_from
from noisebench.claims.effects import read_file
from noisebench.claims.stored import judged
from noisebench.store.reading import read_records
from noisebench.text.errors import UsageError

CLAIM = """
paper: P
url: https://example.org
kind: effect
claims:
  - name: noise_hurts
    where: "here"
    says: "More noise, less PSNR."
    cells:
      less: {method: identity, dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=5)", metric: psnr}
      more: {method: identity, dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=50)", metric: psnr}
    holds: "less > more"
    uneven: {items: levels of noise are compared}
    seeds: [0, 1, 2]
"""


@pytest.fixture
def verdicts(cli, tmp_path: Path) -> Path:
    (tmp_path / "claim.yaml").write_text(CLAIM)
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    return tmp_path / "v.json"


def row(folder: Path, file: Path):
    return judged(read_file(folder / "claim.yaml"), [file])[0]


def test_a_file_gives_the_verdict_of_its_store(cli, tmp_path: Path, verdicts: Path) -> None:
    one, other = row(tmp_path, verdicts), row(tmp_path, tmp_path / "s")
    assert one["verdict"] == "reproduced" and one["stale"] is False
    assert one == other
    said = json.loads(cli("reproduce", "--claims", "claim.yaml", "--from", "v.json", "--json").stdout)
    assert said["claims"][0]["values"] == other["values"]


def test_a_file_holds_items_and_not_what_the_claim_says(verdicts: Path) -> None:
    held = json.loads(verdicts.read_text())
    (claim,) = held["claims"]
    assert [len(of) for of in claim["rows"]["less"]["scores"]] == [2, 2, 2]
    assert claim["rows"]["less"]["items"] == claim["rows"]["more"]["items"]
    assert not {"paper", "row", "claimed", "verdict"} & set(claim)
    assert set(held) == {"format", "environment", "claims", "cells"} and len(held["cells"]) == 6
    assert verdicts.stat().st_size < 20_000


def test_a_file_of_the_first_format_is_read(tmp_path: Path, verdicts: Path) -> None:
    held = json.loads(verdicts.read_text()) | {"format": "noisebench-verdicts@1"}
    (claim,) = held["claims"]
    del claim["rows"], claim["notes"], claim["sequential"]
    claim |= {"reason": "does not hold on seed 0; less diverged on seed 1", "verdict": "differs", "over": "each"}
    verdicts.write_text(json.dumps(held))
    found = row(tmp_path, verdicts)
    assert (found["verdict"], found["notes"], found["rows"]) == ("reproduced", ["less diverged on seed 1"], {})


def test_what_is_claimed_is_judged_anew(tmp_path: Path, verdicts: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM.replace("less > more", "less > 4 * more"))
    assert row(tmp_path, verdicts)["verdict"] == "differs"


def test_values_of_other_cells_or_seeds_are_none(tmp_path: Path, verdicts: Path) -> None:
    for old, new in (("sigma=50", "sigma=40"), ("[0, 1, 2]", "[0, 1, 3]")):
        (tmp_path / "claim.yaml").write_text(CLAIM.replace(old, new))
        assert row(tmp_path, verdicts)["verdict"] == "not available"


THIRD = 'third: {method: identity, dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=10)", metric: psnr}'
"""A cell that `noise_hurts` has not."""
SECOND_CLAIM = f"""  - name: some_noise_hurts
    where: "here"
    says: "Some noise, less PSNR."
    cells:
      least: {{method: identity, dataset: "piecewise(n=2, size=16)", regime: "gaussian(sigma=5)", metric: psnr}}
      {THIRD.replace("third", "some")}
    holds: "least > some"
    uneven: {{items: levels of noise are compared}}
    seeds: [0, 1, 2]
"""


def with_precondition(claim: str, bound: str) -> str:
    """The first claim with a cell more and what it asks of it."""
    head, holds, rest = claim.partition('    holds: "less > more"')
    return f'{head}      {THIRD}\n{holds}\n    precondition: "third > {bound}"{rest}'


def test_a_cell_that_is_added_to_an_effect_is_taken_from_other_verdicts(cli, tmp_path: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM + SECOND_CLAIM)
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    before = row(tmp_path, tmp_path / "v.json")
    (tmp_path / "claim.yaml").write_text(with_precondition(CLAIM, "10"))
    joined, whole = row(tmp_path, tmp_path / "v.json"), row(tmp_path, tmp_path / "s")
    assert joined["verdict"] == "reproduced" and joined["seconds"] is None and before["seconds"] is not None
    assert {**joined, "seconds": 0} == {**whole, "seconds": 0}
    (tmp_path / "claim.yaml").write_text(with_precondition(CLAIM, "60"))
    assert row(tmp_path, tmp_path / "v.json")["verdict"] == "setting cannot show it"


def test_a_row_of_other_verdicts_that_is_stale_makes_the_joined_one_stale(cli, tmp_path: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM + SECOND_CLAIM)
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    held = json.loads((tmp_path / "v.json").read_text())
    key = next(key for key, behind in held["cells"].items() if "sigma=10" in behind["of"]["regime"])
    held["cells"][key]["code"] = "0" * 64
    (tmp_path / "v.json").write_text(json.dumps(held))
    (tmp_path / "claim.yaml").write_text(with_precondition(CLAIM, "10"))
    assert row(tmp_path, tmp_path / "v.json")["stale"] is True


def test_a_cell_on_other_seeds_completes_no_verdict(cli, tmp_path: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM + SECOND_CLAIM.replace("[0, 1, 2]", "[0, 1]"))
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    (tmp_path / "claim.yaml").write_text(with_precondition(CLAIM, "10"))
    assert row(tmp_path, tmp_path / "v.json")["verdict"] == "not available"


def test_other_code_behind_a_cell_makes_a_verdict_stale(tmp_path: Path, verdicts: Path) -> None:
    held = json.loads(verdicts.read_text())
    next(iter(held["cells"].values()))["code"] = "0" * 64
    verdicts.write_text(json.dumps(held))
    found = row(tmp_path, verdicts)
    assert found["verdict"] == "reproduced" and found["stale"] is True


def test_a_file_is_made_anew_of_an_older_one_and_what_was_judged_since(cli, tmp_path: Path, verdicts: Path) -> None:
    more = CLAIM.replace("noise_hurts", "much_noise_hurts").replace("sigma=50", "sigma=90")
    (tmp_path / "more.yaml").write_text(more)
    cli("reproduce", "--claims", "more.yaml", "--store", "t")
    held = json.loads(verdicts.read_text())
    key = next(key for key, behind in held["cells"].items() if "sigma=50" in behind["of"]["regime"])
    held["cells"][key]["code"] = "0" * 64
    verdicts.write_text(json.dumps(held))
    both = ("--claims", "claim.yaml", "--claims", "more.yaml")
    cli("reproduce", *both, "--from", "t", "--from", "v.json", "--to", "w.json")
    made = json.loads((tmp_path / "w.json").read_text())
    assert [row["name"] for row in made["claims"]] == ["noise_hurts", "much_noise_hurts"]
    assert row(tmp_path, tmp_path / "w.json")["stale"] is True and made["cells"][key]["code"] == "0" * 64
    other = judged(read_file(tmp_path / "more.yaml"), [tmp_path / "w.json"])[0]
    assert other["verdict"] == "reproduced" and other["stale"] is False


@pytest.mark.parametrize("damage", [lambda t: t[: len(t) // 2], lambda t: t.replace('"seeds"', '"sides"')])
def test_a_damaged_file_is_named(tmp_path: Path, verdicts: Path, damage) -> None:
    verdicts.write_text(damage(verdicts.read_text()))
    with pytest.raises(UsageError, match=r"v\.json .*`noisebench reproduce --to`"):
        row(tmp_path, verdicts)


def test_verdicts_are_written_as_text_or_plots_alone(cli) -> None:
    refused = cli("reproduce", "speckle", "--to", "v.txt", code=2).stderr
    assert not missing_from(refused, "v.txt", ".md, .csv, .json, .json.zst, .png, .svg, .pdf")


def test_claims_on_other_metrics_of_the_same_cells_are_written_with_their_own(cli, tmp_path: Path) -> None:
    more = CLAIM.partition("claims:\n")[2].replace("noise_hurts", "so_do_errors").replace("metric: psnr", "metric: mae")
    (tmp_path / "claim.yaml").write_text(CLAIM + more.replace("less > more", "less < more"))
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    assert [one["verdict"] for one in judged(read_file(tmp_path / "claim.yaml"), [tmp_path / "v.json"])] == [
        "reproduced", "reproduced",
    ]  # fmt: skip


def test_seeds_are_added_to_those_of_a_file(cli, tmp_path: Path) -> None:
    (tmp_path / "claim.yaml").write_text(CLAIM.replace("sigma=50", "sigma=5.2"))
    cli("reproduce", "--claims", "claim.yaml", "--store", "s", "--to", "v.json")
    before = row(tmp_path, tmp_path / "v.json")
    assert before["verdict"] == "undecided"
    cli("reproduce", "--claims", "claim.yaml", "--decide", "--from", "v.json", "--store", "more", "--to", "w.json")
    cli("reproduce", "--claims", "claim.yaml", "--decide", "--store", "whole", "--to", "whole.json")
    joined, whole = row(tmp_path, tmp_path / "w.json"), row(tmp_path, tmp_path / "whole.json")
    assert joined["verdict"] != "undecided" and joined["sequential"] and len(joined["seeds"]) > 3
    assert {**joined, "seconds": 0} == {**whole, "seconds": 0}
    assert {record.cell.seed for record in read_records(tmp_path / "more")} == {*joined["seeds"]} - {0, 1, 2}
    again = cli(
        "reproduce", "--claims", "claim.yaml", "--decide", "--from", "w.json", "--store", "none", "--to", "x.json"
    )
    assert again.returncode == 0 and not (tmp_path / "none").exists()
    assert row(tmp_path, tmp_path / "x.json") == joined


def test_seeds_of_other_code_are_run_anew(cli, tmp_path: Path, verdicts: Path) -> None:
    held = json.loads(verdicts.read_text())
    next(iter(held["cells"].values()))["code"] = "0" * 64
    verdicts.write_text(json.dumps(held))
    cli("reproduce", "--claims", "claim.yaml", "--decide", "--from", "v.json", "--store", "new")
    assert {record.cell.seed for record in read_records(tmp_path / "new")} >= {0, 1, 2}
