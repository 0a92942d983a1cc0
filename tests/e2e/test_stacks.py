# SPDX-License-Identifier: BSD-2-Clause
"""Where in the code: each planted stall names the planted function, file and line; what hangs is told while it does.

The lines are looked up in the servers' sources: of Python the line of the blocking call, of C a line of the function, of
JavaScript the one where the function begins.
"""
import os
import re
import shutil
import subprocess
import time

import pytest

from lab_client import new_id
from lab_server import APPS, BUILT, EpollServer, Node, Redis, Uvicorn, free_port, wait_for
from lab_tracer import ATTACH_S, Tracer

THRESHOLD_MS = 20
ROUNDS = 6  # of every kind
MIN_RIGHT = {"syscall": 0.95, "libc": 0.75}  # in libc mode a block may be cut in two, and told by its smaller half
HANG_SLACK_S = 0.35  # beyond the promised 100 ms: what a loaded machine takes to write and read a line


def lines_of(file, begin, end):
    """Numbers of the lines from the one that matches `begin` to the next one that matches `end`."""
    text = (APPS / file).read_text().splitlines()
    first = next(i for i, line in enumerate(text) if re.search(begin, line))
    last = next(i for i, line in enumerate(text[first:], first) if re.search(end, line))
    return range(first + 1, last + 2)


def python_place(kind):
    call = {"cpu": "sum\\(range|thread_time_ns", "sleep": "time.sleep", "futex": "with self.lock|held.acquire", "connect": "sock.connect",
            "read": "peer.recv", "disk": "os.read"}[kind]
    body = lines_of("asgi_app.py", rf"def {kind}\(self, ms\)", r"^$")
    text = (APPS / "asgi_app.py").read_text().splitlines()
    return rf"(Plants\.)?{kind}", "asgi_app.py", [n for n in body if re.search(call, text[n - 1])]


def node_place(kind):
    return kind, "node_app.js", lines_of("node_app.js", rf"^\t{kind}\(ms\)", "{")


def native_place(kind):
    name = {"futex": "lock", "disk": "fifo"}.get(kind, kind)
    return f"plants_{name}", "plants.h", lines_of("plants.h", rf"plants_{name}\(struct", "^}")


SERVERS = {
    "uvicorn-asyncio": (lambda folder, peer: Uvicorn(folder, peer, "asyncio", "h11"), python_place, "python",
                        ("cpu", "sleep", "futex", "connect", "read", "disk")),
    "uvicorn-uvloop": (lambda folder, peer: Uvicorn(folder, peer, "uvloop", "httptools"), python_place, "python",
                       ("cpu", "sleep", "read", "disk")),
    "node": (Node, node_place, "js", ("cpu", "sleep", "disk")),
    "native": (EpollServer, native_place, "native", ("cpu", "sleep", "futex", "connect", "read", "disk")),
}


def own_frames(stall):
    return [frame for frame in stall["stack"] if frame["own"]]


@pytest.mark.parametrize("name", SERVERS)
def test_planted_places(name, mode, folder, peer):
    start, place_of, kind_of_frame, kinds = SERVERS[name]
    wanted, nr_right, wrong = {}, 0, []
    with start(folder, peer) as server:
        with Tracer(folder, server.pid, mode, f"{THRESHOLD_MS}ms") as tracer:
            connection = server.connect()
            for _ in range(ROUNDS):
                for kind in kinds:
                    request_id = new_id(kind)
                    wanted[request_id] = kind
                    assert connection.get(f"/{kind}/{2 * THRESHOLD_MS}", request_id).status == 200
            connection.close()
            told = tracer.stop()
    stalls = {stall["request"]["id"]: stall for stall in told.stalls if stall["request"]}
    for request_id, kind in wanted.items():
        function, file, lines = place_of(kind)
        top = own_frames(stalls[request_id])[:1] if request_id in stalls else []
        if top and re.fullmatch(function, top[0]["function"]) and top[0]["file"].endswith(file) and \
                top[0]["line"] in lines and top[0]["kind"] == kind_of_frame:
            nr_right += 1
        else:
            wrong.append((kind, top, [frame["function"] for frame in stalls.get(request_id, {}).get("stack", [])][:8]))
    assert nr_right >= MIN_RIGHT[mode] * len(wanted), wrong
    names = " ".join(place["function"] for place in told.summary["places"])
    for kind in kinds:
        assert re.search(place_of(kind)[0], names), names


def test_redis_by_the_symbols_of_its_package(folder):
    with Redis(folder) as server, Tracer(folder, server.pid, "syscall", f"{THRESHOLD_MS}ms") as tracer:
        connection = server.connect()
        for _ in range(3):
            connection.call("DEBUG", "SLEEP", 0.05)
        told = tracer.stop()
    assert len(told.stalls) == 3
    for stall in told.stalls:
        assert own_frames(stall)[0]["function"] == "debugCommand", stall["stack"]
        assert {"processCommand", "aeMain", "main"} <= {frame["function"] for frame in stall["stack"]}


def test_kernel_frames_and_their_number(folder, peer):
    with EpollServer(folder, peer) as server:
        args = ("--stack", "user,kernel", "--max-frames", "12")
        with Tracer(folder, server.pid, "syscall", f"{THRESHOLD_MS}ms", args) as tracer:
            connection = server.connect()
            for _ in range(3):
                connection.get("/sleep/50", new_id("kernel"))
            connection.close()
            told = tracer.stop()
    for stall in told.stalls:
        assert len(stall["stack"]) <= 12
        kinds = [frame["kind"] for frame in stall["stack"]]
        assert "kernel" in kinds and "native" in kinds and kinds == sorted(kinds), kinds
        assert any("nanosleep" in frame["function"] for frame in stall["stack"] if frame["kind"] == "kernel")
        assert not any("bpf" in frame["function"] or frame["function"] == "schedule" for frame in stall["stack"])


def test_no_stacks(folder, peer):
    with EpollServer(folder, peer) as server:
        with Tracer(folder, server.pid, "syscall", f"{THRESHOLD_MS}ms", ("--stack", "none")) as tracer:
            connection = server.connect()
            connection.get("/cpu/50", new_id("none"))
            connection.close()
            told = tracer.stop()
    assert told.stalls and all(stall["stack"] == [] for stall in told.stalls)
    assert told.summary["places"] == []


@pytest.mark.parametrize("name,path", [("uvicorn-asyncio", "sleep"), ("uvicorn-asyncio", "cpu"), ("node", "sleep"),
                                       ("native", "sleep")])
def test_a_hang_is_told_while_it_lasts(name, path, folder, peer):
    start, place_of = SERVERS[name][:2]
    threshold_s = 0.2
    with start(folder, peer) as server:
        with Tracer(folder, server.pid, "syscall", "200ms") as tracer:
            time.sleep(0.3)
            connection, request_id = server.connect(), new_id("hang")
            begin = time.monotonic()
            connection.send(f"/{path}/3000", request_id)

            def stuck():
                return [line for line in tracer.lines() if line["type"] == "stuck"]

            first = wait_for(stuck, ATTACH_S, "a stuck line")[0]
            told_s = time.monotonic() - begin
            wait_for(lambda: len(stuck()) >= 3, ATTACH_S, "more stuck lines")
            server.process.kill()  # it dies hung: it was told already
            told = tracer.stop() if tracer.process.poll() is None else None
    assert told_s < threshold_s + 0.1 + HANG_SLACK_S
    assert first["request"]["id"] == request_id and first["confidence"] != "none"
    assert re.fullmatch(place_of(path)[0], own_frames(first)[0]["function"]), first["stack"]
    lengths = [line["duration_ns"] for line in tracer.lines() if line["type"] == "stuck"]
    assert all(after >= 1.7 * before for before, after in zip(lengths, lengths[1:])), lengths
    assert first["cause"] == ("cpu" if path == "cpu" else "lock" if name == "node" else "syscall")
    assert told is None or told.summary


def test_a_program_that_this_host_cannot_open(folder, peer):
    """In a mount namespace of its own, below a path that leads to nothing here; then deleted as well."""
    hidden = folder / "hidden"
    hidden.mkdir()
    port = free_port()
    script = (f"mount -t tmpfs none {hidden} && cp {BUILT}/epoll_server {hidden}/server && "
              f"exec {hidden}/server --port {port}")
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.DEVNULL)
    try:
        server = EpollServer(folder)
        server.port, server.process = port, process
        wait_for(server.is_up, what="the server in its namespace")
        assert not (hidden / "server").exists()
        with Tracer(folder, process.pid, "syscall", f"{THRESHOLD_MS}ms") as tracer:
            connection = server.connect()
            for _ in range(2):
                connection.get("/sleep/50", new_id("hidden"))
            os.unlink(f"/proc/{process.pid}/root{hidden}/server")
            connection.get("/cpu/50", new_id("deleted"))
            connection.close()
            told = tracer.stop()
    finally:
        process.kill()
        process.wait()
    assert [own_frames(stall)[0]["function"] for stall in told.stalls] == ["plants_sleep", "plants_sleep", "plants_cpu"]


def test_a_deleted_program(folder):
    """Deleted before it was looked at: what is mapped can still be opened."""
    copy = folder / "gone"
    shutil.copy(BUILT / "epoll_server", copy)
    port = free_port()
    process = subprocess.Popen([copy, "--port", str(port)])
    try:
        server = EpollServer(folder)
        server.port, server.process = port, process
        wait_for(server.is_up, what="the server")
        copy.unlink()
        with Tracer(folder, process.pid, "syscall", f"{THRESHOLD_MS}ms") as tracer:
            connection = server.connect()
            connection.get("/sleep/50", new_id("gone"))
            connection.close()
            told = tracer.stop()
    finally:
        process.kill()
        process.wait()
    assert own_frames(told.stalls[0])[0]["function"] == "plants_sleep", told.stalls[0]["stack"]
