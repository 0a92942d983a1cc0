# SPDX-License-Identifier: BSD-2-Clause
"""Thresholds that fit, sums of small holds, and filters, on a running server."""
import time

from lab_client import Load
from lab_host import first_in_line, pinned_beside_hogs
from lab_server import EpollServer
from lab_tracer import Tracer, run


def traced(folder, server, work, *args, threshold="20ms"):
    with Tracer(folder, server.pid, threshold=threshold, args=args) as tracer:
        work(server.connect())
        time.sleep(0.3)
        return tracer.stop()


def test_auto_tells_what_is_long_for_this_loop(folder):
    """Its turns take well below a millisecond: 40 ms are long, whatever 100 ms are elsewhere."""
    with EpollServer(folder) as server, Load(server.connect):
        def work(connection):
            time.sleep(2.5)
            connection.get("/sleep/60", "odd")

        told = traced(folder, server, work, threshold="auto")
    assert 10_000_000 <= told.of("odd")["threshold_ns"] < 60_000_000
    assert told.header["threshold"] == "auto"
    assert told.summary["loops"][0]["threshold_ns"] < 60_000_000


def paced(connections, paths, seconds, per_second):
    """A request of each path in turn, at so many a second; their ids."""
    ids, begin = [], time.monotonic()
    for number in range(int(seconds * per_second)):
        time.sleep(max(0, begin + number / per_second - time.monotonic()))
        ids.append(f"small-{number}")
        connections[number % len(connections)].get(paths[number % len(paths)], ids[-1])
    return ids


def test_many_small_holds_add_up(folder):
    """5 ms, 40 times a second: no stall, but a fifth of each second; whose, and where in the code."""
    with EpollServer(folder) as server:
        first_in_line(server.pid)
        told = traced(folder, server, lambda _: paced([server.connect()], ["/sleep/5", "/cpu/5"], 1.2, 40),
                      "--cumulative", "150ms/1s", threshold="500ms")
    first, = (line for line in told.lines if line["type"] == "cumulative")
    assert not told.stalls and told.summary["cumulative"] == 1
    assert 150_000_000 <= first["sum_ns"] < 170_000_000 and first["duration_ns"] <= 1_000_000_000
    assert sum(share["sum_ns"] for share in first["routes"]) + first["other_ns"] == first["sum_ns"]
    shares = {share["route"]: share for share in first["routes"]}
    assert set(shares) >= {"/sleep/{n}", "/cpu/{n}"}
    for route, kind, parity in (("/sleep/{n}", "sleep", 0), ("/cpu/{n}", "cpu", 1)):
        told_ids = [int(name.split("-")[1]) for name in shares[route]["requests"]]
        assert told_ids == list(range(told_ids[0], told_ids[-1] + 1, 2)) and told_ids[0] % 2 == parity
        assert shares[route]["holds"] >= len(told_ids) >= 10
    assert shares["/sleep/{n}"]["place"]["function"] == "plants_sleep"


def test_jitter_of_a_busy_host_adds_up_to_nothing(folder):
    """A server that has a quarter of its CPU: every turn is late, but its code holds nothing up."""
    with EpollServer(folder) as server, Load(server.connect, connections=8), pinned_beside_hogs(server.pid):
        told = traced(folder, server, lambda _: time.sleep(3), "--cumulative", "100ms/1s", threshold="500ms")
    loop, = told.summary["loops"]
    assert loop["turn_ns"]["max"] > 5_000_000, "there was no jitter"
    assert not [line for line in told.lines if line["type"] == "cumulative"]


def test_filters(folder):
    with EpollServer(folder) as server:
        def work(connection):
            for path in ("/sleep/40", "/futex/40", "/health", "/sleep/50"):
                connection.get(path, path)

        def ids(*args):
            return traced(folder, server, work, *args).ids()

        assert ids() == ["/sleep/40", "/futex/40", "/sleep/50"]
        assert ids("--cause", "lock,gil") == ["/futex/40"]
        assert ids("--exclude-path", "/sleep/*") == ["/futex/40"]
        assert ids("--route", "/sleep/*", "--method", "get") == ["/sleep/40", "/sleep/50"]
        assert ids("--method", "POST") == []
        told = traced(folder, server, work, "--requests")
        assert "/health" not in [request["id"] for request in told.requests]
        told = traced(folder, server, work, "--requests", "--exclude-path", "")
        assert "/health" in [request["id"] for request in told.requests]
        told = traced(folder, server, work, "--cause", "io")
        assert told.summary["filtered_stalls"] == 3 and told.summary["stalls"] == 0


def test_usage():
    for args in (["--threshold", "often"], ["--cumulative", "200ms"], ["--cumulative", "2s/1s"], ["--cause", "bad"]):
        code, _, err = run("-p", "1", *args)
        assert code == 2 and args[0] in err, err
