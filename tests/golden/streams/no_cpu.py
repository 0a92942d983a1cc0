# SPDX-License-Identifier: BSD-2-Clause
"""Ready without a CPU. w-1: 10 ms of work, throttled for 85 ms and 5 ms in the run queue: throttled, 100 ms. w-2: 4
ms of work, 40 ms behind others: runqueue, 44 ms. w-3: the loop was woken 30 ms before it got a CPU; that is nobody's,
30.05 ms runqueue with the bit before the read, and w-3 waited for it. Page faults: w-4 waits 25 ms of 26 for a page.
"""
from stream import MS, US, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client = nginx.conn("10.1.1.7:51000")
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request("/w", "w-1"))
        nginx.run(4 * MS)
        nginx.ready(90 * MS, throttled=85 * MS)
        nginx.run(6 * MS, system=1 * MS)
        nginx.write(client, response())
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request("/w", "w-2"))
        nginx.run(4 * MS)
        nginx.ready(40 * MS)
        nginx.write(client, response())
    s.idle(5 * MS)
    with nginx.turn(late=30 * MS):
        nginx.run(50 * US)
        nginx.read(client, request("/w", "w-3"))
        nginx.run(1 * MS)
        nginx.write(client, response())
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request("/w", "w-4"))
        nginx.run(1 * MS)
        nginx.sleep(25 * MS, "FAULT")
        nginx.write(client, response())
    s.idle(5 * MS)
    return s.end()
