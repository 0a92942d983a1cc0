# SPDX-License-Identifier: BSD-2-Clause
"""How short a block can be and still be told: blocks of known length, with a threshold of half that.

Requests come one after the other, with pauses, and block the server by turns with a computation and a sleep. The
server's own log has each block; a stall counts as its own if it names the request. The length error is the stall's
length less the block's: a run has the server's code around the block too.
"""
import http.client
import json
import random
import time

from bench_servers import EpollServer, UvicornUvloop
from bench_tracer import Lgtrace

LENGTHS_MS = (1, 2, 5, 10, 20, 50, 100)
KINDS = ("cpu", "sleep")
PAUSE_S = (0.002, 0.012)
SETTLE_S = 0.3


class PlantedEpoll(EpollServer):
    def argv(self, folder):
        return [*super().argv(folder), "--log", folder / "truth"]


class PlantedUvicorn(UvicornUvloop):
    def environment(self, folder):
        return {"LAB_LOG": str(folder / "truth")}


SERVERS = {"epoll_server": PlantedEpoll, "uvicorn-uvloop": PlantedUvicorn}


def plant(port, length_ms, count):
    """Sends the requests; their ids."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    ids = [f"plant-{length_ms}-{number}" for number in range(count)]
    for number, request_id in enumerate(ids):
        connection.request("GET", f"/{KINDS[number % len(KINDS)]}/{length_ms}", headers={"X-Request-ID": request_id})
        connection.getresponse().read()
        time.sleep(random.uniform(*PAUSE_S))
    connection.close()
    return ids


def read_blocks(path, ids):
    """{id: length in ns}"""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["id"]: line["end_ns"] - line["start_ns"] for line in lines if line["id"] in ids}


def measure_length(plan, server, folder, length_ms):
    lgtrace = type("LgtraceAt", (Lgtrace,), {"options": ("--threshold", f"{length_ms * 500}us")})
    with lgtrace(plan.folder, plan.watcher_cpu, server.pids()[-1]) as watcher:
        time.sleep(SETTLE_S)
        ids = set(plant(server.port, length_ms, plan.nr_plants))
        time.sleep(SETTLE_S)
        watcher.stop()
        lines = [json.loads(line) for line in watcher.out_path.read_text().splitlines()]
    stalls = [line for line in lines if line["type"] == "stall"]
    blocks = read_blocks(folder / "truth", ids)
    told = {}
    for stall in stalls:
        told.setdefault((stall["request"] or {}).get("id"), stall["duration_ns"])
    errors = [told[name] - length for name, length in blocks.items() if name in told]
    return {"length_ms": length_ms, "planted": len(blocks), "told": len(errors), "errors_ns": sorted(errors),
            "others": sum((stall["request"] or {}).get("id") not in ids for stall in stalls)}


def measure_accuracy(plan, found):
    for name, server_class in SERVERS.items():
        if name not in plan.servers or server_class.missing():
            continue
        rows = found.setdefault("servers", {})[name] = []
        with server_class(plan.server_cpu) as server:
            server.load.warm_up(plan.warm_up_s)
            for length_ms in LENGTHS_MS:
                plan.note(f"accuracy at {name}: {plan.nr_plants} blocks of {length_ms} ms")
                rows.append(measure_length(plan, server, server.folder, length_ms))
