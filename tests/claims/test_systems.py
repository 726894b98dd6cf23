"""The 57 systems: all there, what they name exists, and their verdicts come from what was run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from noisebench.claims.effects import Effect, all_claims
from noisebench.claims.figures import CellOf
from noisebench.claims.numbers import Claim
from noisebench.claims.systems import judged_systems, read_systems, summed, system_rows
from noisebench.components.registry import bind
from noisebench.suite.suite import find_suite, read_suite
from noisebench.text.errors import UsageError


def claim(name: str = "a", **changes: object) -> Claim:
    fields = {
        "name": name, "group": "g", "kind": "number", "paper": "P", "url": "https://example.org", "table": "t",
        "row": "r", "method": "identity", "dataset": "gaussian_field(n=2, size=32)", "regime": "kair(sigma=25)",
        "protocol": "raw", "metric": "psnr", "value": "20.17", "systems": (12,),
    }  # fmt: skip
    return Claim(**{**fields, **changes})  # type: ignore[arg-type]


# ---- the table


def test_there_are_57_each_with_a_role_and_a_source() -> None:
    systems = read_systems()
    assert [s.number for s in systems] == list(range(1, 58))
    assert len({s.name for s in systems}) == 57
    assert all(s.about and s.source for s in systems)


def test_every_spec_binds_and_what_is_only_a_part_says_what_is_missing() -> None:
    for system in read_systems():
        for text in (*system.specs, *system.published):
            kind, _, spec = text.partition(" ")
            bind(spec, kind, system.track)
        assert system.lacks or not system.part
        assert system.specs or not system.part


def test_every_system_has_a_suite_that_sets_it_beside_its_rivals() -> None:
    for system in read_systems():
        names = {spec.partition(" ")[2].partition("(")[0] for spec in system.specs}
        assert system.suites
        for suite in system.suites:
            read = read_suite(find_suite(suite))
            written = " ".join(map(str, (*read.methods, *read.datasets, *read.regimes, *read.metrics)))
            # Rules for rates and batches (52) are put to the test by trainings that name no part of theirs.
            assert system.number == 52 or names & set(re.findall(r"\w+", written)), (system.name, suite)
            assert len(read.methods) > 1 or len(read.regimes) > 1, (system.name, suite)


def test_every_claim_names_a_system_that_exists() -> None:
    assert all(1 <= n <= 57 for c in all_claims() for n in c.systems)
    assert all(c.systems for c in all_claims() if isinstance(c, Effect))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{number: 2, name: a, role: method, about: b, source: c}", "number 2 stands where 1 is due"),
        ("{number: 1, name: a, role: wizard, about: b, source: c}", "s.yaml:1: role must be"),
        ("{number: 1, name: a, role: method, about: b}", "s.yaml:1: source is missing"),
        ("[", "cannot be read"),
        ("- 1", "s.yaml:1: a mapping"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_systems(tmp_path)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


# ---- verdicts


def test_verdicts_of_several_claims_in_one_text() -> None:
    assert summed([]) == ""
    assert summed(["reproduced", "reproduced"]) == "reproduced"
    assert summed(["reproduced", "not run", "reproduced"]) == "1 not run, 2 reproduced"


def test_a_system_goes_by_its_headlines() -> None:
    cell = CellOf("identity", "photos", "none", metric="psnr")
    effect = Effect(
        name="b", group="g", paper="P", url="https://example.org", where="w", says="s", cells={"x": cell, "y": cell},
        holds="x > y", seeds=(0, 1, 2), systems=(12,), role="headline",
    )  # fmt: skip
    row = system_rows(read_systems(), [claim(), effect, replace(effect, name="c", role="extension")], [])[11]
    assert [headline["name"] for headline in row["headlines"]] == ["b"]
    assert set(row["headlines"][0]) == {"name", "verdict", "effect", "low", "high", "budget", "seeds"}
    assert list(row["claims"]) == ["a", "b", "c"] and row["verdict"] == "not run"


def test_without_results_nothing_is_run() -> None:
    systems = read_systems()
    systems[0] = replace(systems[0], specs=())
    systems[1] = replace(systems[1], part=True)
    rows = system_rows(systems, [claim()], [])
    assert (rows[11]["claims"], rows[11]["verdict"], rows[11]["kinds"]) == (
        {"a": "not run"},
        "not run",
        {"a": "number"},
    )
    states = {(one.part, bool(one.specs)): row["state"] for one, row in zip(systems, rows, strict=True)}
    assert states == {(True, True): "part", (False, True): "here", (False, False): "not yet"}


def test_verdicts_are_read_from_a_store_and_from_an_export(cli, tmp_path: Path) -> None:
    common = (
        "--methods",
        "identity",
        "--datasets",
        "gaussian_field(n=2, size=32)",
        "--protocol",
        "raw",
        "--metrics",
        "psnr",
    )
    cli("run", *common, "--regimes", "kair(sigma=25)", "--store", "whole")
    cli("export", "whole", "--to", "whole.json")
    cli("run", *common, "--regimes", "kair(sigma=25)", "--store", "less", "--limit", 1)
    # kair draws the same noise for each picture of a size.
    noise = np.random.RandomState(0).normal(0, 25 / 255, (32, 32))
    right = claim(value=f"{-10 * np.log10(np.mean(noise**2)):.2f}")
    wrong, other = claim("b", value="30.17"), claim("c", regime="kair(sigma=50)")
    for results in ("whole", "whole.json"):
        row = system_rows(read_systems(), [right, wrong, other], [tmp_path / results])[11]
        assert row["claims"] == {"a": "reproduced", "b": "differs", "c": "not run"}
    less = system_rows(read_systems(), [right], [tmp_path / "less"])[11]
    assert less["verdict"] == "not run"  # not all pictures


# ---- the verb


def test_list_systems(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    rows = json.loads(cli("list", "systems", "--json").stdout)
    assert len(rows) == 57 and rows[0]["state"] == "here"
    assert [row["state"] == "not yet" for row in rows] == [not system.specs for system in read_systems()]
    one = json.loads(cli("list", "systems", "12", "--json").stdout)
    assert "method bf_cnn" in one["specs"] and one == rows[11]
    table = cli("list", "systems", "--all").stdout.splitlines()
    assert len(table) == 58 and table[0].split() == ["#", "system", "verdict", "track", "role", "spec"]
    audio = json.loads(cli("list", "systems", "--track", "audio", "--json").stdout)
    assert [row["number"] for row in audio] == [s.number for s in read_systems() if s.track == "audio"] != []


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_is_as_wide_as_the_terminal(cli, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = cli("list", "systems").stdout.splitlines()
    assert max(map(len, lines)) == width
    verdicts = {str(row["number"]): row["verdict"] for row in json.loads(cli("list", "systems", "--json").stdout)}
    assert all(verdicts[line.split()[0]] in line for line in lines[1:] if len(verdicts[line.split()[0]]) < 38)


def test_one_system_is_a_screen(cli) -> None:
    shown = cli("list", "systems", "ELD").stdout
    assert shown.startswith("13. ELD (regime, ")
    assert "not built: a lead on" in " ".join(shown.split())
    assert "harness/tracks/restore/regimes/eld.py" in shown and "harness/claims/systems/13_eld.yaml" in shown
    row = json.loads(cli("list", "systems", "13", "--json").stdout)
    assert all(f"\n{headline['name']}\n  {headline['verdict']}; " in shown for headline in row["headlines"])
    assert shown.splitlines()[-1].strip() == "noisebench run mine.yaml"


def test_files_of_systems_are_there() -> None:
    for one in judged_systems(read_systems(), all_claims()):
        assert all((ROOT / file).is_file() for file in one.files), one.system.name
        assert len(one.files) >= 3


def test_list_systems_shows_those_that_are_here(cli) -> None:
    _, *rows = cli("list", "systems").stdout.splitlines()
    assert [int(row.split()[0]) for row in rows] == [s.number for s in read_systems() if s.specs]


def test_mistakes_are_one_line(cli) -> None:
    message = cli("list", "systems", "44", "--track", "audio", code=2).stderr
    assert "system '44' " in message and "track audio" in message
    assert "unknown track 'nope'" in cli("list", "systems", "--track", "nope", code=2).stderr
    assert "--all goes with `list systems`" in cli("list", "methods", "--all", code=2).stderr
    assert "did you mean 'ELD'" in cli("list", "systems", "ELDD", code=2).stderr
    assert "--store goes with" in cli("list", "methods", "--store", "s", code=2).stderr
    assert cli("list", "systems", "--store", "nowhere", code=2).stderr.count("\n") == 1


def test_verdicts_of_the_package_are_the_default(cli) -> None:
    committed = ROOT / "results" / "claims" / "bandlimited_weights.parquet"
    names = {claim.name for claim in all_claims() if 33 in claim.systems}

    def verdicts(*options: object) -> dict[str, str]:
        return json.loads(cli("list", "systems", "33", "--json", *options).stdout)["claims"]

    expected = dict.fromkeys(names, "reproduced") | {"the_right_box_follows_the_bandwidth": "undecided"}
    assert names and verdicts() == verdicts("--store", committed) == expected
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none")
    assert verdicts("--store", "nb-store") == dict.fromkeys(names, "not run")  # a store that is named is instead of it


def test_suites_are_listed_by_track(cli) -> None:
    every = json.loads(cli("list", "suites", "--json").stdout)
    audio = json.loads(cli("list", "suites", "--track", "audio", "--json").stdout)
    assert audio == [suite for suite in every if suite["track"] == "audio"] != []
    assert {"demo_audio", "glottal_closure"} <= {suite["name"] for suite in audio}
    assert [line.split()[0] for line in cli("list", "suites", "--track", "audio").stdout.splitlines()[1:]] == [
        suite["name"] for suite in audio
    ]
    assert "no suite 'demo'" in cli("list", "suites", "demo", "--track", "audio", code=2).stderr
    assert "unknown track 'nope'" in cli("list", "suites", "--track", "nope", code=2).stderr
