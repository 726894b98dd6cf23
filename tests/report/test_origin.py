"""Where results come from: the suite, its question, the day, and the command."""

from __future__ import annotations

from dataclasses import replace

from board_records import record
from conftest import ROOT
from msgspec import structs
from noisebench.report.data import report_data
from noisebench.report.origin import origin_line, question_of, suite_of
from noisebench.report.page.data import page_data
from noisebench.store.reading import read_records
from noisebench.store.results import Results
from noisebench.suite.suite import named_suites


def test_a_page_says_which_suite_its_cells_are_of_when_they_ran_and_how_they_run_again() -> None:
    records = read_records(ROOT / "results" / "demo_classify.parquet")
    data = page_data(report_data(records, "classifiers"), [])
    day = max(records.column("asked"))[:10]
    assert suite_of(records) == "demo_classify" and question_of("demo_classify") in data["origin"]
    assert f"run {day}" in data["origin"] and data["origin"].endswith("noisebench run demo_classify")
    assert question_of("demo_classify") not in origin_line(records, f"it asks: {question_of('demo_classify')}")


def test_a_page_opens_with_clean_items_where_the_track_is_judged_by_these() -> None:
    data = page_data(report_data(read_records(ROOT / "results" / "demo_classify.parquet"), "t"), [])
    assert data["opens"] > 0 and data["boards"][data["opens"]]["r"] == "none"
    assert page_data(report_data(Results.of([record(scores={"psnr": [30.0]})]), "t"), [])["opens"] == 0


def test_results_of_no_suite_of_the_package_name_no_command() -> None:
    one = record(scores={"psnr": [30.0]})
    records = Results.of([replace(one, cell=structs.replace(one.cell, suite={"name": "mine"}))])
    assert suite_of(records) == "" and "noisebench run" not in origin_line(records, "t")


def test_every_suite_opens_with_a_sentence_of_one_line() -> None:
    questions = {name: question_of(name) for name in named_suites()}
    assert all(0 < len(text) <= 120 for text in questions.values())
    assert len(set(questions.values())) == len(questions)
