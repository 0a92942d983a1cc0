# SPDX-License-Identifier: BSD-2-Clause
"""`lgtrace ps` finds loops by how they sleep, and says how busy they are."""
import json
import os
import signal
import subprocess
import threading
import time

from lab_client import Load
from lab_server import EpollServer, Node, Uvicorn
from lab_tracer import run


def ps(*args):
    code, out, err = run("ps", *args)
    assert code == 0, err
    return out


def rows(*args):
    """{pid: row} of main threads; several tables leave the last one's rows."""
    found = [json.loads(line) for line in ps("--json", *args).splitlines()]
    return {row["pid"]: row for row in found if row["pid"] == row["tid"]}


def test_idle_loops_of_every_kind_are_found(folder, peer):
    for place, make in (("uvicorn", Uvicorn), ("node", Node), ("epoll", EpollServer)):
        (folder / place).mkdir()
        with make(folder / place, peer) as server:
            row = rows()[server.pid]
        assert row["utilisation"] < 0.3 and "poll" in row["wait_call"], row
        assert row["runtime"].split()[0] == {"uvicorn": "cpython", "node": "node", "epoll": "native"}[place]


def test_poll_and_select_loops_are_found(folder):
    for poller in ("poll", "select"):
        with EpollServer(folder, poller=poller) as server, Load(server.connect):
            assert poller in rows()[server.pid]["wait_call"]


def test_utilisation_is_right(folder):
    """Half of each 200 ms it sleeps, in a call that is no wait for events."""
    with EpollServer(folder) as server:
        connection, stop = server.connect(), threading.Event()

        def half():
            while not stop.is_set():
                begin = time.monotonic()
                connection.get("/sleep/100", "half")
                time.sleep(max(0, 0.2 - (time.monotonic() - begin)))

        thread = threading.Thread(target=half)
        thread.start()
        try:
            row = rows("-d", "4")[server.pid]
        finally:
            stop.set()
            thread.join()
    assert 0.4 < row["utilisation"] < 0.7, row
    assert 3.5e9 < row["elapsed_ns"] < 6e9


def test_what_computes_or_blocks_is_no_loop(folder):
    """A shell that waits for its child sleeps, but not in a wait for events."""
    with subprocess.Popen(["/bin/sh", "-c", "sleep 30; true"], start_new_session=True) as shell:
        try:
            assert shell.pid not in rows()
        finally:
            os.killpg(shell.pid, signal.SIGKILL)


def test_table_and_interval(folder):
    with EpollServer(folder) as server:
        tables = ps("1", "2").split("\n\n")
        assert len(tables) == 2
        for table in tables:
            assert table.splitlines()[0].split() == ["PID", "TID", "COMM", "RUNTIME", "SWITCHES/s", "UTIL%",
                                                     "WAIT-CALL"]
            assert [row for row in table.splitlines() if row.split()[0] == str(server.pid)]
