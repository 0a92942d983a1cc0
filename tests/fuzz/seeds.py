# SPDX-License-Identifier: BSD-2-Clause
"""Writes seeds/ anew: what the fuzzers begin with. Small streams of tests/golden, as recordings that are not packed."""
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "golden"))
import recording  # noqa: E402

STREAMS = ("tls", "uvicorn_tasks", "node_nested")


def main():
    folder = HERE / "seeds/file"
    folder.mkdir(parents=True, exist_ok=True)
    for name in STREAMS:
        stream = importlib.import_module(f"streams.{name}").stream()
        (folder / name).write_bytes(recording.recording(stream))
    # A ring whose first segments are gone: its state is read.
    stream = importlib.import_module("streams.tls").stream()
    records = list(recording.records_of(stream))
    state, rest = b"".join(records[:5]), b"".join(records[5:])
    ring = [recording.head(recording.INFO, b"", slots=2, slot=1 << 13),
            recording.chunk(recording.STATE, state, segment=2), recording.chunk(recording.END, segment=2, index=1)]
    ring[1:] = [b"".join(ring[1:]).ljust(1 << 13, b"\0"), recording.chunk(recording.RECORD, rest, segment=3),
                recording.chunk(recording.LAST, segment=3, index=1)]
    (folder / "ring").write_bytes(b"".join(ring))


if __name__ == "__main__":
    main()
