"""Types of parameters as a person writes them, the same in `list` and in what is said of a mistake."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt, MinLen, MultipleOf
from noisebench.components.catalogue import catalogue
from noisebench.components.registry import bind
from noisebench.spec.parameter_types import DatasetSpec, Later, MethodSpec, Nested, required_text, type_text
from noisebench.text.errors import UsageError
from pydantic import AfterValidator, Field

Share = Annotated[float, Ge(0), Le(1)]
PYTHON = re.compile(r"\b(int|float|str|bool|tuple|Optional|Literal|Annotated|None|Ge|Gt|Le|Lt|typing|class)\b|[\[\]|]")


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (bool, "true or false"),
        (int, "whole number"),
        (float, "number"),
        (str, "text"),
        (Any, "any value"),
        (int | None, "whole number or none"),
        (Optional[str], "text or none"),  # noqa: UP045
        (Annotated[float, Ge(0), Le(100_000.0)], "number from 0 to 100000"),
        (Annotated[int, Ge(1)], "whole number from 1"),
        (Annotated[float, Gt(0)], "number above 0"),
        (Annotated[float, Gt(0), Le(0.25)], "number above 0, up to 0.25"),
        (Annotated[float, Gt(0), Lt(1)], "number above 0 and below 1"),
        (Annotated[float, Le(8)], "number up to 8"),
        (Annotated[float, Lt(8)], "number below 8"),
        (Annotated[float, Interval(ge=-1, le=1)], "number from -1 to 1"),
        (Annotated[int, Field(ge=2, le=5)], "whole number from 2 to 5"),
        (Annotated[int, MultipleOf(8)], "whole number, a multiple of 8"),
        (Annotated[int | None, Ge(1), Later()], "whole number from 1, or none"),
        (Annotated[int, Ge(1), Le(16)] | None, "whole number from 1 to 16, or none"),
        (Annotated[str, MinLen(2)], "text, at least 2 characters"),
        (Literal["hard", "soft"], "one of hard, soft"),
        (Literal["4:2:0", "4:4:4"], "one of '4:2:0', '4:4:4'"),
        (Literal[8, 16], "one of 8, 16"),
        (Literal["only"], "only"),
        (Literal["a", "b"] | None, "one of a, b, or none"),
        (tuple[float, ...], "list of numbers"),
        (tuple[Share, ...], "list of numbers from 0 to 1"),
        (Annotated[list[int], MinLen(1)], "list of whole numbers, at least 1"),
        (tuple[str, ...], "list of texts"),
        (tuple[int, float], "list of whole number, number"),
        (tuple[Literal["a", "b"], ...], "list, each one of a, b"),
        (MethodSpec, "a method"),
        (DatasetSpec, "a dataset"),
        (Annotated[Any, Nested("dataset", "restore")], "a dataset of track restore"),
    ],
)
def test_a_type_reads_as_a_person_would_write_it(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text


def test_every_parameter_of_everything_registered_is_without_python() -> None:
    kinds = ("method", "dataset", "regime", "metric", "protocol")
    shown = {
        f"{e['name']}.{p['name']}": p["type"]
        for kind in kinds
        for e in catalogue(kind, "", ())
        for p in e["parameters"]
    }
    assert len(shown) > 100 and {name: text for name, text in shown.items() if PYTHON.search(text)} == {}


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("regime", "gaussian(sigma=a)", "sigma must be a number from 0 to 100000, not 'a'"),
        ("regime", "gaussian(sigma=-1)", "sigma must be a number from 0 to 100000, not -1"),
        ("regime", "gaussian(sigma=True)", "sigma must be a number from 0 to 100000, not True"),
        ("regime", "quantize(bits=1.5)", "bits must be a whole number from 1 to 16, not 1.5"),
        ("regime", "downsample(scale=2, bits=99)", "bits must be a whole number from 1 to 16, or none, not 99"),
        ("metric", "lpips(net=alexx)", "net must be one of alex, vgg, not 'alexx'; did you mean 'alex'?"),
        ("regime", "blur(sigma=1, kernel=qq)", "kernel must be one of gaussian, box, disk, motion, not 'qq'"),
        ("regime", "mixture(weights=0.5, sigmas=(1, 2))", "weights must be a list of numbers from 0 to 1, not 0.5"),
        ("method", "folder(path=3)", "path must be text, not 3"),
        ("method", "ffdnet(color=3)", "color must be true or false, not 3"),
        ("method", "tiled(method=3)", "method must be a method, not 3"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_in_the_same_words(kind: str, spec: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        bind(spec, kind)
    assert str(error.value) == f"{kind} {spec.partition('(')[0]!r}: {said}"


def test_true_false_and_none_may_be_written_as_they_are_shown() -> None:
    assert bind("ffdnet(color=true)", "method").canonical == bind("ffdnet(color=True)", "method").canonical
    assert bind("nlm(patch=none)", "method").canonical == bind("nlm(patch=None)", "method").canonical
    assert bind("folder(path=none)", "method").kwargs["path"] == "none"


def test_what_a_type_cannot_say_the_validator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from noisebench.components.entry import Entry
    from noisebench.components.registry import registry

    def even(value: int) -> int:
        if value % 2:
            raise ValueError("odd numbers have no middle")
        return value

    def probe(*, n: Any = 2) -> None: ...

    probe.__annotations__["n"] = Annotated[int, AfterValidator(even)]
    monkeypatch.setitem(registry("regime")._entries, "probe", Entry("probe", probe))
    with pytest.raises(UsageError, match=r"^regime 'probe': n must be .*whole number, not 3: .* no middle$"):
        bind("probe(n=3)", "regime")


def test_articles_stand_before_nouns_only() -> None:
    assert [required_text(t) for t in (int, str, bool, Literal["a", "b"])] == [
        "a whole number", "text", "true or false", "one of a, b",
    ]  # fmt: skip
    assert required_text(list[int]).endswith(" list of whole numbers")
