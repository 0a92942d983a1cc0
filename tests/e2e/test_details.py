# SPDX-License-Identifier: BSD-2-Clause
"""What stalls were about: real programs block a FastAPI handler, and Node's, each in its own way.

One server, one run of lgtrace. What cannot be told closer than by its cause is in test_causes.py.
"""
import re
import tempfile
import time
from pathlib import Path

import pytest

from lab_backends import Causes, NodeCauses, backends
from lab_client import new_id
from lab_host import first_in_line
from lab_server import wait_for
from lab_tracer import Tracer, run

MS = 60


def peer(port, service, syscalls):
    return {"kind": "peer", "target": f"HOST:{port}", "service": service, "syscall": syscalls,
            "hint": f"blocking call to {service} inside an event loop: "}


# By route. HOST and FOLDER stand for the address of the services and the server's folder.
PYTHON_CASES = {
    "sleep": {"kind": "sleep", "syscall": "clock_nanosleep", "hint": "await asyncio.sleep"},
    "select": {"kind": "sleep", "syscall": "p?select6?", "hint": "await asyncio.sleep"},
    "peer": peer(443, "https", "p?select6?"),
    "lock": {"cause": "lock", "kind": "futex", "name": "0x[0-9a-f]+", "hint": "another thread held the lock"},
    "gil": {"cause": "gil", "holder": True, "hint": "process pool"},
    "gc": {"cause": "gc", "hint": "gc.freeze"},
    "import": {"cause": "cpu", "kind": "import", "name": "slow_module_[1-3]", "hint": "was imported inside"},
    "dns": {"kind": "dns", "name": "getaddrinfo", "target": "HOST:53", "hint": "host name"},
    "tls": {"kind": "tls", "name": "handshake", "target": "HOST:443", "service": "https", "hint": "TLS handshake"},
    "postgres": peer(5432, "postgresql", "poll|ppoll"),
    "redis": peer(6379, "redis", "recvfrom"),
    "http": peer(8080, "http", "recvfrom"),
    "fsync": {"kind": "sync", "syscall": "fsync", "target": f"FOLDER/slow/sync-{MS}", "hint": "syncing a file"},
    "read": {"kind": "file", "syscall": "read", "target": f"FOLDER/slow/read-{MS}", "hint": "file access"},
    "open": {"kind": "file", "syscall": "openat", "target": f"FOLDER/slow/open-{MS}", "hint": "file access"},
    "open2": {"kind": "file", "syscall": "openat2", "target": f"FOLDER/slow/open-{MS}", "hint": "file access"},
    "run": {"kind": "command", "name": "sleep", "syscall": "wait4", "hint": "waited for sleep to end"},
    "output": {"kind": "command", "name": "sleep", "hint": "waited for sleep to end"},
}
NODE_CASES = {
    "import": {"cause": "cpu", "kind": "import", "name": "slow-module", "hint": "slow-module was loaded"},
    "gc": {"cause": "gc", "hint": "keep less alive"},
    "run": {"kind": "command", "name": "sleep", "syscall": "epoll_pwait|epoll_wait", "hint": "child_process.spawn"},
    "lock": {"cause": "lock", "kind": "futex", "name": "0x[0-9a-f]+", "hint": "Atomics.waitAsync"},
    "fsync": {"kind": "sync", "syscall": "fsync", "target": f"FOLDER/slow/sync-{MS}", "hint": "fs.promises"},
    "read": {"kind": "file", "syscall": "read", "target": f"FOLDER/slow/read-{MS}", "hint": "fs.promises"},
}
SERVERS = {"python": (Causes, PYTHON_CASES), "node": (NodeCauses, NODE_CASES)}
STUCK = {"python": {"open": "openat", "open2": "openat2"}, "node": {"read": "read"}}  # no answer from the disk: route, call
STUCK_MS = 300
TELL_S = 3  # a loaded machine
TRIES = 3  # on a machine that others use too, want of a CPU may be the cause


def problem(stall, case, host, folder):
    """What is wrong with the stall, or None."""
    detail, syscall = stall["detail"] or {}, stall["syscall"] or {}
    told = {"cause": stall["cause"], "kind": detail.get("kind"), "name": detail.get("name"),
            "syscall": syscall.get("name"), "target": syscall.get("target"), "service": syscall.get("service")}
    wanted = {"cause": "syscall", **{key: value for key, value in case.items() if key in told}}
    wanted.setdefault("kind", None)
    for key, pattern in wanted.items():
        pattern = pattern and pattern.replace("HOST", re.escape(host)).replace("FOLDER", re.escape(str(folder)))
        if not (told[key] is None if pattern is None else re.fullmatch(pattern, told[key] or "")):
            return f"{key} is {told[key]}, not {pattern}: {told}"
    if case.get("holder") and not stall["holder"]:
        return "no holder"
    return None if case["hint"] in stall["hint"] else f"hint: {stall['hint']}"


@pytest.fixture(scope="module")
def services():
    """Not below pytest's own folder: Postgres gives up its rights and could not reach it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with backends(folder) as host:
            yield host, folder


def stall_during(tracer, reply):
    """The longest stall while a client waited for this reply, once it is told."""
    end_s = time.monotonic() + TELL_S
    while time.monotonic() < end_s:
        time.sleep(0.05)
        stalls = [line for line in tracer.lines() if line["type"] == "stall"
                  and line["start_ns"] < reply.end_ns and line["start_ns"] + line["duration_ns"] > reply.send_ns]
        if stalls:
            return max(stalls, key=lambda stall: stall["duration_ns"])
    return None


def ask(connection, name, tracer):
    """A stall of this route; the last of some, if it had to wait for a CPU."""
    for _ in range(TRIES):
        stall = stall_during(tracer, connection.get(f"/{name}/{MS}", new_id(name)))
        if stall and stall["cause"] != "runqueue":
            break
    return stall


def wait_for_stacks(connection, tracer):
    """The runtime is looked at after the attach: until then stacks have native frames alone."""
    wait_for(lambda: any(frame["kind"] != "native" for frame in ask(connection, "lock", tracer)["stack"]), what="stacks")


def stuck_at(connection, route, tracer):
    """What was told of a long block while it lasted."""
    reply = connection.get(f"/{route}/{STUCK_MS}", new_id(route))
    lines = wait_for(lambda: [line for line in tracer.lines() if line["type"] == "stuck"
                              and reply.send_ns <= line["start_ns"] <= reply.end_ns], what="a stuck line")
    return lines[-1]


@pytest.mark.parametrize("name", SERVERS)
def test_each_detail_and_its_hint(name, services):
    host, folder = services
    start, cases = SERVERS[name]
    record = ("--record", folder / "rec")
    with start(folder, host) as server, Tracer(folder, server.pid, "syscall", args=record) as tracer:
        first_in_line(server.pid)
        connection = server.connect()
        wait_for_stacks(connection, tracer)
        told = {route: ask(connection, route, tracer) for route in cases}
        stuck = {route: stuck_at(connection, route, tracer) for route in STUCK[name]}
        connection.close()
        summary = tracer.stop().summary
    wrong = {route: problem(stall, cases[route], host, folder) if stall else "not told"
             for route, stall in told.items()}
    assert not any(wrong.values()), {route: text for route, text in wrong.items() if text}
    for route, line in stuck.items():
        call = line["syscall"] or {}
        assert [call.get("name"), call.get("target"), line["detail"]["kind"]] == [
            STUCK[name][route], f"{folder}/slow/{route.rstrip('2')}-{STUCK_MS}", "file"], line
    kinds = {(detail["cause"], detail["kind"]) for detail in summary["details"]}
    assert kinds >= {(case.get("cause", "syscall"), case.get("kind")) for case in cases.values()}
    check_text(folder / "rec", cases)


def check_text(recording, cases):
    """Each hint is told once below the lines; none when that is asked for."""
    code, text, _ = run("report", "--stalls", recording)
    hints = [line.strip() for line in text.splitlines() if line.strip().startswith("hint: ")]
    assert code == 0 and len(hints) == len(set(hints))
    assert all(any(case["hint"] in hint for hint in hints) for case in cases.values()), hints
    plain = run("report", "--stalls", "--no-hints", recording)[1]
    assert "hint:" not in plain and not any(case["hint"] in plain for case in cases.values())
