# SPDX-License-Identifier: BSD-2-Clause
"""A handler that never comes back is told while it hangs: within 100 ms past the threshold, as the right request's among
many, with its place, what it waits for, and more and more clients that wait."""
import signal
import time

import pytest

from lab_client import new_id
from lab_host import waited_ns
from lab_server import EpollServer, Node, Uvicorn, wait_for
from lab_tracer import ATTACH_S, Tracer, run

THRESHOLD_S = 0.2
PROMISE_S = 0.1
SLACK_S = 0.35  # what a loaded machine takes to write and read a line, besides what lgtrace wants for a CPU
HANG_MS = 6000
IN_FLIGHT = 19  # besides the one that hangs
LATE = 5        # clients that send only when it hangs

SERVERS = {"uvicorn": Uvicorn, "node": Node}
# Cause, the call's name, the function of the place.
HANGS = {
    ("uvicorn", "cpu"): ("cpu", None, "Plants.cpu"),
    ("uvicorn", "read"): ("syscall", "recvfrom", "Plants.read"),
    ("uvicorn", "sleep"): ("syscall", "clock_nanosleep", "Plants.sleep"),
    ("node", "cpu"): ("cpu", None, "cpu"),
    ("node", "disk"): ("syscall", "read", "disk"),
}


class Clients:
    """Some in flight, some that were served before and are quiet."""

    def __init__(self, server):
        self.server = server
        self.quiet = [server.connect() for _ in range(LATE)]
        for connection in self.quiet:
            connection.get("/ok")
        self.waiting = [server.connect() for _ in range(IN_FLIGHT)]
        self.ids = [new_id("waits") for _ in self.waiting]
        for connection, request_id in zip(self.waiting, self.ids):
            connection.send(f"/wait/{HANG_MS}", request_id)

    def send_more(self):
        """From known clients and from new ones."""
        for connection in (*self.quiet, self.server.connect()):
            connection.send("/ok", new_id("late"))


def limit_s(tracer, before_ns=0):
    """For the first line, when lgtrace was without a CPU for so long by the scheduler."""
    return THRESHOLD_S + PROMISE_S + SLACK_S + (waited_ns(tracer.process.pid) - before_ns) / 1e9


def place_of(line):
    return next(frame["function"] for frame in line["stack"] if frame["own"])


def check_cause(line, cause, waited):
    """What computes may be told to want a CPU, if the scheduler says that it did: `waited` ns, for half of the time."""
    has_wanted = cause == "cpu" and waited > 0.4 * line["duration_ns"]
    assert line["cause"] == cause or (has_wanted and line["cause"] == "runqueue"), (waited, line)


def stuck_lines(tracer):
    return [line for line in tracer.lines() if line["type"] == "stuck"]


def hang(tracer, server, path, clients):
    """(the lines told while it hangs, the hanging request's id)"""
    connection, request_id = server.connect(), new_id("hang")
    before_ns, begin = waited_ns(tracer.process.pid), time.monotonic()
    connection.send(path, request_id)
    first = wait_for(lambda: stuck_lines(tracer), ATTACH_S, "a stuck line")[0]
    told_s = time.monotonic() - begin
    assert max(told_s, first["duration_ns"] / 1e9) < limit_s(tracer, before_ns)
    clients.send_more()
    wait_for(lambda: len(stuck_lines(tracer)) >= 3, ATTACH_S, "more stuck lines")
    return stuck_lines(tracer), request_id


@pytest.mark.parametrize("name,kind", HANGS)
def test_one_of_many_hangs(name, kind, folder, peer):
    cause, call, function = HANGS[name, kind]
    with SERVERS[name](folder, peer) as server:
        with Tracer(folder, server.pid, None, f"{int(THRESHOLD_S * 1000)}ms") as tracer:
            clients = Clients(server)
            time.sleep(0.5)  # until lgtrace knows the loop
            before_ns = waited_ns(server.pid)
            lines, request_id = hang(tracer, server, f"/{kind}/{HANG_MS}", clients)
            waited = waited_ns(server.pid) - before_ns
            server.process.kill()  # it dies hung: it was told already
            assert tracer.wait() == 0
            summary = tracer.lines()[-1]
    for line in lines:
        assert line["request"]["id"] == request_id, line
        check_cause(line, cause, waited)
        assert place_of(line) == function, line["stack"]
        assert (line["syscall"] or {}).get("name") == call
        if kind == "read":
            assert line["syscall"]["target"] == f"127.0.0.1:{peer.port}"
        if kind == "disk":
            assert line["syscall"]["target"] == str(server.fifo)
    lengths = [line["duration_ns"] for line in lines]
    assert all(after >= 1.7 * before for before, after in zip(lengths, lengths[1:])), lengths
    assert lines[0]["victim_count"] >= IN_FLIGHT and set(lines[0]["victims"]) <= set(clients.ids)
    assert lines[-1]["victim_count"] >= IN_FLIGHT + LATE + 1
    stalled = {place["function"]: place for place in summary["places"]}
    assert stalled[function]["longest_ns"] >= lengths[-1] and stalled[function]["worst_id"] == request_id


@pytest.mark.parametrize("name,kind", [("uvicorn", "cpu"), ("uvicorn", "read"), ("node", "cpu")])
def test_it_hangs_already(name, kind, folder, peer):
    """At the attach: told as long as lgtrace looks at it, by its place, though it shows nothing of a loop."""
    cause, call, function = HANGS[name, kind]
    with SERVERS[name](folder, peer) as server:
        connection = server.connect()
        connection.send(f"/{kind}/{HANG_MS}", new_id("hang"))
        time.sleep(0.3)  # until its handler runs
        before_ns = waited_ns(server.pid)
        with Tracer(folder, server.pid, None, f"{int(THRESHOLD_S * 1000)}ms") as tracer:
            line = wait_for(lambda: stuck_lines(tracer), HANG_MS / 1000, "a stuck line")[0]
            waited = waited_ns(server.pid) - before_ns
            most_s = limit_s(tracer)
            assert time.monotonic() - tracer.started < tracer.attach_s + most_s
            server.process.kill()
            assert tracer.wait() == 0
    assert THRESHOLD_S * 1e9 <= line["duration_ns"] < most_s * 1e9
    assert place_of(line) == function, line
    check_cause(line, cause, waited)
    assert (line["syscall"] or {}).get("name") == call
    if kind == "read":
        assert line["syscall"]["target"] == f"127.0.0.1:{peer.port}"


def test_the_line_in_text(folder, peer):
    """The first request of all, on a server of no known runtime. It still hangs at the end of the run, which says so; a
    gate trips, and the recording tells the same."""
    with EpollServer(folder, peer) as server:
        recording = folder / "hang.rec"
        with Tracer(folder, server.pid, None, "100ms", ("--record", str(recording), "--fail-if", "max>100ms")) as tracer:
            time.sleep(0.3)
            connection, request_id = server.connect(), new_id("hang")
            connection.send(f"/read/{HANG_MS}", request_id)
            line = wait_for(lambda: stuck_lines(tracer), ATTACH_S, "a stuck line")[0]
            tracer.process.send_signal(signal.SIGINT)
            assert tracer.wait() == 3
            lines = tracer.lines()
            server.process.kill()
    assert line["request"]["id"] == request_id and place_of(line) == "plants_read"
    stall, = (one for one in lines if one["type"] == "stall")
    summary, = (one for one in lines if one["type"] == "summary")
    gate = next(one for one in lines if one["type"] == "gate")
    assert gate["metric"] == "max" and gate["failed"] and gate["value"] >= stall["duration_ns"], gate
    assert not stall["ended"] and stall["request"]["id"] == request_id and stall["cause"] == "syscall"
    assert stall["syscall"]["target"] == f"127.0.0.1:{peer.port}" and place_of(stall) == "plants_read"
    assert stall["blocked_ns"] > 0.9 * stall["duration_ns"] >= 0.9 * line["duration_ns"]
    assert summary["stalls"] == 1 and summary["places"][0]["function"] == "plants_read"
    assert summary["loops"][0]["stuck_ns"] >= stall["duration_ns"]
    code, out, err = run("report", recording, "--stalls")
    assert code == 0, err
    for words in ("STUCK and counting", "STUCK to the end"):
        told = next(text for text in out.splitlines() if words in text)
        assert f"{words}: syscall read 127.0.0.1:{peer.port}" in told and request_id in told
    assert "plants_read" in run("report", recording, "--folded")[1]
