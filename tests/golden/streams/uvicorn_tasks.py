# SPDX-License-Identifier: BSD-2-Clause
"""asyncio reads four requests, then runs their tasks: three of them stall in one turn, the fourth waits for its
backend.

Stalls, all likely, all in one turn of 95.6 ms: u-1 30 ms cpu (victims u-4, u-2, u-3), u-2 40 ms connect to a database
(victims u-4, u-3), u-3 25 ms in a lock (victim u-4). u-1 had ended before the others began. The turn before read u-4.
In the next turn the backend's reply resumes u-4, which alone asked: causal, 21.5 ms, most of it waiting for the GIL's
futex (lock); nobody waited. Delays: u-1 0.2 ms, u-2 30.2 ms, u-3 70.4 ms, u-4 95.4 ms (in the last 0.2 ms of the turn
it was the only one in flight, so they count as its own).
"""
from stream import INET, MS, US, Stream, request, response, target


def stream():
    s = Stream()
    app = s.loop(5200, "uvicorn", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    clients = [app.conn(f"10.1.1.7:{51000 + i}") for i in range(4)]
    s.idle(5 * MS)
    with app.turn():
        app.read(clients[3], request("/orders/4", "u-4"))
        app.run(300 * US)
        backend = app.connect("10.0.0.9:6379")
        app.run(100 * US)
        app.write(backend, "GET order:4\r\n")
    s.idle(1 * MS)
    with app.turn():
        for i in range(3):
            app.read(clients[i], request(f"/report/{i + 1}?q=a", f"u-{i + 1}"))
            app.run(200 * US)
        app.run(29800 * US)
        app.write(clients[0], response())
        app.run(1 * MS)
        app.sleep(38 * MS, call="connect", fd=21, to=target(INET, address="10.0.0.8:5432"))
        app.run(1 * MS)
        app.write(clients[1], response(status="500 Internal Server Error"))
        app.run(2 * MS)
        app.sleep(23 * MS, "LOCK", call="futex")
        app.write(clients[2], response())
        app.run(200 * US)
    s.idle(1 * MS)
    with app.turn():
        app.read(backend, "$2\r\n44\r\n")
        app.run(1500 * US)
        app.sleep(20 * MS, "LOCK", call="futex")
        app.write(clients[3], response())
    s.idle(8 * MS)
    return s.end()
