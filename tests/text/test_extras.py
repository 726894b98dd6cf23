"""What installs a package, and which package an error is for want of."""

import sys

import pytest
from noisebench.text import extras
from noisebench.text.errors import UsageError, described


def test_packages_of_extras_are_installed_by_them_and_others_by_name():
    assert extras.install_line("torch") == 'pip install "noisebench[torch]"'
    assert extras.install_line("distributed", "dask_jobqueue") == 'pip install "noisebench[cluster]"'
    assert extras.install_line("h5py") == "pip install h5py"
    assert extras.needs_packages(["bm3d"]) == 'needs the package bm3d: pip install "noisebench[bm3d]"'


def test_an_error_is_for_want_of_a_package_of_an_extra_that_is_not_here(monkeypatch: pytest.MonkeyPatch):
    here = ModuleNotFoundError("No module named 'torch.nowhere'", name="torch.nowhere")
    assert extras.is_installed("torch") and not extras.absent_extra(here)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        import torch.nn  # noqa: F401
    wrapped = UsageError("metric x failed")
    wrapped.__cause__ = caught.value
    assert [extras.absent_extra(error) for error in (caught.value, wrapped)] == ["torch", "torch"]
    assert described(caught.value) == 'needs the package torch: pip install "noisebench[torch]"'
    assert not extras.absent_extra(ModuleNotFoundError("No module named 'mine'", name="mine"))
    assert not extras.absent_extra(ValueError("torch"))
