# SPDX-License-Identifier: BSD-2-Clause
"""Thresholds that fit, sums of small holds, and filters, on a running server."""
import time

from lab_client import Load
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
    assert "odd" in [stall["request"]["id"] for stall in told.stalls if stall["request"]]
    stall = next(stall for stall in told.stalls if stall["request"] and stall["request"]["id"] == "odd")
    assert 10_000_000 <= stall["threshold_ns"] < 60_000_000
    assert told.header["threshold"] == "auto"
    assert told.summary["loops"][0]["threshold_ns"] < 60_000_000


def test_many_small_holds_add_up(folder):
    """5 ms, 40 times a second: no stall, but a fifth of each second."""
    with EpollServer(folder) as server:
        def work(connection):
            for number in range(60):
                connection.get("/sleep/8", f"small-{number}")

        told = traced(folder, server, work, "--cumulative", "200ms/1s", threshold="500ms")
    sums = [line for line in told.lines if line["type"] == "cumulative"]
    assert not told.stalls and sums and told.summary["cumulative"] == len(sums)
    assert sums[0]["sum_ns"] >= 200_000_000 and sums[0]["holds"] >= 15
    route = sums[0]["routes"][0]
    assert route["route"] == "/sleep/{n}" and route["requests"][0].startswith("small-")
    assert abs(sum(share["sum_ns"] for share in sums[0]["routes"]) - sums[0]["sum_ns"]) < 1000


def test_filters(folder):
    with EpollServer(folder) as server:
        def work(connection):
            for path in ("/sleep/40", "/futex/40", "/health", "/sleep/50"):
                connection.get(path, path)

        def ids(*args):
            return [stall["request"]["id"] for stall in traced(folder, server, work, *args).stalls]

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
