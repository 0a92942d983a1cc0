# SPDX-License-Identifier: BSD-2-Clause
"""nginx reads a FIFO that nobody writes to for 150 ms: one stall of 150.5 ms, exactly r-2's; r-3 waited for it.

The FIFO is told with its full path. r-1, before it, was healthy (1.2 ms).
"""
from stream import MS, PIPE, US, Stream, request, response, target


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    s.idle(3 * MS)
    with nginx.turn():
        first = nginx.accept("10.1.1.7:51000")
        nginx.run(200 * US)
    s.idle(2 * MS)
    with nginx.turn():
        nginx.read(first, request("/index.html", "r-1"))
        nginx.run(1 * MS)
        nginx.write(first, "HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n")
        nginx.run(200 * US)
        nginx.write(first, b"", length=8000)
    s.idle(40 * MS)
    with nginx.turn():
        nginx.run(100 * US)
        nginx.read(first, request("/files/77", "r-2"))
        nginx.run(200 * US)
        fifo = target(PIPE, "report.fifo", ino=555)
        nginx.sleep(150 * MS, call="read", fd=9, to=fifo)
        s.path(nginx, 555, "/srv/spool/report.fifo")
        nginx.run(300 * US)
        nginx.write(first, response())
        second = nginx.accept("[2001:db8::8]:40001")
        nginx.read(second, request("/index.html", "r-3"))
        nginx.run(500 * US)
        nginx.write(second, response())
    s.idle(10 * MS)
    return s.end()
