# SPDX-License-Identifier: BSD-2-Clause
"""Where in the code: planted stalls come with the planted function, file and line (lab_places.py)."""
import os
import re
import shutil
import subprocess
import time

import pytest

from lab_client import Load, new_id
from lab_host import first_in_line
from lab_places import (PlacesNginx, PlacesNode, PlacesProgram, PlacesPython, PlacesRedis, cpp_places, plant,
                        rust_places)
from lab_server import BUILT, EpollServer, free_port, wait_for
from lab_tracer import Tracer

THRESHOLD_MS = 20
PLACES = {
    "uvicorn": PlacesPython,
    "uvicorn-uvloop": lambda *at: PlacesPython(*at, (), "uvloop", "httptools"),
    "node": PlacesNode,
    "nginx": PlacesNginx,
    "redis": PlacesRedis,
    "cpp": lambda *at: PlacesProgram(*at, "places_server", cpp_places()),
    "rust": lambda *at: PlacesProgram(*at, "places_server_rs", rust_places()),
}
# 99 of 100. In libc mode a block may be cut in two, and told by its smaller half.
PLANTS = {"syscall": 100, "libc": 24}
MAX_MISSED = {"syscall": 1, "libc": 6}


def own_frames(stall):
    return [frame for frame in stall["stack"] if frame["own"]]


@pytest.mark.parametrize("name", PLACES)
def test_planted_places(name, mode, folder, peer):
    with PLACES[name](folder, peer) as server:
        first_in_line(server.pid)  # code that gets no CPU is not seen
        missed, told = plant(server, mode, PLANTS[mode])
    assert len(missed) <= MAX_MISSED[mode], missed
    names = " ".join(place["function"] for place in told.summary["places"])
    for kind, place in server.places.items():
        assert re.search(place.function, names), (kind, names)


@pytest.mark.parametrize("name", ["uvicorn", "node"])
def test_places_from_the_attach_on(name, folder, peer):
    """A server that blocks again and again is attached to: the first stall that is told has its place already."""
    with PLACES[name](folder, peer) as server, Load(server.connect, "/sleep/40", 1, 0):
        time.sleep(0.2)
        with Tracer(folder, server.pid, None, f"{THRESHOLD_MS}ms") as tracer:
            time.sleep(0.3)
            told = tracer.stop()
    blocked = [stall for stall in told.stalls if stall["blocked_ns"] >= THRESHOLD_MS * 1_000_000]
    assert blocked and all(server.places["sleep"].miss(stall["stack"]) is None for stall in blocked), blocked


def test_kernel_frames_and_their_number(folder, peer):
    with EpollServer(folder, peer) as server:
        first_in_line(server.pid)
        args = ("--stack", "user,kernel", "--max-frames", "12")
        with Tracer(folder, server.pid, "syscall", f"{THRESHOLD_MS}ms", args) as tracer:
            connection = server.connect()
            for _ in range(3):
                connection.get("/sleep/50", new_id("kernel"))
            connection.close()
            told = tracer.stop()
    for stall in told.stalls:
        assert len(stall["stack"]) <= 12
        kinds = [frame["kind"] for frame in stall["stack"]]
        assert "kernel" in kinds and "native" in kinds and kinds == sorted(kinds), kinds
        assert any("nanosleep" in frame["function"] for frame in stall["stack"] if frame["kind"] == "kernel")
        assert not any("bpf" in frame["function"] or frame["function"] == "schedule" for frame in stall["stack"])


def test_no_stacks(folder, peer):
    with EpollServer(folder, peer) as server:
        with Tracer(folder, server.pid, "syscall", f"{THRESHOLD_MS}ms", ("--stack", "none")) as tracer:
            connection = server.connect()
            connection.get("/cpu/50", new_id("none"))
            connection.close()
            told = tracer.stop()
    assert told.stalls and all(stall["stack"] == [] for stall in told.stalls)
    assert told.summary["places"] == []


NAMESPACES = {  # shell commands that bring the server to a folder which only they see, and how they begin it
    "mount": ("cp {server} {hidden}/server", "{hidden}/server"),
    "chroot": ("mkdir {hidden}/usr && mount --bind /usr {hidden}/usr && ln -s usr/lib {hidden}/lib && "
               "ln -s usr/lib64 {hidden}/lib64 && cp {server} {hidden}/server", "chroot {hidden} /server"),
}


@pytest.mark.parametrize("kind", NAMESPACES)
def test_a_program_that_this_host_cannot_open(kind, folder, peer):
    """In a mount namespace of its own, below a path that leads to nothing here; then deleted as well."""
    hidden = folder / "hidden"
    hidden.mkdir()
    port = free_port()
    bring, begin = (text.format(server=BUILT / "epoll_server", hidden=hidden) for text in NAMESPACES[kind])
    script = f"mount -t tmpfs none {hidden} && {bring} && exec {begin} --port {port}"
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.DEVNULL)
    try:
        server = EpollServer(folder)
        server.port, server.process = port, process
        wait_for(server.is_up, what="the server in its namespace")
        assert not (hidden / "server").exists()
        with Tracer(folder, process.pid, "syscall", f"{THRESHOLD_MS}ms") as tracer:
            connection = server.connect()
            replies = [connection.get("/sleep/50", new_id("hidden")) for _ in range(2)]
            os.unlink(f"/proc/{process.pid}/root{begin.split()[-1]}")
            replies.append(connection.get("/cpu/50", new_id("deleted")))
            connection.close()
            told = tracer.stop()
    finally:
        process.kill()
        process.wait()
    places = [own_frames(told.of(reply.id))[0]["function"] for reply in replies]
    assert places == ["plants_sleep", "plants_sleep", "plants_cpu"]


def test_a_deleted_program(folder):
    """Deleted before it was looked at: what is mapped can still be opened."""
    copy = folder / "gone"
    shutil.copy(BUILT / "epoll_server", copy)
    port = free_port()
    process = subprocess.Popen([copy, "--port", str(port)])
    try:
        server = EpollServer(folder)
        server.port, server.process = port, process
        wait_for(server.is_up, what="the server")
        copy.unlink()
        with Tracer(folder, process.pid, "syscall", f"{THRESHOLD_MS}ms") as tracer:
            connection = server.connect()
            reply = connection.get("/sleep/50", new_id("gone"))
            connection.close()
            told = tracer.stop()
    finally:
        process.kill()
        process.wait()
    stall = told.of(reply.id)
    assert own_frames(stall)[0]["function"] == "plants_sleep", stall["stack"]
