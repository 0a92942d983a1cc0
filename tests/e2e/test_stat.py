# SPDX-License-Identifier: BSD-2-Clause
"""`lgtrace stat` and `lgtrace hist` in vmstat's form."""
import json

from lab_client import Load
from lab_server import EpollServer
from lab_tracer import run


def test_stat(folder):
    with EpollServer(folder) as server, Load(server.connect):
        code, out, err = run("stat", "-p", server.pid, "1", "3")
        assert code == 0, err
        heading, *rows = out.splitlines()
        assert heading.split()[:3] == ["TIME", "UTIL%", "TURNS/s"] and len(rows) == 3
        code, out, err = run("stat", "-p", server.pid, "-j", "1", "2")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["type"] for row in rows] == ["stat", "stat"]
    for row in rows:
        assert row["pid"] == server.pid and row["turns"] > 0 and row["requests"] > 0
        assert 0.8e9 < row["elapsed_ns"] < 2.5e9 and 0 < row["utilisation"] < 1
        assert 0 < row["p50_ns"] <= row["p99_ns"]


def test_stat_of_one_route(folder):
    """Turns are the loop's, requests and stalls those that were asked for."""
    with EpollServer(folder) as server, Load(server.connect):
        code, out, err = run("stat", "-p", server.pid, "-j", "--route", "/other", "1", "1")
    assert code == 0, err
    row = json.loads(out)
    assert row["turns"] > 0 and row["requests"] == 0


def test_hist(folder):
    with EpollServer(folder) as server, Load(server.connect):
        for of, name in (("turns", f"{server.pid} epoll_server"), ("hold", "GET /ok"), ("delay", "GET /ok"),
                         ("duration", "GET /ok")):
            code, out, err = run("hist", "-p", server.pid, "--of", of, "-d", "1")
            assert code == 0 and f"{of} of {name}" in out and "@" in out, out + err
        code, out, err = run("hist", "-p", server.pid, "--of", "duration", "-j", "1", "1")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    row = next(row for row in rows if row["route"] == "/ok")
    assert row["count"] == sum(count for _, count in row["histogram"]) > 0


def test_usage():
    for args in (["stat"], ["hist", "-p", "1", "--of", "nonsense"], ["stat", "-p", "1", "x"]):
        code, _, err = run(*args)
        assert code == 2 and err
    for args, word in ((("0",), "the interval"), (("1", "x"), "the count")):
        code, _, err = run("stat", "-p", "1", *args)
        assert code == 2 and err.startswith(f"lgtrace: {word} must be"), err
