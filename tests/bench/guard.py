# SPDX-License-Identifier: BSD-2-Clause
"""What a blocked loop costs to be seen from inside: an ASGI middleware of the kind of fastapi-loopguard.

A task sleeps for 10 ms and takes how much later it wakes for the loop's lag. A lag above five times the usual one, and
above 50 ms, is charged to every request in flight, which is told so by headers. uvicorn --app-dir .. guard:app
"""
import asyncio
import logging
import sys
import time
import uuid
from collections import deque
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "apps"))

import asgi_app  # found by the line above

INTERVAL_S = 0.010
FALLBACK_S = 0.050
MULTIPLIER = 5
NR_LAGS = 1_000
EXCLUDED = {"/health", "/healthz", "/ready", "/metrics"}
log = logging.getLogger("guard")


class InFlight:
    """One request, with the lags while it was open."""
    __slots__ = ("id", "method", "path", "begin", "lags")

    def __init__(self, request_id, scope):
        self.id = request_id
        self.method, self.path = scope["method"], scope["path"]
        self.begin = time.perf_counter()
        self.lags = []


class Guard:
    def __init__(self, app):
        self.app = app
        self.requests = {}
        self.lags = deque(maxlen=NR_LAGS)
        self.threshold_s = FALLBACK_S
        self.nr_seen = self.nr_monitored = 0
        self.task = None

    async def watch(self):
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(INTERVAL_S)
            lag = max(0.0, time.perf_counter() - begin - INTERVAL_S)
            self.lags.append(lag)
            if len(self.lags) % 100 == 0:
                usual = sorted(self.lags)[int(len(self.lags) * 0.95)]
                self.threshold_s = max(usual * MULTIPLIER, FALLBACK_S)
            if lag > self.threshold_s:
                self.charge(lag)

    def charge(self, lag):
        self.nr_seen += 1
        for request in self.requests.values():
            request.lags.append(lag)
            log.warning("blocked %.1f ms: %s %s %s", lag * 1_000, request.method, request.path, request.id)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] in EXCLUDED:
            return await self.app(scope, receive, send)
        if self.task is None:
            self.task = asyncio.create_task(self.watch())
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        request_id = given.decode("latin-1") if given else str(uuid.uuid4())
        request = self.requests[request_id] = InFlight(request_id, scope)
        self.nr_monitored += 1

        async def send_told(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode("latin-1")),
                                      (b"x-blocking-count", str(len(request.lags)).encode()),
                                      (b"x-blocking-total-ms", f"{sum(request.lags) * 1_000:.1f}".encode()),
                                      (b"x-blocking-detected", b"true" if request.lags else b"false")]
            await send(message)

        try:
            await self.app(scope, receive, send_told)
        finally:
            self.requests.pop(request_id, None)


app = Guard(asgi_app.app)
