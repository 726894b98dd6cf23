"""Reference results on real noise, magnitude noise and low light: whole, unedited, and without anybody's pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from noisebench.components.registry import bind, bind_all
from noisebench.store.export import export_text, read_export
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.store.seals import seal_of
from noisebench.suite.suite import named_suites, read_suite

SUITES = ("polyu", "mri_knee", "lowlight")


def results(suite: str) -> dict[tuple[str, str, str, int], Record]:
    """The committed cells of a suite by method, dataset, regime and seed."""
    records = read_records(ROOT / "results" / f"{suite}.parquet")
    return {(r.cell.method.spec, r.cell.dataset.spec, r.cell.regime.spec, r.cell.seed): r for r in records}


@pytest.mark.parametrize("name", SUITES)
def test_results_are_the_whole_suite_of_the_package(name: str) -> None:
    suite = read_suite(named_suites()[name])
    methods, regimes = bind_all(suite.methods, "method"), bind_all(suite.regimes, "regime")
    due = {
        (m.canonical, d.canonical, r.canonical, seed)
        for m in methods
        for d in bind_all(suite.datasets, "dataset")
        for r in regimes
        for seed in suite.seeds
    }
    found = results(name)
    assert set(found) == due
    protocol = bind(suite.protocol, "protocol").canonical
    for record in found.values():
        assert record.cell.outcome in ("ok", "skipped")
        assert record.cell.protocol.spec == protocol
        if record.cell.outcome == "ok":
            assert set(record.scores) == {bind(m, "metric").display for m in suite.metrics}
            assert all(np.isfinite(values).all() for values in record.scores.values())


@pytest.mark.parametrize("name", SUITES)
def test_results_are_unedited_and_hold_no_picture(name: str) -> None:
    file = ROOT / "results" / f"{name}.parquet"
    assert file.stat().st_size < 2**20 and json.loads(export_text(read_export(file)))["pictures"] == []
    for record in results(name).values():
        assert record.panel is None and record.seal == seal_of(record)


def mean(name: str, method: str, metric: str, **where: object) -> float:
    found = [
        float(record.scores[metric].mean())
        for record in results(name).values()
        if record.cell.method.display == method
        and all(getattr(record.cell, key).display == value for key, value in where.items())
    ]
    assert found
    return float(np.mean(found))


def test_polyu_as_it_comes_is_near_36_db_and_what_needs_sigma_is_skipped() -> None:
    assert mean("polyu", "identity", "psnr") == pytest.approx(35.97, abs=0.005)
    skipped = {r.cell.method.display: r.cell.reason for r in results("polyu").values() if not r.items}
    assert list(skipped) == ["ffdnet(color=True)"] and "sigma" in skipped["ffdnet(color=True)"]


def test_strong_magnitude_noise_is_reduced_by_every_method() -> None:
    where = {"regime": "rician(sigma=25)"}
    noisy = mean("mri_knee", "identity", "psnr", **where)
    for method in ("gaussian_filter", "nlm", "ffdnet", "bf_cnn", "dncnn(weights=blind)"):
        assert mean("mri_knee", method, "psnr", **where) > noisy + 2


def test_enhancers_brighten_and_turn_more_order_than_the_input() -> None:
    for dataset in ("lowlight_easy", "lowlight_medium"):
        dark = mean("lowlight", "identity", "brightness", dataset=dataset)
        assert mean("lowlight", "identity", "lightness_order", dataset=dataset) == 0
        for method in ("sci", "sci(weights=easy)", "sci(weights=difficult)", "zero_dce"):
            assert mean("lowlight", method, "brightness", dataset=dataset) > 1.5 * dark
            assert mean("lowlight", method, "lightness_order", dataset=dataset) > 0


def test_no_path_of_a_machine_is_in_them() -> None:
    for name in SUITES:
        text = export_text(read_export(ROOT / "results" / f"{name}.parquet"))
        assert str(Path.home()) not in text and "/tmp/" not in text and "/work/" not in text
