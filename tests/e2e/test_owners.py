# SPDX-License-Identifier: BSD-2-Clause
"""Whose request it was, with many that block at once: what is told as exact is never wrong.

Several clients send requests that block, among healthy ones, so that a turn holds blocks of several. Each stall that
names a request as exact must be that request's block by the server's own clock.
"""
import random
import threading
import time

import pytest

from lab_client import Load, new_id
from lab_host import first_in_line
from lab_server import Aiohttp, Node, Uvicorn, wait_for
from lab_tracer import Tracer
from lab_truth import describe, overlap_ns

UVICORNS = {
    "uvicorn-asyncio-h11": lambda folder, peer: Uvicorn(folder, peer, "asyncio", "h11"),
    "uvicorn-uvloop-httptools": lambda folder, peer: Uvicorn(folder, peer, "uvloop", "httptools"),
}
SERVERS = {
    **UVICORNS,
    "node-http": lambda folder, peer: Node(folder, peer),
}
CLIENTS = 6
ROUNDS = 10
MIN_EXACT = 0.8  # of the blocks; the rest may be told with less confidence


WAYS = ("task", "gather", "group", "shield", "wait_for", "callback", "background", "stream")
SURE_WAYS = WAYS[:5]  # the request's own task waits for what blocks


def block(server, paths, seed):
    rng = random.Random(seed)
    connection = server.connect()
    for _ in range(ROUNDS):
        assert connection.get(f"{rng.choice(paths)}/{rng.randint(25, 45)}", new_id("own")).status == 200
    connection.close()


def load(folder, server, paths, mode="syscall"):
    """What lgtrace told of clients that block at once, and the truth. Behind a wait for a CPU it is less sure."""
    first_in_line(server.pid)
    with Load(server.connect):
        time.sleep(0.2)
        with Tracer(folder, server.pid, mode) as tracer:
            clients = [threading.Thread(target=block, args=(server, paths, seed)) for seed in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            told = tracer.stop()
    assert told.summary["lost"] == 0
    return told, server.truth()[0]


def culprit(stall, plants):
    """The plant that the stall covers most of; None: nothing was planted there (the runtime waited for its own threads)."""
    covered = [plant for plant in plants if overlap_ns(plant.begin_ns, plant.end_ns, stall) > 0]
    return max(covered, key=lambda plant: overlap_ns(plant.begin_ns, plant.end_ns, stall), default=None)


def sure(told, plants):
    """The stalls that are told as exact; none of them may be wrong."""
    exact = [stall for stall in told.stalls if stall["confidence"] == "exact"]
    wrong = [f"{describe(stall)} for {plant}" for stall in exact
             if (plant := culprit(stall, plants)) and stall["request"]["id"] != plant.id]
    assert not wrong, "\n".join(wrong)
    return exact


@pytest.mark.parametrize("name", SERVERS)
def test_exact_is_never_wrong(name, mode, folder, peer):
    with SERVERS[name](folder, peer) as server:
        told, plants = load(folder, server, [f"/{kind}" for kind in server.kinds], mode)
    exact = sure(told, plants)
    assert len(exact) >= MIN_EXACT * len(plants), f"{len(exact)} exact of {len(plants)}"


@pytest.mark.parametrize("name", SERVERS)
def test_by_the_tick(name, folder, peer):
    """Stalls this long need no clock of their own: the kernel's tick is enough for owners and places."""
    with SERVERS[name](folder, peer) as server, Load(server.connect):
        first_in_line(server.pid)
        with Tracer(folder, server.pid, threshold="100ms") as tracer:
            connection = server.connect()
            for length_ms in (130, 150, 170, 190):
                assert connection.get(f"/cpu/{length_ms}", new_id("own")).status == 200
            told = tracer.stop()
        plants = server.truth()[0]
    exact = sure(told, [plant for plant in plants if plant.end_ns - plant.begin_ns >= 100_000_000])
    assert len(exact) >= 3, told.stalls
    assert all(any(frame["file"] for frame in stall["stack"]) for stall in exact), exact


@pytest.mark.parametrize("name", UVICORNS)
def test_ways_to_a_block(name, folder, peer):
    """Tasks, callbacks, streams and what runs after the response: the request is found by what waits for the code."""
    with UVICORNS[name](folder, peer) as server:
        told, plants = load(folder, server, [f"/way/{way}/{kind}" for way in WAYS for kind in ("cpu", "sleep")])
    exact = {stall["request"]["id"] for stall in sure(told, plants)}
    waited = [plant for plant in plants if plant.path.split("/")[2] in SURE_WAYS]
    found = sum(plant.id in exact for plant in waited)
    assert found >= MIN_EXACT * len(waited), f"{found} exact of {len(waited)}"


def test_after_the_response(folder):
    """A handler of aiohttp may answer and go on, while its connection's next request is there already."""
    with Aiohttp(folder) as server:
        told, plants = load(folder, server, ["/sleep", "/after"])
    sure(told, plants)
    named = {stall["request"]["id"] for stall in told.stalls if stall["request"]}
    found = sum(plant.id in named for plant in plants)
    assert found >= MIN_EXACT * len(plants), f"{found} of {len(plants)}"


def wait_asked(server, tracer):
    """The runtime is looked at after the attach: from then on stacks have Python's frames."""
    def is_asked():
        server.connect().get("/cpu/30")
        return '"kind":"python"' in tracer.out_path.read_text()

    wait_for(is_asked, what="stacks")


def test_garbage_collection(folder, peer):
    with Uvicorn(folder, peer) as server, Load(server.connect):
        first_in_line(server.pid)
        with Tracer(folder, server.pid, "syscall") as tracer:
            wait_asked(server, tracer)
            ids = [new_id("gc") for _ in range(4)]
            for id_ in ids:
                assert server.connect().get("/gc/40", id_).status == 200
            told = tracer.stop()
    causes = [stall["cause"] for stall in told.stalls if stall["request"] and stall["request"]["id"] in ids]
    assert causes.count("gc") >= len(ids) - 1 and set(causes) <= {"gc", "runqueue"}, causes


def test_interpreter_lock(mode, folder, peer):
    """
    The loop waits for a thread of the pool: its request is the culprit, and it cannot be more than causal. The holder
    is told from the first such wait on, however long they are. Only the loop is first in line: the thread may want.
    """
    with Uvicorn(folder, peer) as server, Load(server.connect):
        assert server.connect().get("/pool/1", new_id("warm")).status == 200
        first_in_line(server.pid)
        with Tracer(folder, server.pid, mode) as tracer:
            ids = [new_id("pool") for _ in range(8)]
            for id_, ms in zip(ids, [60] * 7 + [700]):
                assert server.connect().get(f"/pool/{ms}", id_).status == 200
            told = tracer.stop()
    stalls = [stall for stall in told.stalls if stall["cause"] == "gil"]
    named = [stall for stall in stalls if stall["request"]]
    assert len(stalls) >= len(ids) // 2, told.stalls
    assert len(named) >= len(stalls) // 2, stalls
    assert all(stall["request"]["id"] in ids and stall["confidence"] != "exact" for stall in named), named
    assert all(stall["holder"] and stall["holder"]["tid"] != server.pid and stall["holder"]["comm"]
               for stall in stalls), stalls
