# SPDX-License-Identifier: BSD-2-Clause
"""Requests that mean harm: bytes that a terminal would obey, heads without end."""
import os
import signal
import socket
import subprocess
import time

import pytest

from lab_server import EpollServer, Uvicorn, wait_for
from lab_tracer import LGTRACE, Tracer


def check_harmless(text):
    """Nothing but what is printed, whatever a terminal would make of the rest."""
    assert {c for c in text if not c.isprintable()} <= {"\n"}, repr(text[:2000])


def hostile_requests():
    """Bytes of every kind in the request line and in a header, each in a request of its own."""
    every = [bytes(set(range(begin, begin + 32)) - set(b"\r\n\0")) for begin in range(0, 256, 32)]
    words = [*every, b"\x1b]0;title\x07\x1b[2J", "\u202e\u2066\ufeff\U000e0041 \U0001f4a9".encode(),
             b"\xed\xa0\x80\xc0\x80\xf5", b"%1b%5b2J\\x1b[2J", b'"</script>\\u001b']
    for word in words:
        yield b"GET /sleep/25?" + word + b" HTTP/1.1\r\nHost: lab\r\n\r\n"
        yield b"GET /" + word + b" HTTP/1.1\r\nX-Request-ID: " + word + b"\r\n\r\n"
        yield b"GET /sleep/25 HTTP/1.1\r\nX-Request-ID: " + word + b"\r\ntraceparent: " + word + b"\r\n\r\n"
        yield word + b" / HTTP/1.1\r\n\r\n"
        yield word


def send_raw(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as sock:
        try:
            sock.sendall(data)
            return sock.recv(65536)
        except OSError:
            return b""


@pytest.mark.parametrize("as_json", [True, False])
def test_hostile_requests(as_json, folder):
    """Nothing of them reaches the terminal raw."""
    out = folder / "out"
    with EpollServer(folder) as server:
        words = [LGTRACE, "-p", str(server.pid), "--requests", "--threshold", "20ms", "-o", out]
        tracer = subprocess.Popen([*words, *(["--json"] if as_json else [])], stderr=subprocess.PIPE,
                                  env={**os.environ, "LC_ALL": "C.UTF-8"})
        wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") >= 1, what="attach")
        for data in hostile_requests():
            send_raw(server.port, data)
        server.connect().get("/sleep/50", "after")
        time.sleep(0.1)
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate(timeout=15)[1]
    assert tracer.returncode == 0, said
    text = out.read_text()
    check_harmless(text + said.decode())
    assert "after" in text and "script" in text


def test_long_heads_and_floods_of_headers(folder, peer):
    """The request line is known however long the head is; an id that is longer than what is read of it is none."""
    with Uvicorn(folder, peer, http="httptools") as server, Tracer(folder, server.pid, "libc") as tracer:
        connection = server.connect()
        connection.get("/sleep/40", "cookie", "Cookie: " + "c" * 65536 + "\r\n")
        connection.get("/sleep/40", "many", "".join(f"X-{i}: {i}\r\n" for i in range(3000)))
        connection.get("/sleep/40", "i" * 20000)
        connection.get("/sleep/40", "after")
        told = tracer.stop()
    ids = [(stall["request"] or {}).get("id") for stall in told.stalls if stall["duration_ns"] >= 40_000_000]
    assert ids == ["cookie", "many", "c1-3", "after"]
