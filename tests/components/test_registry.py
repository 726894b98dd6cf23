"""The registry: lazy, strict about names, helpful about mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from noisebench.components.decorators import checked
from noisebench.components.entry import Entry
from noisebench.components.plugins import load_plugin
from noisebench.components.registry import Registry, bind, registry
from noisebench.text.errors import UsageError


def package(folder: Path, **files: str) -> str:
    """A package of that name on the path, with these modules."""
    folder.mkdir()
    for name, text in {"__init__": "", **files}.items():
        (folder / f"{name}.py").write_text(text)
    return folder.name


def test_names_are_known_without_importing_and_loaded_on_first_use(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    late = "from noisebench.components.entry import Entry\nimport tests_registry_probe\n\ndef f(): return 1\n\n"
    name = package(tmp_path / "lateness", late=late + "tests_registry_probe.R.add(Entry('late', f))\n", _shared="")
    found = Registry("thing", package=name)
    probe = type(sys)("tests_registry_probe")
    probe.R = found
    monkeypatch.setitem(sys.modules, "tests_registry_probe", probe)
    assert found.names() == ["late"]
    assert "lateness.late" not in sys.modules
    assert found.get("late").obj() == 1


def test_a_file_that_does_not_register_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Registry("thing", package=package(tmp_path / "forgetful", lost="", broken="1 / 0"))
    with pytest.raises(UsageError, match=r"thing 'lost': forgetful\.lost .*register"):
        found.get("lost")
    with pytest.raises(UsageError, match=r"importing forgetful\.broken failed: ZeroDivisionError"):
        found.get("broken")


def test_a_name_taken_by_something_else_is_refused():
    registry = Registry("thing")
    registry.add(Entry("one", len))
    registry.add(Entry("one", len))
    with pytest.raises(UsageError, match="registered twice"):
        registry.add(Entry("one", print))


def test_a_built_in_name_cannot_be_taken():
    with pytest.raises(UsageError, match=r"(taken by|registered twice: in) noisebench\.methods\.restore\.nlm"):
        registry("method").add(Entry("nlm", len))


def test_names_are_identifiers():
    with pytest.raises(UsageError, match="not an identifier"):
        Registry("thing").add(Entry("../x", len))


@pytest.mark.parametrize("name", ["gausian", "Gaussian", "GAUSSIAN"])
def test_an_unknown_name_gets_the_nearest(name):
    registry = Registry("thing")
    registry.add(Entry("gaussian", len))
    with pytest.raises(UsageError, match="did you mean 'gaussian'"):
        registry.get(name)


def test_a_name_like_none_gets_a_list_and_no_far_fetched_guess():
    registry = Registry("thing")
    registry.add(Entry("spandrel", len))
    with pytest.raises(UsageError, match="known: spandrel"):
        registry.get("bare")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("@nb.method\ndef bare(noisy, info): return noisy", r"'bare' has no name: write @nb\.method\(\"bare\"\)"),
        ("@nb.regime\ndef bare(x, rng): return x, {}", r'write @nb\.regime\("bare"\)'),
        ("@nb.method('f')\ndef f(noisy, info, k=1): return noisy", r"'k' goes by name alone: parameters go after `\*`"),
        ("@nb.method('F')\nclass F:\n  def __init__(self, k): pass", r"'k' goes by name alone"),
        ("@nb.metric('m')\ndef m(pair, power=2): return 0.0", r"'power' goes by name alone"),
        ("nb.method('m', trained_on='bsd400')", r"'m': trained_on is a list of names: write trained_on=\('bsd400',\)"),
        ("nb.method('m', requires='torch')", r"write requires=\('torch',\)"),
        (
            "nb.regime('r', discloses='share')",
            r"regime 'r': discloses is a list of names: write discloses=\('share',\)",
        ),
        ("nb.metric('m', version='2')(len)", "metric 'm': version must be a whole number from 1, not '2'"),
        ("nb.method('m', version=0)(len)", "not 0"),
        (
            "@nb.method('m')\n@nb.checked(lambda low: None)\ndef m(noisy, info, *, high=1): return noisy",
            "method 'm': its check takes 'low', which is no parameter of it",
        ),
        (
            "@nb.checked(lambda k: None)\n@nb.method('m')\ndef m(noisy, info, *, k=1): return noisy",
            "'m' is registered already: nb.checked stands below the decorator that registers",
        ),
        (
            "@nb.checked(lambda k: None)\n@nb.checked(lambda k: None)\ndef m(noisy, info, *, k=1): return noisy",
            "'m' has a check already: make one function of both",
        ),
        (
            "@nb.checked\ndef m(noisy, info, *, k=1): return noisy\nm(3)",
            "nb.checked marks a function or a class, not 3",
        ),
        ("nb.checked('k')", "nb.checked takes a function of parameters, not 'k'"),
        ("nb.checked(dict)", "nb.checked takes a function of parameters, not <class 'dict'>"),
        ("nb.checked(lambda k, /: None)", "takes parameters that have no name"),
    ],
)
def test_a_component_written_wrongly_is_told_how_to_write_it(tmp_path, code, words):
    file = tmp_path / "wrong_plugin.py"
    file.write_text(f"import noisebench as nb\n{code}\n")
    with pytest.raises(UsageError, match=words):
        load_plugin(file)


@pytest.mark.parametrize("default", [{"a", "b"}, object(), (print, lambda: 0), np.ones(3)])
def test_a_default_that_is_another_text_in_each_process_is_refused(default):
    def f(noisy, info, *, k=default): ...

    kind = type(default).__name__
    with (
        registered(f),
        pytest.raises(UsageError, match=f"^method 'made_up': default of k .* {kind}: a default"),
    ):
        bind("made_up", "method")


def _ordered(low, high):
    if low > high:
        raise UsageError(f"'made_up': low={low:g} is above high={high:g}; exchange them")


def test_parameters_that_do_not_fit_together_are_refused_before_anything_runs():
    @checked(_ordered)
    def f(noisy, info, *, low: float = 0.0, high: float = 1.0, other: int = 0): ...

    with registered(f):
        assert bind("made_up(low=0.5, other=3)", "method").kwargs == {"low": 0.5, "high": 1.0, "other": 3}
        for spec in ("made_up(low=2)", "made_up(high=-1.0, low=0)"):
            with pytest.raises(UsageError, match="is above high="):
                bind(spec, "method")
        with pytest.raises(UsageError, match="is above high="):
            bind("tiled(method=made_up(low=2))", "method")


@pytest.mark.parametrize(
    ("raised", "said"),
    [(KeyError("low"), "its check failed: KeyError: 'low' "), (SystemExit(3), "its check failed: SystemExit: 3 ")],
)
def test_a_check_that_fails_is_named(raised: BaseException, said: str) -> None:
    def fails(k):
        raise raised

    @checked(fails)
    def f(noisy, info, *, k: int = 0): ...

    with registered(f), pytest.raises(UsageError, match=f"^method 'made_up': {said}.*test_registry.py"):
        bind("made_up", "method")


def test_a_check_that_names_no_component_is_named_by_it():
    def says(k):
        raise UsageError("k=0: give made_upper")

    @checked(partial(lambda k, least: says(k), least=3))
    def f(noisy, info, *, k: int = 0): ...

    with registered(f), pytest.raises(UsageError, match="^method 'made_up': k=0: give made_upper$"):
        bind("made_up", "method")


def test_a_check_sees_nested_specs_and_is_not_that_of_a_parent(tmp_path):
    file = tmp_path / "nested_plugin.py"
    file.write_text(
        "from typing import Annotated, Any\n"
        "import noisebench as nb\n"
        "def none_of_itself(of):\n"
        "    if of.entry.name == 'identity':\n"
        "        raise nb.UsageError('outer: of=identity')\n"
        "@nb.method('outer')\n"
        "@nb.checked(none_of_itself)\n"
        "class Outer:\n"
        "    def __init__(self, *, of: Annotated[Any, nb.Nested('method')]): pass\n"
        "@nb.method('heir')\n"
        "class Heir(Outer):\n"
        "    def __init__(self, *, k: int = 0): pass\n"
    )
    load_plugin(file)
    assert bind("outer(of=median)", "method").display == "outer(of=median)" and bind("heir", "method").kwargs == {
        "k": 0
    }
    with pytest.raises(UsageError, match="outer: of=identity"):
        bind("outer(of=identity)", "method")


def test_a_list_is_given_as_a_tuple_is():
    def f(noisy, info, *, k: list[int] = [1, 2], pairs: list[list[float]] = []): ...  # noqa: B006

    with registered(f):
        bound = bind("made_up(k=(3, 4), pairs=[[0.5], (2.0, 1.0)])", "method")
        assert bound.kwargs == {"k": [3, 4], "pairs": [[0.5], [2.0, 1.0]]}
        assert bind(bound.display, "method") == bound and bind("made_up(k=[1, 2])", "method").display == "made_up"
        with pytest.raises(UsageError, match=r"k must be .* whole numbers, not \(3\.5,\)$"):
            bind("made_up(k=[3.5])", "method")


@contextmanager
def registered(f):
    registry("method").add(Entry("made_up", f))
    try:
        yield
    finally:
        del registry("method")._entries["made_up"]


def test_a_plugin_that_takes_long_to_import_is_named(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("noisebench.components.plugins._SLOW", 0.05)
    file = tmp_path / "slow_plugin.py"
    file.write_text("import time; time.sleep(0.5)")
    load_plugin(file)
    assert f"{file} is still being imported" in capfd.readouterr().err
    file = tmp_path / "quick_plugin.py"
    file.write_text("")
    load_plugin(file)
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


def test_a_plugin_that_fails_is_named(tmp_path):
    file = tmp_path / "broken_plugin.py"
    file.write_text("def f():\n    return {}['x']\nf()")
    with pytest.raises(UsageError, match=r"broken_plugin\.py failed: KeyError: 'x' \(broken_plugin\.py, line 2\)$"):
        load_plugin(file)
    file.write_text("import a_module_that_is_nowhere")
    with pytest.raises(UsageError, match=r"nowhere' \(broken_plugin\.py, line 1\)$"):
        load_plugin(file)
    with pytest.raises(UsageError, match="is not a file"):
        load_plugin(tmp_path / "absent.py")
    file.write_text("import sys; sys.exit(0)")
    with pytest.raises(UsageError, match="SystemExit"):
        load_plugin(file)


def test_importing_noisebench_brings_in_nothing_heavy():
    import subprocess

    code = (
        "import sys, noisebench, noisebench.cli; noisebench.cli.parser();"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'cv2', 'pydantic', 'yaml', 'rich', 'scipy', 'pyarrow'};"
        "print(sorted((heavy | {'msgspec'}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_installed_package_registers_by_entry_point(tmp_path):
    import os
    import subprocess

    site = tmp_path / "site"
    info = site / "thirdparty-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[noisebench.methods]\nthird = thirdparty.denoise\n")
    (site / "thirdparty").mkdir()
    (site / "thirdparty" / "__init__.py").write_text("")
    (site / "thirdparty" / "net.py").write_text("GAIN = 0.5\n")
    (site / "thirdparty" / "denoise.py").write_text(
        "import noisebench as nb\nfrom thirdparty.net import GAIN\n\n"
        "@nb.method('third')\ndef third(noisy, info):\n    return noisy * GAIN\n"
    )
    args = ["run", "--methods", "third", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none"]
    done = subprocess.run(
        [sys.executable, "-m", "noisebench", *args, "--json"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    from noisebench.store.reading import read_records

    (record,) = read_records(tmp_path / "nb-store")
    assert set(record.cell.method.sources) == {f"thirdparty/{name}.py" for name in ("__init__", "denoise", "net")}


def _in_two_folders(tmp_path: Path) -> dict[str, str]:
    """What two plug-ins with a helper each beside them come to, in a process of its own."""
    for folder, value in (("A", 0.5), ("B", 0.9)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper.py").write_text(f"K = {value}")
        late = "@nb.method('late{0}')\ndef late(noisy, info):\n    from helper import K\n    return K\n"
        code = "import noisebench as nb\nfrom helper import K\n@nb.method('{1}{0}')\ndef f(noisy, info): return K\n"
        (tmp_path / folder / f"p{folder}.py").write_text((code + late).format(folder, "m"))
        (tmp_path / folder / "same.py").write_text(code.format(folder, "s"))
        (tmp_path / folder / "parts.py").write_text("import noisebench as nb\n@nb.method('part')\ndef f(a, b): 0")
    (tmp_path / "A" / "uA.py").write_text("import parts")
    (tmp_path / "use.py").write_text(
        """
import json
from noisebench.text.errors import Skip, UsageError
from noisebench.components.plugins import load_plugin
from noisebench.components.registry import bind, registry
from noisebench.components.sources import sources_of

def called(name):
    try:
        return str(registry("method").get(name).obj(None, None))
    except (Skip, UsageError) as error:
        return str(error)

load_plugin("A/pA.py")
found = {"alone": called("lateA")}
load_plugin("B/pB.py")
found |= {name: called(name) for name in ("mA", "mB", "lateA", "lateB")}
load_plugin("A/same.py"), load_plugin("B/same.py")
assert load_plugin("A/same.py") is not load_plugin("B/same.py")
found |= {name: " ".join([called(name), *sources_of([bind(name, "method")])]) for name in ("sA", "sB")}
try:
    load_plugin("A/uA.py")
except UsageError as error:
    found["parts"] = str(error)
print(json.dumps(found))
"""
    )
    done = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_plugins_of_two_folders_have_their_own_helpers_each(tmp_path):
    found = _in_two_folders(tmp_path)
    assert [found[name] for name in ("alone", "mA", "mB")] == ["0.5", "0.5", "0.9"]
    for late in (found["lateA"], found["lateB"]):
        for said in (str(tmp_path / "A" / "pA.py"), str(tmp_path / "B" / "pB.py"), "'helper'", "at the head"):
            assert said in late
    # Keys are those of each plug-in alone.
    assert found["sA"] == "0.5 same/helper.py same/same.py"
    assert found["sB"] == "0.9 same/helper.py same/same.py"
    assert "'parts' that lies beside" in found["parts"] and "rename" in found["parts"]


def test_what_a_part_of_a_recipe_nests_is_of_the_track_that_names_the_recipe() -> None:
    spec = "trained(arch=mlp, parts=pretrained(of=trained(arch=mlp)))"
    (part,) = bind(spec, "method", "classify").kwargs["parts"]
    assert part.kwargs["of"].track == "classify"


@pytest.mark.parametrize("kind, name, remedy", [
    ("regime", "white", "it is one of the track audio: --track audio"),
    ("dataset", "mypics", "folder(path=…), or --plugin FILE"),
    ("metric", "my_own_score", "--plugin FILE"),
])  # fmt: skip
def test_a_name_that_is_at_home_elsewhere_is_led_there(kind, name, remedy):
    with pytest.raises(UsageError, match=re.escape(remedy)):
        registry(kind).get(name)


@pytest.mark.parametrize(
    ("spec", "remedy"),
    [
        ("trained(arch=dncnn, loss=l1, data=photos)", "write objective=supervised(loss=…)"),
        ("trained(arch=dncnn, optimizer=sgd, lr=0.1, data=photos)", "write optimizer=sgd(lr=…)"),
        ("vst(method=nlm, h=0.8)", "write method=nlm(h=…)"),
        ("trained(arch=dncnn, stepz=3, data=photos)", "did you mean 'steps'"),
        ("trained(arch=no_such, width=3, data=photos)", "known: "),
    ],
)
def test_a_parameter_of_a_component_within_is_led_there(spec: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind(spec, "method")
    assert remedy in str(caught.value)
