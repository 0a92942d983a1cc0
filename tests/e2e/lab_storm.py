# SPDX-License-Identifier: BSD-2-Clause
"""Storms, by tests/apps/storm and wrk, and the stall behind them that must be told as if nothing had been."""
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from lab_client import Connection, new_id
from lab_server import BUILT, wait_for
from lab_truth import match

STORM = BUILT / "storm"


TRIES = 6  # a machine with other work seldom lets every one of so many be slow


class Storm:
    """tests/apps/storm; how often it did it, and how often in a second, once it was stopped."""

    def __init__(self, *words, prefix=()):
        self.process = subprocess.Popen([*prefix, STORM, *map(str, words)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        self.count, ns = map(int, self.process.communicate(timeout=20)[0].split())
        return self.count * 1e9 / ns


def waiting(*words):
    """A storm that begins with the first line of its standard input."""
    return Storm(*words, prefix=("/bin/sh", "-c", 'read go; exec "$@"', "sh"))


def begin(storm):
    storm.process.stdin.write("go\n")
    storm.process.stdin.flush()


def alone(what, seconds=0.5):
    """How often in a second this machine does it now, with nobody looking."""
    with Storm(what) as storm:
        time.sleep(seconds)
        return storm.stop()


def is_enough(rate, figure, untraced):
    """`figure` a second, or on a machine that is not up to it most of what it does untraced."""
    return rate >= min(figure, 0.6 * untraced)


def check_last_stall(server, tracer):
    """Plants one when the storm is over, and ends the run."""
    request_id = new_id("after")
    connection = server.connect()
    for _ in range(5):
        connection.get("/ok")
    reply = connection.get("/sleep/50", request_id)
    over_ns = connection.get("/ok").end_ns  # the turn that sent the reply ended before
    told = tracer.stop()
    plants, hiccups = server.truth()
    last = [plant for plant in plants if plant.id == request_id]
    found = [stall for stall in told.stalls if (stall["request"] or {}).get("id") == request_id]
    assert len(last) == len(found) == 1, told.stalls
    last[0].high_ns, last[0].may_wait = over_ns - reply.send_ns, False
    problems = match(last, found, hiccups)
    assert not problems, "\n".join(problems)
    return told


def wait_told(server, tracer):
    """Until lgtrace sees what the server does."""
    def is_told():
        server.connect().get("/sleep/30", "soon")
        return '"soon"' in tracer.out_path.read_text()

    wait_for(is_told, 15, "a stall that is told")


def is_listening(port):
    try:
        Connection(port).close()
        return True
    except OSError:
        return False


PIPELINE = """
wrk.headers["X-Request-ID"] = "flood"
init = function() all = string.rep(wrk.format(), 32) end
request = function() return all end
"""


@contextmanager
def flood(folder, server, seconds):
    """Requests as fast as can be, 32 at once on each connection."""
    script = Path(folder) / "flood.lua"
    script.write_text(PIPELINE)
    wrk = subprocess.Popen(["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", script, f"http://127.0.0.1:{server.port}/ok"],
                           stdout=subprocess.PIPE, text=True)
    try:
        yield wrk
    finally:
        wrk.kill()
        wrk.wait()


def flood_alone(folder, server):
    """Requests a second that this machine answers now, with nobody looking."""
    with flood(folder, server, 1) as wrk:
        return flood_count(wrk)


def flood_count(wrk):
    text = wrk.communicate(timeout=30)[0]
    assert "Socket errors" not in text, text
    return int(re.search(r"(\d+) requests in", text).group(1))
