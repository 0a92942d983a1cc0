# SPDX-License-Identifier: BSD-2-Clause
"""The rows of nginx and Redis, which have no code of ours: what times their blocks stands beside them.

nginx blocks in files of a file system of our own (lab_fuse.py), whose log has begin and end, and in a regular
expression that backtracks, between two look-ups that the file system logs; for nobody, when it opens its logs anew (the
master's signal USR1). Redis brackets its slow commands with TIME; nobody's are a module's timer's
(tests/apps/redis_timer.c), which logs them.
"""
import asyncio
import itertools
import json
import math
import os
import random
import signal
import threading
import time
from contextlib import ExitStack, contextmanager

from judge import Block
from lab_server import BUILT, Redis, Server, children, slow_files, wait_for
from load import http_client, read_head
from rows import BLOCK_MS, WAIT_MS

NOBODY_PAUSE_S = (0.4, 1.2)


@contextmanager
def repeatedly(action):
    """What nobody asked for, in a thread."""
    is_over = threading.Event()

    def run():
        while not is_over.wait(random.uniform(*NOBODY_PAUSE_S)):
            action()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class Upstream(threading.Thread):
    """Behind nginx: /wait/MS answers after so long, any other path soon, /upstream/FILE sends nginx to /first/FILE."""

    def __init__(self):
        super().__init__(daemon=True)
        self.port = None
        self.loop = asyncio.new_event_loop()

    def run(self):
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.loop.run_forever()

    async def serve(self, reader, writer):
        try:
            while True:
                name, rest = (await read_head(reader)).split()[1].strip("/").split("/", 1)
                await asyncio.sleep(int(rest) / 1000 if name == "wait" else 0.003)
                redirect = f"X-Accel-Redirect: /first/{rest}\r\n" if name == "upstream" else ""
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n{redirect}\r\nok\n".encode())
        except (OSError, EOFError):
            writer.close()


class Proxy(Server):
    """A server with an upstream behind it and slow files beside it; `only`: the places of its blocks."""
    CONFIG = ""
    PLACES = ()
    only = ()

    def __init__(self, folder, _backends):
        super().__init__(folder)
        self.upstream = Upstream()
        self.stack = ExitStack()
        self.config = self.folder / "config"
        self.client = http_client(self.port, self.path_of)

    def __enter__(self):
        (self.folder / "slow").mkdir()
        self.stack.enter_context(slow_files(self.folder))
        self.upstream.start()
        wait_for(lambda: self.upstream.port, what="upstream")
        self.config.write_text(self.CONFIG.format(folder=self.folder, port=self.port, upstream=self.upstream.port,
                                                  regex=REGEX))
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.stack.close()

    def path_of(self, blocks, request_id):
        if blocks:
            return self.slow_path(random.choice(self.only or self.PLACES), request_id)
        return random.choice(("/ok", f"/wait/{random.randint(*WAIT_MS)}"))

    def blocks(self):
        """Of the log of slow files. Their names: KIND-MS-PLACE-ID, mark-begin-PLACE-ID, mark-end-PLACE-ID."""
        begun, found = {}, []
        for line in map(json.loads, (self.folder / "slow.jsonl").read_text().splitlines()):
            kind, what, place, owner = line["name"].split("-")
            if line["pid"] != self.pid:
                continue
            if kind != "mark":
                found.append(Block(owner or None, place, kind, line["start_ns"], line["end_ns"]))
            elif what == "begin":
                begun[owner] = line["end_ns"]
            else:
                found.append(Block(owner, place, "cpu", begun[owner], line["start_ns"]))
        return found

    @staticmethod
    def owner_of(stall):
        return stall["request"]["id"] if stall["request"] else None


REGEX = "(a+)+"  # of nginx
LETTERS = (20, 21)  # of a subject that does not match in the end


class Nginx(Proxy):
    """The distribution's nginx, one worker."""
    CONFIG = """daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s; sendfile off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream behind {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port};
    location = /ok {{ return 200 "ok\\n"; }}
    location /wait/ {{ proxy_pass http://behind; }}
    location /check/ {{ proxy_pass http://behind; }}
    location /first/ {{ alias {folder}/slow/; }}
    location /upstream/ {{ proxy_pass http://behind; }}
    location /auth/ {{ auth_request /check/it; alias {folder}/slow/; }}
    location ~ "^/after/(.*)" {{ access_log {folder}/slow/$1 combined; return 200 "ok\\n"; }}
    location = /never {{ access_log {folder}/slow/open-30-reopen- combined; }}
    location /regex/ {{
      if (-f {folder}/slow/mark-begin-regex-$http_x_request_id) {{ return 404; }}
      if ($uri ~ "^/regex/{regex}$") {{ return 404; }}
      if (-f {folder}/slow/mark-end-regex-$http_x_request_id) {{ return 404; }}
      return 200 "ok\\n";
    }}
  }}
}}
"""
    PLACES = ("first", "upstream", "auth", "after", "regex")

    def __init__(self, folder, backends):
        super().__init__(folder, backends)
        self.reopening = ExitStack()

    def __enter__(self):
        super().__enter__()
        self.worker = wait_for(lambda: children(self.process.pid), what="nginx worker")[0]
        self.reopening.enter_context(repeatedly(lambda: os.kill(self.process.pid, signal.SIGUSR1)))
        return self

    def __exit__(self, *error):
        self.reopening.close()
        super().__exit__(*error)

    def argv(self):
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(self.config)]

    @property
    def pid(self):
        return self.worker

    def slow_path(self, place, request_id):
        if place == "regex":
            return f"/regex/{'a' * random.choice(LETTERS)}!"
        kind = "open" if place == "after" else random.choice(("open", "read"))
        return f"/{place}/{kind}-{random.randint(*BLOCK_MS)}-{place}-{request_id}"


class HAProxy(Proxy):
    """The distribution's, one thread: Lua that opens slow files, or computes, before and after the upstream."""
    CONFIG = """global
  nbthread 1
  maxconn 1000
  lua-load {folder}/slow.lua
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
frontend front
  bind 127.0.0.1:{port}
  http-request set-var(txn.path) path
  http-request set-var(txn.id) req.hdr(x-request-id)
  http-request set-var(txn.done) lua.slow if {{ path_beg /first/ }}
  http-request return status 200 content-type text/plain string ok if {{ path /ok }} || {{ path_beg /first/ }}
  http-response set-var(txn.done) lua.slow if {{ var(txn.path) -m beg /upstream/ }}
  default_backend behind
backend behind
  server behind 127.0.0.1:{upstream}
"""
    LUA = """core.register_fetches("slow", function(txn)
  local place, kind, ms = string.match(txn:get_var("txn.path"), "^/(%w+)/(%w+)/(%d+)$")
  local what = place .. "-" .. txn:get_var("txn.id")
  if kind == "open" then
    io.open(FOLDER .. "/open-" .. ms .. "-" .. what):close()
  else
    io.open(FOLDER .. "/mark-begin-" .. what)
    local from = os.clock()
    while (os.clock() - from) * 1000 < tonumber(ms) do end
    io.open(FOLDER .. "/mark-end-" .. what)
  end
  return "done"
end)
"""
    PLACES = ("first", "upstream")

    def argv(self):
        (self.folder / "slow.lua").write_text(f'FOLDER = "{self.folder}/slow"\n{self.LUA}')
        return ["/usr/sbin/haproxy", "-db", "-f", str(self.config)]

    def slow_path(self, place, _request_id):
        return f"/{place}/{random.choice(('open', 'cpu'))}/{random.randint(*BLOCK_MS)}"


class RedisRow(Redis):
    """redis-server. A connection stands for its requests: its owner is the client's address."""
    PLACES = ("pipeline", "multi", "lua")
    only = ()
    BURN = ("local from = redis.call('TIME'); local to; local x = 0;"
            "repeat for i = 1, 5000 do x = x + i % 7 end; to = redis.call('TIME')"
            "until (to[1] - from[1]) * 1000000 + to[2] - from[2] >= tonumber(ARGV[1]); return {from, to}")

    def __init__(self, folder, _backends):
        super().__init__(folder)
        self.found = []

    def argv(self):
        return [*super().argv(), "--loadmodule", str(BUILT / "redis_timer.so")]

    def environment(self):
        return {"LAB_LOG": str(self.log)}

    def __enter__(self):
        super().__enter__()
        connection = self.connect()
        connection.call("DEBUG", "POPULATE", 100_000, "key", 10)
        # TIME is the real time, in us.
        self.offset_ns = time.time_ns() - time.monotonic_ns()
        self.scans = math.ceil(BLOCK_MS[1] / self.best_ms(connection, "KEYS", "never*there"))
        connection.close()
        return self

    def best_ms(self, connection, *words):
        """Of several times: other work on the machine only makes it longer."""
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            connection.call(*words)
            times.append((time.perf_counter() - begin) * 1000)
        return min(times)

    def commands(self, place):
        """(what to send in one piece, the slow part's kind)"""
        ms = random.randint(*BLOCK_MS)
        if place == "lua":
            return [("EVAL", self.BURN, 0, ms * 1000)], "cpu"
        slow, kind = [("DEBUG", "SLEEP", ms / 1000)], "sleep"
        if random.random() < 0.5:
            slow, kind = [("KEYS", "never*there")] * self.scans, "keys"
        timed = [("TIME",), *slow, ("TIME",)]
        if place == "multi":
            return [("MULTI",), *timed, ("EXEC",)], kind
        return [("GET", "key:1"), *timed, ("GET", "key:2")], kind

    async def client(self, load):
        connection = AsyncRedis(*await asyncio.open_connection("127.0.0.1", self.port))
        async for blocks in load.turns():
            if blocks:
                place = random.choice(self.only or self.PLACES)
                commands, kind = self.commands(place)
                self.add(connection.name, place, kind, await connection.call(commands))
            else:
                waits = [("BLPOP", "never", random.randint(*WAIT_MS) / 1000)]
                await connection.call(random.choice(([("PING",)], [("INCR", "n"), ("GET", "key:3")], waits)))
        connection.writer.close()

    def add(self, peer, place, kind, replies):
        """From the first reply of TIME to the last, wherever they are nested."""
        flat = list(itertools.chain.from_iterable(r if isinstance(r, list) else [r] for r in replies))
        groups = [r for r in (*replies, *flat) if isinstance(r, list)]
        times = [int(r[0]) * 1_000_000_000 + int(r[1]) * 1000 for r in groups
                 if len(r) == 2 and not any(isinstance(part, list) for part in r) and str(r[0]).isdigit()]
        self.found.append(Block(peer, place, kind, min(times) - self.offset_ns, max(times) - self.offset_ns))

    def blocks(self):
        lines = map(json.loads, self.log.read_text().splitlines())
        return self.found + [Block(None, "timer", line["kind"], line["start_ns"], line["end_ns"]) for line in lines]

    @staticmethod
    def owner_of(stall):
        return stall["request"]["peer"] if stall["request"] else None


class AsyncRedis:
    """RESP over asyncio's streams."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.name = "{}:{}".format(*writer.get_extra_info("sockname"))

    async def call(self, commands):
        """Sends them in one piece; the replies."""
        text = b""
        for words in commands:
            words = [str(word).encode() for word in words]
            text += b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.writer.write(text)
        return [await self.value() for _ in commands]

    async def value(self):
        line = (await self.reader.readuntil(b"\r\n"))[:-2].decode()
        kind, rest = line[:1], line[1:]
        if kind == "-":
            raise ValueError(rest)
        if kind == "$":
            return None if rest == "-1" else (await self.reader.readexactly(int(rest) + 2))[:-2].decode()
        if kind == "*":
            return None if rest == "-1" else [await self.value() for _ in range(int(rest))]
        return rest
