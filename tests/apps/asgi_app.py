# SPDX-License-Identifier: BSD-2-Clause
"""A FastAPI application with stalls planted by the path, for uvicorn: the paths of epoll_server.c.

    LAB_LOG=FILE LAB_PEER=PORT LAB_FULL=PORT LAB_FIFO=PATH uvicorn asgi_app:app

A route /await/KIND/MS suspends before and after the block, /way/WAY/KIND/MS comes to it by a task, a callback or
after the response, and /pool/MS holds the interpreter lock in another thread. The truth log has the fields of truth.h:
  start_ns, end_ns          the planted block itself
  run_start_ns, run_end_ns  from the call of the application, or the last resumption of the route, to the
                            hand-over of the response's last byte: what a stall must be at least
  edge_ns, write_ns         from the last edge that Python code can see (a read, a write, and with asyncio
                            the return of the selector) to the return of that write: the most it may be
An unplanned stretch of HICCUP_NS between two edges is logged as a "hiccup".
"""
import asyncio
import gc
import json
import os
import socket
import struct
import threading
import time

import uvicorn.protocols.http.h11_impl as h11_impl
import uvicorn.protocols.http.httptools_impl as httptools_impl
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from starlette.responses import StreamingResponse

HICCUP_NS = 5_000_000
UNSEEN_NS = 1_000_000  # where the turn's begin is not seen: what may lie between it and the route
now_ns = time.monotonic_ns


class Clock:
    """The edges that the server's own code can see, and the log of what lay between them."""

    def __init__(self, path):
        self.log = open(path, "a", buffering=1, encoding="utf-8") if path else None
        self.edge_ns = self.early_ns = now_ns()  # early: of a write its call, not its return
        self.planted = False
        self.sees_turns = False  # without it (uvloop) the time since the last edge may have been sleep

    def edge(self):
        now = now_ns()
        if self.sees_turns and not self.planted and now - self.edge_ns >= HICCUP_NS and self.log:
            begin = self.edge_ns
            self.add(id=None, path=None, cause="hiccup", syscall=None, target=None, start_ns=begin, end_ns=now,
                     run_start_ns=begin, run_end_ns=now, edge_ns=begin, write_ns=now)
        self.edge_ns = self.early_ns = now
        self.planted = False
        return now

    def edge_before(self, run_start_ns):
        return self.early_ns if self.sees_turns else max(self.early_ns, run_start_ns - UNSEEN_NS)

    def add(self, **line):
        """Writes after the turn's work: call_soon comes behind what is being measured."""
        text = json.dumps(dict(line, pid=os.getpid())) + "\n"
        if self.log:
            asyncio.get_running_loop().call_soon(self.log.write, text)


class Plants:
    """The blocks; each returns when it is over."""

    def __init__(self):
        self.peer_port = int(os.environ.get("LAB_PEER", "0"))
        self.full_port = int(os.environ.get("LAB_FULL", "0"))
        self.fifo_path = os.environ.get("LAB_FIFO")
        self.peer = socket.create_connection(("127.0.0.1", self.peer_port)) if self.peer_port else None
        if self.peer:
            self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fifo = os.open(self.fifo_path, os.O_RDWR) if self.fifo_path else -1
        self.lock = threading.Lock()
        self.order = threading.Semaphore(0)
        self.held = threading.Semaphore(0)
        self.hold_s = 0.0
        threading.Thread(target=self._holder, daemon=True).start()
        begin = time.thread_time_ns()
        sum(range(1_000_000))
        self.loops_a_ms = 10**12 // (time.thread_time_ns() - begin)

    def _holder(self):
        while True:
            self.order.acquire()
            with self.lock:
                self.held.release()
                time.sleep(self.hold_s)

    def cpu(self, ms):
        end = time.thread_time_ns() + ms * 1_000_000
        while time.thread_time_ns() < end:
            sum(range(500))

    def gc(self, ms):
        end = time.thread_time_ns() + ms * 1_000_000
        while time.thread_time_ns() < end:
            gc.collect()

    def hold(self, ms):
        """One call that does not let go of the interpreter lock."""
        sum(range(ms * self.loops_a_ms))

    def sleep(self, ms):
        time.sleep(ms / 1000)

    def futex(self, ms):
        self.hold_s = ms / 1000
        self.order.release()
        self.held.acquire()
        with self.lock:
            pass

    def connect(self, ms):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", ms // 1000, ms % 1000 * 1000))
            try:
                sock.connect(("127.0.0.1", self.full_port))
            except BlockingIOError:
                pass

    def read(self, ms):
        self.peer.sendall(b"reply %d\n" % ms)
        self.peer.recv(1)

    def disk(self, ms):
        self.peer.sendall(b"fifo %d %s\n" % (ms, self.fifo_path.encode()))
        os.read(self.fifo, 1)


clock = Clock(os.environ.get("LAB_LOG"))
plants = Plants()
web = FastAPI()


def block(request, kind, ms):
    known = {
        "cpu": (plants.cpu, "cpu", None, None),
        "gc": (plants.gc, "gc", None, None),
        "sleep": (plants.sleep, "syscall", "clock_nanosleep", None),
        "futex": (plants.futex, "lock", "futex", None),
        "connect": (plants.connect, "syscall", "connect", f"127.0.0.1:{plants.full_port}"),
        "read": (plants.read, "syscall", "recvfrom", f"127.0.0.1:{plants.peer_port}"),
        "disk": (plants.disk, "syscall", "read", plants.fifo_path),
    }
    if kind not in known:
        raise HTTPException(404)
    run, cause, syscall, target = known[kind]
    line = {"id": request.headers.get("x-request-id"), "path": request.url.path, "cause": cause, "syscall": syscall,
            "target": target, "run_start_ns": request.scope["lab_run_start_ns"]}
    line["edge_ns"] = clock.edge_before(line["run_start_ns"])
    request.scope["lab_line"] = line
    clock.planted = True
    line["start_ns"] = now_ns()
    run(ms)
    line["end_ns"] = now_ns()
    return line


@web.get("/ok")
async def ok():
    await asyncio.sleep(0.001)
    return {"ok": True}


@web.get("/now")
async def now():
    return {"ok": True}


@web.get("/wait/{ms}")
async def wait(ms: int):
    """Slow, but the loop is free: never a stall."""
    await asyncio.sleep(ms / 1000)
    return {"ok": True}


@web.get("/await/{kind}/{ms}")
async def block_between_awaits(request: Request, kind: str, ms: int):
    await asyncio.sleep(0.003)
    request.scope["lab_run_start_ns"] = now_ns()
    line = block(request, kind, ms)
    line["run_end_ns"] = line["write_ns"] = clock.edge()
    await asyncio.sleep(0.003)
    return {"ok": True}


async def block_resumed(request, kind, ms):
    """A block that ends with the code it is in: no edge lies between it and the next wait."""
    await asyncio.sleep(0.002)
    request.scope["lab_run_start_ns"] = now_ns()
    line = block(request, kind, ms)
    line["run_end_ns"] = line["write_ns"] = clock.edge()
    await asyncio.sleep(0.001)


async def by_group(request, kind, ms):
    async with asyncio.TaskGroup() as group:
        group.create_task(block_resumed(request, kind, ms))
        group.create_task(asyncio.sleep(0.002))


async def by_callback(request, kind, ms):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def callback():
        request.scope["lab_run_start_ns"] = now_ns()
        line = block(request, kind, ms)
        line["run_end_ns"] = line["write_ns"] = clock.edge()
        done.set_result(None)

    loop.call_later(0.002, callback)
    await done


WAYS = {
    "task": lambda *args: asyncio.create_task(block_resumed(*args)),
    "gather": lambda *args: asyncio.gather(asyncio.sleep(0.001), block_resumed(*args)),
    "group": by_group,
    "shield": lambda *args: asyncio.shield(block_resumed(*args)),
    "wait_for": lambda *args: asyncio.wait_for(block_resumed(*args), 5),
    "callback": by_callback,
}


@web.get("/way/background/{kind}/{ms}")
async def block_after_response(request: Request, kind: str, ms: int, tasks: BackgroundTasks):
    tasks.add_task(block_resumed, request, kind, ms)
    return {"ok": True}


@web.get("/way/stream/{kind}/{ms}")
async def block_in_stream(request: Request, kind: str, ms: int):
    async def parts():
        yield b"one"
        await block_resumed(request, kind, ms)
        yield b"two"

    return StreamingResponse(parts())


@web.get("/way/{way}/{kind}/{ms}")
async def block_by_way(request: Request, way: str, kind: str, ms: int):
    if way not in WAYS:
        raise HTTPException(404)
    await WAYS[way](request, kind, ms)
    return {"ok": True}


@web.get("/pool/{ms}")
async def hold_in_pool(ms: int):
    await asyncio.get_running_loop().run_in_executor(None, plants.hold, ms)
    return {"ok": True}


@web.get("/{kind}/{ms}")
async def block_at_once(request: Request, kind: str, ms: int):
    block(request, kind, ms)
    return {"ok": True}


async def app(scope, receive, send):
    """The outermost layer: nothing of the application runs outside of it."""
    if scope["type"] != "http":
        if scope["type"] == "lifespan":
            see_selector(asyncio.get_running_loop())
        return await web(scope, receive, send)
    scope["lab_run_start_ns"] = now_ns()

    async def send_seen(message):
        line = scope.get("lab_line", {})
        before = now_ns()
        await send(message)
        after = now_ns()
        if not clock.planted:
            clock.edge()
        clock.early_ns = before
        if message["type"] == "http.response.body" and not message.get("more_body"):
            clock.edge()
            clock.early_ns = before
            line.setdefault("run_end_ns", before)
            line.setdefault("write_ns", after)

    await web(scope, receive, send_seen)
    if "lab_line" in scope:
        clock.add(**scope["lab_line"])


def see_selector(loop):
    """asyncio only: the return of the selector begins a turn."""
    selector = getattr(loop, "_selector", None)
    if selector is None:
        return
    select = selector.select

    def select_seen(timeout=None):
        clock.edge()
        events = select(timeout)
        clock.planted = True  # the time asleep is no hiccup
        clock.edge()
        return events

    selector.select = select_seen
    clock.sees_turns = True


def see_reads(protocol):
    received = protocol.data_received

    def data_received_seen(self, data):
        clock.edge()
        received(self, data)

    protocol.data_received = data_received_seen


see_reads(h11_impl.H11Protocol)
see_reads(httptools_impl.HttpToolsProtocol)
