# SPDX-License-Identifier: BSD-2-Clause
"""Clients of the test servers: a keep-alive HTTP connection, and a closed loop of healthy requests.

What they measure is the client's own clock (CLOCK_MONOTONIC, ns): the most that a stall of the server can
have lasted, never the truth itself where the server keeps a clock of its own.
"""
import itertools
import socket
import ssl
import threading
import time
from dataclasses import dataclass

SLOW_NS = 15_000_000  # replies that took longer may confirm a stall that nobody planted
now_ns = time.monotonic_ns
_serial = itertools.count(1)


def new_id(prefix):
    return f"{prefix}-{next(_serial)}"


@dataclass
class Reply:
    """One request as its client saw it."""
    id: str
    path: str
    status: int
    send_ns: int
    end_ns: int

    @property
    def length_ns(self):
        return self.end_ns - self.send_ns


class Connection:
    """One HTTP/1.1 connection, one request at a time."""

    def __init__(self, port, tls=False, timeout=20):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self.buffer = b""

    def send(self, path, request_id, headers=""):
        head = f"GET {path} HTTP/1.1\r\nHost: lab\r\nX-Request-ID: {request_id}\r\n{headers}\r\n"
        self.sock.sendall(head.encode("latin-1"))

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        self.buffer += data

    def receive(self):
        """The status of the next response; its body is dropped."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        fields = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:])
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            while not self.buffer.endswith(b"0\r\n\r\n"):
                self._fill()
            self.buffer = b""
        length = int(fields.get(b"content-length", b"0"))
        while len(self.buffer) < length:
            self._fill()
        self.buffer = self.buffer[length:]
        return int(head.split()[1])

    def get(self, path, request_id=None, headers=""):
        request_id = request_id or new_id("r")
        send_ns = now_ns()
        self.send(path, request_id, headers)
        status = self.receive()
        return Reply(request_id, path, status, send_ns, now_ns())

    def close(self):
        self.sock.close()


class Load:
    """Healthy requests from a few connections, each with a pause after every reply."""

    def __init__(self, connect, path="/ok", connections=4, pause_s=0.004):
        self.connect, self.path, self.pause_s = connect, path, pause_s
        self.running, self.busy = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.count, self.failures, self.slow = 0, [], []
        self.threads = [threading.Thread(target=self._loop, daemon=True) for _ in range(connections)]

    def __enter__(self):
        self.running.set()
        self.busy.set()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.running.clear()
        self.busy.set()
        for thread in self.threads:
            thread.join(30)

    def pause(self):
        """Returns when no request is under way any more, as far as 50 ms can tell."""
        self.busy.clear()
        time.sleep(0.05)

    def _loop(self):
        try:
            connection = self.connect()
        except OSError as error:
            self.failures.append(repr(error))
            return
        while self.running.is_set():
            try:
                reply = connection.get(self.path, new_id("ok"))
                bad = None if reply.status == 200 else f"status {reply.status}"
            except OSError as error:
                bad = repr(error)
            with self.lock:
                self.count += 1
                if bad:
                    self.failures.append(bad)
                elif reply.length_ns > SLOW_NS:
                    self.slow.append(reply)
            if bad:
                break
            time.sleep(self.pause_s)
            self.busy.wait()
        connection.close()
