# SPDX-License-Identifier: BSD-2-Clause
"""More than can be read, born, forked or connected in time: what was lost is counted, and the run goes on.

Each ends with a stall that must be told as if nothing had been.
"""
import os
import resource
import signal
import time

import pytest

from lab_host import limited
from lab_server import EpollServer, Nginx, children, wait_for
from lab_storm import (TRIES, Storm, alone, begin, check_last_stall, flood, flood_alone, flood_count, is_enough,
                       is_listening, wait_told, waiting)
from lab_tracer import Told, Tracer


@pytest.mark.parametrize("what, figure, mode", [("switches", 1_000_000, "syscall"), ("births", 5_000, "libc"),
                                                ("forks", 1_000, "libc")])
def test_storm(what, figure, mode, folder):
    rates = []
    for _ in range(TRIES):
        untraced = alone(what)
        rates.append((storm_traced(what, mode, folder), untraced))
        if is_enough(rates[-1][0], figure, untraced):
            return
    raise AssertionError(f"{what} a second, traced and not: {rates}")


def storm_traced(what, mode, folder):
    """How often in a second, with stalls within and behind it that are told, and no birth or end left untold."""
    with EpollServer(folder) as server, waiting(what) as storm:
        with Tracer(folder, f"{server.pid},{storm.process.pid}", mode, args=("--budget", "none")) as tracer:
            begin(storm)
            server.connect().get("/sleep/40", "within")
            time.sleep(1)
            rate = storm.stop()
            told = check_last_stall(server, tracer)
    counters = told.summary["counters"]
    assert "within" in [(stall["request"] or {}).get("id") for stall in told.stalls]
    if what == "switches":
        assert told.summary["lost"] == 0
    else:
        assert counters["records"] + counters["lost_records"] + 2 * counters["lost_threads"] >= 2 * storm.count
    return rate


def test_fork_bomb(folder):
    """As many processes as its group allows, all of them traced."""
    with EpollServer(folder) as server, limited("pids", {"pids.max": 100}, {"pids.max": 100}) as procs:
        with Storm("bomb", prefix=("/bin/sh", "-c", f'read go; echo $$ >{procs}; exec "$@"', "sh")) as storm:
            try:
                with Tracer(folder, f"{server.pid},{storm.process.pid}", "syscall") as tracer:
                    begin(storm)
                    wait_for(lambda: len(procs.read_text().split()) == 100, what="as many processes as there can be")
                    time.sleep(0.5)
                    kill_group(procs)
                    check_last_stall(server, tracer)
            finally:
                kill_group(procs)


def kill_group(procs):
    def is_empty():
        for pid in procs.read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        return not procs.read_text().strip()

    wait_for(is_empty, what="end of the group")


def count_requests(told):
    return sum(route["count"] for route in told.summary["routes"])


def test_flood_of_requests(folder):
    rates = []
    for _ in range(TRIES):
        with EpollServer(folder) as server:
            untraced = flood_alone(folder, server)
            with Tracer(folder, server.pid, "syscall", args=("--budget", "none")) as tracer:
                with flood(folder, server, 2) as wrk:
                    sent = flood_count(wrk)
                told = check_last_stall(server, tracer)
        seen = count_requests(told)
        assert told.summary["lost"] or abs(seen - sent) < 1000
        assert seen <= sent + 1000
        rates.append((sent / 2, untraced))
        if is_enough(sent / 2, 100_000, untraced):
            return
    raise AssertionError(f"requests a second, traced and not: {rates}")


def test_full_ring_buffer(folder):
    """lgtrace itself gets no CPU for a while."""
    with EpollServer(folder) as server, Tracer(folder, server.pid, "syscall") as tracer:
        with flood(folder, server, 2) as wrk:
            time.sleep(0.3)
            tracer.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            tracer.process.send_signal(signal.SIGCONT)
            sent = flood_count(wrk)
        told = check_last_stall(server, tracer)
    assert told.summary["lost"] > 0
    assert 0 < count_requests(told) < sent
    assert not [stall for stall in told.stalls if stall["confidence"] == "exact"]


def test_births_and_ends_that_were_lost(folder):
    """While the ring buffer is full, a worker ends and another begins."""
    with EpollServer(folder, args=("--workers", "1")) as server:
        old = children(server.pid)
        with Tracer(folder, server.pid, "libc") as tracer, flood(folder, server, 10):
            time.sleep(0.3)
            tracer.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            os.kill(old[0], signal.SIGKILL)
            wait_for(lambda: children(server.pid) not in ([], old), what="new worker")
            wait_for(lambda: is_listening(server.port))
            tracer.process.send_signal(signal.SIGCONT)
            wait_told(server, tracer)
            told = check_last_stall(server, tracer)
    assert told.summary["lost"] > 0 and told.stalls[-1]["pid"] not in old


def test_interrupt_within_a_storm(folder):
    """Ctrl-C is answered however much there is to read."""
    with EpollServer(folder) as server, Storm("births") as storm:
        with Tracer(folder, f"{server.pid},{storm.process.pid}", "libc") as tracer, flood(folder, server, 10):
            time.sleep(1)
            tracer.process.send_signal(signal.SIGINT)
            assert tracer.wait(4) == 0
            Told(tracer.lines())


class WideNginx(Nginx):
    """With room for many connections."""
    CONFIG = Nginx.CONFIG.replace("worker_connections 512", "worker_connections 12000")


def test_ten_thousand_connections(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12_000), hard))
    connections = []
    try:
        with WideNginx(folder) as server, Tracer(folder, server.pid, "syscall") as tracer:
            for i in range(10_000):
                connection = server.connect()
                connection.send("/ok", f"first-{i}")
                connections.append(connection)
            for connection in connections:
                assert connection.receive() == 200
            for i in range(0, 10_000, 100):
                assert connections[i].get("/ok", f"again-{i}").status == 200
            reply = connections[7777].get("/re/" + "a" * 25 + "b", "culprit")
            told = tracer.stop()
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert told.summary["lost"] == 0
    assert {route["route"]: route["count"] for route in told.summary["routes"]}["/ok"] >= 10_100
    assert reply.length_ns > 20_000_000
    assert "culprit" in [(stall["request"] or {}).get("id") for stall in told.stalls]
