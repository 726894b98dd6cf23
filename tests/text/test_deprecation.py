"""What is deprecated works as what it is replaced by, and says so in a line."""

from __future__ import annotations

import argparse

import pytest
from noisebench.text.deprecation import DeprecatedOption, renamed_parameters


@renamed_parameters(sd="sigma")
def doubled(*, sigma: float) -> float:
    return 2 * sigma


def test_an_old_parameter_is_taken_as_the_new_one_with_a_warning() -> None:
    with pytest.warns(FutureWarning, match=r"^doubled\(sd=…\) .* next minor release: use sigma=…$"):
        assert doubled(sd=3.0) == 6  # type: ignore[call-arg]


def test_a_new_parameter_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    assert doubled(sigma=3.0) == 6 and not recwarn.list


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(TypeError, match="'sigma' .* old name, 'sd'"):
        doubled(sd=3.0, sigma=4.0)  # type: ignore[call-arg]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="noisebench run")
    made.add_argument("--keep-all", default="none")
    made.add_argument("--keep", action=DeprecatedOption, use="--keep-all")
    return made


def test_an_old_option_is_taken_as_the_new_one_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["--keep", "x"]).keep_all == "x"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("noisebench run: --keep goes") and line.endswith("next minor release: use --keep-all")


def test_an_old_option_changes_nothing_where_it_is_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert vars(parser().parse_args([])) == {"keep_all": "none"}
    assert "--keep " not in parser().format_help() and not capsys.readouterr().err
