# SPDX-License-Identifier: BSD-2-Clause
"""What lgtrace says of streams written by hand, compared byte by byte with expected/.

streams/NAME.py says in its first lines what must come out of it; expected/NAME.VIEW is that, read by a person
before it was committed. `make golden-update` writes expected/ anew.
"""
import difflib
import importlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import stream as layout  # noqa: E402
from contract import check_lines  # noqa: E402

ROOT = HERE.parents[1]
REPLAY = ROOT / os.environ.get("BUILD", "build") / "golden/replay"
NAMES = sorted(path.stem for path in (HERE / "streams").glob("*.py"))
VIEWS = {
    "txt": ["--text"],
    "json": ["--json", "--requests"],
    "tty": ["--text", "--requests", "--width", "100", "--utf8", "--colour"],
    "narrow": ["--text", "--width", "80"],
}
ON_A_TERMINAL = {"hostile", "uvicorn_tasks", "stacks", "several_loops", "lost", "budget"}
CASES = [(name, view) for name in NAMES for view in VIEWS if view in ("txt", "json") or name in ON_A_TERMINAL]


def stream_bytes(name):
    return importlib.import_module(f"streams.{name}").stream()


def replay(name, folder, *options):
    file = folder / f"{name}.stream"
    file.write_bytes(stream_bytes(name))
    return subprocess.run([REPLAY, "--threshold", "20ms", *options, file], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120)


def told(name, view, folder):
    result = replay(name, folder, *VIEWS[view])
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout


def compare(path, output, context=1):
    """Fails with the lines that differ from what stands in `path`."""
    wanted = path.read_bytes() if path.exists() else b""
    if output != wanted:
        lines = [data.decode(errors="backslashreplace").splitlines() for data in (wanted, output)]
        diff = difflib.unified_diff(*lines, str(path.relative_to(HERE)), "as it is now", lineterm="", n=context)
        pytest.fail("\n".join([*diff, "If it is right as it is now: make golden-update, and read git diff."]),
                    pytrace=False)


@pytest.mark.parametrize("name,view", CASES)
def test_output(name, view, tmp_path):
    compare(HERE / "expected" / f"{name}.{view}", told(name, view, tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_json_keeps_the_contract(name, tmp_path):
    check_lines([json.loads(line) for line in told(name, "json", tmp_path).splitlines()])


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_hostile_passes(view, tmp_path):
    text = told("hostile", view, tmp_path).decode()
    for sequence in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[36m"):
        text = text.replace(sequence, "")
    assert {c for c in text if not c.isprintable()} <= {"\n"}


def test_struct_sizes_agree():
    """Packing asserts each; here those that no stream uses would show."""
    used = {"lg_head", "lg_target", "lg_block", "lg_slot", "lg_frame", *(f"lg_rec_{name.lower()}" for name in layout.RECORDS)}
    assert used == set(layout.SIZES)


def record_ends(data):
    """Offsets at which a record ends."""
    at, ends = 0, []
    while at < len(data):
        at += int.from_bytes(data[at + 2:at + 4], sys.byteorder)
        ends.append(at)
    return ends


def test_truncated_streams(tmp_path):
    """Every prefix is read up to the last whole record, and what is told up to there is the whole's beginning."""
    data = stream_bytes("uvicorn_tasks")
    ends = [0, *record_ends(data)]
    assert ends[-1] == len(data)
    whole = [line for line in told("uvicorn_tasks", "json", tmp_path).splitlines() if b'"type":"header"' not in line]
    result = replay("uvicorn_tasks", tmp_path, *VIEWS["json"], "--prefixes")
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    lines, seen = [], []
    for line in result.stdout.splitlines():
        if not line.startswith(b"\x1e"):
            lines.append(line)
            continue
        length, read = map(int, line[1:].split())
        assert read == max(end for end in ends if end <= length)
        body = [line for line in lines[1:] if b'"type":"summary"' not in line]
        assert body == whole[:len(body)], f"prefix of {length} bytes"
        assert len(lines) - 1 - len(body) == (read == length), "a summary, and only of what is whole"
        seen.append((length, len(body)))
        lines = []
    assert seen[0][0] == 0 and seen[4096][0] == 4096
    assert [count for _, count in seen] == sorted(count for _, count in seen)
    assert seen[-1][0] > len(data) - 64 and seen[-1][1] > 4


def test_damaged_stream_is_refused(tmp_path):
    file = tmp_path / "damaged"
    data = stream_bytes("nginx_fifo")
    file.write_bytes(data[:-1])
    result = subprocess.run([REPLAY, "--json", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert result.returncode == 1
    assert f"damaged at byte {record_ends(data)[-2]}" in result.stderr.decode()


def update():
    outputs = {f"{name}.{view}": told(name, view, REPLAY.parent) for name, view in CASES}
    expected = HERE / "expected"
    expected.mkdir(exist_ok=True)
    for old in expected.iterdir():
        old.unlink()
    for name, output in outputs.items():
        (expected / name).write_bytes(output)


if __name__ == "__main__":
    update()
    import test_report
    test_report.update()
