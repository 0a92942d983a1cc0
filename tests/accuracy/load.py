# SPDX-License-Identifier: BSD-2-Clause
"""The load of one row: many keep-alive connections in one asyncio process, some of whose requests block.

How many may block at once changes all the time, from one, so that a stall has a turn of its own, to an eighth of the
connections, so that a turn holds several.
"""
import asyncio
import itertools
import random
import ssl

CONNECTIONS = 40
MAX_BLOCKING = CONNECTIONS // 8
LIMITS = (1, 2, MAX_BLOCKING, MAX_BLOCKING)  # an equal share of the time each
LIMIT_S = 0.7
PAUSE_S = 0.02
SETTLE_S = 0.3  # without blocks: a server that idled is found to be a loop by its first waits


class Load:
    """What the clients share: who may block, how many have, when to stop."""

    def __init__(self, stalls, seconds):
        self.wanted, self.seconds = stalls, seconds
        self.blocking = self.blocked = self.requests = 0
        self.limit = 0
        self.stopped = False
        self.failures = []
        self.serial = itertools.count(1)

    def may_block(self):
        return self.blocking < self.limit and random.random() < 0.5

    async def vary(self):
        await asyncio.sleep(SETTLE_S)
        for limit in itertools.cycle(LIMITS):
            self.limit = limit
            await asyncio.sleep(LIMIT_S)

    async def run(self, client):
        """`client(load)` on every connection until enough was blocked, or for so long."""
        clients = [asyncio.create_task(self.guard(client)) for _ in range(CONNECTIONS)]
        variation = asyncio.create_task(self.vary())
        end = asyncio.get_running_loop().time() + self.seconds
        while self.blocked < self.wanted and asyncio.get_running_loop().time() < end and not self.failures:
            await asyncio.sleep(0.05)
        self.stopped = True
        variation.cancel()
        await asyncio.wait(clients, timeout=20)

    async def guard(self, client):
        try:
            await client(self)
        except (OSError, EOFError, ValueError) as error:
            self.failures.append(repr(error))

    async def turns(self):
        """For a client: whether its next request is to block, until the end."""
        await asyncio.sleep(random.uniform(0, 0.1))
        while not self.stopped:
            blocks = self.may_block()
            self.blocking += blocks
            yield blocks
            self.blocking -= blocks
            self.blocked += blocks
            self.requests += 1
            await asyncio.sleep(random.uniform(0, PAUSE_S))


async def read_head(reader):
    return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")


async def read_response(reader):
    """Of HTTP/1.1 with a length or in chunks: the status."""
    head = (await read_head(reader)).lower()
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    elif "content-length:" in head:
        await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
    return int(head.split()[1])


async def ask_websocket(port, path, request_id):
    """A connection of its own; one message, whose answer is waited for. The mask of what is sent is zero."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: lab\r\nX-Request-ID: {request_id}\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    if not (await read_head(reader)).startswith("HTTP/1.1 101 "):
        raise ValueError(f"no WebSocket at {path}")
    writer.write(b"\x81\x82\0\0\0\0go")
    await reader.readexactly(len(b"\x81\2ok"))
    writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
    await reader.read()
    writer.close()


BODY = b"x" * 100
BODY_S = 0.003  # after its head


def head_of(path, request_id):
    method, length = ("POST", len(BODY)) if "/body/" in path else ("GET", 0)
    extra = f"Content-Length: {length}\r\n" if length else ""
    return f"{method} {path} HTTP/1.1\r\nHost: lab\r\nX-Request-ID: {request_id}\r\n{extra}\r\n"


def no_check():
    """Of the certificate of the server under test."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def http_client(port, path_of, is_tls=False):
    """`path_of(blocks, id)` is the path of the next request.

    One with /body/ in it is a POST, one with /pipelined/ is sent together with a healthy one before it, one with
    /websocket/ has a connection of its own.
    """
    async def client(load):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=no_check() if is_tls else None)

        def new(blocks):
            request_id = f"q{next(load.serial)}"
            return path_of(blocks, request_id), request_id

        async for blocks in load.turns():
            requests = [new(blocks)]
            path = requests[0][0]
            if "/websocket/" in path:
                await ask_websocket(port, *requests[0])
                continue
            if "/pipelined/" in path:
                requests.insert(0, new(False))
            writer.write("".join(head_of(*request) for request in requests).encode())
            if "/body/" in path:
                await asyncio.sleep(BODY_S)
                writer.write(BODY)
            for path, _ in requests:
                status = await read_response(reader)
                if status not in (200, 204):
                    raise ValueError(f"status {status} of {path}")
        writer.close()
    return client
