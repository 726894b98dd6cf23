"""Ed25519 signatures of entries, by the package `cryptography`: keys as OpenSSL and OpenSSH write them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..data.disk import read_regular
from ..text.errors import UsageError, one_line
from ..text.extras import install_line

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PURPOSE = b"noisebench entry\n"
"""Stands before what is signed, so that a signature of something else is none of an entry."""
_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 1 << 16
_MAKE_ONE = "`openssl genpkey -algorithm ed25519 -out KEY` makes one"


class Signature(Struct, frozen=True, kw_only=True):
    """Who signed, by the raw public key, and the signature; both in hex."""

    ed25519: str
    signature: str


def sign(manifest: bytes, key_file: Path) -> Signature:
    """Sign a manifest. Raises `UsageError` for a file that holds no private key of Ed25519 without a password."""
    key = _private_key(key_file)
    return Signature(ed25519=key.public_key().public_bytes_raw().hex(), signature=key.sign(_PURPOSE + manifest).hex())


def why_not_signed(manifest: bytes, given: Signature) -> str:
    """Why a signature is not one of this manifest, empty where it is. Raises `UsageError` without `cryptography`."""
    _need_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not _HEX_KEY.fullmatch(given.ed25519):
        return "its public key is not 64 hexadecimal digits"
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(given.ed25519))
        key.verify(bytes.fromhex(given.signature), _PURPOSE + manifest)
    except (InvalidSignature, ValueError):
        return "the signature is not one of this manifest: it was changed, or signed as something else"
    return ""


def public_key(text: str) -> str:
    """The raw public key that a person names, in hex: as it is, or in a file of OpenSSL or OpenSSH. Raises
    `UsageError`."""
    if _HEX_KEY.fullmatch(text):
        return text
    _need_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    data = _key_bytes(Path(text))
    load: Any = serialization.load_ssh_public_key if data.startswith(b"ssh-") else serialization.load_pem_public_key
    try:
        key = load(data)
    except Exception as error:  # cryptography raises many kinds for what it cannot read
        raise UsageError(f"{one_line(text)} holds no public key ({one_line(error, 80)}): give 64 hex digits") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{one_line(text)} holds a key of another kind: give one of Ed25519")
    return key.public_bytes_raw().hex()


def _private_key(file: Path) -> Ed25519PrivateKey:
    _need_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = _key_bytes(file)
    ssh = b"BEGIN OPENSSH" in data
    load: Any = serialization.load_ssh_private_key if ssh else serialization.load_pem_private_key
    try:
        key = load(data, password=None)
    except TypeError:
        raise UsageError(f"key {one_line(file)} has a password: give one without, {_MAKE_ONE}") from None
    except Exception as error:
        raise UsageError(f"{one_line(file)} holds no private key ({one_line(error, 80)}): {_MAKE_ONE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{one_line(file)} holds a key of another kind than Ed25519: {_MAKE_ONE}")
    return key


def _key_bytes(file: Path) -> bytes:
    try:
        data = read_regular(file)
    except OSError as error:
        raise UsageError(f"key {one_line(file)} cannot be read ({error.strerror}): {_MAKE_ONE}") from None
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{one_line(file)} is too large for a key: {_MAKE_ONE}")
    return data


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError(f"signatures need the package cryptography: {install_line('cryptography')}") from None
