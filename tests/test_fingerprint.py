"""The source fingerprint: every module from the method's own folder or package, by content."""

from __future__ import annotations

import os

from noisebench.components.sources import module_sources


def sources(file, name="plug"):
    module_sources.cache_clear()
    return module_sources(file.resolve(), name)


def test_imports_of_the_folder_are_followed_also_inside_functions(tmp_path):
    (tmp_path / "plug.py").write_text("import numpy\nimport one\ndef f():\n    from pack import two\n")
    (tmp_path / "one.py").write_text("import three\n")
    (tmp_path / "three.py").write_text("")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "two.py").write_text("from . import four\nfrom .five import x\n")
    (tmp_path / "pack" / "four.py").write_text("")
    (tmp_path / "pack" / "five.py").write_text("x = 1\n")
    assert set(sources(tmp_path / "plug.py")) == {
        f"plug/{file}.py"
        for file in ("plug", "one", "three", "pack/__init__", "pack/two", "pack/four", "pack/five")
    }  # fmt: skip


def test_content_counts_and_the_time_stamp_does_not(tmp_path):
    file = tmp_path / "plug.py"
    file.write_text("a = 1\n")
    before = sources(file)
    os.utime(file, (1, 1))
    assert sources(file) == before
    file.write_text("a = 2\n")
    assert sources(file) != before


def test_a_package_is_followed_by_its_full_name(tmp_path):
    root = tmp_path / "mypkg"
    (root / "sub").mkdir(parents=True)
    for name, text in {
        "__init__.py": "", "nets.py": "", "sub/__init__.py": "", 
        "sub/method.py": "from mypkg.nets import x\nfrom ..other import y\n",
        "other.py": "",
    }.items():  # fmt: skip
        (root / name).write_text(text)
    found = sources(root / "sub" / "method.py", "mypkg.sub.method")
    assert {"mypkg/sub/method.py", "mypkg/nets.py", "mypkg/other.py"} <= set(found)


def test_a_cycle_ends(tmp_path):
    (tmp_path / "plug.py").write_text("import other\n")
    (tmp_path / "other.py").write_text("import plug\n")
    assert set(sources(tmp_path / "plug.py")) == {"plug/plug.py", "plug/other.py"}
