# SPDX-License-Identifier: BSD-2-Clause
"""Every planted stall is told once, with its length, cause and request; nothing else is told.

Each server first gets its stalls while healthy requests go on, then one request at a time.
"""
import time

import pytest

from lab_client import Load, new_id, now_ns
from lab_host import waited_ns
from lab_server import EpollServer, Node, Uvicorn, wait_for
from lab_tracer import Tracer
from lab_truth import match, read_truth

SERVERS = {
    "epoll": lambda folder, peer: EpollServer(folder, peer),
    "poll-recv": lambda folder, peer: EpollServer(folder, peer, "poll", ("--io", "recv")),
    "select-msg": lambda folder, peer: EpollServer(folder, peer, "select", ("--io", "msg")),
    "uring-vec": lambda folder, peer: EpollServer(folder, peer, "io_uring", ("--io", "vec")),
    "uvicorn-asyncio-h11": lambda folder, peer: Uvicorn(folder, peer, "asyncio", "h11"),
    "uvicorn-uvloop-httptools": lambda folder, peer: Uvicorn(folder, peer, "uvloop", "httptools"),
    "node-http": lambda folder, peer: Node(folder, peer),
    "node-https": lambda folder, peer: Node(folder, peer, tls=True),
}


def plant(server, rng, prefix, kinds):
    """One of each kind, in any order, on one connection."""
    connection = server.connect()
    for kind in rng.sample(kinds, len(kinds)):
        reply = connection.get(f"/{kind}/{rng.randint(30, 90)}", new_id(prefix))
        assert reply.status == 200, reply
        time.sleep(0.02)
    connection.close()


def trust(plants, server):
    """Says of each plant what may be asked of its request."""
    for planted in plants:
        alone = planted.id is None or planted.id.startswith("solo")
        resumed = (planted.path or "").startswith("/await")
        planted.ids = "always" if alone else "exact" if resumed else server.ids_under_load
        if resumed and not alone:  # a timer resumes it, behind other requests' callbacks in the same turn
            planted.beside_ns += 1_000_000
    return plants


@pytest.mark.parametrize("name", SERVERS)
def test_planted_stalls(name, mode, folder, peer, rng):
    with SERVERS[name](folder, peer) as server, Load(server.connect) as load:
        time.sleep(0.2)
        before_ns = waited_ns(server.pid)
        with Tracer(folder, server.pid, mode) as tracer:
            time.sleep(0.05)  # a loop that polls a list is known from its fourth wait on
            plant(server, rng, "load", server.kinds)
            load.pause()
            plant(server, rng, "solo", server.kinds)
            told = tracer.stop()
        plants, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid) - before_ns
    problems = match(trust(plants, server), told.stalls, hiccups, load.slow, wanted_ns)
    assert not problems, "\n".join(problems)
    assert not load.failures
    assert told.summary["lost"] == 0
    assert len(plants) == 2 * len(server.kinds)


def test_first_request_after_attach(mode, folder, peer):
    """An idle server: nothing was seen of its loop before the stall."""
    with EpollServer(folder, peer) as server:
        connection = server.connect()
        with Tracer(folder, server.pid, mode) as tracer:
            connection.get("/sleep/60", new_id("solo"))
            told = tracer.stop()
        plants, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid)
    problems = match(plants, told.stalls, hiccups, (), wanted_ns)
    assert not problems, "\n".join(problems)
    assert len(told.stalls) >= 1


def test_timer_belongs_to_nobody(mode, folder, peer):
    with EpollServer(folder, peer, args=("--burn-every", "130", "--burn", "30")) as server:
        with Load(server.connect) as load, Tracer(folder, server.pid, mode) as tracer:
            begin_ns = now_ns()
            wait_for(lambda: sum(p.begin_ns > begin_ns for p in read_truth(server.log)[0]) >= 5, what="burns")
            end_ns = now_ns()
            told = tracer.stop()
        plants, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid)
    plants = [p for p in plants if p.id is None]
    for planted in plants:
        planted.asked_ns = 30_000_000
        if not begin_ns < planted.begin_ns <= planted.end_ns < end_ns:
            planted.low_ns = 0  # at the ends of the run: may be told, need not be
    problems = match(plants, told.stalls, hiccups, load.slow, wanted_ns)
    assert not problems, "\n".join(problems)


def test_pipelined_requests_are_told_apart(mode, folder, peer):
    """Several heads in one read, the second one in two pieces: each stall has its own request."""
    with EpollServer(folder, peer) as server:
        connection = server.connect()
        with Tracer(folder, server.pid, mode) as tracer:
            heads = b"".join(b"GET %s HTTP/1.1\r\nX-Request-ID: %s\r\n\r\n" % pair for pair in
                             [(b"/ok", b"p-1"), (b"/sleep/40", b"p-2"), (b"/cpu/30", b"p-3"), (b"/ok", b"p-4")])
            cut = heads.index(b"p-2") + 1
            connection.sock.sendall(heads[:cut])
            time.sleep(0.03)
            connection.sock.sendall(heads[cut:])
            for _ in range(4):
                assert connection.receive() == 200
            told = tracer.stop()
        plants, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid)
    problems = match(plants, told.stalls, hiccups, (), wanted_ns)
    assert not problems, "\n".join(problems)
    assert {stall["request"]["id"] for stall in told.stalls} >= {"p-2", "p-3"}


def test_requests_in_flight_are_victims(mode, folder, peer):
    with Uvicorn(folder, peer) as server:
        waiting = [server.connect() for _ in range(5)]
        culprit = server.connect()
        with Tracer(folder, server.pid, mode, args=("--requests",)) as tracer:
            for i, connection in enumerate(waiting):
                connection.send("/wait/150", f"victim-{i}")
            time.sleep(0.04)
            culprit.get("/sleep/60", "culprit")
            for connection in waiting:
                assert connection.receive() == 200
            time.sleep(0.1)
            told = tracer.stop()
    stall = max(told.stalls, key=lambda line: line["duration_ns"])
    assert set(stall["victims"]) >= {f"victim-{i}" for i in range(5)}, stall
    assert stall["victim_count"] >= 5
    assert "culprit" not in stall["victims"] or stall["confidence"] != "exact", stall
    requests = {line["id"]: line for line in told.requests}
    for i in range(5):
        line = requests[f"victim-{i}"]
        assert line["duration_ns"] >= 150_000_000 and line["status"] == 200 and line["path"] == "/wait/150", line


def test_head_that_lay_in_the_socket(mode, folder, peer):
    """Sent while the loop was kept: the request's delay begins there, before its head is read."""
    with EpollServer(folder, peer) as server:
        culprit, late = server.connect(), server.connect()
        late.get("/ok")
        with Tracer(folder, server.pid, mode, args=("--requests",)) as tracer:
            culprit.send("/sleep/120", "culprit")
            time.sleep(0.04)
            late.send("/ok", "late")
            assert culprit.receive() == late.receive() == 200
            told = tracer.stop()
    line = next(line for line in told.requests if line["id"] == "late")
    assert 60_000_000 < line["socket_wait_ns"] < 100_000_000, line
    assert 0.9 * line["socket_wait_ns"] < line["delay_ns"] <= line["socket_wait_ns"] + 10_000_000, line
    assert line["duration_ns"] < 20_000_000, line


@pytest.mark.parametrize("path", ["/wait/60"])
def test_waiting_is_no_stall(path, mode, folder, peer):
    """Slow replies of a loop that is free all the time."""
    with Uvicorn(folder, peer) as server, Load(server.connect, path, 8) as load:
        time.sleep(0.2)
        before_ns = waited_ns(server.pid)
        with Tracer(folder, server.pid, mode) as tracer:
            time.sleep(1.5)
            told = tracer.stop()
        _, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid) - before_ns
    problems = match([], told.stalls, hiccups, (), wanted_ns)
    assert not problems, "\n".join(problems)
    assert not load.failures and load.count > 50
