# SPDX-License-Identifier: BSD-2-Clause
"""What is printed: the fields of --json, the lines for people, and names that come from a hostile client."""
import json
import re
import subprocess
import time

from lab_client import Load
from lab_host import first_in_line
from lab_server import EpollServer
from lab_tracer import LGTRACE, ROOT, Told, Tracer, run

STALL_FIELDS = {
    "type", "time", "start_ns", "pid", "tid", "comm", "duration_ns", "cause", "on_cpu_ns", "blocked_ns", "runqueue_ns",
    "throttled_ns", "syscall", "request", "confidence", "victims", "victim_count", "turn_ns", "stack"
}
REQUEST_FIELDS = {
    "type", "id", "method", "path", "status", "duration_ns", "hold_ns", "on_cpu_ns", "blocked_ns", "longest_run_ns",
    "delay_ns", "confidence"
}


def trace_text(server, paths, *args):
    """The text of a run over these requests, as a file would get it."""
    tracer = subprocess.Popen([LGTRACE, "-p", str(server.pid), "--threshold", "20ms", "-d", "3", *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    first_in_line(server.pid)
    heading = tracer.stdout.readline()  # it is attached
    connection = server.connect()
    for path, request_id in paths:
        connection.get(path, request_id)
    out, err = tracer.communicate(timeout=20)
    assert tracer.returncode == 0, err
    return (heading + out).decode(), err.decode()


def test_json_fields(mode, folder, peer):
    with EpollServer(folder, peer) as server:
        with Tracer(folder, server.pid, mode, args=("--requests",)) as tracer:
            server.connect().get("/read/50?secret=1", "fields")
            told = tracer.stop()
    stall, request = told.of("fields"), told.requests[0]
    assert STALL_FIELDS <= stall.keys() and REQUEST_FIELDS <= request.keys()
    assert stall["tid"] == stall["pid"] == server.pid and stall["comm"] == "epoll_server"
    assert {"id", "method", "path", "trace_id"} <= stall["request"].keys()
    assert stall["request"]["method"] == "GET" and stall["request"]["path"] == "/read/50"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)", stall["time"])
    assert stall["turn_ns"] >= stall["duration_ns"] - 1_000_000
    assert stall["syscall"]["fd"] > 2
    assert request["id"] == "fields" and request["status"] == 200
    assert request["hold_ns"] >= 50_000_000 and request["longest_run_ns"] <= request["hold_ns"]
    assert told.header["schema"] == 1 and told.header["threshold_ns"] == 20_000_000
    assert told.header["targets"][0]["comm"] == "epoll_server"
    assert told.summary["causes"] and told.summary["loops"] and told.summary["routes"]


def test_text_names_what_happened(folder, peer):
    with EpollServer(folder, peer) as server:
        out, _ = trace_text(server, [("/read/60", "people-1"), ("/cpu/40", "people-2")])
    line = next(line for line in out.splitlines() if "people-1" in line)
    assert "read" in line and f"127.0.0.1:{peer.port}" in line, line
    assert float(re.search(r" (\d+(\.\d+)?) ms", line).group(1)) >= 60, line
    assert re.search(r"\bcpu\b", next(line for line in out.splitlines() if "people-2" in line))
    assert "\x1b" not in out
    assert re.search(r"(?i)p50.*p99", out) and re.search(r"(?i)busy|utili[sz]", out)


def test_hostile_names_are_escaped(folder):
    """Control bytes from a request must reach no terminal."""
    evil = "evil\x9b31m\xc2\x9b2J\xff<b>\"\\\t&"
    with EpollServer(folder) as server:
        requests = [("/sleep/40", evil), ("/sleep/30", "esc\x1b[2J"), ("/ok\x1b]0;title\x07", "path")]
        out, err = trace_text(server, requests, "--requests", "--color", "always")
        assert "evil" in out
        text = re.sub(r"\x1b\[[0-9;]*m", "", out + err)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", text), repr(text)
        with Tracer(folder, server.pid) as tracer:
            server.connect().get("/sleep/40", evil)
            told = tracer.stop()
    assert told.ids()[0].startswith("evil")


def test_colour(folder):
    with EpollServer(folder) as server:
        assert "\x1b[" in trace_text(server, [("/sleep/40", "c")], "--color", "always")[0]
        assert "\x1b[" not in trace_text(server, [("/sleep/40", "c")], "--color", "never")[0]


def test_output_file(folder):
    target = folder / "out.json"
    with EpollServer(folder) as server, Load(server.connect):
        code, out, err = run("-p", server.pid, "--json", "-o", target, "-d", "1")
    assert (code, out) == (0, ""), err
    Told([json.loads(line) for line in target.read_text().splitlines()])


def test_request_id_header_and_trace_id(folder):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with EpollServer(folder) as server:
        connection = server.connect()
        with Tracer(folder, server.pid, args=("--request-id-header", "X-Lab")) as tracer:
            connection.get("/sleep/40", "default", f"X-Lab: named\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n")
            told = tracer.stop()
        assert told.of("named")["request"]["trace_id"] == trace
        with Tracer(folder, server.pid, args=("--request-id-header", "X-Lab")) as tracer:
            connection.get("/sleep/40", "default", f"traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n")
            told = tracer.stop()
        assert told.ids() == [trace]


def test_threshold(folder):
    """Nothing shorter is told."""
    with EpollServer(folder) as server:
        connection = server.connect()
        with Tracer(folder, server.pid, threshold="60ms") as tracer:
            connection.get("/sleep/40", "short")
            connection.get("/sleep/80", "long")
            assert tracer.stop().ids() == ["long"]
        with Tracer(folder, server.pid, args=("--threshold", "100ms")) as tracer:
            connection.get("/sleep/80", "last-option-wins")
            assert tracer.stop().stalls == []
