# SPDX-License-Identifier: BSD-2-Clause
"""A handler that never comes back, told while it hangs; the threshold is 20 ms.

s-1 sleeps in a read since 10.1 s: told as stuck at 120 ms, not at 40 ms yet, and again at 250 ms, not at 200 ms; its
victim is s-2, which was read before it. In the second turn s-3 computes for 150 ms, is told once as stuck at 130 ms,
likely, and at its end as the stall it was. At the end of the stream s-4 is stuck for 400 ms in a lock: told as
a stall that has not ended, and the loop's line says so too.
"""
from stream import ASLEEP, MS, PYTHON, Stream, request, response

LOAD = (PYTHON, "load", "/srv/shop/orders.py", 12, 1)
MAIN = (PYTHON, "<module>", "/srv/shop/main.py", 5, 1)


def stream():
    s = Stream()
    app = s.loop(5400, "server", "NATIVE", None, "/usr/bin/server")
    first, second = app.conn("10.1.1.7:51000"), app.conn("10.1.1.7:51001")
    s.idle(5 * MS)
    with app.turn():
        app.read(second, request("/orders/2", "s-2"))
        app.run(1 * MS)
        app.read(first, request("/orders/1", "s-1"))
        since = s.now
        for step in (40, 80, 80, 50):
            app.sleep(step * MS, call="read", fd=21)
            if step != 40:
                app.stack(LOAD, MAIN, moment=ASLEEP, block=since)
            app.totals(("read", "SYSCALL", since))
        app.write(first, response())
        app.run(1 * MS)
        app.write(second, response())
    s.idle(5 * MS)
    with app.turn():
        app.read(first, request("/orders/3", "s-3"))
        app.run(130 * MS)
        app.stack((PYTHON, "price", "/srv/shop/orders.py", 77, 1), MAIN)
        app.totals()
        app.run(20 * MS)
        app.write(first, response())
    s.idle(30 * MS)
    turn = app.turn()
    turn.__enter__()
    app.read(first, request("/orders/4", "s-4"))
    since = s.now
    app.sleep(400 * MS, "LOCK", call="futex")
    app.stack(LOAD, MAIN, moment=ASLEEP, block=since)
    app.totals(("futex", "LOCK", since))
    return s.end()
