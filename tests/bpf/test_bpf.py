# SPDX-License-Identifier: BSD-2-Clause
"""The BPF programs in this machine's kernel: they load at a bounded cost, their logic holds, nothing stays behind.

The cases and the figures come from two programs (logic.c, load.c), each run once; a test is one row of theirs.
"""
import functools
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
SYSTEM_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loading BPF programs needs root")


def run(*command):
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": SYSTEM_PATH}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def object_programs(path):
    """The names of the programs in an object; its other global functions are parts of them."""
    symbols = run("readelf", "--symbols", "--wide", str(path)).stdout
    return set(re.findall(r"FUNC\s+GLOBAL\s+DEFAULT\s+\d+\s+((?:on|trace)_\w+)$", symbols, re.M))


# --- loading ---

@functools.lru_cache
def load_result():
    return run(BUILD / "bpf/load")


def load_rows():
    """(configuration, id, program, section, instructions, processed by the verifier, its time in us, stack)."""
    title, rows = None, []
    for line in load_result().stdout.splitlines():
        if line.startswith("# "):
            title = line[2:]
        elif (fields := line.split())[0] != "id":
            rows.append((title, int(fields[0]), fields[1], fields[2], *map(int, fields[3:])))
    return rows


@needs_root
def test_every_program_loads():
    result = load_result()
    assert result.returncode == 0, result.stderr
    wanted = object_programs(BUILD / "lgtrace.bpf.o")
    assert {"on_sched_switch", "on_sys_exit", "on_libc_return", "on_ssl_enter"} <= wanted
    for title in ("default", "every branch"):
        assert {row[2] for row in load_rows() if row[0] == title} == wanted


@needs_root
def test_verifier_cost_is_bounded():
    for title, _, program, _, instructions, processed, _, _ in load_rows():
        assert 0 < instructions < 20_000, f"{program} ({title})"
        assert 0 < processed <= 150_000, f"{program} ({title})"


@needs_root
def test_stack_fits_every_kernel():
    """Older ones than this allow 512 bytes for a whole chain of calls."""
    for title, _, program, _, _, _, _, stack in load_rows():
        assert 0 < stack <= 512, f"{program} ({title})"


@needs_root
def test_disabled_branches_are_removed():
    instructions = {(row[0], row[2]): row[4] for row in load_rows()}
    assert instructions["default", "on_fork"] < instructions["every branch", "on_fork"]


def loaded_ids():
    return {program["id"] for program in json.loads(run("bpftool", "--json", "prog", "show").stdout)}


@needs_root
def test_no_program_stays_behind():
    """By id: another lgtrace may run on this machine. The kernel frees programs a moment after their end."""
    ids = {row[1] for row in load_rows()}
    assert len(ids) == len(load_rows()) > 0
    deadline = time.monotonic() + 10
    while left := ids & loaded_ids():
        assert time.monotonic() < deadline, f"programs {sorted(left)} are still loaded"
        time.sleep(0.1)


# --- the other architecture ---

def test_arm64_has_every_program():
    arm64 = BUILD / "arm64/lgtrace.bpf.o"
    assert arm64.is_file(), "see 'make bpf-arm64'"
    wanted = object_programs(BUILD / "lgtrace.bpf.o")
    assert wanted and object_programs(arm64) == wanted


# --- logic ---

def logic_names():
    """Without the program (not built yet) there is one test, which fails."""
    try:
        result = run(BUILD / "bpf/logic", "--list")
    except FileNotFoundError:
        return ["not built: see 'make check-bpf'"]
    return result.stdout.split()


@functools.lru_cache
def logic_result():
    result = run(BUILD / "bpf/logic")
    rows = {}
    for line in result.stdout.splitlines():
        verdict, _, rest = line.partition(" ")
        name, _, why = rest.partition(": ")
        rows[name] = (verdict, why)
    return result, rows


@needs_root
@pytest.mark.parametrize("name", logic_names())
def test_logic(name):
    result, rows = logic_result()
    assert name in rows, result.stderr
    assert rows[name] == ("ok", "")


@needs_root
def test_logic_says_the_same():
    result, rows = logic_result()
    assert len(rows) == len(logic_names()) > 50
    assert result.returncode == 0 and not result.stderr
