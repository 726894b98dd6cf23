"""Claims: read strictly, judged by one rule, run through the engine, and never silently missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from noisebench.claims import effects as claims_module
from noisebench.claims.effects import all_claims, read_file
from noisebench.claims.figures import CellResult
from noisebench.claims.numbers import Claim, chosen, judge, verdict_row
from noisebench.cli import main
from noisebench.components.registry import bind
from noisebench.report.claims import claims_markdown, claims_summary
from noisebench.text.errors import UsageError

ROW = (
    '{name: a, table: t, row: r, method: identity, dataset: "gaussian_field(n=2)", regime: "kair(sigma=25)", '
    'protocol: float, metric: psnr, value: "20.17"}'
)
HEAD = "paper: P\nurl: https://example.org\nkind: number\nclaims:\n"


# ---- the verdict


@pytest.mark.parametrize(
    ("claimed", "ours", "verdict"),
    [
        ("30.43", 30.43, "reproduced"),
        ("30.43", 30.445, "reproduced"),  # half a unit of the second decimal + 0.01
        ("30.43", 30.415, "reproduced"),
        ("30.43", 30.4451, "close"),
        ("30.436", 30.4465, "reproduced"),  # half a unit of the third decimal + 0.01
        ("30.436", 30.4466, "close"),
        ("30.4", 30.46, "reproduced"),
        ("30.43", 30.48, "close"),
        ("30.43", 30.38, "close"),
        ("30.43", 30.4801, "differs"),
        ("30.43", 27.40, "differs"),
        ("27.20", 27.215, "reproduced"),  # a printed zero counts
    ],
)
def test_verdict(claimed: str, ours: float, verdict: str) -> None:
    assert judge(claimed, ours) == verdict


def made_up(**changes: object) -> Claim:
    fields = {
        "name": "a", "group": "g", "kind": "number", "paper": "P", "url": "https://example.org", "table": "t",
        "row": "r", "method": "identity", "dataset": "gaussian_field(n=2)", "regime": "kair(sigma=25)",
        "protocol": "float", "metric": "psnr", "value": "20.17",
    }  # fmt: skip
    return Claim(**{**fields, **changes})  # type: ignore[arg-type]


def test_no_value_is_not_available_with_its_reason() -> None:
    row = verdict_row(made_up(), CellResult(), None, "needs the weights x")
    assert (row["verdict"], row["reason"], row["ours"]) == ("not available", "needs the weights x", None)
    assert verdict_row(made_up(), CellResult(), float("inf"), "")["verdict"] == "not available"


# ---- the files


def numbers() -> list[Claim]:
    return [claim for claim in all_claims() if isinstance(claim, Claim)]


def test_every_claim_names_what_exists_and_cites_its_source() -> None:
    claims = numbers()
    assert len(claims) >= 20
    for claim in claims:
        bind(claim.method, "method")
        bind(claim.dataset, "dataset")
        bind(claim.regime, "regime")
        bind(claim.protocol, "protocol")
        bind(claim.metric, "metric")
        assert claim.paper and claim.table and claim.row and claim.decimals in (2, 3)


def test_published_values_are_as_printed() -> None:
    values = {c.name: c.value for c in numbers()}
    assert [values[f"dncnn_s{s}_set12"] for s in (15, 25, 50)] == ["32.859", "30.436", "27.178"]
    assert [values[f"dncnn_s{s}_bsd68"] for s in (15, 25, 50)] == ["31.73", "29.23", "26.23"]
    assert [values[f"dncnn_b{s}_set12"] for s in (15, 25, 50)] == ["32.680", "30.362", "27.206"]
    assert [values[f"dncnn_b{s}_bsd68"] for s in (15, 25, 50)] == ["31.61", "29.16", "26.23"]
    assert [values[f"ffdnet_{s}_set12"] for s in (15, 25, 50)] == ["32.75", "30.43", "27.32"]
    assert [values[f"ffdnet_{s}_bsd68"] for s in (15, 25, 50)] == ["31.63", "29.19", "26.29"]
    assert [values[f"ffdnet_color_{s}_cbsd68"] for s in (15, 25, 50)] == ["33.87", "31.21", "27.96"]
    assert [values[f"cdncnn_{s}_cbsd68"] for s in (15, 25, 50)] == ["33.89", "31.23", "27.92"]
    assert [values[f"saoyan_s{s}_set12"] for s in (15, 25, 50)] == ["32.837", "30.404", "27.165"]
    assert [values[f"saoyan_b{s}_bsd68"] for s in (15, 25, 50)] == ["31.60", "29.15", "26.20"]


def test_a_claim_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(HEAD + "  - " + ROW)
    assert read_file(file) == [made_up(group="mine")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file"),
        ("a: [", "cannot be read"),
        (HEAD, "claims"),
        (HEAD + "  - " + ROW.replace('"20.17"', "20.17"), "claims.0.value"),
        (HEAD + "  - " + ROW.replace('"20.17"', '"20"'), "claims.0.value"),
        (HEAD + "  - " + ROW.replace("row: r, ", ""), "claims.0.row"),
        (HEAD + "  - " + ROW.replace("row: r,", "row: r, more: 1,"), "unknown key 'more' in claims: known: dataset, "),
        (HEAD.replace("number", "guess") + "  - " + ROW, "kind"),
        (HEAD.replace("https", "file") + "  - " + ROW, "url"),
        (HEAD.replace("https://example.org", '"https://x/>\\n\\n<script>"') + "  - " + ROW, "url"),
        (HEAD.replace("https://example.org", '"https://x/\\n"') + "  - " + ROW, "url"),
        (HEAD.replace("example.org", "x/'onclick='") + "  - " + ROW, "url"),
        (HEAD + "  - " + ROW + "\n  - " + ROW, "a is given twice"),
        (HEAD + "  - !!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_a_wrong_claim_file_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_file(file)
    assert problem in str(caught.value) and "mine.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_claims_are_chosen_by_name_group_kind_and_system() -> None:
    claims = [made_up(), made_up(name="b", group="h", systems=(7,))]
    assert [c.name for c in chosen(claims, [])] == ["a", "b"]
    assert [c.name for c in chosen(claims, ["h"])] == ["b"]
    assert [c.name for c in chosen(claims, ["a", "h"], "number")] == ["a", "b"]
    assert [c.name for c in chosen(claims, [], None, 7)] == ["b"]
    with pytest.raises(UsageError, match="unknown claim 'aa'"):
        chosen(claims, ["aa"])
    with pytest.raises(UsageError, match="unknown claim .*--claims mine/own.yaml"):
        chosen(claims, ["mine/own.yaml"])
    with pytest.raises(UsageError, match="no effect claim"):
        chosen(claims, [], "effect")


# ---- the verb


def test_list_shows_every_claim(cli) -> None:
    listed = json.loads(cli("reproduce", "--list", "--json").stdout)
    assert [c["name"] for c in listed] == [c.name for c in all_claims()]


def test_an_unknown_claim_is_a_usage_error(cli) -> None:
    done = cli("reproduce", "dncnn_s25_set13", code=2)
    assert "did you mean 'dncnn_s25_set12'?" in done.stderr and done.stderr.count("\n") == 1


def test_what_cannot_run_is_not_available_and_says_why(cli, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = cli("reproduce", "ffdnet_25_set12", "--data", empty, "--weights", empty, "--json")
    (row,) = json.loads(done.stdout)["claims"]
    assert row["verdict"] == "not available" and "set12" in row["reason"]


def test_differs_is_exit_code_1_and_stops_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # identity on noise of sigma 25 without clipping: close to 20·log10(255/25) = 20.17
    claims = [
        made_up(name="wrong", value="30.17", protocol="raw"),
        made_up(name="gone", dataset="set12", value="30.17"),
        made_up(name="right", value="20.17", protocol="raw"),
    ]
    monkeypatch.setattr(claims_module, "all_claims", lambda: claims)
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["reproduce", "--kind", "number", "--store", str(tmp_path / "s"), "--json"]) == 1
    rows = {r["name"]: r for r in json.loads(capsys.readouterr().out)["claims"]}
    assert list(rows) == ["wrong", "gone", "right"]
    assert rows["wrong"]["verdict"] == "differs"
    assert rows["wrong"]["difference"] == pytest.approx(-10, abs=0.1)
    assert rows["gone"]["verdict"] == "not available"
    assert rows["right"]["ours"] == rows["wrong"]["ours"] and rows["right"]["key"] == rows["wrong"]["key"]
    assert rows["right"]["seconds"] > 0


@pytest.mark.data
def test_ffdnet_on_set12_is_reproduced_and_not_run_twice(cli, data_dir: Path) -> None:
    if not (data_dir / "weights").is_dir():
        pytest.skip(f"no weights at {data_dir / 'weights'}")
    first = json.loads(cli("reproduce", "ffdnet_25_set12", "--json").stdout)
    (row,) = first["claims"]
    assert row["verdict"] == "reproduced" and row["claimed"] == "30.43"
    assert row["ours"] == pytest.approx(30.43, abs=0.005)  # the draws of the paper: no tolerance beyond its rounding
    again = cli("reproduce", "ffdnet_25_set12")
    assert "0 cells to run, 1 stored already" in again.stderr
    assert "30.4288" in again.stdout and "1 claim: 1 reproduced" in again.stdout


# ---- judged on results


def test_stored_results_are_judged_and_nothing_is_run(
    cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=2, size=16)", "--protocol", "raw",
        "--regimes", "kair(sigma=25)", "--store", "s")  # fmt: skip
    cli("export", "s", "--to", "s.json", "--no-pictures")
    noise = np.random.RandomState(0).normal(0, 25 / 255, (16, 16))
    psnr = -10 * np.log10(np.mean(noise**2))
    same = {"dataset": "gaussian_field(n=2, size=16)", "protocol": "raw"}
    claims = [
        made_up(name="right", value=f"{psnr:.2f}", **same),
        made_up(name="wrong", value="30.17", **same),
        made_up(name="gone", dataset="set12"),
    ]
    monkeypatch.setattr(claims_module, "all_claims", lambda: claims)
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "--kind", "number", "--from", "s.json", "--to", "v.md", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["claims"]
    assert [r["verdict"] for r in rows] == ["reproduced", "differs", "not available"]
    assert rows[0]["ours"] == pytest.approx(psnr, abs=1e-4) and len(rows[0]["key"]) == 64
    assert [r["reason"] for r in rows] == ["", "", "not among these results"]
    text = (tmp_path / "v.md").read_text()
    assert "3 claims: 1 differs, 1 not available, 1 reproduced." in text
    cell = "`identity` · `gaussian_field(n=2, size=16)` · `kair(sigma=25)` · `raw` · `psnr`"
    assert f"| `right` | t; r | {cell} | {psnr:.2f} | {psnr:.4f} |" in " ".join(text.split())
    assert "- `gone`: not among these results" in text
    assert not (tmp_path / "nb-store").exists()


def test_an_address_is_one_link_in_the_table_whatever_it_holds() -> None:
    text = claims_markdown(
        [verdict_row(made_up(url="https://x/_a?b=1&c#d>\n\n<script>\ud800"), CellResult(), 20.17, "")]
    )
    assert "\n<https://x/_a?b=1&c#d%3E%0A%0A%3Cscript%3E?>\n" in text and "<script" not in text


def test_rows_and_a_short_table_that_links_to_them_are_written_together(cli, tmp_path: Path) -> None:
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=2, size=16)", "--protocol", "raw",
        "--regimes", "kair(sigma=25)", "--store", "s")  # fmt: skip
    (tmp_path / "mine.yaml").write_text(f"paper: P | Q\nurl: https://example.org\nkind: number\nclaims:\n  - {ROW}\n")
    cli("reproduce", "--claims", "mine.yaml", "--from", "s", "--to", "v.csv")
    (row,) = csv.DictReader((tmp_path / "v.csv").open(encoding="utf-8", newline=""))
    assert (row["claim"], row["source"], row["claimed"], row["kind"]) == ("a", "P | Q", "20.17", "number")
    text = (tmp_path / "v.md").read_text()
    assert "[v.csv](v.csv)" in text and text.startswith("# Published figures, and ours\n\n1 claim: 1 ")


def test_the_summary_counts_the_verdicts_of_each_source_in_a_row() -> None:
    right, wrong = (made_up(name=name, paper="P | Q", url="https://x/(a)") for name in ("right", "wrong"))
    rows = [verdict_row(right, CellResult(), 20.17, ""), verdict_row(wrong, CellResult(), 25.0, "")]
    rows += [verdict_row(made_up(name=name), CellResult(), None, "no set") for name in ("b", "c")]
    text = claims_summary(rows, "`v.csv`")
    assert "\n|source|claims|differs|reproduced|stale|\n" in text
    assert "\n|[P \\| Q](https://x/%28a%29)|2|1|1||\n" in text
    assert [line.split("|")[-4:-1] for line in text.splitlines() if line.startswith("|`")] == [
        ["20.17", "20.1700", "reproduced"], ["20.17", "25.0000", "differs"]
    ]  # fmt: skip
    assert text.endswith("\n- `b`, `c`: no set\n")


def test_a_table_that_cannot_be_written_is_refused_before_anything_is_run(cli, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "store.json").write_text("{}")
    assert "lies within the store" in cli("reproduce", "--to", "s/x.md", code=2).stderr
    assert "ends in .md" in cli("reproduce", "--to", "x.html", code=2).stderr
    assert "nowhere is not there" in cli("reproduce", "--to", "nowhere/x.md", code=2).stderr
