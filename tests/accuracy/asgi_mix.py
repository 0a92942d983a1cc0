# SPDX-License-Identifier: BSD-2-Clause
"""An application for uvicorn whose requests block in many ways; each block is logged with its owner.

    LAB_LOG=FILE LAB_PEER=PORT [LAB_REDIS=PORT] [LAB_POSTGRES=PORT] uvicorn asgi_mix:app

    /SHAPE/PLACE/KIND/MS    SHAPE is `raw` (plain ASGI) or `web` (FastAPI behind BaseHTTPMiddleware), PLACE one of
                            PLACES or MIDDLEWARE, KIND one of KINDS; `gil` holds the interpreter's lock in a thread
    /SHAPE/wait/WHAT/MS     the same way without a block
    /raw/websocket/KIND/MS  a WebSocket, each of whose messages blocks

Lines of the log: id (null: it belongs to no request), shape, place, kind, and start_ns and end_ns by CLOCK_MONOTONIC.
They are kept in memory until a timer of the loop writes them, outside of what is measured.
"""
import asyncio
import ctypes
import itertools
import json
import os
import random
import socket
import threading
import time
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, StreamingResponse

FLUSH_S = 0.05
NOBODY_PAUSE_S = (0.4, 1.2)
NOBODY_MS = (22, 40)
with_gil = ctypes.PyDLL(Path(__file__).with_name("gil.so"))  # its calls keep the interpreter's lock
one_holder = threading.Lock()
now_ns = time.monotonic_ns


class Truth:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lines = []
        self.busy = False  # the loop's thread is inside a block

    def add(self, job, kind, start_ns, end_ns):
        self.lines.append({"id": job.owner, "shape": job.shape, "place": job.place, "kind": kind, "start_ns": start_ns,
                           "end_ns": end_ns})

    async def write_for_ever(self):
        while True:
            await asyncio.sleep(FLUSH_S)
            lines, self.lines = self.lines, []
            self.file.write("".join(json.dumps(line) + "\n" for line in lines))
            self.file.flush()


truth = Truth(os.environ["LAB_LOG"])


class Plants:
    """The blocks, each over when it returns."""

    def __init__(self):
        self.peer = socket.create_connection(("127.0.0.1", int(os.environ["LAB_PEER"])))
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def cpu(self, ms):
        end = now_ns() + ms * 1_000_000
        while now_ns() < end:
            sum(range(500))

    def sleep(self, ms):
        time.sleep(ms / 1000)

    def read(self, ms):
        self.peer.sendall(b"reply %d\n" % ms)
        self.peer.recv(1)


plants = Plants()
KINDS = {"cpu": plants.cpu, "sleep": plants.sleep, "read": plants.read}


def block(job):
    start_ns = now_ns()
    truth.busy = True
    KINDS[job.kind](job.ms)
    truth.busy = False
    truth.add(job, job.kind, start_ns, now_ns())


def hold_gil(job):
    """In a thread: the loop cannot run meanwhile. Not while it blocks by itself, or the two would share the time."""
    with one_holder:
        while truth.busy:
            time.sleep(0.0005)
        times = (ctypes.c_int64 * 2)()
        with_gil.hold(job.ms, times)
        truth.add(job, "gil", *times)


class Job:
    """What one request, or nobody, is to do."""
    body = None  # of a request: awaits its body

    def __init__(self, owner, shape, place, kind, ms):
        self.owner, self.shape, self.place, self.kind, self.ms = owner, shape, place, kind, int(ms)

    @classmethod
    def of_path(cls, owner, path):
        return cls(owner, *path.split("/")[1:5])

    @classmethod
    def of_scope(cls, scope):
        owner = next((value.decode() for name, value in scope["headers"] if name == b"x-request-id"), None)
        return cls.of_path(owner, scope["path"])


# --- places: what goes before the block, and where it stands ---

class Backends:
    """What handlers wait for: a socket, Redis, Postgres."""

    async def open(self):
        # asyncio's and some servers' references to what waits are weak.
        self.streams = [await asyncio.open_connection("127.0.0.1", int(os.environ["LAB_PEER"])) for _ in range(8)]
        self.sockets = asyncio.Queue()
        for stream in self.streams:
            self.sockets.put_nowait(stream)
        if "LAB_REDIS" in os.environ:
            import redis.asyncio
            self.redis = redis.asyncio.Redis(host="127.0.0.1", port=int(os.environ["LAB_REDIS"]))
        if "LAB_POSTGRES" in os.environ:
            import asyncpg
            self.postgres = await asyncpg.create_pool(host="127.0.0.1", port=int(os.environ["LAB_POSTGRES"]),
                                                      user="lab", database="postgres", min_size=8, max_size=8)

    async def ask_socket(self, ms):
        reader, writer = await self.sockets.get()
        writer.write(b"reply %d\n" % ms)
        await reader.readexactly(1)
        self.sockets.put_nowait((reader, writer))

    async def ask_redis(self, ms):
        await self.redis.incr("count")
        await self.redis.blpop("never", ms / 1000)

    async def ask_postgres(self, ms):
        await self.postgres.fetchval("select pg_sleep($1)", ms / 1000)


backends = Backends()


async def wait_timer(ms):
    await asyncio.sleep(ms / 1000)


async def wait_pool(ms):
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, ms / 1000)


WAITS = {"timer": wait_timer, "pool": wait_pool, "socket": backends.ask_socket, "redis": backends.ask_redis,
         "postgres": backends.ask_postgres}


async def child(job):
    await asyncio.sleep(0.002)
    block(job)


async def in_gather(job):
    await asyncio.gather(asyncio.sleep(0.004), child(job), asyncio.sleep(0.001))


async def in_task(job):
    task = asyncio.create_task(child(job))
    await asyncio.sleep(0.001)
    await task


async def in_task_at_once(job):
    async def body():
        block(job)
    await asyncio.create_task(body())


async def deep(job, depth=6):
    if depth:
        return await deep(job, depth - 1)
    await asyncio.sleep(0.002)
    block(job)


async def under_timeout(job):
    await asyncio.wait_for(child(job), 10)


async def holds_gil(job):
    await asyncio.get_running_loop().run_in_executor(None, hold_gil, job)


async def after_body(job):
    await job.body()
    block(job)


async def after_timer(job):
    await wait_timer(4)
    block(job)


PLACES = {"pipelined": after_timer, "body": after_body, "gather": in_gather, "task": in_task,
          "task-now": in_task_at_once, "deep": deep, "wait_for": under_timeout, "thread": holds_gil}
AFTER = ("after", "after-wait")
MIDDLEWARE = ("middleware", "middleware-after", "asgi-middleware")


async def work(job):
    """All of a request but its middleware and what comes after the response."""
    if job.place == "wait":
        await WAITS[job.kind](job.ms)
    elif job.place == "first":
        block(job)
    elif job.place in WAITS:
        await WAITS[job.place](random.randint(2, 6))
        block(job)
    elif job.place in PLACES:
        await PLACES[job.place](job)


async def work_after(job):
    if job.place in AFTER:
        await asyncio.sleep(0.002 if job.place == "after-wait" else 0)
        block(job)


# --- the two shapes ---

web = FastAPI()


@web.get("/web/stream/{kind}/{ms}")
async def stream(request: Request):
    async def chunks():
        yield b"before\n"
        await asyncio.sleep(0.002)
        block(request.scope["lab_job"])
        yield b"after\n"
    return StreamingResponse(chunks())


@web.api_route("/web/{place}/{kind}/{ms}", methods=["GET", "POST"])
async def handle(request: Request):
    job = request.scope["lab_job"]
    job.body = request.body
    await work(job)
    return JSONResponse({"ok": True}, background=BackgroundTask(work_after, job))


class BlockingMiddleware(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        job = request.scope["lab_job"]
        if job.place == "middleware":
            block(job)
        response = await call_next(request)
        if job.place == "middleware-after":
            block(job)
        return response


web.add_middleware(BlockingMiddleware)


async def raw(scope, receive, send):
    async def body():
        while (await receive()).get("more_body"):
            pass
    job = scope["lab_job"]
    job.body = body
    await work(job)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"ok\n"})
    await work_after(job)


async def websocket(job, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        block(job)
        await send({"type": "websocket.send", "text": "ok"})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    job = scope["lab_job"] = Job.of_scope(scope)
    if scope["type"] == "websocket":
        return await websocket(job, receive, send)
    if job.place == "asgi-middleware":
        block(job)
    await (raw if scope["path"].startswith("/raw/") else web)(scope, receive, send)


# --- what belongs to nobody ---

def nobody(place):
    return Job(None, None, place, random.choice(list(KINDS)), random.randint(*NOBODY_MS))


async def burn_in_background():
    while True:
        await asyncio.sleep(random.uniform(*NOBODY_PAUSE_S))
        block(nobody("background"))


def burn_in_timer():
    asyncio.get_running_loop().call_later(random.uniform(*NOBODY_PAUSE_S), burn_in_timer)
    block(nobody("timer"))


def burn_in_thread():
    while True:
        time.sleep(random.uniform(*NOBODY_PAUSE_S))
        hold_gil(nobody("thread"))


tasks = []


async def start():
    await backends.open()
    for _ in itertools.repeat(None, 24):  # starts the pool's threads
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)
    tasks.append(asyncio.create_task(truth.write_for_ever()))
    tasks.append(asyncio.create_task(burn_in_background()))
    asyncio.get_running_loop().call_later(1, burn_in_timer)
    threading.Thread(target=burn_in_thread, daemon=True).start()


async def lifespan(receive, send):
    await receive()
    await start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
