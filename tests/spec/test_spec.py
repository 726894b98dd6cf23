"""The spec grammar: what it reads, how it prints, what it refuses."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

import pytest
from annotated_types import Ge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from noisebench.components.entry import Entry
from noisebench.components.registry import bind, bind_all, registry
from noisebench.spec.parsing import Spec, expand, parse, show
from noisebench.spec.paths import is_meant
from noisebench.text.errors import UsageError

NUMBER = itertools.count()


def fresh() -> str:
    """A kind of its own, with one component."""
    kind = f"kind_{next(NUMBER)}"

    def noise(
        x,
        rng,
        *,
        sigma: Annotated[float, Ge(0)],
        kind: Literal["plain", "wide"] = "plain",
        n: int | None = None,
    ):
        """Noise."""

    registry(kind).add(Entry("noise", noise))
    return kind


def test_a_name_alone_is_a_spec():
    assert parse("nlm") == Spec("nlm")


def test_values_are_literals_or_specs():
    spec = parse("vst(method=nlm(h=0.8), kind=anscombe, size=(3, 5), on=True, none=None, neg=-1.5)")
    assert dict(spec.args) == {
        "method": Spec("nlm", (("h", 0.8),)), "kind": Spec("anscombe"), "size": (3, 5), "on": True, "none": None,
        "neg": -1.5,
    }  # fmt: skip


def test_braces_sweep_and_two_sweeps_cross():
    assert [str(s) for s in expand("g(a={1,2}, b={x,y})")] == [
        "g(a=1, b=x)",
        "g(a=1, b=y)",
        "g(a=2, b=x)",
        "g(a=2, b=y)",
    ]
    assert len(expand("v(m=nlm(h={0.6,0.8}))")) == 2
    assert [str(s) for s in expand("a(s={1,2}) + b")] == ["a(s=1) + b", "a(s=2) + b"]


def test_canonical_form_has_all_parameters_sorted_and_display_only_what_differs():
    bound = bind("noise(sigma=25)", fresh())
    assert bound.canonical == "noise(kind=plain, n=None, sigma=25.0)"
    assert bound.display == "noise(sigma=25)"
    assert bind("noise(kind=plain, sigma=25.0)", fresh()).canonical == bound.canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("noize(sigma=1)", "did you mean 'noise'"),
        ("noise(sgima=1)", "did you mean 'sigma'"),
        ("noise(sigma=-1)", "sigma must be a number from 0, not -1"),
        ("noise(sigma='x')", "sigma must be a number from 0, not"),
        ("noise(sigma=True)", "sigma must be a number from 0, not"),
        ("noise(sigma=1, kind=wyde)", "did you mean 'wide'"),
        ("noise(kind=wide)", "needs sigma"),
        ("noise(25)", "need names"),
        ("noise(sigma=1, sigma=2)", "given twice"),
        ("noise(**x)", "no meaning"),
        ("Noise(sigma=1)", "did you mean 'noise'"),
        ("quux(sigma=1)", "known: "),
        ("noise(sigma=", "')' is missing"),
        ("noise(sigma={1,2)", "'}' is missing"),
        ("noise(sigma=1))", "a closing bracket too many"),
        ("noise(kind='wide)", "a quote is not closed"),
        ("noise(sigma=)", "sigma has no value: write sigma="),
        ("noise(kind=/data/x)", "put the text in quotes: kind='/data/x'"),
        ("noise(kind=../x, sigma=1)", "put the text in quotes: kind='../x'"),
        ("noise(kind=a/b)", "put the text in quotes: kind='a/b'"),
        ("noise sigma", "write name(key=value, …)"),
        ("noise(sigma=lambda: 1)", "a value is"),
        ("__import__('os').system('x')", "write name"),
        ("noise(sigma=[].append(1))", "write name"),
        ("(" * 5000, "write name"),
        ("a" * 20_000, "too long"),
        ("noise(sigma={})", "a value is"),
        (
            "noise(sigma={" + "1,2," * 500 + "}, kind={" + "a,b," * 501 + "})",
            "a sweep of 1,002,000 specs is above the limit of 1,000,000: sweep fewer values",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, words):
    with pytest.raises(UsageError) as caught:
        bind_all([text], fresh())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_spec_given_twice_is_refused():
    with pytest.raises(UsageError, match="given twice"):
        bind_all(["noise(sigma=1)", "noise(sigma={1.0,2})"], fresh())


def test_two_texts_of_one_spec_are_both_named():
    with pytest.raises(UsageError, match=r"given twice: nlm and nlm\(h=0.6\) mean the same"):
        bind_all(["nlm", "nlm(h=0.6)"], "method")


def test_only_regimes_add_up():
    with pytest.raises(UsageError, match="only regimes"):
        bind("identity + identity", "method")
    assert len(bind("gaussian(sigma=5) + gaussian(sigma=3)", "regime").parts) == 2


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.tuples(inner, inner),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_what_is_shown_reads_back(value):
    def plain(read):
        if isinstance(read, tuple):
            return tuple(map(plain, read))
        return read.name if isinstance(read, Spec) else read

    assert plain(dict(parse(f"f(x={show(value, full=True)})").args)["x"]) == value


@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_a_usage_error(text):
    try:
        assert all(isinstance(s, Spec) for s in expand(text))
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("blur(sigma=2) + gaussian", True),
        ("blur(sigma=2, size=None) + gaussian(sigma=25.0)", True),
        ("blur(sigma=2.0) + gaussian(sigma=25)", True),
        ("blur(sigma=2)", False),
        ("blur + gaussian", False),
        ("gaussian + blur(sigma=2)", False),
        ("blur(sigma=2) + gaussian(sigma=15)", False),
        ("blur(sigma=2) + gaussian(clip=True)", False),
        ("blur(sigma={1,2}) + gaussian", False),
        ("blur(", False),
    ],
)
def test_a_text_means_a_spec_with_or_without_its_defaults(text: str, meant: bool) -> None:
    stored = "blur(sigma=2.0, size=None) + gaussian(sigma=25.0)", "blur(sigma=2) + gaussian"
    assert is_meant(text, *stored) == meant
