"""Check that a picture file is whole and of a kind that is read: on its bytes, before a decoder fills gaps.

Decoders pad what is missing with grey or silently drop what they do not know (transparency, further frames,
CMYK). Each check raises `Unreadable` with what is wrong and how to mend it.
"""

from __future__ import annotations

import struct
import zlib

from ..data.png_files import PNG_SIGNATURE

_NO_LENGTH = (0x01, *range(0xD0, 0xD9))
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)


class Unreadable(ValueError):
    """Why a file is refused, as the end of a sentence that begins with the file's name."""


def kind_of(data: bytes) -> str:
    """`png`, `jpeg`, `tiff`, `bmp`, `webp`, `pnm`, `npy` or `dicom`, by content and not by name."""
    if not data:
        raise Unreadable("is empty (0 bytes): copy it again")
    if data.startswith(PNG_SIGNATURE):
        return "png"
    if data.startswith(b"\xff\xd8"):
        return "jpeg"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "tiff"
    if data.startswith(b"BM"):
        return "bmp"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6") and data[2:3].isspace():
        return "pnm"
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data[128:132] == b"DICM":
        return "dicom"
    if data[:4] == b"GIF8":
        raise Unreadable("is a GIF (256 colours, possibly animated): save the picture as PNG")
    if data[:512].lstrip()[:1] == b"<":
        raise Unreadable("is a web page or XML text, not a picture: download it again")
    if PNG_SIGNATURE.startswith(data[:8]) or len(data) < 8:
        raise Unreadable(f"is truncated ({len(data)} bytes): copy it again")
    raise Unreadable("is not a picture that is read here: save it as PNG, TIFF, JPEG or .npy")


def check(data: bytes, kind: str) -> None:
    """Raise `Unreadable` where the file is cut short or damaged, or holds what would be lost in reading."""
    checker = {"png": _check_png, "jpeg": _check_jpeg, "tiff": _check_tiff, "webp": _check_webp}.get(kind)
    if checker is not None:
        try:
            checker(data)
        except (struct.error, IndexError):
            raise Unreadable("is truncated: copy it again") from None


def _check_png(data: bytes) -> None:
    at, colour, chunks = 8, 0, set()
    while True:
        if at + 12 > len(data):
            raise Unreadable("is truncated (no PNG end marker): copy it again")
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise Unreadable("is truncated (inside a PNG chunk): copy it again")
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise Unreadable(f"is corrupt (checksum of PNG chunk at byte {at}): copy it again")
        chunks.add(name)
        if name == b"IHDR":
            colour = data[at + 17]
        elif name == b"eXIf":
            _refuse_turned(data[at + 8 : end - 4])
        elif name == b"acTL" and struct.unpack_from(">I", data, at + 8)[0] > 1:
            raise Unreadable("is an animated PNG: save one frame as a plain PNG")
        elif name == b"IEND":
            break
        at = end
    if not {b"IHDR", b"IDAT"} <= chunks:
        raise Unreadable("is corrupt (a PNG without pixels): copy it again")
    if b"tRNS" in chunks and colour == 0:
        raise Unreadable("has a transparent grey level: flatten it onto a background and save it without")


def _check_jpeg(data: bytes) -> None:
    at, scans = 2, 0
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Unreadable("is truncated (no JPEG end marker): copy it again")
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte before a marker
            at += 1
            continue
        if marker == 0xD9:
            break
        if marker == 0 or marker in _NO_LENGTH:  # stuffing and restarts, inside entropy-coded data
            at += 2
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        if at + 2 + length > len(data):
            raise Unreadable("is truncated (inside a JPEG segment): copy it again")
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            _refuse_turned(data[at + 10 : at + 2 + length])
        if marker in _FRAMES:
            precision, components = data[at + 4], data[at + 9]
            if precision != 8:
                raise Unreadable(f"is a JPEG of {precision} bits: save it as 16-bit PNG")
            if components not in (1, 3):
                raise Unreadable("is a CMYK JPEG: convert it to RGB and save it as PNG")
        scans += marker == 0xDA
        at += 2 + length
    if not scans:
        raise Unreadable("is corrupt (a JPEG without pixels): copy it again")


def _check_tiff(data: bytes) -> None:
    _refuse_turned(data)
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    entries = struct.unpack_from(order + "H", data, at)[0]
    for n in range(entries):
        tag, _, _, value = struct.unpack_from(order + "HHIH", data, at + 2 + 12 * n)
        if tag == 262 and value not in (0, 1, 2, 3, 6):  # PhotometricInterpretation
            raise Unreadable("is a TIFF that is neither grey nor RGB: convert it to RGB")
    if struct.unpack_from(order + "I", data, at + 2 + 12 * entries)[0]:
        raise Unreadable("is a TIFF of several pages: read it as stack(path=…), or save each page by itself")


def _check_webp(data: bytes) -> None:
    if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise Unreadable("is truncated (shorter than its WebP header says): copy it again")
    if data[12:16] == b"VP8X" and data[20] & 2:
        raise Unreadable("is an animated WebP: save one frame as PNG")
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF":
            _refuse_turned(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2


def _refuse_turned(exif: bytes) -> None:
    """Raise `Unreadable` where EXIF, which has the form of a TIFF, says that the picture is shown turned or mirrored.

    Some programs turn such a picture as they read it and others do not. EXIF that cannot be read says nothing.
    """
    order = "<" if exif[:2] == b"II" else ">"
    try:
        at = struct.unpack_from(order + "I", exif, 4)[0]
        for n in range(struct.unpack_from(order + "H", exif, at)[0]):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, at + 2 + 12 * n)
            if tag == 274 and 2 <= value <= 8:
                raise Unreadable(f"is stored turned or mirrored (EXIF orientation {value}): save it as it is shown")
    except struct.error:
        return
