# SPDX-License-Identifier: BSD-2-Clause
"""Short holds that add up, jitter that does not, and one stall.

Two seconds of 5 ms 40 times a second, by turns GET /a (blocked in a read, in orders.load) and GET /b/{n} (computing, in
orders.total): with --cumulative 200ms/1s two sums of 200 ms, half of each for either route. Then two seconds in which
each of 80 requests is 8 ms late for want of a CPU: no sum. Then GET /slow computes for 150 ms: the one stall, also with
--threshold auto, whose threshold is then near 70 ms: eight times the 90th percentile.
"""
from stream import BLOCKED, INET, MS, PYTHON, US, Stream, request, response, target

MAIN = (PYTHON, "<module>", "/srv/shop/main.py", 5, 1)


def small(app, client, number):
    with app.turn():
        if number % 2:
            app.read(client, request(f"/b/{number}", f"b-{number}"))
            app.run(3 * MS)
            app.stack((PYTHON, "total", "/srv/shop/orders.py", 31, 1), MAIN)
            app.run(2 * MS)
        else:
            app.read(client, request("/a", f"a-{number}"))
            begin = app.stream.now
            app.sleep(5 * MS, call="read", fd=21, to=target(INET, address="10.0.0.8:5432"))
            app.stack((PYTHON, "load", "/srv/shop/orders.py", 12, 1), MAIN, moment=BLOCKED, block=begin)
        app.write(client, response())
    app.stream.idle(20 * MS)


def late(app, client, number):
    with app.turn():
        app.read(client, request("/ok", f"ok-{number}"))
        app.ready(8 * MS)
        app.run(100 * US)
        app.write(client, response())
    app.stream.idle(17 * MS - 100 * US)


def stream():
    s = Stream()
    app = s.loop(5300, "uvicorn", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    client = app.conn("10.1.1.7:51000")
    for number in range(80):
        small(app, client, number)
    for number in range(80):
        late(app, client, number)
    with app.turn():
        app.read(client, request("/slow", "slow"))
        app.run(150 * MS)
        app.write(client, response())
    s.idle(5 * MS)
    return s.end()
