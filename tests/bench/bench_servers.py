# SPDX-License-Identifier: BSD-2-Clause
"""The servers that are measured: how each is started on one CPU, and with what load.

A Server is a context: it is up inside, and ended by its process id on every way out. SERVERS names them all.
"""
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bench_load import RedisBenchmark, Wrk
from bench_process import ROOT, end, process_tree

APPS = ROOT / "tests" / "apps"
PYTHON = "/usr/bin/python3"  # the one that the distribution's packages belong to
NGINX = "/usr/sbin/nginx"
START_S = 20
NGINX_CONF = """daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit; worker_processes 1; user root;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """One server with its load.

    needs: programs and Python modules without which it is left out. stalls: paths of requests that block it for
    long, where its runtime is asked whose they are.
    """
    name = None
    needs = ()
    stalls = ()

    def __init__(self, cpu):
        self.cpu = cpu
        self.port = free_port()
        self.process = None
        self.home = None
        self.folder = None
        self.load = self.make_load()

    @classmethod
    def missing(cls):
        return [name for name in cls.needs if not (shutil.which(name) or importlib.util.find_spec(name))]

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory(prefix="lgtrace-bench-")
        folder = self.folder = Path(self.home.name)
        try:
            self.prepare(folder)
            with open(folder / "said", "wb") as said:
                self.process = subprocess.Popen(["taskset", "-c", str(self.cpu), *map(str, self.argv(folder))],
                                                stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder,
                                                env={**os.environ, **self.environment(folder)},
                                                start_new_session=True)
            self.wait_up(folder / "said")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            end(self.process)
        self.home.cleanup()

    def wait_up(self, said):
        give_up = time.monotonic() + START_S
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.argv(Path('.'))} did not start: {said.read_text(errors='replace')}")

    def pids(self):
        """All its processes; the last one has the event loop that is measured."""
        return process_tree(self.process.pid)

    def prepare(self, folder):
        pass

    def environment(self, folder):
        return {}

    def argv(self, folder):
        raise NotImplementedError

    def make_load(self):
        return Wrk(self.port, "/ok")


class EpollServer(Server):
    name = "epoll_server"
    needs = ("wrk",)

    def argv(self, folder):
        return [ROOT / "build" / "apps" / "epoll_server", "--port", self.port]


class Nginx(Server):
    """A small static file, one worker."""
    name = "nginx"
    needs = ("wrk", NGINX)

    def prepare(self, folder):
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "small.txt").write_text("lgtrace\n" * 64)
        (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=self.port))

    def argv(self, folder):
        return [NGINX, "-e", "stderr", "-c", folder / "nginx.conf"]

    def make_load(self):
        return Wrk(self.port, "/small.txt")


class Redis(Server):
    name = "redis"
    needs = ("redis-server", "redis-benchmark")
    pipeline = 1

    def argv(self, folder):
        return ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", folder]

    def make_load(self):
        return RedisBenchmark(self.port, self.pipeline)


class RedisPipelined(Redis):
    name = "redis-p16"
    pipeline = 16


class UvicornUvloop(Server):
    name = "uvicorn-uvloop"
    needs = ("wrk", "uvicorn", "fastapi", "uvloop", "httptools")
    kind = ("--loop", "uvloop", "--http", "httptools")
    app = ("--app-dir", APPS, "asgi_app:app")
    stalls = ("/cpu/5", "/futex/5")

    @classmethod
    def guarded(cls, cpu):
        """One that watches its loop from inside."""
        server = cls(cpu)
        server.app = ("--app-dir", ROOT / "tests" / "bench", "guard:app")
        return server

    def argv(self, folder):
        return [PYTHON, "-B", "-m", "uvicorn", *self.app, "--port", self.port, *self.kind, "--no-access-log",
                "--log-level", "warning"]

    def make_load(self):
        return Wrk(self.port, "/now")


class UvicornAsyncio(UvicornUvloop):
    name = "uvicorn-asyncio"
    needs = ("wrk", "uvicorn", "fastapi", "h11")
    kind = ("--loop", "asyncio", "--http", "h11")


class Node(Server):
    name = "node"
    needs = ("wrk", "node")
    stalls = ("/cpu/5", "/futex/5")

    def argv(self, folder):
        return ["node", APPS / "node_app.js", self.port]


SERVERS = {server.name: server
           for server in (EpollServer, Nginx, Redis, RedisPipelined, UvicornUvloop, UvicornAsyncio, Node)}
