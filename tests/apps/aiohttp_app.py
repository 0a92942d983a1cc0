# SPDX-License-Identifier: BSD-2-Clause
"""An aiohttp server whose handlers sleep with the loop: LAB_LOG=FILE aiohttp_app.py PORT.

/sleep/MS sleeps before it answers, /after/MS when it has answered, /ok not at all. The truth log has the fields of
truth.h; what surrounds a block is not known, so the run has its length.
"""
import json
import os
import sys
import time

from aiohttp import web

log = open(os.environ["LAB_LOG"], "a", buffering=1, encoding="utf-8")


def block(request):
    start_ns = time.monotonic_ns()
    time.sleep(int(request.match_info["ms"]) / 1000)
    end_ns = time.monotonic_ns()
    line = {"id": request.headers.get("X-Request-ID"), "path": request.path, "cause": "syscall",
            "syscall": "clock_nanosleep", "target": None, "pid": os.getpid(), "start_ns": start_ns, "end_ns": end_ns,
            "run_start_ns": start_ns, "run_end_ns": end_ns, "edge_ns": start_ns, "write_ns": end_ns}
    log.write(json.dumps(line) + "\n")


async def ok(_request):
    return web.Response(text="ok\n")


async def sleep(request):
    block(request)
    return web.Response(text="ok\n")


async def after(request):
    response = web.Response(text="ok\n")
    await response.prepare(request)
    await response.write_eof()
    block(request)
    return response


app = web.Application()
app.add_routes([web.get("/ok", ok), web.get("/sleep/{ms}", sleep), web.get("/after/{ms}", after)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
