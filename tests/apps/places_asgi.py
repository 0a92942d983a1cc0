# SPDX-License-Identifier: BSD-2-Clause
"""Blocks whose place is known, for uvicorn: GET /KIND/MS. The lines that block end in "# at KIND".

    LAB_PEER=PORT LAB_FIFO=PATH uvicorn places_asgi:app
"""
import asyncio
import ctypes
import os
import socket
import time

from fastapi import FastAPI

libc = ctypes.CDLL(None)
peer = socket.create_connection(("127.0.0.1", int(os.environ["LAB_PEER"])))
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
fifo_path = os.environ["LAB_FIFO"]
fifo = os.open(fifo_path, os.O_RDWR)
compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
app = FastAPI()


class Report:
    """Methods and closures that call each other."""

    def outer(self, ms):
        return [self.middle(part) for part in (ms,)]

    def middle(self, ms):
        def inner(left):
            end = time.thread_time_ns() + left * 1_000_000
            total = 0
            while time.thread_time_ns() < end:  # at nested
                for i in range(1000):  # at nested
                    total += i * i  # at nested
            return total
        return inner(ms)


def cpu(ms):
    end = time.thread_time_ns() + ms * 1_000_000
    while time.thread_time_ns() < end:  # at cpu
        sum(range(2000))  # at cpu


def sleep(ms):
    time.sleep(ms / 1000)  # at sleep


def read(ms):
    peer.sendall(b"reply %d\n" % ms)
    peer.recv(1)  # at read


def disk(ms):
    peer.sendall(b"fifo %d %s\n" % (ms, fifo_path.encode()))
    os.read(fifo, 1)  # at disk


def extension(ms):
    libc.usleep(ms * 1000)  # at extension


def mixed(ms):
    """Python, a C extension, the C library, Python again."""
    def compare(_one, _other):
        time.sleep(ms / 1000)  # at mixed
        return 0

    call_sort(compare_type(compare))


def call_sort(function):
    libc.qsort((ctypes.c_int * 2)(2, 1), 2, 4, function)


async def first(ms):
    await asyncio.sleep(0.001)
    return await second(ms)


async def second(ms):
    return await third(ms)


async def third(ms):
    await asyncio.sleep(0.001)
    time.sleep(ms / 1000)  # at chain


KINDS = {"nested": Report().outer, "cpu": cpu, "sleep": sleep, "read": read, "disk": disk, "extension": extension,
         "mixed": mixed}


@app.get("/ok")
async def ok():
    return {}


@app.get("/chain/{ms}")
async def chain(ms: int):
    await first(ms)
    return {}


@app.get("/{kind}/{ms}")
async def block(kind: str, ms: int):
    KINDS[kind](ms)
    return {}
