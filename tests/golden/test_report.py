# SPDX-License-Identifier: BSD-2-Clause
"""What `lgtrace report` says of recordings of the streams: the same as the live code says of the records themselves.

The recordings are made with lgtrace's own writer, and read by the program as it is installed.
"""
import os
import pathlib
import subprocess

import pytest
from test_golden import HERE, NAMES, ROOT, replay

LGTRACE = ROOT / os.environ.get("BUILD", "build") / "lgtrace"
UTC = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}


def recording(name, folder):
    """A recording of a stream."""
    path = folder / f"{name}.rec"
    result = replay(name, folder, "--record", path)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return path


def report(path, *options, code=0):
    """Standard output and error, as bytes."""
    result = subprocess.run([LGTRACE, "report", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=120, env=UTC, cwd=pathlib.Path(path).parent, check=False)
    assert result.returncode == code, result.stderr.decode(errors="replace")
    return result.stdout, result.stderr


def expected(name):
    return (HERE / "expected" / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_json_is_that_of_the_live_run(name, tmp_path):
    out, err = report(recording(name, tmp_path), "--json", "--requests")
    assert out == expected(f"{name}.json")
    assert err == b"lgtrace: recorded on golden: names of system calls may be wrong\n"


@pytest.mark.parametrize("name", NAMES)
def test_text_is_that_of_the_live_run(name, tmp_path):
    """All but its opening, which says that it is a recording."""
    wanted = expected(f"{name}.txt").split(b"\n", 1)[1]
    path = recording(name, tmp_path)
    out, _ = report(path, "--stalls")
    assert out.startswith(b"Recorded 2026-01-01T00:01:40Z on golden (Linux 6.1.0-golden): ")
    assert out.split(b"\n", 1)[1] == wanted
    summary, _ = report(path)
    assert b"\n\nTraced for " in summary
    assert summary[summary.index(b"\n\nTraced"):] == out[out.index(b"\n\nTraced"):]


def test_the_threshold_is_chosen_anew(tmp_path):
    path = recording("uvicorn_tasks", tmp_path)
    out, err = report(path, "--json", "--threshold", "1ms")
    assert b'"threshold_ns":1000000,' in out
    assert b"from 20 ms on" in err
    more = out.count(b'"type":"stall"')
    out, err = report(path, "--json", "--threshold", "100s")
    assert out.count(b'"type":"stall"') == 0 < more


def test_quiet(tmp_path):
    out, err = report(recording("uvicorn_tasks", tmp_path), "--quiet", "--json")
    assert out.count(b"\n") == 2 and err == b""


def test_names_are_chosen_anew(tmp_path):
    out, _ = report(recording("uvicorn_tasks", tmp_path), "--json", "--requests", "--request-id-header", "Host",
                    "--route-pattern", "/*")
    assert b'"id":"shop"' in out and b'"route":"/*"' in out


def test_output_file(tmp_path):
    path = recording("tls", tmp_path)
    out, _ = report(path, "--json", "--requests", "-o", tmp_path / "out.json")
    assert out == b""
    assert (tmp_path / "out.json").read_bytes() == expected("tls.json")


def test_default_name(tmp_path):
    recording("tls", tmp_path).rename(tmp_path / "lgtrace.rec")
    result = subprocess.run([LGTRACE, "report", "--json", "--requests"], stdout=subprocess.PIPE, cwd=tmp_path,
                            stderr=subprocess.DEVNULL, timeout=60, env=UTC, check=False)
    assert result.stdout == expected("tls.json")


def test_damage_is_told_and_is_no_failure(tmp_path):
    path = recording("several_loops", tmp_path)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-50])
    out, err = report(path, "--json", "--quiet")
    assert out.count(b"\n") == 2 and b"ends early" in err and err.count(b"\n") == 1
    data[-80] ^= 1
    path.write_bytes(data)
    out, err = report(path, "--json")
    assert out.count(b'"type":"summary"') == 1 and b"is damaged at byte" in err
    path.write_bytes(data[:20])
    out, err = report(path, code=1)
    assert out == b"" and b"nothing of it can be read" in err
