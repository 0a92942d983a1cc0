# SPDX-License-Identifier: BSD-2-Clause
"""--fail-if in a load test: exit status, JSON, JUnit, and that a run without load does not pass."""
import json
import subprocess
import time
import xml.etree.ElementTree

from lab_client import Load
from lab_server import BUILT, EpollServer, free_port
from lab_tracer import LGTRACE, run


def gated(server, *args, seconds=2):
    return run("-p", server.pid, "-d", seconds, "--threshold", "20ms", *args)


def test_passes_under_load(folder):
    with EpollServer(folder) as server, Load(server.connect):
        code, out, err = gated(server, "--fail-if", "p99>5s", "--fail-if", "lost>1000000")
    assert code == 0, out + err
    assert out.count("  ok      fail if") == 4 and "FAILED" not in out


def test_trips(folder):
    junit = folder / "junit.xml"
    with EpollServer(folder) as server:
        tracer = subprocess.Popen([LGTRACE, "-p", str(server.pid), "-d", "3", "--threshold", "20ms", "--json", "--fail-if",
                                   "stalls>0", "--fail-if", "max>5s", "--junit", junit], stdout=subprocess.PIPE,
                                  text=True)
        time.sleep(1)
        server.connect().get("/sleep/40", "gate")
        out, _ = tracer.communicate(timeout=20)
    assert tracer.returncode == 3
    gates = {line["fail_if"]: line for line in map(json.loads, out.splitlines()) if line["type"] == "gate"}
    assert gates["stalls>0"]["failed"] and gates["stalls>0"]["value"] >= 1
    assert not gates["max>5s"]["failed"] and gates["max>5s"]["value"] >= 40_000_000
    suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["fail if stalls>0"]


def test_without_load_it_fails(folder):
    with EpollServer(folder) as server:
        code, out, _ = gated(server, "--fail-if", "stalls>0", seconds=1)
        assert code == 3 and "fail if requests<1" in out
        code, out, _ = gated(server, "--fail-if", "stalls>0", "--fail-if", "requests<0", "--fail-if", "turns<0",
                             seconds=1)
        assert code == 0, out


def test_a_command_that_has_no_loop_fails():
    code, out, _ = run("-d", "1", "--fail-if", "stalls>0", "--", "sleep", "0.5")
    assert code == 3 and "fail if turns<1" in out


def test_a_command_is_gated(folder):
    """A server that is started to be traced: it waits for events, but nobody asks it anything."""
    code, out, _ = run("-d", "2", "--fail-if", "requests<0", "--fail-if", "turns<0", "--fail-if", "stalls>0", "--",
                       BUILT / "epoll_server", "--port", free_port())
    assert code == 0 and out.count("  ok ") == 3, out


def test_report_has_gates(folder):
    recording = folder / "gate.rec"
    with EpollServer(folder) as server, Load(server.connect):
        code, _, err = run("record", "-p", server.pid, "-d", "2", "-o", recording)
    assert code == 0, err
    assert run("report", recording, "--fail-if", "requests<1")[0] == 0
    assert run("report", recording, "--fail-if", "requests>0")[0] == 3


def test_usage():
    for args in (["--fail-if", "p98>1s"], ["--junit", "x"], ["--fail-if", "stalls>0", "5"]):
        code, _, err = run("-p", "1", *args)
        assert code == 2 and err
