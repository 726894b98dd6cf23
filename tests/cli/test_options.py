"""Tables of the terminal: aligned, a row a line, whatever the cells hold."""

from __future__ import annotations

import pytest
from noisebench.cli.options import print_table


def lines(capsys: pytest.CaptureFixture[str], rows: list[list[str]], head: list[str]) -> list[str]:
    print_table(rows, head)
    return capsys.readouterr().out.splitlines()


def test_columns_are_aligned_and_numbers_stay_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, [["a", "1.50", "x"], ["long", "-0", "1e3"]], ["name", "value", "note"]) == [
        "name  value  note",
        "a     1.50   x",
        "long  -0     1e3",
    ]


def test_an_empty_cell_keeps_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, [["=", "1.5", "psnr"], ["", "", "ssim"]], ["", "value", "name"]) == [
        "   value  name",
        "=  1.5    psnr",
        "          ssim",
    ]


def test_hostile_text_is_one_line_of_printable_characters(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines(capsys, [["a\nb", "\x1b[31mred\x07", "x" * 500]], ["one", "two", "three"])
    assert len(shown) == 2
    assert shown[1].startswith("a b  \N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}  xxx")
    assert shown[1].endswith("x…") and len(shown[1]) < 200


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, [], ["a", "b"]) == ["a  b"]


def test_a_line_is_no_longer_than_it_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([["ab", "cdefgh"], ["画像", "c"], ["画像", "素描"]], ["x", "y"], 8)
    assert capsys.readouterr().out.splitlines() == ["x     y", "ab    c…", "画像  c", "画像…"]
