# SPDX-License-Identifier: BSD-2-Clause
"""nginx with TLS: what passes the socket says nothing, what passes SSL_read and SSL_write is the request.

A handshake of 22.1 ms on the CPU: nobody's. Then t-1 computes for 50 ms from SSL_read to SSL_write: exact, 50.05 ms
with the encryption of its answer. The second request is named by its trace id, and healthy.
"""
from stream import CIPHER, MS, TLS, US, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4100, "nginx", "NGINX", exe="/usr/sbin/nginx")
    s.idle(5 * MS)
    with nginx.turn():
        client = nginx.accept("10.1.1.7:51000")
        nginx.run(100 * US)
        nginx.read(client, b"", length=517, flags=CIPHER)
        nginx.run(22 * MS)
        nginx.write(client, b"", length=2200, flags=CIPHER)
    traced = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    for head, length in ((request("/login", "t-1", "POST", "Content-Length: 0\r\n"), 50 * MS),
                         (request("/home", headers=traced), 1 * MS)):
        s.idle(5 * MS)
        with nginx.turn():
            nginx.read(client, b"", length=300, flags=CIPHER)
            nginx.run(50 * US)
            nginx.read(client, head, flags=TLS)
            nginx.run(length)
            nginx.write(client, response(), flags=TLS)
            nginx.run(50 * US)
            nginx.write(client, b"", length=120, flags=CIPHER)
    s.idle(5 * MS)
    return s.end()
