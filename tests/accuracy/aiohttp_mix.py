# SPDX-License-Identifier: BSD-2-Clause
"""What asgi_mix.py does, on aiohttp's own server: aiohttp_mix.py PORT. The only shape is `web`."""
import asyncio
import sys

from aiohttp import web

import asgi_mix


@web.middleware
async def middleware(request, handler):
    job = request["job"] = asgi_mix.Job.of_path(request.headers.get("X-Request-ID"), request.path)
    job.body = request.read
    if job.place == "middleware":
        asgi_mix.block(job)
    response = await handler(request)
    if job.place == "middleware-after":
        asgi_mix.block(job)
    return response


async def handle(request):
    job = request["job"]
    await asgi_mix.work(job)
    response = web.Response(text="ok\n")
    if job.place in asgi_mix.AFTER:
        await response.prepare(request)
        await response.write_eof()
        await asgi_mix.work_after(job)
    return response


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"before\n")
    await asyncio.sleep(0.002)
    asgi_mix.block(request["job"])
    await response.write(b"after\n")
    await response.write_eof()
    return response


async def websocket(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        asgi_mix.block(request["job"])
        await socket.send_str("ok")
    return socket


async def start(_app):
    await asgi_mix.start()


app = web.Application(middlewares=[middleware])
app.on_startup.append(start)
app.router.add_get("/web/stream/{kind}/{ms}", stream)
app.router.add_get("/web/websocket/{kind}/{ms}", websocket)
app.router.add_route("*", "/web/{place}/{kind}/{ms}", handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
