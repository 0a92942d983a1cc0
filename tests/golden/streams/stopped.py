# SPDX-License-Identifier: BSD-2-Clause
"""A process is stopped by a signal for 700 ms while it serves s-1, and for 300 ms while it serves nobody.

Stalls: 701 ms exact of s-1, cause stopped, no system call; 300.2 ms none, stopped.
"""
from stream import MS, US, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client = nginx.conn("10.1.1.7:51000")
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request("/", "s-1"))
        nginx.run(500 * US)
        nginx.sleep(700 * MS, "STOPPED")
        nginx.run(500 * US)
        nginx.write(client, response())
    s.idle(5 * MS)
    with nginx.turn():
        nginx.sleep(300 * MS, "STOPPED")
        nginx.run(200 * US)
    s.idle(5 * MS)
    return s.end()
