# SPDX-License-Identifier: BSD-2-Clause
"""nginx: a worker that computes, blocks in a file, is stopped, waits for its upstream.

It keeps no clock of its own. The least that a stall can be comes from the file system that blocked it
(lab_fuse.py), or from the CPU time that the kernel says the worker had; the most from the client's clock: the turn
that sent a reply was over when the next request was answered.
"""
import os
import signal
import time

from lab_client import Load, new_id, now_ns
from lab_host import first_in_line, ran_ns
from lab_server import EpollServer, Nginx, children, slow_files, wait_for
from lab_tracer import Tracer
from lab_truth import Plant, match

OTHERS = 10  # percent of the worker's CPU time, at most, that healthy requests have meanwhile


def get(server, connection, path, prefix):
    """A reply, when its turn was over for sure, and the worker's CPU time meanwhile."""
    before_ns = ran_ns(server.pid)
    reply = connection.get(path, new_id(prefix))
    over_ns = connection.get("/ok").end_ns
    return reply, over_ns, ran_ns(server.pid) - before_ns


def plant_regex(reply, over_ns, busy_ns):
    return Plant(reply.id, reply.path, "cpu", None, None, busy_ns * (100 - OTHERS) // 100, over_ns - reply.send_ns,
                 reply.send_ns, reply.end_ns)


def plant_file(reply, over_ns, delays, folder):
    """The delay of this request: no other one was planted in the meantime."""
    delay = next(d for d in delays if reply.send_ns <= d["start_ns"] and d["end_ns"] <= reply.end_ns)
    kind = delay["name"].split("-")[0]
    syscall = {"open": "openat|open", "read": "pread64|read"}[kind]
    target = f"{folder}/slow/{delay['name']}" if kind == "read" else None
    return Plant(reply.id, reply.path, "syscall", syscall, target, delay["end_ns"] - delay["start_ns"],
                 over_ns - reply.send_ns, reply.send_ns, reply.end_ns)


def test_planted_stalls(mode, folder, rng):
    with Nginx(folder) as server, slow_files(folder) as delays, Load(server.connect) as load:
        first_in_line(server.pid)
        time.sleep(0.2)
        regexes, files = [], []
        with Tracer(folder, server.pid, mode) as tracer:
            connection = server.connect()
            for round_ in range(2):
                prefix = "solo" if round_ else "load"
                for _ in range(2):
                    regexes.append(get(server, connection, f"/re/{'a' * rng.choice((20, 21))}!", prefix))
                for kind in ("open", "read"):
                    files.append(get(server, connection, f"/slow/{kind}-{rng.randint(30, 90)}", prefix))
                load.pause()
            told = tracer.stop()
        assert all(reply.status == 200 for reply, *_ in regexes + files)
        plants = [plant_regex(*seen) for seen in regexes]
        plants += [plant_file(reply, over_ns, delays(), folder) for reply, over_ns, _ in files]
    problems = match(plants, told.stalls, (), load.slow)
    assert not problems, "\n".join(problems)
    assert not load.failures
    assert told.summary["lost"] == 0
    assert told.header["targets"][0]["runtime"].startswith("nginx")


def test_stopped_worker(mode, folder):
    with Nginx(folder) as server, Tracer(folder, server.pid, mode) as tracer:
        first_in_line(server.pid)
        connection = server.connect()
        connection.get("/ok")
        time.sleep(0.02)
        begin_ns = now_ns()
        os.kill(server.pid, signal.SIGSTOP)
        stopped_ns = now_ns()
        connection.send("/file/small", "late")
        time.sleep(0.09)
        before_ns = now_ns()
        os.kill(server.pid, signal.SIGCONT)
        assert connection.receive() == 200
        end_ns = connection.get("/ok").end_ns
        told = tracer.stop()
    plant = Plant("late", None, "stopped", None, None, before_ns - stopped_ns, end_ns - begin_ns, begin_ns, end_ns,
                  ids="exact")
    problems = match([plant], told.stalls)
    assert not problems, "\n".join(problems)


def test_slow_upstream_is_no_stall(mode, folder, peer):
    """The upstream stalls, nginx does not: it goes on serving."""
    (folder / "upstream").mkdir()
    with EpollServer(folder / "upstream", peer) as upstream, Nginx(folder, upstream.port) as server:
        with Load(server.connect) as load, Tracer(folder, server.pid, mode) as tracer:
            connection = server.connect()
            for _ in range(8):
                assert connection.get("/behind/sleep/50").status == 200
            told = tracer.stop()
    problems = match([], told.stalls, (), load.slow)
    assert not problems, "\n".join(problems)
    assert not load.failures


def test_workers_born_after_attach(mode, folder):
    """The master is traced; a reload starts new workers, and their stalls are told."""
    with Nginx(folder) as server, Tracer(folder, server.process.pid, mode) as tracer:
        old = server.pid
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: old not in children(server.process.pid), what="end of the old worker")
        first_in_line(server.pid)
        connection = server.connect()
        time.sleep(0.2)
        seen = get(server, connection, f"/re/{'a' * 21}!", "reborn")
        told = tracer.stop()
        problems = match([plant_regex(*seen)], told.stalls)
        assert not problems, "\n".join(problems)
        assert told.of(seen[0].id)["pid"] == server.pid != old
