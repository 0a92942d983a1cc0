# SPDX-License-Identifier: BSD-2-Clause
"""Five servers under load for SOAK_S seconds (`make soak MINUTES=30`), everything told and recorded: lgtrace's memory
and descriptors do not grow, nothing is lost, no request fails.
"""
import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab_client import Load, new_id
from lab_server import EpollServer, Nginx, Node, Redis, Uvicorn
from lab_tracer import LGTRACE, ROOT

SOAK_S = float(os.environ.get("SOAK_S", "15"))
WARM_S = min(60, SOAK_S / 2)  # tables and pools have their sizes by then, and what names code was read
GROWTH_KIB = 1024  # of the resident memory since then, whatever the time: allocators are not exact
LATE_FILES = 4  # libraries whose code is met only then: they are kept open

PACED = """
wrk.headers["X-Request-ID"] = "soak"
function delay() return 4 end
"""


class Reader:
    """lgtrace's standard output as it comes: counts, and keeps stalls and the summary."""

    def __init__(self, stream):
        self.stream = stream
        self.requests, self.stalls, self.summary = 0, [], None
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.stream:
            if line.startswith(b'{"type":"request"'):
                self.requests += 1
            elif line.startswith(b'{"type":"stall"'):
                self.stalls.append(json.loads(line))
            elif line.startswith(b'{"type":"summary"'):
                self.summary = json.loads(line)


class Usage:
    """Resident memory and descriptors of a process, once a second."""

    def __init__(self, pid):
        self.proc, self.samples = Path(f"/proc/{pid}"), []

    def take(self):
        rss_kib = int(re.search(r"Rss:\s+(\d+)", (self.proc / "smaps_rollup").read_text()).group(1))
        self.samples.append((rss_kib, len(os.listdir(self.proc / "fd"))))

    def check(self, warm):
        middle = self.samples[warm:(warm + len(self.samples)) // 2]
        end = self.samples[(warm + len(self.samples)) // 2:]
        for what, index, slack in (("KiB", 0, GROWTH_KIB), ("descriptors", 1, LATE_FILES)):
            before, after = (max(sample[index] for sample in part) for part in (middle, end))
            assert after <= before + slack, f"{before} {what} grew to {after}: {self.samples}"


@contextmanager
def http_load(folder, port):
    """8 connections, each a request every few milliseconds. Asserts that none failed."""
    script = folder / "paced.lua"
    script.write_text(PACED)
    argv = ["wrk", "-t1", "-c8", f"-d{int(SOAK_S)}s", "--timeout", "10s", "-s", script, f"http://127.0.0.1:{port}/ok"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as wrk:
        yield
        text = wrk.communicate(timeout=30)[0]
    assert wrk.returncode == 0 and "Non-2xx" not in text and "Socket errors" not in text, text


def plant(servers):
    """A stall in each, by a connection of its own."""
    for server, path in servers:
        connection = server.connect()
        assert connection.get(path, new_id("plant")).status == 200
        connection.close()


@contextmanager
def running(folder, peer):
    with ExitStack() as stack:
        servers = []
        for make in (lambda f: Uvicorn(f, peer), lambda f: Node(f, peer), lambda f: EpollServer(f, peer), Nginx, Redis):
            own = folder / str(len(servers))
            own.mkdir()
            own.chmod(0o755)
            servers.append(stack.enter_context(make(own)))
        yield servers


def soak(servers, usage):
    """Load and plants for SOAK_S; returns how many were planted."""
    uvicorn, node, epoll, _, redis = servers
    planted = [(uvicorn, "/cpu/30"), (node, "/cpu/30"), (node, "/exec/30"), (epoll, "/sleep/30"), (epoll, "/read/30")]
    count = 0
    with ExitStack() as stack:
        for server in servers[:-1]:
            stack.enter_context(http_load(server.folder, server.port))
        load = stack.enter_context(Load(redis.connect, "SET key value", connections=4))
        end = time.monotonic() + SOAK_S
        while time.monotonic() < end:
            plant(planted)
            count += len(planted)
            usage.take()
            time.sleep(max(0, 1 - len(planted) * 0.035))
    assert not load.failures
    return count


def test_soak(folder, peer):
    with running(folder, peer) as servers:
        argv = [LGTRACE, "--json", "--requests", "--threshold", "20ms", "-v", "--stack", "user,kernel", "--cumulative",
                "200ms/1s", "--record", folder / "soak.rec", "--max-size", "4M", "-p",
                ",".join(str(server.pid) for server in servers)]
        with open(folder / "err", "wb") as err:
            tracer = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE, stderr=err, cwd=ROOT)
        reader, usage = Reader(tracer.stdout), Usage(tracer.pid)
        try:
            time.sleep(1)
            planted = soak(servers, usage)
            tracer.send_signal(signal.SIGINT)
            assert tracer.wait(15) == 0, (folder / "err").read_text()
        finally:
            tracer.kill()
            reader.thread.join()
    print(f"{reader.requests} requests, {planted} planted, {len(reader.stalls)} stalls, samples {usage.samples[::30]}")
    assert reader.summary["lost"] == 0
    usage.check(int(WARM_S))
    assert reader.requests > 200 * SOAK_S
    assert len(reader.stalls) >= planted
    assert len(reader.summary["loops"]) >= len(servers)
