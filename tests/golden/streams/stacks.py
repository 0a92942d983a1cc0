# SPDX-License-Identifier: BSD-2-Clause
"""Stacks: which of a turn's belongs to which stall, and where in the code it was.

Three stalls, all of one client's requests, threshold 20 ms.
p-1, 60 ms cpu: looked at after 10, 20, 30, 55 ms: most of it was in orders.total, the user's own function below a
library's, and there the one at the crossing (20 ms, line 31) counts. p-2, 50 ms in a read: the stack of that block, in orders.load (line 12), not the
sample before it. p-3, 25 ms cpu, in the same function as p-1 (line 33), with a stack before it that was another
request's, and names that try to do harm. In the summary two places: orders.total 85 ms in 2 stalls, the longest 60 ms
at line 31, of p-1; orders.load 50 ms.
"""
from stream import BLOCKED, KERNEL, MS, NATIVE, PYTHON, Stream, request, response, target, INET

SITE = "/srv/venv/lib/python3.11/site-packages/money/core.py"
MAIN = (PYTHON, "<module>", "/srv/shop/main.py", 5, 1)


def stream():
    s = Stream()
    app = s.loop(5300, "uvicorn", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    client = app.conn("10.1.1.7:51000")
    s.idle(5 * MS)
    with app.turn():
        app.read(client, request("/orders/1", "p-1"))
        app.run(10 * MS)
        app.stack((PYTHON, "early", "/srv/shop/orders.py", 3, 1), MAIN)
        app.run(10 * MS)
        app.stack((NATIVE, "PyNumber_Add", "/usr/bin/python3.11", 0, 0), (PYTHON, "Money.add", SITE, 7, 0),
                  (PYTHON, "total", "/srv/shop/orders.py", 31, 1), MAIN)
        app.run(10 * MS)
        app.stack((PYTHON, "total", "/srv/shop/orders.py", 32, 1), MAIN)
        app.run(25 * MS)
        app.stack((PYTHON, "late", "/srv/shop/orders.py", 99, 1), MAIN)
        app.run(5 * MS)
        app.write(client, response())
    s.idle(5 * MS)
    with app.turn():
        app.read(client, request("/orders/2", "p-2"))
        app.run(1 * MS)
        app.stack((PYTHON, "before", "/srv/shop/orders.py", 11, 1), MAIN)
        begin = s.now
        app.sleep(49 * MS, call="read", fd=21, to=target(INET, address="10.0.0.8:5432"))
        app.stack((KERNEL, "tcp_recvmsg", "", 0, 0), (NATIVE, "__read", "/lib/x86_64-linux-gnu/libc.so.6", 0, 0),
                  (PYTHON, "load", "/srv/shop/orders.py", 12, 1), MAIN, moment=BLOCKED, block=begin)
        app.write(client, response())
    s.idle(5 * MS)
    with app.turn():
        app.read(client, request("/ping", "p-4"))
        app.run(1 * MS)
        app.stack((PYTHON, "ping", "/srv/shop/main.py", 8, 1), MAIN)
        app.run(1 * MS)
        app.write(client, response())
        app.read(client, request("/orders/3", "p-3"))
        app.run(22 * MS)
        app.stack((PYTHON, b"a\x1b[31m\xff\n<b>", b"\x1b]0;x\x07", 1, 0), (PYTHON, "total", "/srv/shop/orders.py", 33, 1))
        app.run(3 * MS)
        app.write(client, response())
    s.idle(8 * MS)
    return s.end()
