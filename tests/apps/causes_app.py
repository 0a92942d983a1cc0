# SPDX-License-Identifier: BSD-2-Clause
"""A FastAPI application whose routes block the loop as real programs do, each in its own way: /NAME/MS.

    LAB_FOLDER=PATH LAB_HOST=ADDRESS uvicorn causes_app:app

The services that it asks are at LAB_HOST, at their well-known ports; files and modules lie in LAB_FOLDER. What cannot
be given a length (a dead resolver, a heap to be collected) takes as long as it takes.
"""
import ctypes
import gc
import http.client
import itertools
import os
import select
import socket
import ssl
import subprocess
import sys
import threading
import time

import psycopg2
import redis
from fastapi import FastAPI

folder, host = os.environ["LAB_FOLDER"], os.environ["LAB_HOST"]
sys.path.insert(0, folder)
gc.disable()  # a collection that nobody asked for would be a stall of its own
heap = [[] for _ in range(1_000_000)]
database = psycopg2.connect(host=host, user="lab", dbname="postgres")
cache = redis.Redis(host=host)
lock = threading.Lock()
modules = itertools.count(1)
web = app = FastAPI()


def hold(ms, held):
    with lock:
        held.set()
        time.sleep(ms / 1000)


def wait_for_lock(ms):
    held = threading.Event()
    threading.Thread(target=hold, args=(ms, held)).start()
    held.wait()
    with lock:
        pass


def wait_for_interpreter(ms):
    threading.Thread(target=sum, args=(range(ms * 150_000),)).start()
    time.sleep(0.002)


def ask_http(ms):
    connection = http.client.HTTPConnection(host, 8080)
    connection.request("GET", f"/{ms}")
    connection.getresponse().read()


def shake_hands(ms):
    with socket.create_connection((host, 443), timeout=ms / 1000) as peer:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(peer, server_hostname="lab")
        except TimeoutError:
            pass


def select_peer(ms):
    with socket.create_connection((host, 443)) as peer:
        select.select([peer], [], [], ms / 1000)


def look_up(_):
    try:
        socket.getaddrinfo("lab.invalid", 80)
    except socket.gaierror:
        pass


def sync(ms):
    file = os.open(f"{folder}/slow/sync-{ms}", os.O_WRONLY)
    os.write(file, b"x")
    os.fsync(file)
    os.close(file)


def read(ms):
    with open(f"{folder}/slow/read-{ms}", encoding="utf-8") as file:
        file.read()


def open_in_new_way(ms):
    """openat2, which nothing of Python's calls: x86-64 and arm64 have the same number for it."""
    path, how = f"{folder}/slow/open-{ms}".encode(), (ctypes.c_uint64 * 3)()
    os.close(ctypes.CDLL(None).syscall(437, -100, path, ctypes.byref(how), ctypes.sizeof(how)))


def load(_):
    __import__(f"slow_module_{next(modules)}")


CAUSES = {
    "sleep": lambda ms: time.sleep(ms / 1000),
    "select": lambda ms: select.select([], [], [], ms / 1000),
    "peer": select_peer,
    "lock": wait_for_lock,
    "gil": wait_for_interpreter,
    "gc": lambda _: gc.collect(),
    "import": load,
    "dns": look_up,
    "tls": shake_hands,
    "postgres": lambda ms: database.cursor().execute("select pg_sleep(%s)", (ms / 1000,)),
    "redis": lambda ms: cache.execute_command("DEBUG", "SLEEP", ms / 1000),
    "http": ask_http,
    "fsync": sync,
    "read": read,
    "open": lambda ms: open(f"{folder}/slow/open-{ms}", encoding="utf-8").close(),
    "open2": open_in_new_way,
    "run": lambda ms: subprocess.run(["sleep", str(ms / 1000)], check=True),
    "output": lambda ms: subprocess.run(["sleep", str(ms / 1000)], check=True, capture_output=True),
}


@web.get("/ok")
async def ok():
    return {"ok": True}


@web.get("/{name}/{ms}")
async def block(name: str, ms: int):
    CAUSES[name](ms)
    return {"ok": True}
