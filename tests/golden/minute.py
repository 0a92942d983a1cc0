# SPDX-License-Identifier: BSD-2-Clause
"""A minute of three loops, as `top` sees it: totals of every loop after each second.

Two workers of one nginx and a Python server. Worker 4101 is 5 % busier from second to second, then idle again; it
stalls for 60 ms with /slow (request slow-1) and for 150 ms with /{n} paths, blocked in a connect to a database. The
Python server 5200 is about 12 % busy and stalls once, for 30 ms, for want of a CPU. Worker 4102 does nothing.
At the end one request is in flight on 4101. The names hold what a terminal must never get.
"""
from stream import MS, S, Stream, request, response, target

SECONDS = 63


def serve(loop, conn, path, request_id, ns, idle=0):
    with loop.turn():
        loop.read(conn, request(path, request_id))
        loop.run(ns)
        loop.write(conn, response())
    loop.stream.idle(idle)


def second(s, number, one, python, a, b):
    """Everything of one second; a turn of 1 ms a step."""
    begin = s.now
    if number == 30:
        serve(one, a, "/slow", "slow-1", 60 * MS)
        s.idle(50 * MS)
    if number == 40:
        with one.turn():
            one.read(a, request("/user/4711", "user-1"))
            one.sleep(150 * MS, "SYSCALL", "connect", 9, target(address="10.0.0.5:5432"))
            one.write(a, response())
        s.idle(50 * MS)
    if number == 50:
        with python.turn():
            python.read(b, request("/report", "report-1"))
            python.ready(30 * MS)
            python.run(1 * MS)
            python.write(b, response())
        s.idle(50 * MS)
    for step in range(number % 20):
        serve(one, a, f"/item/{step}", f"item-{number}-{step}", 25 * MS // 2)
    for step in range(3):
        serve(python, b, "/ok", f"ok-{number}-{step}", 4 * MS, idle=30 * MS)
    s.idle(begin + S - s.now)


def stream():
    s = Stream()
    one = s.loop(4101, "nginx\x1b[2J", "NGINX", exe="/usr/sbin/nginx")
    s.loop(4102, "nginx", "NGINX", exe="/usr/sbin/nginx")
    python = s.loop(5200, "python3", "CPYTHON", (3, 11), "/usr/bin/python3.11", tid=None)
    a, b = one.conn("10.1.1.7:51000"), python.conn("[2001:db8::7]:51001")
    for number in range(SECONDS):
        second(s, number, one, python, a, b)
        for loop in s.loops:
            loop.totals()
    for step in range(8):
        serve(one, a, f"/item/{step}", f"item-{step}", 10 * MS, idle=20 * MS)
    serve(python, b, "/ok", "ok-last", 4 * MS, idle=10 * MS)
    with one.turn():
        one.read(a, request("/open", "open-1"))
        one.run(2 * MS)
    s.idle(100 * MS)
    return s.end()
