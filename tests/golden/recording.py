# SPDX-License-Identifier: BSD-2-Clause
"""Recordings written from the description in user/source/file.h, not by lgtrace's own writer: nothing is packed.

They hold lgtrace's reader to the description, and are what a fuzzer begins with.
"""
import json
import struct
import zlib

from stream import RECORDS, SIZES

RECORD, STATE, END, LAST = 1, 2, 3, 4
RAW = 0
SLOT = 1 << 20


def padded(data):
    return data + bytes(-len(data) % 8)


def records_of(data):
    """Each record of a stream."""
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 2:at + 4], "little")
        yield data[at:at + length]
        at += length


def targets_of(data):
    """The TARGET records, one a process."""
    found = {}
    for record in records_of(data):
        if int.from_bytes(record[:2], "little") == RECORDS["TARGET"]:
            found.setdefault(record[16:20], record)
    return b"".join(found.values())


def head(info, targets, slots=8, slot=SLOT):
    text = json.dumps(info).encode()
    start = struct.pack("=8sIIQIII", b"lgtrace\0", 0x01020304, 1, slot, slots, len(text), len(targets))
    return padded(start + struct.pack("=I", zlib.crc32(start + text + targets)) + text + targets)


def chunk(kind, data=b"", segment=0, index=0):
    rest = struct.pack("=QIIIIBB6x", segment, index, zlib.crc32(data), len(data), len(data), kind, RAW)
    return padded(struct.pack("=II", 0x4b4e4843, zlib.crc32(rest)) + rest + data)


INFO = {"version": "0.0.0", "kernel": "6.1.0-golden", "host": "golden", "machine": "golden",
        "realtime_offset_ns": 1767225600 * 10**9, "threshold_ns": 20_000_000,
        "features": {"edges": "syscall", "tls": "yes"},
        "records": {name.lower(): [kind, SIZES[f"lg_rec_{name.lower()}"]] for name, kind in RECORDS.items()}}


def recording(data, info=None):
    """All of a stream in two chunks; what a head need not say is left out."""
    records = list(records_of(data))
    half = len(records) // 2
    parts = [b"".join(records[:half]), b"".join(records[half:])]
    chunks = [chunk(RECORD, part, index=i) for i, part in enumerate(parts)]
    return b"".join([head(info or INFO, targets_of(data)), *chunks, chunk(LAST, index=len(chunks))])
