# SPDX-License-Identifier: BSD-2-Clause
"""Two nginx workers and a Python process with two loops (a thread of its own for the second), all at once.

While worker 1 computes for 200 ms for v-1, worker 2 serves v-2 and is no victim; nor are the requests of the other
loops. The second loop of 5200 (thread 5207) stalls for 35 ms with v-3: likely. Every line names its loop.
In the summary: worker 1 first, then 5200/5207, then by turns.
"""
from stream import MS, Stream, request, response


def stream():
    s = Stream()
    one = s.loop(4101, "nginx", "NGINX", exe="/usr/sbin/nginx")
    two = s.loop(4102, "nginx", "NGINX", exe="/usr/sbin/nginx")
    main = s.loop(5200, "python3", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    other = s.loop(5200, "worker-loop", tid=5207)
    a, b, c = one.conn("10.1.1.7:51000"), two.conn("10.1.1.7:51001"), other.conn("10.1.1.7:51002")
    s.idle(5 * MS)
    with one.turn():
        one.read(a, request("/slow", "v-1"))
        with two.turn():
            two.read(b, request("/fast", "v-2"))
            s.idle(2 * MS)
            two.write(b, response())
        s.idle(3 * MS)
        with other.turn():
            other.read(c, request("/task", "v-3"))
            s.idle(35 * MS)
            other.write(c, response())
        s.idle(160 * MS)
        one.write(a, response(status="503 Service Unavailable"))
    s.idle(5 * MS)
    main.turns(3, 1 * MS, idle=1 * MS)
    return s.end()
