# SPDX-License-Identifier: BSD-2-Clause
"""A worker dies in the middle of a turn, 50 ms after it read d-2: that is told as its stall (likely: it never
answered), and d-2 as a request without an answer. d-1 was healthy. The loop is named as ended in the summary; its
successor with the same process id starts from nothing.
"""
from stream import MS, Stream, request, response


def stream():
    s = Stream()
    first = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client = first.conn("10.1.1.7:51000")
    s.idle(5 * MS)
    with first.turn():
        first.read(client, request("/ok", "d-1"))
        first.run(2 * MS)
        first.write(client, response())
    s.idle(5 * MS)
    with first.turn():
        first.read(client, request("/crash", "d-2"))
        first.run(50 * MS)
        first.exit()
    s.idle(100 * MS)
    second = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client = second.conn("10.1.1.7:51001")
    s.idle(5 * MS)
    with second.turn():
        second.read(client, request("/ok", "d-3"))
        second.run(3 * MS)
        second.write(client, response())
    s.idle(5 * MS)
    return s.end()
