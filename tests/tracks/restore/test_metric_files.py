"""Weights of metrics: found in folders, never downloaded by a score, downloaded and checked by `weights fetch`."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import socket
import sys
import threading
import time
import types
import urllib.request
from urllib.error import URLError

import noisebench as nb
import numpy as np
import pytest
from noisebench.components import readiness
from noisebench.components.catalogue import catalogue
from noisebench.tracks.restore import metric_files
from noisebench.tracks.restore.metrics import _pyiqa as iqa

torch = pytest.importorskip("torch")

CLEAN = np.full((48, 48, 3), 100, np.uint8)
HOST = "https://weights.invalid"
HUB = "https://huggingface.co/some/backbone/resolve/main/model.safetensors"
OPEN = urllib.request.OpenerDirector.open
MUSIQ = "pyiqa(name=musiq)"


def bytes_of(value):
    file = io.BytesIO()
    torch.save({"weight": torch.tensor([float(value)])}, file)
    return file.getvalue()


PUBLISHED = bytes_of(2)
FILE = f"musiq-{hashlib.sha256(PUBLISHED).hexdigest()[:8]}.pth"


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The folder of weights of a user who has no file yet."""
    for name in ("TORCH_HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("HF_HUB_CACHE", "NOISEBENCH_DATA"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A folder of files that hosts serve, the addresses that were asked for, and seconds of waiting."""
    one = types.SimpleNamespace(folder=tmp_path / "published", asked=[], slept=[])
    one.folder.mkdir()

    def serve(opener, request, *_, **__):
        address = request if isinstance(request, str) else request.full_url
        if address.startswith("file:"):
            return OPEN(opener, address)
        one.asked.append(address)
        file = one.folder / address.partition("?")[0].rpartition("/")[2]
        if not file.is_file():
            raise URLError("no route")
        return OPEN(opener, file.as_uri())

    def find(host, *_, **__):
        one.asked.append(host)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", serve)
    monkeypatch.setattr(socket, "getaddrinfo", find)
    monkeypatch.setattr(time, "sleep", one.slept.append)
    return one


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    """pyiqa with a metric whose weights have an address, and one whose backbone is a model of the hub."""

    class Model(torch.nn.Module):
        metric_mode, lower_better = "NR", False

        def __init__(self, weight):
            super().__init__()
            self.weight = torch.nn.Parameter(weight)

        def forward(self, x):
            return self.weight * x.mean()

    def create_metric(name, device):
        if name == "musiq":
            folder = f"{os.environ['TORCH_HOME']}/hub/pyiqa"
            return Model(torch.hub.load_state_dict_from_url(f"{HOST}/v1/{FILE}?download=1", folder)["weight"])
        try:  # as a hub of weights does
            for pause in (1, 60, 600):
                with contextlib.suppress(OSError):
                    socket.getaddrinfo("huggingface.co", 443)
                time.sleep(pause)
        except OSError as error:
            raise OSError(f"cannot reach {HUB}") from error

    package = types.SimpleNamespace(
        create_metric=create_metric, list_models=lambda: ["musiq", "topiq_fr"], __version__="9.9"
    )
    monkeypatch.setitem(sys.modules, "pyiqa", package)
    iqa._open.cache_clear()
    yield
    iqa._open.cache_clear()


def score():
    return nb.score(CLEAN, CLEAN, MUSIQ)[MUSIQ]


def fetch(spec):
    return metric_files.fetch_files(nb.bind(spec, "metric"))


def refusal(call, *args):
    with pytest.raises(nb.UsageError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_score_names_the_file_its_address_the_folders_and_the_command(weights, network, tmp_path):
    (network.folder / FILE).write_bytes(PUBLISHED)
    said = refusal(score)
    for part in (FILE, f"{HOST}/v1/{FILE}", str(weights), str(tmp_path / "torch_home/hub")):
        assert part in said
    assert f'noisebench weights fetch "{MUSIQ}"' in said
    assert network.asked == network.slept == []


@pytest.mark.parametrize("below", ["", "of pyiqa"])
def test_a_file_in_a_folder_of_weights_is_used_without_a_network(weights, network, below):
    (weights / below).mkdir(exist_ok=True)
    (weights / below / FILE).write_bytes(PUBLISHED)
    assert score() == pytest.approx(2 * 100 / 255, rel=1e-6)
    assert fetch(MUSIQ).startswith("pyiqa 9.9, weights ")
    assert network.asked == []


def test_a_file_in_a_folder_of_weights_must_be_the_published_one(weights, network):
    (weights / FILE).write_bytes(bytes_of(3))
    for call in (score, lambda: fetch(MUSIQ)):
        said = refusal(call)
        assert said.startswith(MUSIQ) and str(weights / FILE) in said and "SHA-256" in said
    assert (weights / FILE).is_file() and network.asked == []


def test_fetch_downloads_once_and_scores_follow(weights, network):
    (network.folder / FILE).write_bytes(PUBLISHED)
    made = fetch(MUSIQ)
    assert made == fetch(MUSIQ) and len(network.asked) == 1
    (network.folder / FILE).unlink()
    assert score() == pytest.approx(2 * 100 / 255, rel=1e-6)


def test_a_download_with_another_digest_is_refused_and_removed(weights, network, tmp_path):
    (network.folder / FILE).write_bytes(bytes_of(3))
    cached = tmp_path / "torch_home/hub/pyiqa" / FILE
    said = refusal(fetch, MUSIQ)
    assert str(cached) in said and "SHA-256" in said and not cached.exists()
    assert "weights fetch" in refusal(score)


def test_a_download_that_fails_is_not_tried_again(weights, network):
    said = refusal(fetch, MUSIQ)
    assert f"{HOST}/v1/{FILE}" in said and "no route" in said and str(weights) in said
    assert len(network.asked) == 1 and network.slept == []


def test_a_model_of_the_hub_is_named_with_its_cache(weights, network, tmp_path):
    said = refusal(nb.score, CLEAN, CLEAN, "pyiqa(name=topiq_fr)")
    assert network.asked == network.slept == []
    for part in ("some/backbone", str(tmp_path / "hf_home/hub"), "noisebench weights fetch"):
        assert part in said
    said = refusal(fetch, "pyiqa(name=topiq_fr)")
    assert network.asked == ["huggingface.co"] and network.slept == []
    assert "some/backbone" in said and "weights fetch" not in said


def test_other_threads_reach_their_hosts_while_a_metric_opens(weights, network, monkeypatch):
    opened = urllib.request.build_opener()
    (network.folder / "other").write_bytes(b"served")
    got = []

    def elsewhere():
        with opened.open(f"{HOST}/other") as answer:
            got.append(answer.read())
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("example.invalid", 443)

    def create_metric(name, device):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        raise OSError("enough")

    monkeypatch.setattr(sys.modules["pyiqa"], "create_metric", create_metric)
    refusal(score)
    assert got == [b"served"] and network.asked == [f"{HOST}/other", "example.invalid"]


def test_fid_is_fetched_by_the_digest_of_its_file(weights, network, monkeypatch, tmp_path):
    known = dataclasses.replace(metric_files.INCEPTION, sha256=hashlib.sha256(PUBLISHED).hexdigest())
    monkeypatch.setattr(metric_files, "INCEPTION", known)
    place = tmp_path / "xdg_cache_home/noisebench/weights" / known.also
    said = refusal(fetch, "fid")
    assert known.also in said and "no route" in said and str(place.parent) in said
    (network.folder / known.also).write_bytes(bytes_of(3))
    assert "invalid hash" in refusal(fetch, "fid") and not place.exists()
    (network.folder / known.also).write_bytes(PUBLISHED)
    assert known.sha256 in fetch("fd(features=inception)") and place.read_bytes() == PUBLISHED
    asked = len(network.asked)
    assert known.sha256 in fetch("fid") and len(network.asked) == asked


def test_the_command_says_what_each_metric_is_made_with(weights, network, cli):
    (network.folder / FILE).write_bytes(PUBLISHED)
    done = cli("weights", "fetch", "psnr", MUSIQ)
    first, second = done.stdout.splitlines()
    assert first == "psnr: needs no weights" and second.startswith(f"{MUSIQ}: pyiqa 9.9") and len(second) <= 80
    made = json.loads(cli("weights", "fetch", MUSIQ, "--json").stdout)
    assert len(made[MUSIQ].split()[-1]) == 64


def test_a_command_keeps_what_it_fetched_before_a_failure(weights, network, cli):
    (network.folder / FILE).write_bytes(PUBLISHED)
    done = cli("weights", "fetch", MUSIQ, "pyiqa(name=topiq_fr)", code=2)
    assert done.stdout.startswith(MUSIQ) and "some/backbone" in done.stderr
    assert score()


def test_a_list_says_what_a_metric_needs_and_how_to_get_it(weights, monkeypatch, tmp_path):
    def states():
        return {one["name"]: one["state"] for one in catalogue("metric", "restore", [])}

    monkeypatch.setattr(readiness, "is_installed", lambda package: package != "pyiqa")
    without = states()
    assert (without["psnr"], without["lpips"], without["pyiqa"]) == ("ready", *("needs package pyiqa",) * 2)
    assert without["fid"] == f"needs file {metric_files.INCEPTION.also}" and without["fd"] == "ready"
    assert [readiness.short_state(without[name]) for name in ("psnr", "lpips", "fid")] == [
        "ready", "needs pyiqa", "needs file",
    ]  # fmt: skip
    assert [readiness.remedy(without[name], name) for name in ("psnr", "lpips", "fid")] == [
        "", 'pip install "noisebench[iqa]"', "noisebench weights fetch fid",
    ]  # fmt: skip
    monkeypatch.setattr(readiness, "is_installed", lambda package: True)
    assert states()["lpips"] == "needs file alexnet-owt-7be5be79.pth"
    (weights / "alexnet-owt-7be5be79.pth").touch()
    assert states()["lpips"] == "needs file LPIPS_v0.1_alex-df73285e.pth"
    cache = tmp_path / "torch_home/hub/pyiqa"
    cache.mkdir(parents=True)
    (cache / "LPIPS_v0.1_alex-df73285e.pth").touch()
    assert (states()["lpips"], states()["pyiqa"]) == ("ready", "ready")
