# SPDX-License-Identifier: BSD-2-Clause
"""The ring buffer was full: the answer to l-1 and the end of its turn are missing, and so is all of the next turn.

The loop then slept for 5 s, and no stall may be made of that: a turn's record says when the turn began. l-3's 30 ms are
a stall, exact, with l-1 as its victim, since nothing tells that l-1 was answered; it is still in flight at the
end. 14 records and a thread are counted as lost, and said in the summary.
"""
from stream import MS, S, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client, other = nginx.conn("10.1.1.7:51000"), nginx.conn("10.1.1.8:51000")
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request("/one", "l-1"))
        kept = bytearray(s.data)
        nginx.run(1 * MS)
        nginx.write(client, response())
    s.idle(10 * MS)
    with nginx.turn():
        nginx.read(client, request("/two", "l-2"))
        nginx.run(1 * MS)
        nginx.write(client, response())
    s.data = kept
    s.counters["LOST_RECORDS"] = 14
    s.counters["LOST_THREADS"] = 1
    s.idle(5 * S)
    with nginx.turn():
        nginx.read(other, request("/three", "l-3"))
        nginx.run(30 * MS)
        nginx.write(other, response())
    s.idle(10 * MS)
    return s.end()
