# SPDX-License-Identifier: BSD-2-Clause
"""The target is left as it was: under full load, and when lgtrace is killed at any moment."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab_client import Load
from lab_host import waited_ns
from lab_server import EpollServer, Nginx, Node, Redis, Uvicorn, wait_for
from lab_tracer import Tracer
from lab_truth import UNCONFIRMED_NS, describe, is_confirmed

LOAD_S = int(os.environ.get("LG_LONG", "10"))
BPFTOOL = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")

FULL_LOAD = {
    "epoll-syscall": (lambda folder, peer: EpollServer(folder, peer), "syscall"),
    "epoll-libc": (lambda folder, peer: EpollServer(folder, peer), "libc"),
    "nginx-libc": (lambda folder, peer: Nginx(folder), "libc"),
    "node-syscall": (lambda folder, peer: Node(folder, peer), "syscall"),
    "uvicorn-libc": (lambda folder, peer: Uvicorn(folder, peer), "libc"),
    "redis-syscall": (lambda folder, peer: Redis(folder), "syscall"),
}


def drive(server):
    """As many requests as 16 connections can send for LOAD_S; asserts that all succeed."""
    if isinstance(server, Redis):
        return drive_redis(server)
    url = f"http://127.0.0.1:{server.port}/ok"
    done = subprocess.run(["wrk", "-t1", "-c16", f"-d{LOAD_S}s", "--timeout", "10s", url], capture_output=True,
                          text=True, timeout=LOAD_S + 30, check=True)
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    return int(re.search(r"(\d+) requests in", done.stdout).group(1))


def drive_redis(server):
    end = time.monotonic() + LOAD_S
    count = 0
    while time.monotonic() < end:
        subprocess.run(["redis-benchmark", "-p", str(server.port), "-c", "16", "-n", "50000", "-q", "-t", "get"],
                       capture_output=True, timeout=60, check=True)
        count += 50000
    return count


@pytest.mark.parametrize("name", FULL_LOAD)
def test_healthy_server_at_full_load(name, folder, peer):
    make, mode = FULL_LOAD[name]
    with make(folder, peer) as server:
        before_ns = waited_ns(server.pid)
        with Tracer(folder, server.pid, mode, threshold="100ms") as tracer:
            count = drive(server)
            told = tracer.stop()
        hiccups = server.truth()[1]
        wanted_ns = waited_ns(server.pid) - before_ns
    unseen = [stall for stall in told.stalls if stall["duration_ns"] > UNCONFIRMED_NS and
              not is_confirmed(stall, hiccups, ())]
    wrong = [stall for stall in unseen if stall["cause"] != "runqueue"]
    assert not wrong, "\n".join(map(describe, wrong))
    assert sum(stall["runqueue_ns"] for stall in unseen) <= wanted_ns, "\n".join(map(describe, unseen))
    assert told.summary["lost"] == 0
    assert count > 100 * LOAD_S


def held():
    """Programs and maps that a living process has open: another tracer's are none of ours."""
    found = set()
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            text = info.read_text()
        except OSError:
            continue  # it ended, or was closed, meanwhile
        found.update((what, int(number)) for what, number in re.findall(r"^(prog|map)_id:\s+(\d+)", text, re.MULTILINE))
    return found


def loaded():
    """Programs and maps in the kernel."""
    found = set()
    for what in ("prog", "map"):
        done = subprocess.run([BPFTOOL, "-j", what, "show"], capture_output=True, text=True, check=True)
        found.update((what, thing["id"]) for thing in json.loads(done.stdout))
    return found


def code_hash(pid):
    """Of all file-backed code of the process, as it stands in its memory."""
    digest = hashlib.sha256()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_ = line.split()
            if "x" not in access or "/" not in line:
                continue
            begin, end = (int(word, 16) for word in span.split("-"))
            memory.seek(begin)
            digest.update(memory.read(end - begin))
    return digest.hexdigest()


def test_code_hash_sees_a_probe(folder):
    """The check below can fail: while libc is probed the code differs."""
    with EpollServer(folder) as server:
        before = code_hash(server.pid)
        with Tracer(folder, server.pid, "libc") as tracer:
            assert code_hash(server.pid) != before
            tracer.stop()
        assert code_hash(server.pid) == before


@pytest.mark.parametrize("name", ["epoll", "uvicorn"])
def test_killed_at_any_moment(name, mode, folder, peer):
    make = {"epoll": EpollServer, "uvicorn": Uvicorn}[name]
    rounds = 20 if name == "epoll" else 5
    with make(folder, peer) as server, Load(server.connect, pause_s=0.002) as load:
        code, known = code_hash(server.pid), loaded()
        for _ in range(rounds):
            with Tracer(folder, server.pid, mode, wait=False) as tracer:
                time.sleep(random.uniform(0, 0.5))
                tracer.process.kill()
        wait_for(lambda: loaded() <= known | held(), 10, "end of every BPF program and map")
        wait_for(lambda: code_hash(server.pid) == code, 10, "code as it was")
        count = load.count
        wait_for(lambda: load.count > count + 50, what="replies")
    assert not load.failures


def test_target_is_killed_while_probes_go_out(folder):
    """And while they come in: lgtrace ends as it does for any target that ends."""
    for part in range(8):
        with EpollServer(folder) as server, Load(server.connect), Tracer(folder, server.pid, "libc", wait=False) as tracer:
            if part % 2:
                tracer.wait_attached()
                tracer.process.send_signal(signal.SIGINT)
            time.sleep(part * (0.01 if part % 2 else 0.06))
            server.process.kill()
            server.process.wait()
            assert tracer.wait() in ((0,) if part % 2 else (0, 6)), tracer.stderr()
            assert tracer.process.returncode == 0 or str(server.pid) in tracer.stderr()
