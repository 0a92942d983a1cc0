# SPDX-License-Identifier: BSD-2-Clause
"""Redis: no HTTP, so that a connection stands for its requests.

Its own clock is the slow log: the least that a stall can be. The most is what the client measured until its next
command was answered, for then the turn was over.
"""
import time

from lab_client import Load, new_id
from lab_host import first_in_line
from lab_server import Redis
from lab_tracer import Tracer
from lab_truth import LOOK_NS, Plant, match

BURN = "local n = tonumber(ARGV[2]); local x = 0; for i = 1, n do x = x + i % 7 end; return 1"


def calibrate(connection):
    """Rounds of BURN in a millisecond."""
    rounds = 300_000
    begin = time.monotonic()
    connection.call("EVAL", BURN, 0, "warm", rounds)
    return max(1, int(rounds / ((time.monotonic() - begin) * 1000)))


def plant_sleep(connection, rng):
    reply = connection.get(f"DEBUG SLEEP 0.{rng.randint(30000, 90000):06d}", new_id("sleep"))
    return reply, connection.get("PING").end_ns


def plant_burn(connection, rng, per_ms):
    """Told apart in the slow log by its number of rounds."""
    rounds = per_ms * rng.randint(35, 90) + rng.randint(0, per_ms)
    name = new_id("burn")
    begin_ns = time.monotonic_ns()
    connection.call("EVAL", BURN, 0, name, rounds)
    return name, begin_ns, connection.get("PING").end_ns


def slow_log(connection):
    """Microseconds by the words of the command."""
    return {" ".join(entry[3]): entry[2] for entry in connection.call("SLOWLOG", "GET", -1)}


def plants_of(sleeps, burns, log):
    plants = []
    for reply, over_ns in sleeps:
        low_ns = log[reply.path] * 1000
        plants.append(Plant(None, "sleep", "syscall", "clock_nanosleep|nanosleep", None, low_ns,
                            over_ns - reply.send_ns, reply.send_ns, reply.end_ns))
    for name, begin_ns, over_ns in burns:
        low_ns = next(us for words, us in log.items() if f" {name} " in words) * 1000 - LOOK_NS
        plants.append(Plant(None, "burn", "cpu", None, None, low_ns, over_ns - begin_ns, begin_ns, over_ns))
    return plants


def check_connections(stalls, peer):
    """Every stall names this connection, by its peer and an id that lgtrace made; forgets it, for match()."""
    for stall in stalls:
        assert stall["request"] is not None and stall["request"]["id"].startswith("c"), stall
        assert stall["request"]["peer"] == peer and stall["confidence"] != "none", stall
        stall["request"], stall["confidence"] = None, "none"


def test_planted_stalls(mode, folder, rng):
    with Redis(folder) as server:
        first_in_line(server.pid)
        connection = server.connect()
        peer = f"127.0.0.1:{connection.sock.getsockname()[1]}"
        per_ms = calibrate(connection)
        with Load(server.connect, "PING") as load:
            time.sleep(0.2)
            with Tracer(folder, server.pid, mode) as tracer:
                sleeps = [plant_sleep(connection, rng) for _ in range(3)]
                burns = [plant_burn(connection, rng, per_ms) for _ in range(3)]
                load.pause()
                sleeps += [plant_sleep(connection, rng) for _ in range(2)]
                burns += [plant_burn(connection, rng, per_ms) for _ in range(2)]
                told = tracer.stop()
        plants = plants_of(sleeps, burns, slow_log(connection))
    long_enough = [stall for stall in told.stalls if any(p.begin_ns <= stall["start_ns"] <= p.end_ns for p in plants)]
    check_connections(long_enough, peer)
    problems = match(plants, told.stalls, (), load.slow)
    assert not problems, "\n".join(problems)
    assert not load.failures
    assert told.summary["lost"] == 0
    assert told.header["targets"][0]["runtime"].startswith("redis")


def test_child_that_saves_is_no_stall(mode, folder):
    """BGSAVE forks: the child is busy, the loop is free."""
    with Redis(folder) as server:
        first_in_line(server.pid)
        connection = server.connect()
        connection.call("DEBUG", "POPULATE", 200_000, "key", 20)
        with Load(server.connect, "PING") as load, Tracer(folder, server.pid, mode) as tracer:
            connection.call("BGSAVE")
            while "rdb_bgsave_in_progress:1" in connection.call("INFO", "persistence"):
                time.sleep(0.02)
            told = tracer.stop()
    problems = match([], told.stalls, (), load.slow)
    assert not problems, "\n".join(problems)
    assert not load.failures
