# SPDX-License-Identifier: BSD-2-Clause
"""What tracing may cost: level by level it leaves out what it says and no more, and comes back when there is room."""
import json
import time
from contextlib import contextmanager

import pytest

from lab_client import new_id
from lab_host import first_in_line
from lab_server import EpollServer, Uvicorn, wait_for
from lab_storm import check_last_stall, flood, wait_told
from lab_terminal import Terminal
from lab_tracer import LGTRACE, Running, Tracer, run

LEVELS = ["full", "stacks", "samples", "requests", "calls"]
BLOCK_MS = 40
HANGS_NS = 70_000_000  # 50 ms over the threshold: what hangs is looked at whatever it costs
STEP_S = 30  # two dear seconds a level, or three cheap ones; and a machine with other work


def lines(tracer):
    """As far as they are whole."""
    text = tracer.out_path.read_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def changes(told):
    return [(line["before"], line["level"]) for line in told if line["type"] == "budget"]


def wait_level(tracer, level):
    try:
        wait_for(lambda: changes(lines(tracer))[-1:] and changes(lines(tracer))[-1][1] == level, STEP_S, level)
    except AssertionError:
        raise AssertionError((level, [line for line in lines(tracer) if line["type"] == "budget"])) from None
    time.sleep(0.15)  # a beat, so that the turn that goes on was begun at this level


def plant(connection):
    """A stall on the CPU and one off it, after some healthy requests: the replies by kind."""
    for _ in range(20):
        connection.get("/ok")
    return {kind: connection.get(f"/{kind}/{BLOCK_MS}", new_id(kind)) for kind in ("cpu", "sleep")}


def find(stalls, reply):
    """The one stall that began while the client waited; without edges it lasts until the turn's end."""
    found = [stall for stall in stalls if reply.send_ns < stall["start_ns"] < reply.end_ns]
    assert len(found) == 1, (reply, found)
    assert 38_000_000 <= found[0]["duration_ns"] <= reply.length_ns + 30_000_000, (reply, found)
    return found[0]


def check_level(level, kind, stall, reply):
    if level in ("full", "stacks", "samples"):
        assert stall["request"]["id"] == reply.id and stall["request"]["path"] == reply.path
    elif level == "requests" and not stall["request"]:
        assert stall["cause"] == "runqueue", stall  # of the host's doing: its owner is less sure
    elif level == "requests":
        assert stall["request"]["method"] is None and stall["request"]["peer"].startswith("127.0.0.1:"), stall
    else:
        assert stall["request"] is None and stall["confidence"] == "none", stall
    if stall["turn_ns"] < HANGS_NS:
        assert bool(stall["stack"]) == (level == "full"), stall
    if kind == "sleep" and stall["cause"] == "runqueue":
        assert stall["runqueue_ns"] >= stall["blocked_ns"] >= BLOCK_MS * 1_000_000, stall
    elif kind == "sleep":
        assert (stall["cause"], stall["syscall"]["name"]) == ("syscall", "clock_nanosleep"), stall


@pytest.mark.parametrize("make", [EpollServer, Uvicorn])
def test_each_level(make, folder, peer):
    """A budget below what idling costs: down to the last level by itself."""
    recording = folder / "budget.rec"
    replies = {}
    with make(folder, peer) as server:
        first_in_line(server.pid)
        connection = server.connect()
        with Tracer(folder, server.pid, "syscall", args=("--record", recording)) as tracer:
            wait_told(server, tracer)
            replies["full"] = plant(connection)
            whole = tracer.stop()
        with Tracer(folder, server.pid, "syscall", args=("--record", recording, "--budget", "0.002%")) as tracer:
            for level in LEVELS[1:]:
                wait_level(tracer, level)
                replies[level] = plant(connection)
            told = tracer.stop()
    assert changes(whole.lines) == [] and whole.summary["budget"] is None
    assert changes(told.lines) == list(zip(LEVELS, LEVELS[1:]))
    for level in LEVELS:
        for kind, reply in replies[level].items():
            stalls = whole.stalls if level == "full" else told.stalls
            check_level(level, kind, find(stalls, reply), reply)
    check_sum(told)
    code, out, err = run("report", "--json", recording)
    assert code == 0 and changes(map(json.loads, out.splitlines())) == changes(told.lines), err


def check_sum(told):
    budget, counters = told.summary["budget"], told.summary["counters"]
    assert budget["level"] == "calls" and budget["limit"] == 0.00002
    assert sum(budget["level_ns"].values()) <= told.summary["elapsed_ns"]
    assert all(ns > 1_000_000_000 for level, ns in budget["level_ns"].items() if level not in ("full", "calls"))
    assert counters["skipped_stacks"] > 0 and counters["skipped_edges"] > 0 and counters["skipped_calls"] > 0


@contextmanager
def other_views(folder, pid):
    """The same budget where no line of the output tells of it: record, stat and top."""
    how = ("-p", pid, "--probes", "syscall", "--budget", "3%")
    with Running([LGTRACE, "record", "-o", folder / "kept.rec", *how], folder / "a.out", folder / "a.err") as record, \
            Running([LGTRACE, "stat", *how, "1"], folder / "b.out", folder / "b.err") as stat, \
            Terminal(folder, [LGTRACE, "top", *map(str, how)], cols=130) as top:
        yield (record, stat), top


def test_load_comes_and_goes(folder):
    """Far more requests than the budget allows (they cost 15 %, idling 0.2 %); when they end, everything is told again."""
    with EpollServer(folder) as server, other_views(folder, server.pid) as (said, top), \
            Tracer(folder, server.pid, "syscall", args=("--budget", "3%")) as tracer:
        with flood(folder, server, 60):
            wait_level(tracer, "requests")
            top.wait("over budget", STEP_S)
            wait_for(lambda: all("over the budget" in each.stderr() for each in said), STEP_S, "others over budget")
        wait_level(tracer, "full")
        wait_for(lambda: all("stacks again" in each.stderr() for each in said), STEP_S, "room for the others")
        wait_for(lambda: "over budget" not in top.screen(), STEP_S, "room for top")
        told = check_last_stall(server, tracer)
    steps = changes(told.lines)
    assert steps[:3] == list(zip(LEVELS, LEVELS[1:4])) and steps[-1] == ("stacks", "full")
    assert all(abs(LEVELS.index(after) - LEVELS.index(before)) == 1 for before, after in steps)
    for line in told.lines:
        if line["type"] == "budget" and LEVELS.index(line["level"]) > LEVELS.index(line["before"]):
            assert line["cost"] > line["limit"] == 0.03 and line["bpf_ns"] > 0 and line["own_ns"] > 0
    assert told.summary["budget"]["level"] == "full"


def test_no_budget(folder):
    with EpollServer(folder) as server, Tracer(folder, server.pid, "syscall", args=("--budget", "none")) as tracer:
        with flood(folder, server, 3) as wrk:
            wrk.wait()
        told = check_last_stall(server, tracer)
    assert changes(told.lines) == [] and told.summary["budget"] is None


@pytest.mark.parametrize("command, how_long", [("record", ("-d", "4")), ("stat", ("4", "1"))])
def test_where_no_line_tells_it(command, how_long, folder):
    kept = ("-o", folder / "budget.rec") if command == "record" else ()
    with EpollServer(folder) as server:
        code, _, err = run(command, *kept, "-p", server.pid, "--budget", "0.002%", *how_long)
    assert code == 0 and "over the budget" in err, err


@pytest.mark.parametrize("value", ["", "%", "0", "-1%", "101%", "1percent", "off"])
def test_what_is_no_budget(value):
    code, _, err = run("-p", "1", "--budget", value)
    assert code == 2 and "--budget" in err and "none" in err, err
