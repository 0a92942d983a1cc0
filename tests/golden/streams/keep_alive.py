# SPDX-License-Identifier: BSD-2-Clause
"""One connection to nginx, many requests: k-1 healthy, k-2's head in two reads, k-3 with a body, k-4 and k-5 pipelined,
k-6 chunked over two turns, k-7 a HEAD.

One stall: 30 ms of k-4, likely only, since its read held k-5 too, which is its victim. 7 requests, none in flight.
k-2 began with its head's last byte: 0.5 ms long. k-6's response ends with the last chunk: 6 ms after its head.
"""
from stream import MS, US, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    client = nginx.conn("10.1.1.7:51000")
    s.idle(1 * MS)
    with nginx.turn():
        nginx.read(client, request("/k", "k-1"))
        nginx.run(1 * MS)
        nginx.write(client, response())
    head = request("/k", "k-2")
    for part in (head[:40], head[40:]):
        s.idle(4 * MS)
        with nginx.turn():
            nginx.read(client, part)
            nginx.run(500 * US)
            if part.endswith("\r\n\r\n"):
                nginx.write(client, response())
    s.idle(4 * MS)
    with nginx.turn():
        nginx.read(client, request("/k/upload", "k-3", "POST", "Content-Length: 10000\r\n"))
        nginx.run(100 * US)
        nginx.read(client, b"x" * 4096, length=10000)
        nginx.run(900 * US)
        nginx.write(client, response(status="201 Created"))
    s.idle(4 * MS)
    with nginx.turn():
        nginx.read(client, request("/k/4", "k-4") + request("/k/5", "k-5"))
        nginx.run(30 * MS)
        nginx.write(client, response())
        nginx.run(2 * MS)
        nginx.write(client, response(status="404 Not Found"))
    s.idle(4 * MS)
    with nginx.turn():
        nginx.read(client, request("/k/stream", "k-6"))
        nginx.run(1 * MS)
        nginx.write(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    s.idle(4 * MS)
    with nginx.turn():
        nginx.wake()
        nginx.run(1 * MS)
        nginx.write(client, b"1f40\r\n" + b"z" * 3000, length=8013, tail=b"z\r\n0\r\n\r\n")
    s.idle(4 * MS)
    with nginx.turn():
        nginx.read(client, request("/k", "k-7", "HEAD"))
        nginx.run(1 * MS)
        nginx.write(client, "HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n")
    s.idle(4 * MS)
    return s.end()
