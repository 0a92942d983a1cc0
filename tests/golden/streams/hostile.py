# SPDX-License-Identifier: BSD-2-Clause
"""Everything that a target can name is hostile: no control byte, no half character, no turned direction reaches the
terminal, and JSON stays one line and valid.

comm rings the bell and has a quote; exe has a newline and a byte that is no UTF-8; the first request's path has
quotes, a backslash and a tag, its id a quote and a comma; the socket's name clears the screen and turns the direction
of writing (U+202E). Both stalls are told, 30 and 40 ms, with these texts in escaped form.
"""
from stream import MS, UNIX, Stream, request, response, target


def stream():
    s = Stream()
    nginx = s.loop(4100, b"n\x07g\"\x1b[31mx", "NGINX", exe=b"/tmp/a\nb\xff\x1b]0;owned\x07")
    client = nginx.conn(kind=UNIX, name=b"/run/\x1b[2J\xe2\x80\xae.sock")
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, request('/a"b\\c<script>{%22}/%1b[2J', 'x"},{"y,\\'))
        nginx.sleep(30 * MS, call="connect", fd=9, to=target(UNIX, b"\0abs\ntract\x9b\xc3"))
        nginx.write(client, response())
    s.idle(5 * MS)
    with nginx.turn():
        nginx.read(client, b"GET /\xc3\xa9\xe2\x80\xae\xf0\x9f\x98\x80 HTTP/1.1\r\n"
                           b"X-Request-ID: \xc3\xa9\xff\xe2\x80\x8b\r\n\r\n")
        nginx.sleep(40 * MS, call="connect", fd=9, to=target(UNIX, b"/run/\x1b[2J\xe2\x80\xae.sock"))
        nginx.write(client, response())
    s.idle(5 * MS)
    return s.end()
