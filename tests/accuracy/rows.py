# SPDX-License-Identifier: BSD-2-Clause
"""The rows of the accuracy table: which server, how it is started, what its clients ask for, what its log says.

A row is a context with `pid` (of the loop), `client` (see load.py) and `blocks()`. `owner_of(stall)` is what a told
stall names its request by, in the words of `blocks()`. Blocks stand at the places in `only`, if there are any.
"""
import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import lab_backends  # noqa: E402
from lab_server import BUILT, Redis, Server, free_port, make_key  # noqa: E402

from judge import Block  # noqa: E402
from load import http_client  # noqa: E402

RUNTIMES = Path(os.environ.get("BUILD", ROOT / "build")).resolve() / "runtimes"
FETCHED = ("py313", "py314", "node22", "node24")  # by tools/runtimes: Debian has others
BLOCK_MS = (22, 40)
WAIT_MS = (5, 60)


def fetch(wanted):
    """Sees to it that these runtimes are there."""
    if wanted:
        subprocess.run([ROOT / "tools" / "runtimes", RUNTIMES, *wanted], check=True, stdout=sys.stderr)


def run_in(runtime):
    """What goes before a command to run it in a fetched runtime (tools/runtimes)."""
    return [str(RUNTIMES / runtime / "run")] if runtime else []


class Row(Server):
    """A server with an application of ours, spoken to by HTTP."""
    fast_waits = ("timer", "pool", "socket")  # what the healthy requests wait for
    backed_waits = ("redis", "postgres")
    shapes = ("raw",)
    places = ()
    only = ()
    kinds = ("cpu", "sleep", "read")

    def __init__(self, folder, backends, runtime=None):
        super().__init__(folder, backends.peer)
        self.backends, self.runtime = backends, runtime
        self.waits = self.fast_waits + (self.backed_waits if backends.full else ())
        self.client = http_client(self.port, self.path_of)

    def __enter__(self):
        try:
            return super().__enter__()
        except BaseException:
            self.__exit__()
            raise

    def environment(self):
        found = {"LAB_LOG": str(self.log), "LAB_PEER": str(self.peer.port), "LAB_FIFO": str(self.fifo)}
        if self.backends.full:
            found.update(LAB_REDIS=str(self.backends.redis), LAB_POSTGRES=str(self.backends.postgres))
        return found

    def path_of(self, blocks, _request_id):
        if not blocks:
            wait, ms = random.choice(self.waits), random.randint(*WAIT_MS)
            return f"/{random.choice(self.shapes)}/wait/{wait}/{ms}"
        shape, place = random.choice([at for at in self.all_places() if at[1] in self.only] or self.all_places())
        return f"/{shape}/{place}/{self.kind_at(place)}/{random.randint(*BLOCK_MS)}"

    def copy(self, path):
        """To where a fetched runtime, which has its own root, sees it."""
        return Path(shutil.copy(path, self.folder))

    def kind_at(self, _place):
        return random.choice(self.kinds)

    def all_places(self):
        return [(shape, place) for shape in self.shapes for place in self.places + self.waits]

    def warm_up(self):
        """First calls import, compile and connect: real stalls, but not planted ones."""
        connection = self.connect()
        paths = [f"/{shape}/wait/{wait}/2" for shape in self.shapes for wait in self.waits]
        paths += [f"/{shape}/{place}/{self.kinds[0]}/1" for shape, place in self.all_places()]
        for path in paths * 3:
            if "/body/" not in path and "/websocket/" not in path:
                connection.get(path)
        connection.close()
        self.log.write_text("")

    def blocks(self):
        lines = map(json.loads, self.log.read_text().splitlines())
        return [Block(line["id"], line["place"], line["kind"], line["start_ns"], line["end_ns"], line["shape"])
                for line in lines]

    @staticmethod
    def owner_of(stall):
        return stall["request"]["id"] if stall["request"] else None


class Python(Row):
    """asgi_mix.py on uvicorn."""
    shapes = ("raw", "web")
    places = ("first", "body", "pipelined", "gather", "task", "task-now", "deep", "wait_for", "thread", "after",
              "after-wait", "asgi-middleware")
    web_places = ("middleware", "middleware-after", "stream")

    def __init__(self, folder, backends, runtime=None, loop="asyncio", http="h11"):
        super().__init__(folder, backends, runtime)
        self.loop, self.http = loop, http

    def all_places(self):
        """The fetched ones have no WebSockets for uvicorn."""
        sockets = [("raw", "websocket")] if "raw" in self.shapes and not self.runtime else []
        return super().all_places() + [("web", place) for place in self.web_places] + sockets

    def python(self):
        return [*run_in(self.runtime), "python3"] if self.runtime else ["/usr/bin/python3"]

    def __enter__(self):
        self.copy(BUILT / "gil.so")
        return super().__enter__()

    def argv(self):
        folder = self.copy(HERE / "asgi_mix.py").parent
        return [*self.python(), "-m", "uvicorn", "--app-dir", str(folder), "asgi_mix:app", "--loop", self.loop,
                "--http", self.http, "--host", "127.0.0.1", "--port", str(self.port), "--lifespan", "on",
                "--no-access-log", "--log-level", "warning"]


class Hypercorn(Python):
    """asgi_mix.py on the distribution's hypercorn."""

    def argv(self):
        folder = self.copy(HERE / "asgi_mix.py").parent
        return ["/usr/bin/hypercorn", f"{folder}/asgi_mix:app", "--bind", f"127.0.0.1:{self.port}", "--worker-class",
                self.loop]


class Aiohttp(Python):
    """aiohttp_mix.py on the distribution's aiohttp, which is the server too."""
    shapes = ("web",)
    places = tuple(place for place in Python.places if place != "asgi-middleware") + ("websocket",)

    def argv(self):
        self.copy(HERE / "asgi_mix.py")
        return [*self.python(), str(self.copy(HERE / "aiohttp_mix.py")), str(self.port)]


class Node(Row):
    """node_mix.js; with all backends on three frameworks as well, with TLS also in an AsyncLocalStorage."""
    fast_waits = ("timer", "pool", "socket", "zlib", "file", "worker", "immediate")
    places = ("first", "body", "gather", "race", "task", "deep", "callback", "tick", "stream",
              "middleware", "after", "after-wait")
    kinds = ("cpu", "sleep", "read", "exec")

    def __init__(self, folder, backends, runtime=None, tls=False):
        super().__init__(folder, backends, runtime)
        if backends.full:
            self.shapes = ("raw", "express", "fastify", "koa")
            self.places += ("store",) if tls else ()
        self.tls = tls
        self.key, self.cert = self.folder / "key.pem", self.folder / "cert.pem"
        self.client = http_client(self.port, self.path_of, tls)

    def __enter__(self):
        if self.tls:
            make_key(self.key, self.cert)
        return super().__enter__()

    def environment(self):
        keys = {"LAB_KEY": str(self.key), "LAB_CERT": str(self.cert)} if self.tls else {}
        return {**super().environment(), "NODE_PATH": str(RUNTIMES / "frameworks" / "node_modules"), **keys}

    def argv(self):
        node = [*run_in(self.runtime), "node"] if self.runtime else ["/usr/bin/node"]
        return [*node, str(HERE / "node_mix.js"), str(self.port)]


# --- what the servers wait for ---

@contextmanager
def postgres(folder):
    """Yields its port."""
    port = free_port()
    with lab_backends.postgres(folder, "127.0.0.1", port):
        yield port


@contextmanager
def redis(folder):
    (folder / "redis").mkdir()
    with Redis(folder / "redis") as server:
        yield server.port
