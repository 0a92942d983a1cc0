# SPDX-License-Identifier: BSD-2-Clause
"""Recordings of real servers: what report says of them is what the live run said, and nothing that befalls the file or
the recorder takes away what was written.
"""
import json
import os
import resource
import signal
import subprocess
import time

import pytest

from lab_client import Load, new_id
from lab_host import waited_ns
from lab_server import EpollServer, Node, Uvicorn
from lab_tracer import LGTRACE, Running, Told, Tracer, run
from lab_truth import match

SERVERS = {"epoll": EpollServer, "uvicorn": Uvicorn, "node": Node}


def report(path, *args, code=0):
    got, out, err = run("report", path, *args)
    assert got == code, err
    return out, err


def report_json(path, *args):
    return Told([json.loads(line) for line in report(path, "--json", *args)[0].splitlines()])


class Recorder(Running):
    """`lgtrace record` of a server."""

    def __init__(self, path, pid, *args):
        argv = [LGTRACE, "record", "-o", path, "-p", pid, *args]
        super().__init__(argv, path.with_suffix(".out"), path.with_suffix(".err"))
        end = time.monotonic() + 15
        while not (path.exists() and path.stat().st_size):  # made once everything is attached
            assert time.monotonic() < end and self.process.poll() is None, self.stderr()
            time.sleep(0.01)

    def stop(self, signum=signal.SIGINT):
        time.sleep(0.06)
        self.process.send_signal(signum)
        return self.process.wait(15)


def children_s():
    """CPU time of the children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def fill(server, count):
    """Requests that cannot be packed: 1.5 KB each in the recording."""
    connection = server.connect()
    for i in range(count):
        connection.get("/ok?" + os.urandom(1500).hex(), f"fill-{i}")
    connection.close()


@pytest.mark.parametrize("name", SERVERS)
def test_report_says_what_the_live_run_said(name, mode, folder, peer):
    recording = folder / "both.rec"
    with SERVERS[name](folder, peer) as server, Load(server.connect) as load:
        with Tracer(folder, server.pid, mode, args=("--requests", "--record", recording)) as tracer:
            for kind in server.kinds:
                server.connect().get(f"/{kind}/40", new_id("both"))
            load.pause()
            tracer.stop()
    live = tracer.out_path.read_text()
    assert live.count('"type":"stall"') >= len(server.kinds) and live.count('"type":"request"') > 20
    assert report(recording, "--json", "--requests")[0] == live
    # A minute at 10,000 requests a second stays far below 200 MB, and is read in less than a tenth of it.
    assert recording.stat().st_size < 100_000 + 200 * live.count('"type":"request"')
    before_s = children_s()
    report(recording)
    assert children_s() - before_s < json.loads(live.splitlines()[-1])["elapsed_ns"] / 10e9


def test_thresholds_and_filters_are_recorded(folder):
    recording = folder / "auto.rec"
    args = ("--record", recording, "--cumulative", "40ms/1s", "--exclude-path", "/futex/*", "--method", "get")
    with EpollServer(folder) as server, Load(server.connect) as load:
        with Tracer(folder, server.pid, threshold="auto", args=args) as tracer:
            for i in range(8):
                server.connect().get("/sleep/12", f"small-{i}")
            server.connect().get("/futex/5", "left-out")
            time.sleep(1.2)
            load.pause()
            tracer.stop()
    live = tracer.out_path.read_text()
    assert '"threshold":"auto"' in live and '"type":"cumulative"' in live
    told, notes = report(recording, "--json")
    assert told == live and "futex" not in live and "left out" in notes
    assert {"/sleep/{n}", "/futex/{n}"} <= {row["route"] for row in report_json(recording, "--all").summary["routes"]}
    assert {row["route"] for row in report_json(recording, "--route", "/ok").summary["routes"]} == {"/ok"}


def test_planted_stalls(mode, folder, peer, rng):
    recording = folder / "planted.rec"
    with EpollServer(folder, peer) as server:
        connection = server.connect()
        with Recorder(recording, server.pid, "--probes", mode) as recorder:
            for kind in server.kinds:
                connection.get(f"/{kind}/{rng.randint(30, 90)}", new_id("solo"))
            assert recorder.stop() == 0
        plants, hiccups = server.truth()
        wanted_ns = waited_ns(server.pid)
    told = report_json(recording, "--threshold", "20ms")
    problems = match(plants, told.stalls, hiccups, (), wanted_ns)
    assert not problems, "\n".join(problems)
    assert len(told.stalls) >= len(server.kinds) == len(plants)
    assert told.header["targets"][0]["comm"] == "epoll_server"
    assert "records in" in recorder.stderr()
    assert recording.stat().st_mode & 0o777 == 0o600


def test_of_a_command(folder):
    recording = folder / "command.rec"
    code, out, err = run("record", "-o", recording, "-d", "2", "--", "sh", "-c", "echo its output; sleep 1")
    assert (code, out) == (6, "its output\n"), err
    assert "No event loop was seen" in report(recording)[0]


def test_killed(folder):
    """What is older than a second or so is there, and that the rest is not is told."""
    recording = folder / "killed.rec"
    with EpollServer(folder) as server, Recorder(recording, server.pid) as recorder:
        server.connect().get("/sleep/60", "before")
        time.sleep(2.5)
        recorder.stop(signal.SIGKILL)
    out, err = report(recording, "--stalls", "--threshold", "20ms")
    assert "id=before" in out and "Traced for" in out
    assert "ends early" in err and err.count("\n") == 1


def test_full_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "lgtrace-test", disk], check=True)
    try:
        with EpollServer(folder) as server:
            with Recorder(disk / "full.rec", server.pid) as recorder:
                server.connect().get("/sleep/60", "before")
                time.sleep(1.5)
                fill(server, 400)
                assert recorder.process.wait(15) == 1
        assert recorder.stderr().count("No space left on device") == recorder.stderr().count("\n") == 1
        out, err = report(disk / "full.rec", "--stalls", "--threshold", "20ms")
        assert "id=before" in out and "ends early" in err
    finally:
        subprocess.run(["umount", disk], check=True)


def test_ring_keeps_the_newest(folder):
    recording = folder / "ring.rec"
    with EpollServer(folder) as server:
        with Recorder(recording, server.pid, "--max-size", "2M") as recorder:
            server.connect().get("/sleep/60", "oldest")
            fill(server, 2000)
            server.connect().get("/sleep/50", "newest")
            assert recorder.stop() == 0
    assert recording.stat().st_size <= 2 << 20
    assert "--max-size" in recorder.stderr()
    told = report_json(recording, "--threshold", "20ms", "--requests")
    assert told.ids() == ["newest"]
    ids = [line["id"] for line in told.requests]
    first = int(ids[0].split("-")[1])
    assert 0 < first < 1900 and ids == [*(f"fill-{i}" for i in range(first, 2000)), "newest"]
    loop, = told.summary["loops"]
    assert loop["comm"] == "epoll_server" and loop["turns"] == loop["turn_ns"]["count"] < 2100
    assert loop["idle_ns"] <= loop["elapsed_ns"] <= told.summary["elapsed_ns"] * 1.1


def test_needs_no_rights(folder):
    recording = folder / "plain.rec"
    with EpollServer(folder) as server, Recorder(recording, server.pid) as recorder:
        server.connect().get("/sleep/30", "x")
        assert recorder.stop() == 0
    os.chmod(recording, 0o644)
    with open(recording, "rb") as file:
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", LGTRACE, "report",
                               "/dev/stdin"], stdin=file, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0 and "Traced for" in done.stdout, done.stderr


def test_wrong_use(folder):
    assert run("record", "-p", os.getpid(), "-o", "/dev/null")[0] == 2
    assert run("record", "-o", folder / "x")[0] == 2
    assert run("record", "-p", os.getpid(), "--max-size", "100k")[0] == 2
    assert run("report", folder / "none.rec")[0] == 1
    code, _, err = run("record", "-o", folder / "no/x", "--", "touch", folder / "ran")
    assert code == 1 and "no/x" in err and not (folder / "ran").exists()
    assert not (folder / "x").exists()
