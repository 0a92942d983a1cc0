# SPDX-License-Identifier: BSD-2-Clause
"""Causes that come from around the server: stopped, throttled, and other tasks on its CPU.

The server's own clock goes on while it does not run, so its truth log has the lengths. A stall may begin before the
server's first instruction, when the loop was woken but got no CPU, and end behind its last one: the most it can be is
what the client measured until its next request was answered. Where the request is served in a later turn than the one
that read it (uvicorn), that earlier turn may be a stall of its own: the client's reply confirms it.
"""
import os
import signal
import threading
import time

import pytest

from lab_client import new_id, now_ns
from lab_host import cpu_quota, first_in_line, pinned_beside_hogs, waited_ns
from lab_server import EpollServer, Uvicorn
from lab_tracer import Tracer
from lab_truth import Plant, match

STOP_S = 0.15

SERVERS = {
    "epoll": lambda folder, peer: EpollServer(folder, peer),
    "uvicorn": lambda folder, peer: Uvicorn(folder, peer),
}


@pytest.fixture(params=SERVERS)
def server(request, folder, peer):
    with SERVERS[request.param](folder, peer) as running:
        yield running


def get(connection, path, prefix):
    """The reply to a request, and the next one: when that came, the turn that sent the first was over for sure."""
    return connection.get(path, new_id(prefix)), connection.get("/ok")


def explain(server, replies, cause):
    """The truth log's plants of these replies: the cause is what happened to them from outside."""
    plants, hiccups = server.truth()
    by_id = {reply.id: (reply, after) for reply, after in replies}
    plants = [p for p in plants if p.id in by_id]
    assert len(plants) == len(replies)
    for planted in plants:
        reply, after = by_id[planted.id]
        planted.cause, planted.high_ns, planted.may_wait = cause, after.end_ns - reply.send_ns, False
        planted.asked_ns = 0
    return plants, hiccups


def check(told, plants, hiccups, replies=(), wanted_ns=0):
    problems = match(plants, told.stalls, hiccups, [reply for pair in replies for reply in pair], wanted_ns)
    assert not problems, "\n".join(problems)


def test_stopped_at_work(server, mode, folder):
    connection = server.connect()
    replies = []
    with Tracer(folder, server.pid, mode) as tracer:
        before_ns = waited_ns(server.pid)
        for _ in range(2):
            worker = threading.Thread(target=lambda: replies.append(get(connection, "/cpu/80", "stop")))
            worker.start()
            time.sleep(0.015)
            os.kill(server.pid, signal.SIGSTOP)
            time.sleep(STOP_S)
            os.kill(server.pid, signal.SIGCONT)
            worker.join()
        wanted_ns = waited_ns(server.pid) - before_ns
        has_wanted = wanted_ns > 0.8e9 * STOP_S  # on a machine with other work
        told = tracer.stop()
    check(told, *explain(server, replies, "stopped|runqueue" if has_wanted else "stopped"), replies, wanted_ns)


def test_stopped_while_it_waits(server, mode, folder):
    """Nobody's fault, but requests that come meanwhile must wait."""
    first_in_line(server.pid)
    connection = server.connect()
    with Tracer(folder, server.pid, mode) as tracer:
        connection.get("/ok")
        time.sleep(0.02)
        begin_ns = now_ns()
        os.kill(server.pid, signal.SIGSTOP)
        stopped_ns = now_ns()
        connection.send("/ok", "late")
        time.sleep(0.08)
        before_ns = now_ns()
        os.kill(server.pid, signal.SIGCONT)
        assert connection.receive() == 200
        end_ns = connection.get("/ok").end_ns
        told = tracer.stop()
    plant = Plant("late", None, "stopped", None, None, before_ns - stopped_ns, end_ns - begin_ns, begin_ns, end_ns,
                  ids="exact")
    check(told, [plant], server.truth()[1])


def test_cpu_quota(server, mode, folder):
    """20 ms of each 100 ms: most of the time that 45 ms of computing take is spent waiting for quota."""
    connection = server.connect()
    with cpu_quota(server.pid, 20_000), Tracer(folder, server.pid, mode) as tracer:
        replies = []
        for _ in range(2):
            replies.append(get(connection, "/cpu/45", "quota"))
            time.sleep(0.25)
        told = tracer.stop()
    # What the computing took of the quota is also missing when the loop only wakes up: that is real, and nobody's.
    told.stalls = [s for s in told.stalls if s["cause"] != "throttled" or s["request"]]
    check(told, *explain(server, replies, "throttled"), replies)


def test_cpu_hogs(server, mode, folder):
    """Three hogs on the server's only CPU: it gets a quarter of it."""
    connection = server.connect()
    before_ns = waited_ns(server.pid)
    with Tracer(folder, server.pid, mode) as tracer:
        replies = []
        with pinned_beside_hogs(server.pid):
            for _ in range(3):
                replies.append(get(connection, "/cpu/40", "hogs"))
                time.sleep(0.05)
        told = tracer.stop()
    check(told, *explain(server, replies, "runqueue"), replies, waited_ns(server.pid) - before_ns)
