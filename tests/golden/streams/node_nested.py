# SPDX-License-Identifier: BSD-2-Clause
"""node with a loop inside its loop, and a backend.

1. n-1 runs a nested wait: 60 ms in epoll_pwait on another epoll descriptor are no idle time but a stall of 61 ms,
   likely.
2. n-2 asks a backend; its reply's callback computes for 45.1 ms: causal, cpu. n-3 is read behind it in that turn:
   victim.
3. A timer (nobody's: the loop had only an eventfd's wake, and nothing is in flight) computes for 25 ms: none.
4. n-4 writes a large file with 80 ms in the kernel of 90 ms on the CPU: cause syscall, "writev (on cpu)", no block.
"""
from stream import MS, OTHER, SEEN, US, Stream, request, response, target


def stream():
    s = Stream()
    node = s.loop(6300, "node", "NODE", (20, 0), "/usr/bin/node")
    a, b = (node.conn(f"10.1.1.{i}:51000", origin=SEEN) for i in (7, 8))
    s.idle(5 * MS)
    with node.turn():
        node.read(a, request("/sync", "n-1"))
        node.run(500 * US)
        node.sleep(60 * MS, call="epoll_pwait", fd=14, to=target(OTHER, "[eventpoll]", ino=1))
        node.run(500 * US)
        node.write(a, response())
    s.idle(5 * MS)
    with node.turn():
        node.read(a, request("/query", "n-2"))
        node.run(300 * US)
        db = node.connect("10.0.0.9:5432")
        node.write(db, b"Q", length=40)
    s.idle(12 * MS)
    with node.turn():
        node.read(db, b"T", length=9000)
        node.run(45 * MS)
        node.write(a, response())
        node.run(100 * US)
        node.read(b, request("/ping", "n-3"))
        node.run(100 * US)
        node.write(b, response())
    s.idle(5 * MS)
    with node.turn():
        node.wake()
        node.run(25 * MS)
    s.idle(5 * MS)
    with node.turn():
        node.read(b, request("/export", "n-4", "POST"))
        node.run(90 * MS, system=80 * MS, call="writev")
        node.write(b, response())
    s.idle(5 * MS)
    return s.end()
