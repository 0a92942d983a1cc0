# SPDX-License-Identifier: BSD-2-Clause
"""100 000 healthy turns: 90 000 of 80 us, 9000 of 400 us, 990 of 3 ms, 10 of exactly 10 ms, and one request of 1 ms.

No stall. 100 001 turns in the histogram; utilisation: 7.2 + 3.6 + 2.97 + 0.1 + 0.001 s of turns in 100 s and a bit
(13.87 s of about 41 s).
"""
from stream import MS, US, Stream, request, response


def stream():
    s = Stream()
    node = s.loop(6300, "node", "NODE", (20, 0), "/usr/bin/node")
    client = node.conn("10.1.1.7:51000")
    node.turns(90000, 80 * US, idle=300 * US)
    node.turns(9000, 400 * US, idle=10 * US)
    node.turns(990, 3 * MS, idle=100 * US)
    node.turns(10, 10 * MS, idle=MS)
    with node.turn():
        node.read(client, request("/ok"))
        node.run(1 * MS)
        node.write(client, response())
    s.idle(9 * MS)
    return s.end()
