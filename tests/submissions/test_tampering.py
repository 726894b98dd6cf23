"""An entry that was tampered with is refused in one line, exit code 2, and nothing is written, unpickled or run."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from noisebench.cli import main
from noisebench.store.export import export_text
from noisebench.store.record import Record
from noisebench.store.seals import seal_of
from noisebench.submissions.entry import SCHEMA, output_name, read_entry, write_entry
from noisebench.submissions.pack import pack
from noisebench.submissions.signature import public_key
from stored_cells import ARRAYS, keeping, made, put, with_cell

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization", reason="needs noisebench[sign]")

Files = dict[str, bytes]


def private_key(file: Path, *, ssh: bool = False) -> Path:
    """A new private key of Ed25519, with its public one beside it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = serialization.PrivateFormat.OpenSSH if ssh else serialization.PrivateFormat.PKCS8
    public = serialization.PublicFormat.OpenSSH if ssh else serialization.PublicFormat.SubjectPublicKeyInfo
    encoding = serialization.Encoding.OpenSSH if ssh else serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    file.with_suffix(".pub").write_bytes(key.public_key().public_bytes(encoding, public))
    return file


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A signed entry of two cells with their outputs."""
    for regime in ("gaussian(sigma=15)", "gaussian(sigma=25)"):
        put(tmp_path / "store", keeping(made("nlm", 30.0, 31.0, 32.0, regime=regime)), ARRAYS)
    (tmp_path / "store" / "store.json").write_text('{"schema": 2, "sealed": true}')
    pack(tmp_path / "store", "nlm", tmp_path / "nlm.nbz", outputs=True, key=private_key(tmp_path / "key.pem"))
    return tmp_path / "nlm.nbz"


def files_of(entry: Path) -> Files:
    with zipfile.ZipFile(entry) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(to: Path, files: Mapping[str, bytes], *, kinds: Mapping[str, int] | None = None) -> Path:
    """A zip of these files, as a hostile hand makes one."""
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in files.items():
            usual = zipfile.ZIP_STORED if name.endswith(".npy") else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, compress_type=(kinds or {}).get(name, usual))
    return to


def with_manifest(files: Files) -> Files:
    """The files with a manifest of what they are now, unsigned."""
    inner = {name: data for name, data in files.items() if name not in ("manifest.json", "signature.json")}
    hashes = {name: {"bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()} for name, d in inner.items()}
    manifest = {"noisebench_entry": SCHEMA, "packed_at": "2026-01-01T00:00:00+00:00", "files": hashes}
    return {**inner, "manifest.json": json.dumps(manifest).encode()}


def with_records(files: Files, change: Callable[[Record], Record]) -> Files:
    """The files with other results, and a manifest that agrees with these."""
    from noisebench.store.export import export_in

    records = [change(record) for record in export_in(files["results.json"], Path("results.json"))]
    return with_manifest({**files, "results.json": export_text(records).encode()})


def output_in(files: Files) -> str:
    return next(name for name in files if name.startswith("outputs/"))


def refusal(entry: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `verify` says of an entry that it refuses."""
    before = sorted(entry.parent.rglob("*"))
    code = main(["verify", str(entry), *options])
    told = capsys.readouterr()
    assert code == 2 and told.out == "" and told.err.count("\n") == 1
    assert sorted(entry.parent.rglob("*")) == before
    return told.err


def test_an_entry_is_read_as_it_was_packed(packed: Path) -> None:
    entry = read_entry(packed, public_key(str(packed.parent / "key.pub")))
    assert entry.method == "nlm" and len(entry.results) == 2
    key = entry.results[0].cell.key
    assert entry.outputs_of(key) == [0, 1, 2]
    assert np.array_equal(np.load(io.BytesIO(entry.output(key, 1))), ARRAYS[1])
    assert any(name.startswith("recipe/") for name in entry.manifest.files)


def test_a_file_whose_name_leads_elsewhere(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("../../evil.json", "/etc/evil", "outputs/../../x.npy", "outputs\\x.npy", "recipe/a/b.yaml"):
        files = {**files_of(packed), name: b"{}"}
        assert "do not unpack it" in refusal(zipped(packed, with_manifest(files)), capsys)


def test_a_file_that_swells_when_it_is_read(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**files_of(packed), "recipe/x.yaml": bytes(80 << 20)}
    assert "bomb" in refusal(zipped(packed, with_manifest(files)), capsys)


def test_a_compressed_output(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = with_manifest(files_of(packed))
    kinds = {output_in(files): zipfile.ZIP_DEFLATED}
    assert "compressed" in refusal(zipped(packed, files, kinds=kinds), capsys)


def test_a_score_that_is_no_number(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def spoiled(record: Record) -> Record:
        return replace(record, scores={"psnr": np.array([30.0, np.nan, 32.0])})

    assert "NaN" in refusal(zipped(packed, with_records(files_of(packed), spoiled)), capsys)


def test_a_file_with_another_hash_than_the_manifest_says(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    files["results.json"] = files["results.json"].replace(b"31.0", b"41.0")
    assert "results.json is not what" in refusal(zipped(packed, files), capsys)


def test_a_manifest_whose_hashes_are_forged(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    files["results.json"] = files["results.json"].replace(b"31.0", b"41.0")
    forged = {**with_manifest(files), "signature.json": files["signature.json"]}
    assert "signature" in refusal(zipped(packed, forged), capsys)


def test_a_row_that_was_edited_under_its_seal(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    files["results.json"] = files["results.json"].replace(b"31.0", b"41.0")
    assert "seal" in refusal(zipped(packed, with_manifest(files)), capsys)


def test_a_cell_without_a_seal(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    document = json.loads(files["results.json"])
    document["cells"][0]["seal"] = ""
    files["results.json"] = json.dumps(document).encode()
    assert "seal" in refusal(zipped(packed, with_manifest(files)), capsys)


def test_a_cell_that_another_key_was_given(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def moved(record: Record) -> Record:
        regime = {"name": "gaussian", "spec": "gaussian(sigma=5.0)", "display": "gaussian(sigma=5)"}
        other = with_cell(record, regime={**regime, "versions": {"gaussian": 1}})
        return replace(other, seal=seal_of(other))

    assert "by hand: its " in refusal(zipped(packed, with_records(files_of(packed), moved)), capsys)


def test_a_signature_of_another_entry(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = packed.with_name("other.nbz")
    pack(packed.parent / "store", "nlm", other, key=packed.parent / "key.pem")
    files = {**files_of(packed), "signature.json": files_of(other)["signature.json"]}
    assert "signature" in refusal(zipped(packed, files), capsys)


def test_a_signature_of_somebody_else_or_none(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private_key(packed.parent / "other.pem")
    signer = ("--signer", str(packed.parent / "other.pub"))
    assert "not by" in refusal(packed, capsys, *signer)
    assert "by nobody" in refusal(zipped(packed, with_manifest(files_of(packed))), capsys, *signer)


def test_a_signature_that_is_none(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    good = json.loads(files["signature.json"])
    for bad in ([], {}, {**good, "ed25519": "é" * 64}, {**good, "signature": "zz"}, {**good, "ed25519": "0" * 64}):
        files["signature.json"] = json.dumps(bad).encode()
        assert "signature" in refusal(zipped(packed, files), capsys)


def test_a_name_that_is_there_twice(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("results.json", b"{}")
    assert "twice" in refusal(packed, capsys)


def test_files_that_the_manifest_does_not_name_or_names_alone(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    zipped(packed, {**files, "recipe/more.yaml": b""})
    assert "recipe/more.yaml" in refusal(packed, capsys)
    zipped(packed, {name: data for name, data in files.items() if name != output_in(files)})
    assert output_in(files) in refusal(packed, capsys)


def test_a_link_and_an_encrypted_file(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = with_manifest(files_of(packed))
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == "results.json" else 0o644) << 16
            archive.writestr(info, data)
    assert "link" in refusal(packed, capsys)


def test_an_output_that_would_be_unpickled_is_not(packed: Path) -> None:
    opened = packed.with_name("opened")

    class Opens:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
            return open, (str(opened), "w")

    file = io.BytesIO()
    np.save(file, np.array([Opens()], dtype=object), allow_pickle=True)
    files = files_of(packed)
    for data in (file.getvalue(), pickle.dumps(Opens())):
        zipped(packed, with_manifest({**files, output_in(files): data}))
        entry = read_entry(packed)
        key = output_in(files).split("/")[1]
        with pytest.raises(Exception, match="unpickled|no array"):
            entry.output(key, 0)
    assert not opened.exists()


def test_an_output_whose_header_says_a_huge_size(packed: Path) -> None:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    files = files_of(packed)
    zipped(packed, with_manifest({**files, output_in(files): file.getvalue() + bytes(8)}))
    with pytest.raises(Exception, match="header"):
        read_entry(packed).output(output_in(files).split("/")[1], 0)


def test_an_output_of_no_row(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    for name in (output_name("a" * 64, 0), output_name(output_in(files).split("/")[1], 3)):
        assert name in refusal(zipped(packed, with_manifest({**files, name: files[output_in(files)]})), capsys)


def test_cells_of_two_methods(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of(packed)
    records = [made("nlm", 1.0), made("tv", 2.0)]
    files = {"results.json": export_text([replace(one, seal=seal_of(one)) for one in records]).encode()}
    assert "2 methods" in refusal(zipped(packed, with_manifest(files)), capsys)


def test_what_is_no_entry(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = packed.read_bytes()
    for data in (b"", b"PK", whole[: len(whole) // 2], whole[:-30], b"<html>", bytes(1000)):
        packed.write_bytes(data)
        assert "pack" in refusal(packed, capsys)
    assert "check the path" in refusal(packed.parent / "absent.nbz", capsys)
    assert "cannot be read" in refusal(packed.parent, capsys)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[]", b"{}", b'{"noisebench_entry": 1}', b'{"noisebench_entry": 1, "packed_at": 3, "files": {}}',
     b"[" * 100_000,
     b'{"noisebench_entry": 1, "packed_at": "", "files": {"results.json": {"bytes": NaN, "sha256": ""}}}'],
)  # fmt: skip
def test_a_manifest_that_is_none(packed: Path, manifest: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert "manifest" in refusal(zipped(packed, {**files_of(packed), "manifest.json": manifest}), capsys)


def test_an_entry_of_a_newer_noisebench(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**files_of(packed), "manifest.json": b'{"noisebench_entry": 99}'}
    assert "upgrade" in refusal(zipped(packed, files), capsys)


def test_a_damaged_byte_anywhere_is_noticed(packed: Path) -> None:
    whole = packed.read_bytes()
    for place in range(0, len(whole) - 30, max(1, len(whole) // 40)):
        packed.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            entry = read_entry(packed)
        except Exception as error:
            assert type(error).__name__ in ("UsageError", "Hostile"), error
        else:  # a date or another field that nothing is read from
            assert entry.signer and len(entry.results) == 2


def test_keys_of_openssh_and_what_is_no_key(packed: Path) -> None:
    store, to = packed.parent / "store", packed.with_name("ssh.nbz")
    pack(store, "nlm", to, key=private_key(packed.parent / "id", ssh=True))
    assert read_entry(to, public_key(str(packed.parent / "id.pub"))).signer
    (packed.parent / "none.pem").write_text("no key")
    for name in ("none.pem", "key.pub", "absent.pem"):
        with pytest.raises(Exception, match="openssl"):
            pack(store, "nlm", packed.with_name("x.nbz"), key=packed.parent / name)
        assert not packed.with_name("x.nbz").exists()
    with pytest.raises(Exception, match="64 hex"):
        public_key(str(packed.parent / "none.pem"))


def test_nothing_is_left_where_packing_fails(packed: Path) -> None:
    before = sorted(packed.parent.iterdir())
    for to in (packed.parent / "x.zip", packed.parent / "absent" / "x.nbz", packed.parent / "store" / "x.nbz"):
        with pytest.raises(Exception, match="--to|store"):
            pack(packed.parent / "store", "nlm", to)
    with pytest.raises(Exception, match="nlm"):
        pack(packed.parent / "store", "nlmm", packed.parent / "x.nbz")
    entry = write_entry(packed.parent / "y.nbz", "", [("results.json", b"{}")], None)
    assert list(entry.files) == ["results.json"]
    (packed.parent / "y.nbz").unlink()
    assert sorted(packed.parent.iterdir()) == before
