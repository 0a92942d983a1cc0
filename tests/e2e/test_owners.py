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
from lab_server import Node, Uvicorn
from lab_tracer import Tracer
from lab_truth import describe, overlap_ns

SERVERS = {
    "uvicorn-asyncio-h11": lambda folder, peer: Uvicorn(folder, peer, "asyncio", "h11"),
    "uvicorn-uvloop-httptools": lambda folder, peer: Uvicorn(folder, peer, "uvloop", "httptools"),
    "node-http": lambda folder, peer: Node(folder, peer),
}
CLIENTS = 6
ROUNDS = 10
MIN_EXACT = 0.8  # of the blocks; the rest may be told with less confidence


def block(server, seed):
    rng = random.Random(seed)
    connection = server.connect()
    for _ in range(ROUNDS):
        assert connection.get(f"/{rng.choice(server.kinds)}/{rng.randint(25, 45)}", new_id("own")).status == 200
    connection.close()


def culprit(stall, plants):
    """The plant that the stall covers most of."""
    return max(plants, key=lambda plant: overlap_ns(plant.begin_ns, plant.end_ns, stall))


@pytest.mark.parametrize("name", SERVERS)
def test_exact_is_never_wrong(name, folder, peer):
    with SERVERS[name](folder, peer) as server, Load(server.connect):
        time.sleep(0.2)
        with Tracer(folder, server.pid, "syscall") as tracer:
            clients = [threading.Thread(target=block, args=(server, seed)) for seed in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            told = tracer.stop()
        plants, _ = server.truth()
    exact = [stall for stall in told.stalls if stall["confidence"] == "exact"]
    wrong = [f"{describe(stall)} for {culprit(stall, plants)}" for stall in exact
             if stall["request"]["id"] != culprit(stall, plants).id]
    assert not wrong, "\n".join(wrong)
    assert len(exact) >= MIN_EXACT * len(plants), f"{len(exact)} exact of {len(plants)}"
    assert told.summary["lost"] == 0
