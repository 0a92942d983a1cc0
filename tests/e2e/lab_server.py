# SPDX-License-Identifier: BSD-2-Clause
"""Starts and ends the servers under test. Each is a context that has `pid` (of the loop), `port` and `truth()`.

`kinds` are the blocks it can plant by the path /KIND/MS. `ids_under_load` says what may be asked of the
request of a stall while others are served: "always" where one callback serves one request, "exact" where only
a claim of certainty is checked.
"""
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from lab_client import Connection
from lab_truth import LOOK_NS, read_truth

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
BUILT = Path(os.environ.get("BUILD", ROOT / "build")).resolve() / "apps"
PYTHON = "/usr/bin/python3"
START_S = 15  # generous: a loaded machine


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(condition, seconds=15, what="condition"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


def children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def make_key(key, cert):
    """Of a server for TLS, into two files."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=localhost"], check=True, capture_output=True)


class Peer:
    """tests/apps/peer: the other end of blocking calls."""

    def __init__(self):
        self.process = subprocess.Popen([BUILT / "peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port, self.full = map(int, self.process.stdout.readline().split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Server:
    """A process that listens on `port`; subclasses say how it is started."""
    kinds = ()
    warm_paths = ("/ok",)
    ids_under_load = "always"
    after_ns = 500_000  # what its code may do between a response's last write and its next wait
    tls = False

    def __init__(self, folder, peer=None):
        self.folder, self.peer = Path(folder), peer
        self.port = free_port()
        self.log = self.folder / "truth.jsonl"
        self.fifo = self.folder / "fifo"
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def argv(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def __enter__(self):
        if not self.fifo.exists():
            os.mkfifo(self.fifo)
        self.log.touch()
        with open(self.folder / "server.err", "ab") as err:
            self.process = subprocess.Popen(self.argv(), env={**os.environ, **self.environment()}, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        wait_for(self.is_up, START_S, what=f"port {self.port} of {self.argv()}")
        self.warm_up()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "server.err").read_text(errors="replace"))
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def warm_up(self):
        """First calls compile, import and start threads: real stalls, but not planted ones."""
        connection = self.connect()
        for path in [*self.warm_paths, *(f"/{kind}/1" for kind in self.kinds)] * 3:
            connection.get(path)
        connection.close()

    def connect(self):
        return Connection(self.port, self.tls)

    def truth(self):
        """(plants, hiccups) of its loop, once the log has everything. What warm_up() did counts as a hiccup."""
        time.sleep(0.1)
        plants, hiccups = read_truth(self.log)
        for planted in plants:
            planted.may_wait, planted.beside_ns = True, self.after_ns
        warm = [plant for plant in plants if (plant.path or "").endswith("/1")]
        return [plant for plant in plants if plant not in warm], hiccups + warm


class EpollServer(Server):
    """tests/apps/epoll_server.c"""
    kinds = ("cpu", "sleep", "futex", "connect", "read", "disk", "fault")

    def __init__(self, folder, peer=None, poller="epoll", args=()):
        super().__init__(folder, peer)
        self.poller, self.args = poller, args
        if not peer:
            self.kinds = ("cpu", "sleep", "futex", "fault")
        elif poller == "epoll":
            self.kinds = (*self.kinds, "poll")

    def argv(self):
        ends = ["--peer", self.peer.port, "--full", self.peer.full, "--fifo", self.fifo] if self.peer else []
        return [str(word) for word in (BUILT / "epoll_server", "--port", self.port, "--poller", self.poller, "--log",
                                       self.log, *ends, *self.args)]


class Uvicorn(Server):
    """tests/apps/asgi_app.py under the distribution's uvicorn"""
    kinds = ("cpu", "sleep", "futex", "connect", "read", "disk", "await/sleep", "await/read")
    warm_paths = ("/ok", "/now", "/wait/1")
    ids_under_load = "exact"
    after_ns = 2_000_000

    def __init__(self, folder, peer, loop="asyncio", http="h11"):
        super().__init__(folder, peer)
        self.loop, self.http = loop, http

    def argv(self):
        return [PYTHON, "-B", "-m", "uvicorn", "--app-dir", str(APPS), "asgi_app:app", "--port", str(self.port),
                "--loop", self.loop, "--http", self.http, "--no-access-log", "--log-level", "warning"]

    def environment(self):
        return {"LAB_LOG": str(self.log), "LAB_PEER": str(self.peer.port), "LAB_FULL": str(self.peer.full),
                "LAB_FIFO": str(self.fifo)}

    def truth(self):
        """uvloop writes replies at the end of the turn: what ends a run is a look that finds other code."""
        plants, hiccups = super().truth()
        for planted in plants:
            planted.low_ns -= LOOK_NS if self.loop == "uvloop" else 0
        return plants, hiccups


class Aiohttp(Server):
    """tests/apps/aiohttp_app.py"""
    kinds = ("sleep", "after")
    ids_under_load = "exact"
    after_ns = 2_000_000

    def argv(self):
        return [PYTHON, "-B", str(APPS / "aiohttp_app.py"), str(self.port)]

    def environment(self):
        return {"LAB_LOG": str(self.log)}


class Node(Server):
    """tests/apps/node_app.js"""
    kinds = ("cpu", "futex", "disk", "exec", "await/futex")
    after_ns = 2_000_000
    warm_paths = ("/ok", "/wait/1")

    def __init__(self, folder, peer, tls=False):
        super().__init__(folder, peer)
        self.tls = tls
        self.key, self.cert = self.folder / "key.pem", self.folder / "cert.pem"

    def __enter__(self):
        if self.tls:
            make_key(self.key, self.cert)
        return super().__enter__()

    def argv(self):
        return ["/usr/bin/node", str(APPS / "node_app.js"), str(self.port)]

    def environment(self):
        keys = {"LAB_KEY": str(self.key), "LAB_CERT": str(self.cert)} if self.tls else {}
        return {"LAB_LOG": str(self.log), "LAB_PEER": str(self.peer.port), "LAB_FIFO": str(self.fifo), **keys}


class Nginx(Server):
    """The distribution's nginx: static files, a regular expression that backtracks, and an upstream."""
    CONFIG = """daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
worker_processes {workers};
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s; sendfile off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream behind {{ server 127.0.0.1:{upstream}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location = /ok {{ return 200 "ok\\n"; }}
    location ~ "^/re/(a+)+$" {{ return 204; }}
    location /re/ {{ return 200 "ok\\n"; }}
    location /slow/ {{ alias {folder}/slow/; }}
    location /file/ {{ alias {folder}/file/; }}
    location /behind/ {{ proxy_pass http://behind/; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""

    def __init__(self, folder, upstream=9, workers=1):
        super().__init__(folder)
        self.upstream, self.workers = upstream, workers

    def __enter__(self):
        (self.folder / "slow").mkdir(exist_ok=True)
        (self.folder / "file").mkdir(exist_ok=True)
        (self.folder / "file" / "small").write_text("small\n")
        self.config = self.folder / "nginx.conf"
        self.config.write_text(self.CONFIG.format(folder=self.folder, workers=self.workers, port=self.port,
                                                  upstream=self.upstream))
        return super().__enter__()

    def argv(self):
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(self.config)]

    @property
    def pid(self):
        """Of its first worker; the master is self.process.pid."""
        return wait_for(lambda: children(self.process.pid), what="nginx worker")[0]


@contextmanager
def slow_files(folder):
    """lab_fuse.py on folder/slow; a list that grows by what each slow file took."""
    log = Path(folder) / "slow.jsonl"
    log.touch()
    server = subprocess.Popen([PYTHON, "-B", Path(__file__).with_name("lab_fuse.py"), Path(folder) / "slow", log])
    try:
        wait_for(lambda: os.path.ismount(Path(folder) / "slow"), what="slow file system")
        yield lambda: [json.loads(line) for line in log.read_text().splitlines()]
    finally:
        subprocess.run(["umount", "-l", Path(folder) / "slow"], check=False)
        server.terminate()  # a mount namespace that another process made meanwhile would keep it
        server.wait(10)


class Redis(Server):
    """redis-server; its own clock is the slow log."""

    def argv(self):
        return ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                "no", "--enable-debug-command", "yes", "--slowlog-log-slower-than", "5000", "--slowlog-max-len", "1000",
                "--dir", str(self.folder)]

    def connect(self):
        return RedisConnection(self.port)

    def warm_up(self):
        pass


class RedisConnection(Connection):
    """RESP on a Connection's socket: get(path) sends the words of `path`."""

    def send(self, path, request_id, headers=""):
        self.command(*path.split())

    def command(self, *words):
        text = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (str(w).encode() for w in words))
        self.sock.sendall(b"*%d\r\n%s" % (len(words), text))

    def receive(self):
        self.value()
        return 200

    def line(self):
        while b"\r\n" not in self.buffer:
            self._fill()
        text, self.buffer = self.buffer.split(b"\r\n", 1)
        return text

    def value(self):
        text = self.line()
        kind, rest = text[:1], text[1:]
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind == b"$":
            length = int(rest)
            while len(self.buffer) < length + 2:
                self._fill()
            data, self.buffer = self.buffer[:length], self.buffer[length + 2:]
            return data.decode()
        if kind == b"*":
            return [self.value() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest.decode()

    def call(self, *words):
        self.command(*words)
        return self.value()
