# SPDX-License-Identifier: BSD-2-Clause
"""What stalls were about, and what to do about it.

Six stalls of one client's requests, threshold 20 ms. d-1: a sleep, told so instead of the call's name. d-2: a name server
by its port, and the function by the stack. d-3: 40 ms of computing that was the import of module "tables", not of what
that imports. d-4: a child process, "convert", begun by a shell. d-5: a read from 10.0.0.8:6379, which is Redis's port.
d-6: another sleep, in another function: its hint is not told again. In the summary five details beside the causes' own.
"""
from stream import BLOCKED, EXEC, INET, MS, NATIVE, NEW, PYTHON, Loop, Stream, request, response, target

LOOP = (PYTHON, "Handle._run", "/usr/lib/python3.11/asyncio/events.py", 80, 0)
IMPORTLIB = (PYTHON, "_find_and_load", "<frozen importlib._bootstrap>", 1178, 0)


def own(function, line):
    return (PYTHON, function, "/srv/shop/orders.py", line, 1)


def child(s, pid, parent, *programs):
    for event, comm in [(NEW, programs[0]), *((EXEC, program) for program in programs[1:])]:
        process = Loop(s, pid, pid, comm.encode(), 1)
        process.thread_event(event, parent if event == NEW else 0)


def stream():
    s = Stream()
    app = s.loop(5500, "uvicorn", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    client = app.conn("10.1.1.7:52000")

    def stall(request_id, work, *frames):
        s.idle(5 * MS)
        with app.turn():
            app.read(client, request("/orders/1", request_id))
            begin = work()
            app.stack(*frames, LOOP, **({"moment": BLOCKED, "block": begin} if begin else {}))
            app.run(1 * MS)
            app.write(client, response())

    def blocked(ms, call, fd=-1, to=None):
        begin = s.now
        app.sleep(ms * MS, call=call, fd=fd, to=to)
        return begin

    def with_child():
        app.run(1 * MS)
        child(s, 5600, 5500, "uvicorn", "sh")
        child(s, 5601, 5600, "sh", "convert")
        return blocked(70, "wait4")

    stall("d-1", lambda: blocked(50, "clock_nanosleep"), own("backoff", 4))
    stall("d-2", lambda: blocked(90, "poll", 7, target(INET, address="10.0.0.2:53")),
          (NATIVE, "__res_context_query", "/usr/lib/libc.so.6", 0, 0), (NATIVE, "getaddrinfo", "/usr/lib/libc.so.6", 0, 0),
          own("notify", 21))
    stall("d-3", lambda: app.run(40 * MS), (PYTHON, "<module>", "/srv/shop/cells.py", 2, 1), IMPORTLIB,
          (PYTHON, "<module>", "/srv/shop/tables/__init__.py", 1, 1), IMPORTLIB, own("export", 30))
    stall("d-4", with_child, (PYTHON, "Popen.wait", "/usr/lib/python3.11/subprocess.py", 1262, 0), own("thumbnail", 44))
    stall("d-5", lambda: blocked(30, "recvfrom", 8, target(INET, address="10.0.0.8:6379")), own("load", 12))
    stall("d-6", lambda: blocked(35, "clock_nanosleep"), own("retry", 61))
    s.idle(8 * MS)
    return s.end()
