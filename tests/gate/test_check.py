"""The gate: what is a regression, what is not comparable, and that nothing compared is never a pass."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import as_schema_1, changed, cost_record, record, sealed
from conftest import Run
from messages import missing_from
from msgspec import structs
from noisebench.cli import main
from noisebench.comparing.comparison import compare
from noisebench.comparing.pairing import Pairings, shelves
from noisebench.gate import plain_findings
from noisebench.gate.check import check
from noisebench.gate.rules import fits
from noisebench.gate.verdict import INCOMPARABLE, OK, REGRESSION, UNCOUNTED, UNDECIDED, Findings, GateFinding, Verdict
from noisebench.report.verdict import (
    finding_line,
    largest,
    verdict_junit,
    verdict_lines,
    verdict_markdown,
    verdict_values,
)
from noisebench.store.baseline import baseline_text
from noisebench.store.cell import NamedPart
from noisebench.store.export import export_text, read_export
from noisebench.store.keys import key_of
from noisebench.store.record import Record
from noisebench.store.results import Results
from noisebench.store.seals import why_edited
from noisebench.suite.rules import Rule, read_rules
from noisebench.text.errors import UsageError

FAILED = sealed(record("net", outcome="crashed", reason="exit code 1"))
FLAT = {"psnr": [30.0] * 8, "ssim": [0.9] * 8}


def cell(method: str = "nlm", scores: Any = None, **more: Any) -> Record:
    return sealed(record(method, FLAT if scores is None else scores, **more))


def psnr(*values: float, **more: Any) -> Record:
    return cell(more.pop("method", "nlm"), {"psnr": list(values)}, **more)


def speed(value: float | None, **more: Any) -> Record:
    return sealed(cost_record(p50=None if value is None else value * 4, **more))


def only(verdict: Verdict) -> Any:
    assert len(verdict.findings) == 1, verdict_lines(verdict)
    return verdict.findings[0]


def with_cell(one: Record, **fields: Any) -> Record:
    return replace(one, cell=changed(one.cell, **fields))


# ----------------------------------------------------------------------------------------- default limits


def test_unchanged_scores_pass() -> None:
    verdict = check([cell()], [cell()])
    assert (verdict.exit_code, verdict.compared, verdict.summary) == (
        0, 2, "no regression: 2 compared, 0 regressions",
    )  # fmt: skip


def test_a_planted_loss_of_a_tenth_of_a_db_is_a_regression() -> None:
    verdict = check([cell()], [cell(scores={"psnr": [29.9] * 8, "ssim": [0.9] * 8})])
    assert verdict.exit_code == 1
    (lost,) = verdict.having(REGRESSION)
    assert (lost.metric, lost.reason) == ("psnr", "the mean dropped by 0.1 dB, more than 0.02 (default)")
    assert lost.change == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("metric", "before", "after", "code"),
    [("psnr", 30.0, 29.98, 0), ("psnr", 30.0, 29.979, 1), ("ssim", 0.9, 0.899, 0), ("ssim", 0.9, 0.8989, 1),
     ("psnr", 30.0, 31.0, 0)],
)  # fmt: skip
def test_the_default_limits_are_exact(metric: str, before: float, after: float, code: int) -> None:
    assert check([cell(scores={metric: [before] * 6})], [cell(scores={metric: [after] * 6})]).exit_code == code


def test_one_picture_that_drops_above_half_a_db_is_a_regression_though_the_mean_rises() -> None:
    found = only(check([psnr(30, 30, 30)], [psnr(31, 29.4, 31)]))
    assert found.status == REGRESSION
    assert found.reason == "picture p001 dropped by 0.6 dB, more than 0.5 (default)"
    assert (found.item, found.worst_item, found.worst) == ("picture", "p001", pytest.approx(0.6))
    assert found.decimals == 2


def test_a_metric_where_lower_is_better_regresses_when_it_rises() -> None:
    rules = [Rule("r:1", metric="mse", max_drop=0.1)]
    before, worse, better = (cell(scores={"mse": [v] * 3}) for v in (1.0, 1.2, 0.5))
    assert [check([before], [now], rules).exit_code for now in (worse, better)] == [1, 0]


@pytest.mark.parametrize("same", [[], [["p000", "p001"]]], ids=["each a unit", "two of one unit"])
def test_a_small_loss_of_a_large_score_is_a_loss_whether_or_not_items_are_of_one_unit(same: list[list[str]]) -> None:
    sides = (psnr(*[value] * 3) for value in (3e9, 3e9 - 1))
    found = only(check(*([with_cell(one, dataset=structs.replace(one.cell.dataset, same=same))] for one in sides)))
    assert (found.status, found.change, found.worst) == (REGRESSION, -1, 1)


def test_an_exact_picture_is_in_no_mean_and_a_lost_one_is_a_regression() -> None:
    assert only(check([psnr(math.inf, 30)], [psnr(math.inf, 30)])).change == 0
    lost = only(check([psnr(math.inf, 30)], [psnr(60, 30)]))
    assert lost.status == REGRESSION
    assert not missing_from(
        finding_line(lost), "psnr: 30.0000 → 30.0000 (0.0000), worst picture p000 (−inf): ", "no longer exact",
        "exact on 1 before", "0 now", "more than 0.02 (default)", "p000 dropped by inf dB", "more than 0.5 (default)",
    )  # fmt: skip
    swapped = only(check([psnr(math.inf, 30)], [psnr(60, math.inf)]))
    assert swapped.status == REGRESSION
    assert not missing_from(
        finding_line(swapped), "psnr: n/d → n/d (n/d), worst picture p000 (−inf): ", "no longer exact",
        "exact on 1 before", "1 now", "more than 0.02 (default)", "p000 dropped by inf dB", "more than 0.5 (default)",
    )  # fmt: skip
    among = only(check([psnr(math.inf, 30, 28)], [psnr(60, math.inf, 28)]))
    assert among.status == REGRESSION and "psnr: 28.0000 → 28.0000 (0.0000)" in finding_line(among)
    within = only(check([psnr(math.inf, 30)], [psnr(math.inf, 29.99)]))
    assert within.status == OK and "psnr: 30.0000 → 29.9900 (−0.0100)" in finding_line(within)


def test_pictures_that_became_exact_hide_no_loss_of_the_others() -> None:
    found = only(check([psnr(30, 30, 30)], [psnr(math.inf, 29.6, 29.6)]))
    assert (found.status, found.reason) == (REGRESSION, "the mean dropped by 0.4 dB, more than 0.02 (default)")
    assert (found.baseline, found.current, found.change) == pytest.approx((30, 29.6, -0.4))
    assert only(check([psnr(30, 30, 30)], [psnr(math.inf, 30, 30)])).status == OK
    assert only(check([psnr(30, 30)], [psnr(math.inf, math.inf)])).change == math.inf


def test_pictures_that_are_exact_on_both_sides_dilute_no_loss() -> None:
    exact = [math.inf] * 11
    found = only(check([psnr(*exact, 30)], [psnr(*exact, 29.8)]))
    assert (found.status, found.reason) == (REGRESSION, "the mean dropped by 0.2 dB, more than 0.02 (default)")


def test_a_share_of_the_mean_is_of_the_pictures_that_neither_side_has_exact() -> None:
    rules = [Rule("r:1", metric="psnr", max_relative=0.01, max_drop=math.inf, max_drop_item=math.inf)]
    assert only(check([psnr(math.inf, 30)], [psnr(math.inf, 29.9)], rules)).status == OK
    assert only(check([psnr(math.inf, 30)], [psnr(math.inf, 29)], rules)).reason == (
        "the mean dropped by 3.333%, more than 1.000% (r:1)"
    )
    assert only(check([psnr(math.inf, 30)], [psnr(60, 30)], rules)).reason == (
        "no longer exact on 1 picture (exact on 1 before and 0 now), more than 1.000% (r:1)"
    )


def test_what_fell_without_bounds_is_a_loss_whatever_else_rose() -> None:
    found = only(check([psnr(30, -math.inf, 30)], [psnr(-math.inf, 30, 30)]))
    assert found.status == REGRESSION and "mean dropped by inf" in found.reason


def test_a_cell_of_schema_1_has_the_same_limits_and_passes_and_fails_alike() -> None:
    rng = np.random.default_rng(0)
    for drop in (0.0, 0.019, 0.021, 0.6):
        scores = {"psnr": rng.normal(30, 2, 8), "ssim": rng.uniform(0.5, 0.9, 8), "mse": rng.random(8)}
        lower = {"psnr": scores["psnr"] - drop, "ssim": scores["ssim"] - drop / 20, "mse": scores["mse"] + drop}
        now = check([cell(scores=scores)], [cell(scores=lower)])
        old = check([old_cell(scores=scores)], [cell(scores=lower)])
        assert verdict_values(old) == verdict_values(now)
        assert verdict_values(check([old_cell(scores=scores)], [old_cell(scores=lower)])) == verdict_values(now)


def old_cell(**more: Any) -> Record:
    one = as_schema_1(cell(**more))
    assert "data" not in one.cell.inputs and "pictures" in one.cell.inputs
    return with_cell(one, key=key_of(one.cell.inputs))


def fit(*rmse: float, **more: Any) -> Record:
    more = {"dataset": "bumps", "protocol": "held_out", "rank_by": "rmse", "track": "functions", **more}
    return cell(more.pop("method", "spline"), {"rmse": list(rmse)}, **more)


def test_where_no_rule_speaks_a_metric_has_the_limits_that_it_declares() -> None:
    assert check([fit(0.1, 0.1)], [fit(0.1009, 0.1009)]).exit_code == 0
    found = only(check([fit(0.1, 0.1)], [fit(0.1011, 0.1011)]))
    assert finding_line(found).partition("seed 0 · ")[2] == (
        "rmse: 0.10000 → 0.10110 (+0.00110), worst function p000 (+0.00110): "
        "the mean rose by 0.0011, more than 0.001 (default)"
    )
    rules = [Rule("r:1", metric="rmse", max_drop_item=0.5, max_drop=math.inf)]
    assert only(check([fit(0.1, 0.1)], [fit(0.1, 0.7)], rules)).reason == (
        "function p001 rose by 0.6, more than 0.5 (r:1)"
    )


def test_a_cell_of_another_track_is_no_partner() -> None:
    alike = {"method": "nlm", "dataset": "photos", "protocol": "uint8"}
    found = only(check([fit(0.1, **alike)], [psnr(30)]))
    assert (found.status, found.reason) == (REGRESSION, "missing: the track is absent: there is restore")


# ------------------------------------------------------------------------------ what vanished, what failed


def test_a_renamed_method_is_a_missing_cell_and_named() -> None:
    found = only(check([cell("nlm")], [cell("nlm2")]))
    assert found.status == REGRESSION
    assert found.reason == "missing: the method is absent: did you mean 'nlm2'?"


def test_a_renamed_dataset_with_the_same_pictures_still_compares() -> None:
    now = cell(dataset="photos")
    data = structs.replace(now.cell.dataset, name="pics", spec="pics", display="pics")
    verdict = check([cell()], [sealed(with_cell(now, dataset=data))])
    assert (verdict.exit_code, verdict.compared) == (0, 2)
    assert {f.status for f in verdict.findings} == {OK}


def test_an_empty_current_store_is_a_regression_not_a_pass() -> None:
    verdict = check([cell()], [])
    assert (verdict.exit_code, verdict.compared) == (1, 0)
    assert only(verdict).status == REGRESSION and only(verdict).reason.startswith("missing: ")


@pytest.mark.parametrize("outcome", ["failed", "oom", "timeout", "crashed", "invalid", "skipped"])
def test_a_newly_failing_cell_is_a_regression(outcome: str) -> None:
    found = only(check([cell()], [cell(scores={"psnr": [], "ssim": []}, outcome=outcome, reason="boom")]))
    assert (found.status, found.reason) == (REGRESSION, f"newly {outcome}: boom")


def test_a_cell_that_failed_in_the_baseline_is_not_counted_and_alone_it_is_nothing_comparable() -> None:
    verdict = check([cell(scores={"psnr": []}, outcome="failed", reason="boom")], [cell()])
    assert (only(verdict).status, verdict.exit_code) == (UNCOUNTED, 3)
    assert not missing_from(only(verdict).reason, "baseline cell", "failed: boom")


def test_a_metric_that_was_not_scored_is_missing() -> None:
    verdict = check([cell()], [psnr(*[30.0] * 8)])
    assert [f.reason for f in verdict.having(REGRESSION)] == ["missing: ssim was not scored"]


def test_a_score_that_is_no_longer_defined_is_a_regression() -> None:
    found = only(check([psnr(30, 30)], [psnr(30, math.nan, row_notes=["", "too small"])]))
    assert not missing_from(found.reason, "psnr ", "no longer defined on 1 picture", "p001")


# ------------------------------------------------------------------------------------- not comparable: 3


def test_other_inputs_are_not_comparable() -> None:
    verdict = check([cell()], [cell(inputs="other noise")])
    assert (only(verdict).status, verdict.exit_code) == (INCOMPARABLE, 3)
    assert not missing_from(only(verdict).reason, "none of its 8 inputs", "the regime", "the same pictures")


def test_a_changed_dataset_is_not_comparable_and_both_fingerprints_are_told() -> None:
    now = cell(inputs="new")
    changed = sealed(with_cell(now, dataset=structs.replace(now.cell.dataset, fingerprint="f" * 64)))
    verdict = check([cell()], [changed])
    assert verdict.exit_code == 3
    assert only(verdict).reason.endswith("→ ffffffffffff)")


def test_pictures_that_vanished_are_said_and_the_others_still_judged() -> None:
    now = psnr(29, 29, items=["p000", "p001"])
    smaller = sealed(with_cell(now, dataset=structs.replace(now.cell.dataset, fingerprint="f" * 64)))
    verdict = check([psnr(30, 30, 30)], [smaller])
    assert [(f.status, f.items) for f in verdict.findings] == [(INCOMPARABLE, 0), (REGRESSION, 2)]
    assert "1 of its 3 inputs is not there" in verdict.findings[0].reason


def test_pictures_that_the_baseline_lacks_are_said_to_be_guarded_by_nothing() -> None:
    now = psnr(30, 30, 12, items=["p000", "p001", "p002"])
    larger = sealed(with_cell(now, dataset=structs.replace(now.cell.dataset, fingerprint="f" * 64)))
    verdict = check([psnr(30, 30)], [larger])
    assert [(f.status, f.items) for f in verdict.findings] == [(UNCOUNTED, 0), (OK, 2)]
    assert not missing_from(verdict.findings[0].reason, "1 picture more", "baseline", "`check --update` adds it")
    assert verdict.summary == "no regression: 1 compared, 0 regressions, 1 not counted"


def test_what_passes_only_in_part_says_so_first() -> None:
    verdict = check([cell(), cell("median")], [cell(), cell("median", protocol="float")])
    assert verdict.exit_code == 0
    assert verdict.summary.startswith("NOT ALL COMPARABLE, ")
    assert verdict.summary.endswith(": 2 compared, 0 regressions, 1 not comparable")


def test_another_protocol_is_not_comparable() -> None:
    verdict = check([cell()], [cell(protocol="float")])
    assert (only(verdict).reason, verdict.exit_code) == ("other protocol: float@1, not uint8@1", 3)


def test_another_metric_version_is_not_comparable() -> None:
    now = psnr(*[20.0] * 8)
    metrics = {"psnr": structs.replace(now.cell.metrics["psnr"], version=2)}
    verdict = check([psnr(*[30.0] * 8)], [sealed(with_cell(now, metrics=metrics))])
    assert only(verdict).reason == "other metric version: psnr is at 2, the baseline has 1"
    assert verdict.exit_code == 3


def test_a_baseline_edited_by_hand_is_not_comparable() -> None:
    one = cell()
    assert why_edited(one) is None
    inputs = {**one.cell.inputs, "source": "other"}
    verdict = check([with_cell(one, inputs=inputs)], [cell()])
    assert verdict.exit_code == 3
    assert not missing_from(only(verdict).reason, "baseline cell", "edited by hand", "its inputs", "its key")


def test_a_current_cell_edited_by_hand_does_not_pass() -> None:
    verdict = check([cell()], [with_cell(cell(), inputs={})])
    assert not missing_from(only(verdict).reason, "current cell", "edited by hand") and verdict.exit_code == 3
    beside = check([cell(), cell("bm3d")], [with_cell(cell(), inputs={}), cell("bm3d")])
    assert (beside.compared, beside.exit_code) == (2, 3)


def test_a_baseline_with_rows_cut_out_is_not_comparable() -> None:
    found = only(check([psnr(30, 30, pictures=3)], [psnr(30, 30)]))
    assert not missing_from(found.reason, "baseline cell", "2 of 3 pictures are stored")


def test_an_empty_baseline_compares_nothing() -> None:
    verdict = check([], [cell()])
    assert (verdict.exit_code, verdict.summary) == (3, "NOTHING COMPARABLE: 0 compared, 0 regressions")


def test_metrics_without_a_rule_are_not_counted() -> None:
    verdict = check([cell(scores={"mse": [1.0]})], [cell(scores={"mse": [9.0]})])
    assert (only(verdict).metric, verdict.exit_code) == ("", 3)
    assert not missing_from(only(verdict).reason, "no rule", "metrics (mse)")


def test_a_regression_outweighs_what_is_not_comparable() -> None:
    verdict = check(
        [cell(), cell("bm3d")], [cell(protocol="float"), cell("bm3d", {"psnr": [20] * 8, "ssim": [0.9] * 8})]
    )
    assert verdict.exit_code == 1
    assert [(f.metric, f.status) for f in verdict.findings] == [("psnr", REGRESSION), ("ssim", OK), ("", INCOMPARABLE)]


def test_a_nan_in_the_baseline_is_named() -> None:
    with pytest.raises(UsageError, match=r"base.json: psnr of picture 'p001' in cell .* \(nlm\) is NaN"):
        check([psnr(30, math.nan)], [psnr(30, 30)], names=("base.json", "now"))


def test_findings_are_the_same_however_many_cells_and_scores_are_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = [cell(m, {"psnr": [30, 31, 32], "mse": [1, 2, 3]}, seed=n) for m in ("nlm", "tv", "bm3d") for n in (0, 1)]
    before += [psnr(30, math.inf, method="exact"), psnr(30, 31, method="gone"), psnr(30, math.nan, method="undefined")]
    now = [cell(r.cell.method.name, {"psnr": [30, 31.2, 31], "mse": [1, 2, 4]}, seed=r.cell.seed)
           for r in before[:5]] + [psnr(29, math.inf, method="exact"), psnr(30, method="new")]  # fmt: skip
    rules = [Rule("r:1", metric="mse", max_drop=0.1)]

    def found() -> tuple[Verdict, str]:
        with pytest.raises(UsageError, match="is NaN") as refused:
            check(before, now, rules)
        return check(before[:-1], now, rules), str(refused.value)

    whole = found()
    assert [len(whole[0].having(status)) for status in (REGRESSION, OK)] == [13, 0]
    for name in ("gate.check._AT_ONCE", "comparing.score_tables._SCORES_AT_ONCE",
                 "comparing.plain_pairs._SCORES_AT_ONCE"):  # fmt: skip
        monkeypatch.setattr(f"noisebench.{name}", 2)
    monkeypatch.setattr("noisebench.comparing.pairing._PAIRINGS", 1)
    assert found() == whole


def test_a_score_that_the_baseline_explains_as_not_defined_is_left_out() -> None:
    found = only(check([psnr(30, math.nan, row_notes=["", "too small"])], [psnr(30, 10)]))
    assert (found.status, found.items) == (OK, 1)


def test_a_new_version_of_the_source_is_what_is_judged() -> None:
    verdict = check([psnr(30, 30)], [psnr(29, 29, source="new")])
    assert (verdict.exit_code, only(verdict).status, only(verdict).change) == (1, REGRESSION, pytest.approx(-1))


def test_two_versions_in_the_current_store_are_both_judged_and_told_apart() -> None:
    verdict = check([psnr(30, 30)], [psnr(30, 30), psnr(29, 29, source="new")])
    assert sorted(f.status for f in verdict.findings) == [OK, REGRESSION]
    assert all("→ nlm [" in f.method for f in verdict.findings)
    assert "one of 2 versions in the store: run into a new --store" in verdict.having(REGRESSION)[0].reason


def test_differing_environments_and_new_cells_are_said() -> None:
    verdict = check([cell()], [cell(environment={"python": "3.13.0"}), cell("new", regime="poisson(peak=30)")])
    lines = verdict_lines(verdict)
    assert "not in the baseline: 1 cell, such as new · photos · poisson(peak=30)" in lines
    assert "environment differs: torch 2.5.0 → absent or 2.5.0" not in lines
    assert any(line.startswith("environment differs: python 3.11.9 → 3.11.9 or 3.13.0") for line in lines)


# --------------------------------------------------------------------------------------------------- rules


def rules_of(tmp_path: Path, text: str) -> tuple[Rule, ...]:
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    return read_rules(tmp_path / "rules.yaml")


def judged(rules: Sequence[Rule], before: Sequence[Record], now: Sequence[Record]) -> int:
    return check(before, now, rules).exit_code


def test_a_later_rule_wins_limit_by_limit(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, method: 'n*', max_drop: 1}\n")
    assert judged(rules, [psnr(30, 30)], [psnr(29.6, 29.6)]) == 0
    assert judged(rules, [psnr(30, 30)], [psnr(29.4, 30)]) == 1  # the default for one picture still holds
    assert judged(rules, [psnr(30, 30), psnr(30, 30, method="bm3d")],
                  [psnr(30, 30), psnr(29.9, 29.9, method="bm3d")]) == 1  # fmt: skip


def test_an_infinite_limit_switches_a_default_off(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, max_drop: .inf, max_drop_item: .inf}\n")
    assert judged(rules, [psnr(30, 30)], [psnr(3, 3)]) == 3


def test_a_relative_limit(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: mse, max_relative: 0.1}\n")
    before = cell(scores={"mse": [2.0] * 3})
    assert judged(rules, [before], [cell(scores={"mse": [2.2] * 3})]) == 0
    assert judged(rules, [before], [cell(scores={"mse": [2.21] * 3})]) == 1


def test_at_least_so_much_above_the_baseline_method(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, method: nlm, min_above_baseline: 5}\n")
    before = [psnr(26, 26), psnr(20, 20, method="identity")]
    assert judged(rules, before, before) == 0
    high = [psnr(26, 26), psnr(21.5, 21.5, method="identity")]
    verdict = check(before, high, rules)
    assert not missing_from(verdict.having(REGRESSION)[0].reason, "4.5 above the noisy input", "less than 5 (")
    with pytest.raises(
        UsageError, match=r"rules\.yaml:1: min_above_baseline .* role 'baseline' \(noisy input\) in CURRENT on photos"
    ):
        check([psnr(26, 26)], [psnr(26, 26)], rules)


def test_the_old_names_of_two_limits_are_still_read(tmp_path: Path) -> None:
    old = rules_of(tmp_path, "- {metric: psnr, max_drop: .inf, max_drop_picture: 1, min_above_identity: 2}\n")
    assert old == rules_of(tmp_path, "- {metric: psnr, max_drop: .inf, max_drop_item: 1, min_above_baseline: 2}\n")
    assert (old[0].max_drop_item, old[0].min_above_baseline) == (1.0, 2.0)


def test_must_stay_first(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, method: nlm, must_stay_first: true}\n")
    before = [psnr(30, 30), psnr(29, 29, method="bm3d")]
    assert judged(rules, before, before) == 0
    verdict = check(before, [psnr(30, 30), psnr(30.5, 30.5, method="bm3d")], rules)
    assert verdict.having(REGRESSION)[0].reason.startswith("no longer first: bm3d is ahead by 0.5 (")
    new = check(before, [*before, psnr(40, 40, method="newcomer")], rules)
    assert new.exit_code == 1
    oracle = psnr(90, 90, method="oracle", flags={"oracle": True})
    assert judged(rules, before, [*before, oracle]) == 0


def test_a_picture_that_a_rival_has_exact_puts_it_not_ahead(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, method: nlm, must_stay_first: true}\n")
    before = [psnr(30, 30), psnr(29, 29, method="bm3d")]
    assert judged(rules, before, [psnr(30, 30), psnr(29, math.inf, method="bm3d")]) == 0
    verdict = check(before, [psnr(30, 30), psnr(31, math.inf, method="bm3d")], rules)
    assert verdict.having(REGRESSION)[0].reason.startswith("no longer first: bm3d is ahead by 1 (")


def test_a_picture_that_is_exact_puts_no_method_above_the_baseline(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {metric: psnr, method: nlm, min_above_baseline: 5}\n")
    now = [psnr(24, math.inf), psnr(20, 20, method="identity")]
    verdict = check(now, now, rules)
    assert not missing_from(verdict.having(REGRESSION)[0].reason, "4 above the noisy input", "less than 5 (")


def test_speed_is_off_by_default_and_a_ratio_when_asked(tmp_path: Path) -> None:
    before, slow = [cell(), speed(1.0)], [cell(), speed(2.0)]
    assert check(before, slow).exit_code == 0
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    assert judged(rules, before, before) == 0
    (found,) = check(before, slow, rules).having(REGRESSION)
    assert (found.metric, found.change) == ("max_latency_rel", 2.0)
    assert not missing_from(found.reason, "2 × ", "baseline's relative latency", "more than 1.5 (")


def busy(cpu: float, p50: float, reference: float, reference_cpu: float = 2.0) -> Record:
    one = speed(1.0)
    assert one.cell.cost is not None
    cost = structs.replace(one.cell.cost, latency_cpu_ms=cpu, reference_ms=reference, reference_cpu_ms=reference_cpu,
            latency_ms={"p50": p50, "p90": p50, "min": p50}, latency_rel=p50 / reference)  # fmt: skip
    return with_cell(one, cost=cost)


def test_on_a_busy_machine_cpu_time_is_what_tells_a_slow_down(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    calm = busy(cpu=10, p50=10.5, reference=2.1)
    # The reference waited for others, so its latency says nothing: the same work is no regression, twice the work is.
    assert judged(rules, [cell(), calm], [cell(), busy(cpu=10, p50=65, reference=8)]) == 0
    (found,) = check([cell(), calm], [cell(), busy(cpu=20, p50=60, reference=30)], rules).having(REGRESSION)
    assert not missing_from(found.reason, "2 × ", "baseline's relative CPU time", "more than 1.5 (")
    assert (found.baseline, found.current) == (5.0, 10.0)
    # On a calm machine it is latency that counts, and for a call that sleeps always.
    assert judged(rules, [cell(), calm], [cell(), busy(cpu=10, p50=21, reference=2.1)]) == 1
    assert judged(rules, [cell(), calm], [cell(), busy(cpu=10, p50=210, reference=5)]) == 1


def slept(tmp_path: Path, strict: bool = False) -> Verdict:
    """A method that sleeps 20 ms a call now, on a busy machine: its work is what it was."""
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    before, now = busy(cpu=10, p50=10.5, reference=2.1), busy(cpu=9.36, p50=43, reference=5)
    return check([cell(), before], [cell(), now], rules, strict_speed=strict)


SLEPT = (
    "the machine was busy (the reference operation took 2.5 × its idle time), so wall-clock time cannot be judged: "
    "0.936 × by CPU time, up to 4.3 × by the clock, limit 1.5 ("
)


def test_a_sleep_on_a_busy_machine_is_undecided_and_never_passes_as_ok(tmp_path: Path) -> None:
    verdict = slept(tmp_path)
    (found,) = verdict.having(UNDECIDED)
    assert found.reason.startswith(f"{SLEPT}{tmp_path / 'rules.yaml'}:1): ") and "idle machine" in found.reason
    assert [f.metric for f in verdict.having(OK)] == ["psnr", "ssim"]
    assert (verdict.exit_code, verdict.compared) == (0, 2)
    assert verdict.summary.startswith("SPEED UNDECIDED, no regression ")
    assert verdict.summary.endswith(": 2 compared, 0 regressions, 1 undecided")
    assert verdict_lines(verdict)[0].startswith(
        f"UNDECIDED  nlm · cost at 256×256, cpu, 1 thread · gaussian(sigma=25) · max_latency_rel: {SLEPT}"
    )


def test_an_undecided_speed_is_in_words_in_every_output_and_red_where_asked(tmp_path: Path) -> None:
    for strict, code, counts in ((False, 0, ["3", "0", "1"]), (True, 1, ["3", "1", "0"])):
        verdict = slept(tmp_path, strict)
        values, text = verdict_values(verdict), verdict_markdown(verdict)
        assert (verdict.exit_code, values["exit_code"], values["undecided"], values["regressions"]) == (
            code,
            code,
            1,
            0,
        )
        assert "## Undecided" in text and f"undecided: {SLEPT}" in text.replace("\\", "")
        assert text.startswith("# ❌" if strict else "# ✅")
        root = ET.fromstring(verdict_junit(verdict))
        assert [root.get(k) for k in ("tests", "failures", "skipped")] == counts
        (case,) = root.iter("failure" if strict else "skipped")
        assert str(case.get("message")).startswith(f"undecided: {SLEPT}")
    assert verdict.summary == "SPEED UNDECIDED: 2 compared, 0 regressions, 1 undecided"


def test_a_speed_that_alone_is_undecided_is_nothing_comparable(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    before, now = busy(cpu=10, p50=10.5, reference=2.1), busy(cpu=9.36, p50=43, reference=5)
    assert check([before], [now], rules).exit_code == 3


def test_the_clock_decides_on_a_busy_machine_where_even_its_waits_are_within_the_limit(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    before, now = busy(cpu=10, p50=10.5, reference=2.1), busy(cpu=10, p50=12, reference=2.3)
    (found,) = (f for f in check([cell(), before], [cell(), now], rules).findings if f.setting)
    assert (found.status, found.reason) == (OK, "on a busy machine: at most 1.2 × by the clock")
    assert (found.baseline, found.current, found.change) == pytest.approx((5, 6, 1.2))
    # A measurement is as fast as itself, however busy its machine was.
    busy_one = busy(cpu=10, p50=65, reference=8)
    assert check([cell(), busy_one], [cell(), busy_one], rules).compared == 3


def test_what_sleeps_longer_is_seen_though_a_busy_machine_slows_the_reference(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    before = busy(cpu=10, p50=210, reference=2.1)
    for p50, status in ((210, OK), (420, UNDECIDED), (900, REGRESSION)):
        now = busy(cpu=10, p50=p50, reference=5)
        (found,) = (f for f in check([cell(), before], [cell(), now], rules).findings if f.setting)
        assert found.status == status, found.reason


def timed_on(cpu: str, value: float, factor: float = 1.0, **more: Any) -> Record:
    """A cost of a processor whose convolution takes `factor` times 4 ms; 0: without the other references."""
    one = speed(value, **more)
    assert one.cell.cost is not None
    ms = {"compute": 4.0 * factor, "cache": 1.0, "memory": 8.0, "serial": 1.0}
    cost = structs.replace(one.cell.cost, references_ms=ms) if factor else one.cell.cost
    return with_cell(one, cost=cost, environment={**one.cell.environment, "cpu": cpu})


# On the processor of now the convolution takes twice as long, and all else as long: factors of 1, 2, 2 and 2.
ACROSS = [
    (0.5, OK, "{apart}: 0.5 to 1 × by the reference operations"),
    (1.0, UNDECIDED, "{apart}: 1 to 2 × by the reference operations, limit 1.5 ({rule}): measure both on one"),
    (1.6, REGRESSION, "at least 1.6 × the baseline's relative latency, more than 1.5 ({rule}), {apart}: 1.6 to 3.2 × "
                      "by the reference operations"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "status", "reason"), ACROSS)
def test_across_processors_a_speed_is_judged_by_its_range_over_the_references(
    now: float, status: str, reason: str, tmp_path: Path
) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    before = [cell(), timed_on("EPYC", 1.0)]
    (found,) = (f for f in check(before, [cell(), timed_on("Xeon", now, 2.0)], rules).findings if f.setting)
    apart, rule = "timed on different processors (EPYC and Xeon)", f"{tmp_path / 'rules.yaml'}:1"
    assert (found.status, found.reason) == (status, reason.format(apart=apart, rule=rule))
    # Between two of one processor the ratio is what it was, whatever its references took.
    (alike,) = (f for f in check(before, [cell(), timed_on("EPYC", now, 2.0)], rules).findings if f.setting)
    assert (alike.status, alike.change) == (OK if now <= 1.5 else REGRESSION, now)


def test_a_speed_of_another_processor_without_its_references_is_undecided(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    for older, newer in ((0.0, 1.0), (1.0, 0.0), (0.0, 0.0)):
        before, now = [cell(), timed_on("EPYC", 1.0, older)], [cell(), timed_on("Xeon", 9.0, newer)]
        (found,) = (f for f in check(before, now, rules).findings if f.setting)
        assert found.status == UNDECIDED
        assert "(EPYC and Xeon)" in found.reason and ": measure both again" in found.reason
        assert [check(before, now, rules, strict_speed=strict).exit_code for strict in (False, True)] == [0, 1]


def test_a_rival_of_another_processor_is_judged_by_the_range_too(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, must_not_be_slower_than: bm3d}\n")
    before = [cell(), speed(1.0)]
    for own, status in ((0.4, OK), (0.9, UNDECIDED), (1.2, REGRESSION)):
        now = [cell(), timed_on("Xeon", own, 2.0), timed_on("EPYC", 1.0, method="bm3d")]
        (found,) = (f for f in check(before, now, rules).findings if f.metric == "must_not_be_slower_than")
        assert found.status == status, found.reason


def test_strict_speed_needs_a_rule_on_speed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = export(tmp_path / "b.json", cell(), busy(cpu=10, p50=10.5, reference=2.1))
    now = export(tmp_path / "n.json", cell(), busy(cpu=9.36, p50=43, reference=5))
    assert main(["check", str(base), str(now), "--strict-speed"]) == 2
    said = capsys.readouterr().err
    assert not missing_from(said, "noisebench check: --strict-speed ", "--rules", "max_latency_rel\n")
    (tmp_path / "rules.yaml").write_text("- {method: nlm, max_latency_rel: 1.5}\n")
    words = ["check", str(base), str(now), "--rules", str(tmp_path / "rules.yaml")]
    assert [main(words), main([*words, "--strict-speed"])] == [0, 1]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([psnr(30, 31)], [psnr(30)]),
        ([psnr(30), FAILED], [psnr(30), psnr(30, method="net")]),
    ],
    ids=["a picture is gone", "not ok in the baseline"],
)
def test_what_is_not_guarded_is_red_where_the_check_is_strict(before: list[Record], now: list[Record]) -> None:
    lenient, strict = check(before, now), check(before, now, strict=True)
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert lenient.summary.startswith("NOT ALL ") and strict.summary.startswith("NOT ALL ")
    assert [ET.fromstring(verdict_junit(one)).get("failures") for one in (lenient, strict)] == ["0", "1"]
    assert check(now, now, strict=True).exit_code == 0


def test_a_store_before_a_file_may_be_the_wrong_way_round(cli: Run, tmp_path: Path) -> None:
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "gaussian(sigma=25)")
    cli("check", "base.json", "nb-store", "--update")
    assert not missing_from(cli("check", "nb-store", "base.json").stdout, "BASELINE is a store", "name it first")
    assert "name it first" not in cli("check", "base.json", "nb-store").stdout


def beside_reference(version: int, one: Record) -> Record:
    inputs = {**one.cell.inputs, "reference": version}
    return with_cell(one, inputs=inputs, key=key_of(inputs))


def test_costs_beside_other_reference_operations_are_not_comparable(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, max_latency_rel: 1.5}\n")
    newer = beside_reference(2, speed(9.0))
    verdict = check([cell(), speed(1.0)], [cell(), newer], rules)
    (found,) = verdict.having(INCOMPARABLE)
    assert (found.metric, verdict.having(REGRESSION)) == ("max_latency_rel", ())
    assert not missing_from(found.reason, "reference operations (versions 1 and 2): ", "measure both again")
    # An older cost that is still there does not stand in for the newer one.
    assert check([cell(), speed(1.0)], [cell(), speed(1.0), newer], rules).having(INCOMPARABLE)
    assert check([cell(), beside_reference(2, speed(1.0))], [cell(), newer], rules).exit_code == 1


def test_a_rival_beside_another_reference_operation_is_not_comparable(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, must_not_be_slower_than: bm3d}\n")
    now = [cell(), speed(9.0), beside_reference(2, speed(1.0, method="bm3d"))]
    (found,) = check([cell(), speed(1.0)], now, rules).having(INCOMPARABLE)
    assert found.metric == "must_not_be_slower_than"


def test_a_cost_that_vanished_failed_or_cannot_be_measured_is_a_regression(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {max_latency_rel: 1.5}\n")
    for now, reason in (
        ([], "missing: no cost cell at 256×256, cpu, 1 thread"),
        ([speed(None)], "no longer measured: no reason is stored"),
        ([speed(1.0, outcome="timeout")], "no longer measured: timeout"),
    ):
        verdict = check([cell(), speed(1.0)], [cell(), *now], rules)
        assert verdict.exit_code == 1
        assert [(f.metric, f.reason) for f in verdict.having(REGRESSION)] == [("max_latency_rel", reason)]


def test_a_cost_that_newly_fails_is_a_regression_without_any_rule() -> None:
    (found,) = check([cell(), speed(1.0)], [cell(), speed(1.0, outcome="oom", reason="8 GiB")]).having(REGRESSION)
    assert (found.metric, found.reason) == ("", "no longer measured: oom: 8 GiB")
    assert check([cell(), speed(1.0)], [cell()]).exit_code == 0


def test_a_method_must_not_be_slower_than_another_of_now(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, must_not_be_slower_than: bm3d}\n")
    before = [cell(), speed(1.0), speed(1.5, method="bm3d")]
    assert judged(rules, before, before) == 0
    now = [cell(), speed(3.0), speed(2.0, method="bm3d")]
    (found,) = check(before, now, rules).having(REGRESSION)
    assert (found.metric, found.change) == ("must_not_be_slower_than", 1.5)
    assert found.reason.startswith("1.5 × the relative latency of bm3d (")
    with pytest.raises(UsageError, match=r"rules.yaml:1: must_not_be_slower_than .* cost cell of 'bm3d' in CURRENT"):
        check(before, [cell(), speed(1.0)], rules)
    assert judged(rules, before, [cell(), speed(1.0, method="bm3d")]) == 1  # its own cost is missing


GREY, COLOUR = (32, 32), (32, 32, 3)


def at(size: tuple[int, ...], value: float | None, method: str = "nlm", **more: Any) -> Record:
    """A cost at a size of picture; one without a value was skipped."""
    outcome = {"outcome": "skipped", "reason": "for the other pictures"} if value is None else {}
    one = speed(value, method=method, **{**outcome, **more})
    inputs = {**one.cell.inputs, "size": [*size]}
    return with_cell(one, inputs=inputs, key=key_of(inputs))


def rgb() -> list[Record]:
    """The costs of a method that is for colour alone."""
    return [at(GREY, None, "rgb"), at(COLOUR, 2.0, "rgb")]


@pytest.mark.parametrize(
    ("method", "rival", "uncounted"),
    [("rgb", "nlm", "the baseline has no latency: skipped: for the other pictures"),
     ("nlm", "rgb", "the baseline has no latency of 'rgb': skipped: for the other pictures")],
)  # fmt: skip
def test_a_rival_is_compared_where_both_are_measured(tmp_path: Path, method: str, rival: str, uncounted: str) -> None:
    rules = rules_of(tmp_path, f"- {{method: {method}, must_not_be_slower_than: {rival}}}\n")
    before = [cell(), at(GREY, 1.0), at(COLOUR, 2.0), *rgb()]
    verdict = check(before, before, rules)
    (found,) = verdict.having(UNCOUNTED)
    assert (verdict.exit_code, found.metric, found.reason) == (0, "must_not_be_slower_than", uncounted)
    assert found.dataset == "cost at 32×32, cpu, 1 thread"
    assert [f.change for f in verdict.findings if f.metric == found.metric and f.measured] == [1.0]
    slower = [cell(), at(GREY, 1.0), at(COLOUR, 2.0), *rgb()]
    slower[2 if method == "nlm" else 4] = at(COLOUR, 5.0, method)
    (lost,) = check(before, slower, rules).having(REGRESSION)
    assert (lost.dataset, lost.change) == ("cost at 32×32×3, cpu, 1 thread", 2.5)
    new = check(before, [*before[:3], at(GREY, 1.0, "rgb"), before[4]], rules)
    assert (new.exit_code, new.having(UNCOUNTED), new.compared) == (0, (), 4), "measured for the first time"


def test_a_size_that_a_rival_was_never_tried_at_is_not_counted(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, must_not_be_slower_than: rgb}\n")
    both = [cell(), at(GREY, 1.0), at(COLOUR, 2.0), at(COLOUR, 2.0, "rgb")]
    (found,) = check(both, both, rules).having(UNCOUNTED)
    assert found.reason.endswith("no latency of 'rgb': no cost cell at 32×32, cpu, 1 thread")


@pytest.mark.parametrize(
    ("size", "method", "now", "reason"),
    [(COLOUR, "nlm", at(COLOUR, None), "no longer measured: skipped: for the other pictures"),
     (COLOUR, "nlm", None, "missing: no cost cell at 32×32×3, cpu, 1 thread"),
     (COLOUR, "bm3d", at(COLOUR, None, "bm3d"), "'bm3d': no longer measured: skipped: for the other pictures"),
     (GREY, "bm3d", None, "'bm3d': missing: no cost cell at 32×32, cpu, 1 thread")],
)  # fmt: skip
def test_a_cost_that_was_beside_its_rival_and_is_not_now_is_a_regression(
    tmp_path: Path, size: tuple[int, ...], method: str, now: Record | None, reason: str
) -> None:
    rules = rules_of(tmp_path, "- {method: nlm, must_not_be_slower_than: bm3d}\n")
    costs = {(s, m): at(s, 1.0, m) for s in (GREY, COLOUR) for m in ("nlm", "bm3d")}
    left = {**costs, (size, method): now}
    verdict = check([cell(), *costs.values()], [cell(), *filter(None, left.values())], rules)
    assert [f.reason for f in verdict.having(REGRESSION) if f.metric == "must_not_be_slower_than"] == [reason]
    assert (verdict.exit_code, verdict.having(UNCOUNTED)) == (1, ())


def test_a_rule_for_all_methods_asks_nothing_of_the_rival(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: '*', must_not_be_slower_than: bm3d}\n")
    both = [cell(), at(GREY, 1.0), at(GREY, 2.0, "bm3d")]
    assert check(both, both, rules).exit_code == 0
    slower = [cell(), at(GREY, 9.0), at(GREY, 2.0, "bm3d")]
    assert [f.method for f in check(slower, slower, rules).having(REGRESSION)] == ["nlm"]


def test_a_rival_that_is_measured_nowhere_where_the_method_is_is_refused(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "- {method: rgb, must_not_be_slower_than: grey}\n")
    before = [cell(), *rgb(), at(GREY, 1.0, "grey"), at(COLOUR, None, "grey")]
    message = (
        "rules.yaml:1: must_not_be_slower_than needs an ok cost cell of 'grey' in CURRENT at 32×32×3, cpu, 1 thread, "
        "to compare rgb with: skipped: for the other pictures"
    )
    with pytest.raises(UsageError, match=re.escape(message) + "$"):
        check(before, before, rules)
    with pytest.raises(UsageError, match="to compare rgb with: add .* methods$"):
        check(before, [cell(), *rgb()], rules)
    # A method that is skipped itself is no fault of its rival.
    nowhere = [cell(), at(GREY, None, "rgb"), at(GREY, 1.0, "grey")]
    (found,) = check(nowhere, nowhere, rules).having(UNCOUNTED)
    assert found.reason.endswith("no latency: skipped: for the other pictures")


@pytest.mark.parametrize(
    ("rule", "message"),
    [("{metric: psnr, method: nml, max_drop: 1}", "matches no cell of the baseline: method 'nml', did you mean 'nlm'?"),
     ("{metric: vif, max_drop: 1}", "metric 'vif', known: psnr, ssim"),
     ("{max_latency_rel: 2}", "max_latency_rel matches no cost cell of the baseline")],
)  # fmt: skip
def test_a_rule_that_would_guard_nothing_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    rules = rules_of(tmp_path, f"- {rule}\n")
    with pytest.raises(UsageError, match=r"rules\.yaml:1: ") as caught:
        check([cell()], [cell()], rules)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("psnr: 1\n", "rules.yaml:1: a list of rules was due"),
        ("- {metric: psnr, max_drop: 1}\n- {metric: psnr, max_dorp: 1}\n",
         "rules.yaml:2: unknown key 'max_dorp' in a rule: did you mean 'max_drop'?"),
        ("- metric: psnr\n  max_drop: -1\n", "rules.yaml:2: max_drop must be a number from 0 (.inf: no limit), not -1"),
        (f"- metric: psnr\n  max_drop: {'9' * 400}\n", "rules.yaml:2: max_drop must be a number from 0"),
        (f"- metric: psnr\n  min_above_baseline: {'9' * 400}\n", "min_above_baseline must be a number, not 9"),
        (f"- max_latency_rel: {'9' * 400}\n", "max_latency_rel must be a ratio above 0"),
        (f"- metric: psnr\n  max_drop: {'9' * 5000}\n", "rules.yaml:2: max_drop cannot be read (Exceeds the limit"),
        ("- metric: psnr\n  max_drop: .nan\n", "rules.yaml:2: max_drop must be a number from 0"),
        ("- metric: psnr\n  max_drop: yes\n", "rules.yaml:2: max_drop must be a number from 0"),
        ("- max_drop: 1\n", "rules.yaml:1: max_drop needs `metric`"),
        ("- metric: psnr\n", "rules.yaml:1: the rule limits nothing"),
        ("- {metric: psnr, must_stay_first: 1}\n", "must_stay_first must be true or false, not 1"),
        ("- {dataset: photos, max_latency_rel: 2}\n", "max_latency_rel takes no `dataset`"),
        ("- {metric: psnr, metric: ssim, max_drop: 1}\n", "rules.yaml:1: 'metric' is given twice"),
        ("- {metric: psnr, max_drop_item: 1, max_drop_picture: 2}\n", "max_drop_item is given twice, once by its old"),
        ("- {metric: psnr, max_drop_picture: -1}\n", "rules.yaml:1: max_drop_picture must be a number from 0"),
        ("- [\n", "not YAML"),
        ("- !!python/object:os.system {max_drop: 1}\n", "is not allowed"),
    ],
)  # fmt: skip
def test_a_rule_file_is_read_strictly(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules_of(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rule_names_a_spec_as_it_stands_or_by_pattern() -> None:
    def found(pattern: str) -> Any:
        return only(check([psnr(30)], [psnr(29.6)], (Rule("r:1", metric="psnr", regime=pattern, max_drop=0.5),)))

    for pattern in ("gaussian(sigma=25)", "gaussian(sigma=25.0)", "gaussian", "gaussian*"):
        assert found(pattern).status == OK, pattern
    for pattern in ("gaussian(sigma=2)", "gaussian(sigma=50)", "gauss", "poisson*"):
        with pytest.raises(UsageError, match="^r:1: .* no cell of .* regime '"):
            found(pattern)
    nlm = NamedPart(name="nlm", display="nlm", spec="nlm(h=0.6, reach=6)", versions={})
    assert fits("nlm(h=0.6)", nlm) and fits("nlm(reach=6.0)", nlm) and not fits("nlm(h=0.8)", nlm)


# -------------------------------------------------------------------------------------- what it writes


HOSTILE = "a|b`<script>alert(1)</script>&\"'\n]]>\x00\x1b[31m\ud800"


def test_hostile_names_stay_text_in_markdown_and_xml() -> None:
    before, now = psnr(30, 30, method=HOSTILE), psnr(20, 20, method=HOSTILE)
    verdict = check([before, cell(HOSTILE + "2")], [now])
    text = verdict_markdown(verdict)
    assert "<script>" not in text and "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert rows and all(line.count("|") - line.count("\\|") == 13 for line in rows)
    suite = ET.fromstring(verdict_junit(verdict).encode("utf-8", "replace"))
    assert suite.get("failures") == "2"
    assert all("<script>alert(1)</script>" in (case.get("classname") or "") for case in suite.iter("testcase"))
    assert all("\n" not in line and "\x1b" not in line for line in verdict_lines(verdict))


def test_junit_counts_failures_and_skips_and_has_an_error_when_nothing_was_compared() -> None:
    verdict = check([cell(), cell("gone"), cell("other")], [cell(), cell("other", protocol="float")])
    root = ET.fromstring(verdict_junit(verdict).encode())
    assert [root.get(k) for k in ("tests", "failures", "errors", "skipped")] == ["4", "1", "0", "1"]
    assert len(list(root.iter("failure"))) == 1 and len(list(root.iter("skipped"))) == 1
    assert ET.fromstring(verdict_junit(check([], [])).encode()).get("errors") == "1"


def test_junit_gives_each_case_the_seconds_of_its_cell_and_counts_each_cell_once() -> None:
    now = [
        with_cell(cell(), seconds=1.25),
        with_cell(cell("other"), seconds=2.5),
        with_cell(speed(2.0), seconds=0.0625),
    ]
    verdict = check([cell(), cell("other"), cell("gone"), speed(2.0)], now, [Rule("r:1", max_latency_rel=2.0)])
    root = ET.fromstring(verdict_junit(verdict).encode())
    times = [(case.get("classname"), case.get("time")) for case in root.iter("testcase")]
    assert times == [("gone", "0.000"), ("nlm", "1.250"), ("nlm", "1.250"), ("other", "2.500"), ("other", "2.500"),
                     ("nlm", "0.062")]  # fmt: skip
    assert [root.get("time"), root[0].get("time")] == ["3.812", "3.812"]


def test_junit_has_no_clock_and_says_when_the_results_were_asked_for_where_that_is_stored() -> None:
    def suite(asked: str) -> ET.Element:
        return ET.fromstring(verdict_junit(check([cell()], [replace(cell(), asked=asked)])).encode())[0]

    assert suite("2026-11-26T03:28:31.123456+00:00").get("timestamp") == "2026-11-26T03:28:31"
    assert suite("").get("timestamp") is None and suite('"><x').get("timestamp") is None


def test_junit_is_what_gitlab_and_jenkins_read() -> None:
    verdict = check([cell(), cell("gone"), cell("odd")], [with_cell(cell(), seconds=None), cell("odd", protocol="raw")])
    root = ET.fromstring(verdict_junit(verdict).encode())
    numbers = ("tests", "failures", "errors", "skipped", "time")
    for group in (root, root[0]):
        assert all(float(str(group.get(name))) >= 0 for name in numbers) and group.get("name")
    cases = list(root[0])
    assert [c.tag for c in cases] == ["testcase"] * int(str(root.get("tests")))
    assert all(c.get("classname") and c.get("name") and float(str(c.get("time"))) >= 0 for c in cases)
    assert {child.tag for c in cases for child in c} == {"failure", "skipped"}


def test_a_large_verdict_shows_the_worst_and_counts_the_rest() -> None:
    names = [f"m{i}" for i in range(60)]
    lost = [cell(name, {"psnr": [30.0 - i / 10] * 8}) for i, name in enumerate(names)]
    verdict = check([cell(name, {"psnr": [30.0] * 8}) for name in [*names, *(f"gone{i}" for i in range(30))]], lost)
    lines = verdict_lines(verdict)
    assert len(lines) == 22 and lines[20] == "… and 40 more regressions; --json or --to DIR has all"
    assert lines[0].startswith("REGRESSION  gone0 ") and " and 29 more cells: missing" in lines[0]
    assert lines[1].startswith("REGRESSION  m59 ") and lines[2].startswith("REGRESSION  m58 ")
    assert lines[-1] == "REGRESSION: 60 compared, 89 regressions"
    many = verdict_markdown(check([cell(f"m{i}") for i in range(150)], [cell(f"m{i}") for i in range(150)]))
    # 200 rows, and the heads of two columns.
    assert many.count("| m") == 202 and "… and 100 more: check.xml has all." in many


def test_cells_that_are_gone_for_one_reason_are_one_line_of_a_large_verdict() -> None:
    noises = [f"gaussian(sigma={i})" for i in range(1, 41)]
    verdict = check([cell(), *(cell("gone", regime=noise) for noise in noises)], [cell()])
    first = verdict_lines(verdict)[0]
    assert first.startswith(
        "REGRESSION  gone · photos · gaussian(sigma=1) · uint8@1 · seed 0 and 39 more cells: missing:"
    )


# ---------------------------------------------------------------------------------------- the command line


def export(path: Path, *records: Record) -> Path:
    path.write_text(export_text(records), encoding="utf-8")
    return path


def test_exit_codes_of_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, worse = (
        export(tmp_path / "b.json", cell()),
        export(tmp_path / "w.json", cell(scores={"psnr": [29.9] * 8, "ssim": [0.9] * 8})),
    )
    other, none = export(tmp_path / "o.json", cell(protocol="float")), export(tmp_path / "n.json")
    codes = [main(["check", str(base), str(now)]) for now in (base, worse, other, none)]
    assert codes == [0, 1, 3, 1]
    assert main(["check", str(none), str(base)]) == 3
    assert main(["check", str(tmp_path / "missing.json"), str(base)]) == 2
    out = capsys.readouterr()
    assert (
        "REGRESSION  nlm · photos · gaussian(sigma=25) · uint8@1 · seed 0 · psnr: 30.0000 → 29.9000 (−0.1000), "
        "worst picture p000 (−0.1000): the mean dropped by 0.1 dB, more than 0.02 (default)" in out.out
    )
    assert "no baseline" in out.err and len(out.err.splitlines()) == 1


def damaged(path: Path, change: Any) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(noisebench_export=99), "newer noisebench"),
        (lambda d: d["cells"][0]["cell"].update(schema=99), "newer noisebench"),
        (lambda d: d["cells"][0]["cell"].pop("method"), "is damaged"),
        (lambda d: d["cells"][0].update(cell=7), "is damaged"),
        (lambda d: d["cells"][0]["rows"][0].__setitem__(5, None), "is NaN"),
        (lambda d: d["cells"][0]["rows"][0].__setitem__(5, math.nan), "is NaN"),
        (lambda d: d.pop("cells"), "is not a noisebench export"),
    ],
)
def test_a_damaged_baseline_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, message: str
) -> None:
    good = export(tmp_path / "good.json", cell())
    bad = damaged(export(tmp_path / "bad.json", cell()), change)
    assert main(["check", str(bad), str(good)]) == 2
    told = capsys.readouterr().err
    assert message in told and "bad.json" in told and len(told.splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry["rows"][0].__setitem__(5, 20.0),
        lambda entry: entry["rows"][0].__setitem__(1, "0" * 64),
        lambda entry: entry["cell"]["method"]["flags"].update(oracle=True),
    ],
)
def test_a_score_edited_by_hand_does_not_pass_though_everything_else_compares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    now = export(tmp_path / "now.json", cell("bm3d"), cell("nlm"))
    base = damaged(export(tmp_path / "base.json", cell("bm3d"), cell("nlm")), lambda d: change(d["cells"][0]))
    assert main(["check", str(base), str(now)]) == 3
    out = capsys.readouterr().out
    assert not missing_from(out, "baseline cell", "edited by hand", "seal")
    assert out.endswith("EDITED BY HAND: 2 compared, 0 regressions, 1 not comparable\n")
    assert main(["check", str(now), str(base)]) == 3
    assert not missing_from(capsys.readouterr().out, "current cell", "edited by hand")


def test_a_baseline_without_seals_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = damaged(export(tmp_path / "b.json", cell()), lambda d: d["cells"][0].pop("seal"))
    assert main(["check", str(base), str(export(tmp_path / "n.json", cell()))]) == 0
    assert capsys.readouterr().out.endswith("no regression: 2 compared, 0 regressions\n")
    worse = export(tmp_path / "w.json", cell(scores={"psnr": [29.0] * 8, "ssim": [0.9] * 8}))
    assert main(["check", str(base), str(worse)]) == 1


def test_an_empty_file_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.json").write_text("")
    assert main(["check", str(tmp_path / "empty.json"), str(export(tmp_path / "b.json", cell()))]) == 2
    message = capsys.readouterr().err
    assert "empty.json" in message and message.count("\n") == 1


def test_it_writes_markdown_and_junit_and_appends_to_the_job_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = export(tmp_path / "b.json", cell())
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    assert main(["check", str(base), str(base), "--to", str(tmp_path / "out"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["compared"], document["regressions"]) == (0, 2, 0)
    text = (tmp_path / "out" / "check.md").read_text()
    assert text.startswith("# ✅ noisebench check\n\nno regression: 2 compared, 0 regressions\n")
    assert (tmp_path / "summary.md").read_text() == "before\n" + text
    assert ET.parse(tmp_path / "out" / "check.xml").getroot().get("tests") == "2"


def test_it_writes_nothing_into_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = export(tmp_path / "b.json", cell())
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "store.json").write_text("{}")
    assert main(["check", str(base), str(base), "--to", str(tmp_path / "s" / "locks")]) == 2
    assert "lies within the store" in capsys.readouterr().err and len(list((tmp_path / "s").iterdir())) == 1


def test_update_writes_the_new_baseline_and_prints_the_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = export(tmp_path / "b.json", psnr(30, 30))
    now = export(tmp_path / "n.json", psnr(29, 29, source="new"), cell("bad", {"psnr": []}, outcome="failed"))
    assert main(["check", str(base), str(now), "--update"]) == 0
    out = capsys.readouterr().out
    assert "psnr: 30.0000 → 29.0000 (−1.0000)" in out
    assert "0 cells kept, 2 new, 1 gone\nnew: bad · photos · gaussian(sigma=25) · uint8 · seed 0 [" in out
    assert "\nnew: nlm · photos · gaussian(sigma=25) · uint8 · seed 0 [" in out
    assert "\ngone: nlm · photos · gaussian(sigma=25) · uint8 · seed 0 [" in out
    assert not missing_from(out, "warning: bad · photos · gaussian(sigma=25) is failed", "does not guard it")
    assert base.read_text() == baseline_text(read_export(now))
    assert main(["check", str(base), str(now)]) == 0


def test_update_makes_the_first_baseline_but_never_one_that_guards_nothing(tmp_path: Path) -> None:
    good, bad = (
        export(tmp_path / "g.json", cell()),
        export(tmp_path / "x.json", cell(scores={"psnr": []}, outcome="oom")),
    )
    undefined = export(tmp_path / "u.json", psnr(30, math.nan))
    target = tmp_path / "new.json"
    assert [main(["check", str(target), str(f), "--update"]) for f in (bad, undefined)] == [2, 2]
    assert not target.exists()
    assert main(["check", str(target), str(good), "--update"]) == 0
    assert target.read_text() == baseline_text(read_export(good))
    assert main(["check", str(tmp_path), str(good), "--update"]) == 2


def test_a_real_store_against_its_own_export(cli: Any, tmp_path: Path) -> None:
    run = ["run", "--methods", "identity", "--datasets", "gaussian_field(n=2)", "--regimes", "gaussian(sigma=25)"]
    cli(*run, "--store", "s")
    cli("export", "s", "--to", "b.json")
    assert "no regression: 2 compared" in cli("check", "b.json", "s").stdout
    cells = json.loads((tmp_path / "b.json").read_text())["cells"]
    one = cells[0]["cell"]
    assert key_of(one["inputs"]) == one["key"]
    assert np.isfinite([row[5] for row in cells[0]["rows"]]).all()


def test_the_largest_losses_are_found_without_reading_the_names_of_all() -> None:
    sizes = [0.0, 3.0, math.inf, 1.0, 3.0, 2.0, 3.0, math.nan]
    findings = Findings.of(
        GateFinding(REGRESSION, cell().cell, f"m{9 - i}", "psnr", change=size) for i, size in enumerate(sizes)
    )
    found = largest(findings, findings.columns.change, 4)
    # What is no number is the largest; of equal ones the order is that of the names.
    assert [f.method for f in found] == ["m2", "m7", "m3", "m5"]
    assert largest(findings.take(np.arange(0)), np.empty(0), 4) == []
    assert len(largest(findings, findings.columns.change, 99)) == 8


def test_findings_are_the_same_whether_pairs_are_columns_or_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [cell(m, {"psnr": [30, 31, 32], "mse": [1, 2, 3]}, seed=n) for m in ("nlm", "tv", "bm3d") for n in (0, 1)]
    before += [psnr(30, math.inf, method="exact"), psnr(30, 31, method="gone"), psnr(30, 31, method="crashed"),
               psnr(0, 0, method="zero"), psnr(1e-12, 0, method="tiny")]  # fmt: skip
    now = [cell(r.cell.method.name, {"psnr": [30 - r.cell.seed / 50, 31, 32.4], "mse": [1, 2, 4]}, seed=r.cell.seed)
           for r in before[:6]]  # fmt: skip
    now += [psnr(29, math.inf, method="exact"), psnr(method="crashed", outcome="crashed"), psnr(-1, 0, method="zero"),
            psnr(0, 0, method="tiny"), psnr(30, method="new")]  # fmt: skip
    rules = rules_of(
        tmp_path, "- {metric: mse, max_relative: 0.1}\n- {metric: psnr, method: nlm, max_drop_item: .inf}\n"
    )

    def found() -> list[str]:
        return [repr(f) for f in check(before, now, rules).findings]

    whole = found()
    plain = plain_findings.plain_pairs(*shelves(Results.of(before), Results.of(now)), Pairings())
    assert len(plain) == 8
    monkeypatch.setattr(plain_findings, "plain_pairs", lambda *_: plain.take(np.arange(0)))
    assert found() == whole


# -------------------------------------------------------------------------------------------------- names


def test_findings_and_comparisons_call_a_method_by_the_name_that_a_suite_gives_it() -> None:
    shown = replace(cell(), names={"method": "Ours"})
    # A baseline in JSON has no names: that of the current suite serves.
    for before in (cell(), shown):
        assert {finding.method for finding in check([before], [shown]).findings} == {"Ours"}
    assert only(check([shown], [FAILED])).method == "Ours"
    assert compare([shown], [shown]).differences[0].method == "Ours"


def test_a_name_that_was_given_to_another_method_is_not_that_of_the_former_one() -> None:
    moved = replace(cell(method="tv"), names={"method": "Ours"})
    (missing,) = check([cell()], [moved]).findings
    assert (missing.method, missing.status) == ("nlm", REGRESSION)
