"""Scalars of TensorBoard's event files. Read `read_scalars` first.

An event file is a sequence of records: the length (8 bytes), a checksum of it, the data, and a
checksum of them, little-endian. The checksums are CRC-32C, rotated and shifted. The data are a
protocol buffer `Event` of TensorFlow (`event.proto`, `summary.proto`, `tensor.proto`), of which
five fields are needed. They are decoded here: the package `tensorboard` would bring a web server
and gRPC, and only reading is needed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_POLYNOMIAL = 0x82F63B78
"""CRC-32C (Castagnoli), with reversed bits."""
_MASK = 0xA282EAD8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""
_FLOAT, _DOUBLE = 1, 2
"""Data types of tensors."""
LONGEST_RECORD = 1 << 28
"""Bytes of the longest record that is read; a longer one means a damaged length."""


@cache
def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the tables that update a checksum by one byte and by two bytes at once."""
    single = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        single.append(value)
    double = [single[value & 0xFF] ^ value >> 8 for value in range(1 << 16)]
    return tuple(single), tuple(single[value & 0xFF] ^ value >> 8 for value in double)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scalar:
    """One logged number."""

    tag: str
    """Its name."""
    step: int
    """Global step."""
    wall_time: float
    """Seconds since 1970."""
    value: float
    """The number."""


@dataclass(frozen=True, kw_only=True)
class EventFile:
    """The scalars of one event file."""

    scalars: list[Scalar]
    """In the order of the file."""
    num_others: int
    """Summaries that are not scalars: histograms, texts, images."""
    cut: bool
    """Whether the file ends within a record, as a killed writer leaves it."""


def masked_crc(data: bytes) -> int:
    """Return the checksum of a record: the rotated and shifted CRC-32C.

    Examples:
        >>> hex(masked_crc(b"123456789"))  # the CRC-32C of this text is 0xe3069283
        '0xc78ab0e5'
    """
    single, double = _tables()
    value = 0xFFFFFFFF
    even = len(data) & ~1
    for (pair,) in struct.iter_unpack("<H", data[:even]):
        value = double[(value ^ pair) & 0xFFFF] ^ value >> 16
    for byte in data[even:]:
        value = single[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + _MASK) & 0xFFFFFFFF


@lru_cache(maxsize=4096)
def _head_crc(head: bytes) -> int:
    """Return the checksum of a length; few lengths occur."""
    return masked_crc(head)


def read_scalars(path: Path) -> EventFile:
    """Read the scalars of an event file.

    Raises:
        ValueError: naming file and byte, if the file is not an event file or a record is damaged.
    """
    data = path.read_bytes()
    scalars: list[Scalar] = []
    others, place = 0, 0
    while place < len(data):
        record = _record(data, place, path)
        if record is None:
            return EventFile(scalars=scalars, num_others=others, cut=True)
        try:
            found, more = _event(record)
        except IndexError:
            raise ValueError(f"{path}: byte {place}: not a readable event: it is cut") from None
        except ValueError as error:
            raise ValueError(f"{path}: byte {place}: not a readable event: {error}") from None
        scalars += found
        others += more
        place += len(record) + 16
    return EventFile(scalars=scalars, num_others=others, cut=False)


def _record(data: bytes, place: int, path: Path) -> bytes | None:
    """Return the data of the record at a byte; None if the file ends within it."""
    if place + 12 > len(data):
        return None
    head = data[place : place + 8]
    if _head_crc(head) != int.from_bytes(data[place + 8 : place + 12], "little"):
        problem = "is not an event file of TensorBoard" if place == 0 else "is damaged"
        raise ValueError(f"{path}: {problem}: wrong checksum of the length at byte {place}")
    length = int.from_bytes(head, "little")
    if length > LONGEST_RECORD:
        raise ValueError(f"{path}: byte {place}: a record of {length} bytes is too long")
    end = place + 12 + length
    if end + 4 > len(data):
        return None
    record = data[place + 12 : end]
    if masked_crc(record) != int.from_bytes(data[end : end + 4], "little"):
        raise ValueError(f"{path}: is damaged: wrong checksum of the record at byte {place}")
    return record


def _event(data: bytes) -> tuple[list[Scalar], int]:
    """Return the scalars of an event, and the number of its other summaries."""
    step, wall_time, others = 0, 0.0, 0
    values: list[tuple[str, float]] = []
    for number, wire, integer, part in _fields(data):
        if number == 1 and wire == _FIXED64:
            (wall_time,) = struct.unpack("<d", part)
        elif number == 2 and wire == _VARINT:
            step = integer if integer < 1 << 63 else integer - (1 << 64)
        elif number == 5 and wire == _BYTES:
            for inner, kind, _, summary in _fields(part):
                if inner == 1 and kind == _BYTES:
                    tag, scalar = _summary(summary)
                    if scalar is None:
                        others += 1
                    else:
                        values.append((tag, scalar))
    scalars = [
        Scalar(tag=tag, step=step, wall_time=wall_time, value=value) for tag, value in values
    ]
    return scalars, others


def _summary(data: bytes) -> tuple[str, float | None]:
    """Return tag and value of one summary; None as the value if it is not a scalar."""
    tag, scalar = "", None
    for number, wire, _, part in _fields(data):
        if number == 1 and wire == _BYTES:
            tag = part.decode()
        elif number == 2 and wire == _FIXED32:
            (scalar,) = struct.unpack("<f", part)
        elif number == 8 and wire == _BYTES:
            scalar = _tensor(part)
    return tag, scalar


def _tensor(data: bytes) -> float | None:
    """Return the number of a tensor of one float or double; None for any other tensor."""
    kind, content = 0, b""
    for number, wire, integer, part in _fields(data):
        if number == 1 and wire == _VARINT:
            kind = integer
        elif number in (4, 5, 6) and wire != _VARINT:  # tensor_content, float_val, double_val
            content += part
    if kind == _FLOAT and len(content) == 4:
        return float(struct.unpack("<f", content)[0])
    if kind == _DOUBLE and len(content) == 8:
        return float(struct.unpack("<d", content)[0])
    return None


def _fields(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield number, wire type, integer and bytes of each field of a protocol buffer.

    A varint has no bytes, and the others have the integer 0.

    Raises:
        ValueError: for a wire type that is not known, or a field that ends after the data.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == _VARINT:
            integer, place = _varint(data, place)
            yield key >> 3, wire, integer, b""
            continue
        if wire == _BYTES:
            length, place = _varint(data, place)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is not known")
        if place + length > len(data):
            raise ValueError("a field is longer than its record")
        yield key >> 3, wire, 0, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a byte, and the byte after it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")
