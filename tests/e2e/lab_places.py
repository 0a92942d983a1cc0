# SPDX-License-Identifier: BSD-2-Clause
"""Servers whose blocks have a known place in the code, and whether lgtrace told it.

A row is a server with `kinds`: what /KIND/MS (of Redis: a command) blocks in. Blocks are planted one at a time, and a
block's stall is the longest one between the request and its reply, whoever's it is said to be; not counting what the
thread waited for a CPU, as stalls of a busy machine's making lie around those that are planted.
"""
import random
import re
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass

from lab_client import new_id, now_ns
from lab_server import APPS, BUILT, PYTHON, Nginx, Redis, Server, slow_files
from lab_tracer import Tracer

THRESHOLD_MS = 10
BLOCK_MS = (12, 30)  # at 500 samples a second of CPU time, the least has six
EARLY_NS = 1_000_000  # a turn may begin before its client has read the clock


def place_of(stack):
    """The innermost frame of the user's own code that has a name."""
    return next((frame for frame in stack if frame["own"] and "+0x" not in frame["function"]), None)


@dataclass
class Place:
    """Of one kind of block: the innermost frame of the user's own code, and what lies around it in the stack."""
    function: str  # a pattern, as those below
    file: str = ""  # how it ends; empty: only the function is known
    lines: tuple = ()  # any of these
    around: tuple = ()  # patterns of functions that are in the stack in this order, from the innermost one on
    language: str = "native"

    def miss(self, stack):
        """What is not as it should be, None: nothing."""
        own = place_of(stack)
        if not stack:
            return "no stack"
        if not own:
            return f"no frame of its own in {' '.join(f['function'] for f in stack)}"
        if own["kind"] != self.language or not re.fullmatch(self.function, own["function"]):
            return f"in {own['function']} ({own['file']}:{own['line']})"
        if not own["file"].endswith(self.file) or (self.lines and own["line"] not in self.lines):
            return f"at {own['file']}:{own['line']}"
        functions = iter(frame["function"] for frame in stack)
        for pattern in self.around:
            if not any(re.fullmatch(pattern, function) for function in functions):
                return f"no {pattern} in its order"
        return None


def lines_at(file, kind):
    """The numbers of the lines that end in "at KIND"."""
    lines = (APPS / file).read_text().splitlines()
    return tuple(i for i, line in enumerate(lines, 1) if re.search(rf"(//|#) at {kind}$", line))


def python_places():
    def place(kind, function, *around):
        return Place(function, "places_asgi.py", lines_at("places_asgi.py", kind), around, "python")

    return {
        "cpu": place("cpu", "cpu", "cpu", "block"),
        "nested": place("nested", r"(Report\.middle\.<locals>\.)?inner", r".*inner", r".*middle", r".*outer", "block"),
        "sleep": place("sleep", "sleep", "sleep", "block"),
        "read": place("read", "read", "read", "block"),
        "disk": place("disk", "disk", "disk", "block"),
        "extension": place("extension", "extension", "(clock_)?nanosleep.*", "extension", "block"),
        "mixed": place("mixed", r"(mixed\.<locals>\.)?compare", ".*compare", "qsort.*", "call_sort", "mixed", "block"),
        "chain": place("chain", "third", "third", "second", "first", "chain"),
    }


def node_places():
    def place(kind, *around):
        function = {"nested": "inner", "chain": "third"}.get(kind, kind)
        return Place(function, "places_node.js", lines_at("places_node.js", kind), around, "js")

    return {
        "cpu": place("cpu", "cpu", "serve"),
        "nested": place("nested", "inner", "middle", "outer", "nested", "serve"),
        "sleep": place("sleep", "sleep", "serve"),
        "disk": place("disk", "disk", "serve"),
        "exec": place("exec", "exec", "serve"),
        "native": place("native", "native", "serve"),
        "json": place("json", "json", "serve"),
        "chain": place("chain", "third"),
    }


def cpp_places():
    def place(kind, function, *around):
        return Place(function, "places_server.cc", lines_at("places_server.cc", kind), around)

    return {
        "cpu": place("cpu", "shop::Report<long>::cpu", r"shop::Report.*", r"shop::Server::.*"),
        "inlined": place("inlined", "shop::inlined", "shop::inlined", r"shop::Server::.*"),
        "sleep": place("sleep", "shop::Report<long>::sleep", r"(clock_)?nanosleep.*", r"shop::Report.*"),
        "sorted": place("sorted", "shop::Report<long>::compare", r"shop::Report.*", "qsort_r",
                        "shop::Report<long>::sorted"),
        "read": place("read", "shop::Backend::read", "read.*", r"shop::Backend.*"),
    }


def rust_places():
    def place(kind, function, *around):
        return Place(f"places_server::{function}", "places_server.rs", lines_at("places_server.rs", kind), around)

    return {
        "cpu": place("cpu", "report::cpu", ".*::cpu", ".*main"),
        "sleep": place("sleep", "report::sleep", "(clock_)?nanosleep.*", ".*::sleep", ".*main"),
        "sorted": place("sorted", "report::sleep_in_order", ".*sleep_in_order", ".*Nested.*run", ".*main"),
        "read": place("read", "Backend::read", ".*Backend::read", ".*main"),
    }


class PlacesPython(Server):
    """places_asgi.py on uvicorn: Debian's, or that of a runtime (what goes before its commands)."""

    def __init__(self, folder, peer, runtime=(), loop="asyncio", http="h11"):
        super().__init__(folder, peer)
        self.runtime, self.loop, self.http = runtime, loop, http
        self.places = python_places()
        self.kinds = tuple(self.places)

    def environment(self):
        return {"LAB_PEER": str(self.peer.port), "LAB_FIFO": str(self.fifo)}

    def argv(self):
        shutil.copy(APPS / "places_asgi.py", self.folder)  # where a runtime with a root of its own sees it
        python = [*self.runtime, "python3"] if self.runtime else [PYTHON]
        return [*python, "-B", "-m", "uvicorn", "--app-dir", str(self.folder), "places_asgi:app", "--port",
                str(self.port), "--loop", self.loop, "--http", self.http, "--no-access-log", "--log-level", "warning"]

    def block(self, connection, kind):
        connection.get(f"/{kind}/{random.randint(*BLOCK_MS)}", new_id(kind))


class PlacesNode(PlacesPython):
    """places_node.js"""

    def __init__(self, folder, peer, runtime=()):
        super().__init__(folder, peer, runtime)
        self.places = node_places()
        self.kinds = tuple(self.places)

    def argv(self):
        node = [*self.runtime, "node"] if self.runtime else ["/usr/bin/node"]
        return [*node, str(APPS / "places_node.js"), str(self.port)]


class PlacesProgram(PlacesPython):
    """A compiled server: of places_server.cc or places_server.rs."""

    def __init__(self, folder, peer, program, places):
        super().__init__(folder, peer)
        self.program, self.places = program, places
        self.kinds = tuple(places)

    def argv(self):
        return [str(BUILT / self.program), str(self.port), str(self.peer.port)]


class PlacesNginx(Nginx):
    """nginx by what its package exports: static functions have no names there."""

    def __init__(self, folder, _peer):
        super().__init__(folder)
        phases = ("ngx_http_core_run_phases", "ngx_process_events_and_timers", "main")
        self.places = {
            "regex": Place("ngx_regex_exec", "nginx", (), ("pcre2_match_8", "ngx_http_regex_exec", *phases)),
            "open": Place("ngx_open_cached_file", "nginx", (), ("_*open.*", "ngx_open_cached_file", *phases)),
            "read": Place("ngx_read_file", "nginx", (), ("_*pread64", "ngx_output_chain", *phases)),
        }
        self.stack = ExitStack()

    def __enter__(self):
        super().__enter__()
        self.worker = super().pid
        self.stack.enter_context(slow_files(self.folder))
        return self

    def __exit__(self, *error):
        self.stack.close()
        super().__exit__(*error)

    @property
    def pid(self):
        return self.worker

    def block(self, connection, kind):
        path = f"/re/{'a' * 20}!" if kind == "regex" else f"/slow/{kind}-{random.randint(*BLOCK_MS)}"
        connection.get(path, new_id(kind))


class PlacesRedis(Redis):
    """Redis by what its package exports."""
    KEYS = 200_000  # so that looking through them is long
    warm_paths = ("PING",)

    def __init__(self, folder, _peer):
        super().__init__(folder)
        outer = ("call", "processCommand", "readQueryFromClient", "aeMain", "main")
        self.places = {
            "sleep": Place("debugCommand", "", (), ("(clock_)?nanosleep.*", "debugCommand", *outer)),
            "keys": Place(".*", "", (), ("keysCommand", *outer)),
            "lua": Place("lua_pcall|lua.*", "", (), ("lua_pcall", "luaCallFunction", "evalGenericCommand", *outer)),
        }

    def warm_up(self):
        connection = self.connect()
        connection.call("DEBUG", "POPULATE", self.KEYS, "key", 10)
        connection.close()

    def block(self, connection, kind):
        ms = random.randint(*BLOCK_MS)
        burn = ("local from = redis.call('TIME'); local to; local x = 0; repeat for i = 1,50000 do x = x + i % 7 end;"
                "to = redis.call('TIME') until (to[1] - from[1]) * 1000000 + to[2] - from[2] >= tonumber(ARGV[1]) return 1")
        connection.call(*{"sleep": ("DEBUG", "SLEEP", ms / 1000), "keys": ("KEYS", "never*there"),
                          "lua": ("EVAL", burn, 0, ms * 1000)}[kind])


def plant(server, mode, nr):
    """Plants `nr` blocks; what was missed, as (kind, reason)."""
    kinds, plants, missed = list(server.places), [], []
    with Tracer(server.folder, server.pid, mode, f"{THRESHOLD_MS}ms") as tracer:
        connection = server.connect()
        for _ in range(5):  # until lgtrace knows the loop, and has read what its program is made of
            connection.get(server.warm_paths[0])
            time.sleep(0.1)
        for i in range(nr):
            begin_ns = now_ns()
            server.block(connection, kinds[i % len(kinds)])
            plants.append((kinds[i % len(kinds)], begin_ns, now_ns()))
        connection.close()
        told = tracer.stop()
    for kind, begin_ns, end_ns in plants:
        stalls = [stall for stall in told.stalls if begin_ns - EARLY_NS <= stall["start_ns"] <= end_ns]
        longest = max(stalls, key=lambda stall: stall["duration_ns"] - stall["runqueue_ns"], default=None)
        reason = server.places[kind].miss(longest["stack"]) if longest else "no stall"
        if reason:
            missed.append((kind, reason))
    return missed, told
