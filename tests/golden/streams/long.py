# SPDX-License-Identifier: BSD-2-Clause
"""Names as real services have them: ids that are UUIDs, deep paths, functions within functions, a thread that is not the
main one. Narrow screens must cut them where the reader loses least.

The first request sleeps 90 ms in a read while six others wait. At the end another one is stuck for 300 ms in a route
that no column holds.
"""
from stream import ASLEEP, BLOCKED, INET, MS, NATIVE, PYTHON, Stream, request, response, target

SITE = "/srv/venv/lib/python3.11/site-packages/fastapi/routing.py"
STACK = ((NATIVE, "__recv", "/usr/lib/x86_64-linux-gnu/libc.so.6", 0, 0),
         (PYTHON, "InvoiceRepository.load_all_for_customer", "/srv/shop/billing/repositories/invoices.py", 1312, 1),
         (PYTHON, "get_request_handler.<locals>.app", SITE, 1237, 0))
DATABASE = target(INET, address="10.12.130.15:5432")


def uuid(number):
    return f"{number:08x}-ccc8-4e61-919d-4695cafa945c"


def stream():
    s = Stream()
    s.process(4194301, "gunicorn", "NATIVE", None, "/usr/bin/gunicorn")
    app = s.loop(4194301, "gunicorn: workr", tid=4194304)
    clients = [app.conn(f"10.1.1.7:{51000 + number}") for number in range(7)]
    s.idle(5 * MS)
    with app.turn():
        for number, client in enumerate(clients[1:]):
            app.read(client, request(f"/api/v1/customers/{number}", uuid(number)))
        app.read(clients[0], request("/api/v1/customers/4711/invoices", uuid(99)))
        begin = s.now
        app.sleep(90 * MS, call="recvfrom", fd=21, to=DATABASE)
        app.stack(*STACK, moment=BLOCKED, block=begin)
        app.write(clients[0], response())
    s.idle(5 * MS)
    turn = app.turn()
    turn.__enter__()
    app.read(clients[0], request("/api/v1/customers/4711/invoices/overdue", uuid(100)))
    since = s.now
    app.sleep(300 * MS, call="recvfrom", fd=21, to=DATABASE)
    app.stack(*STACK, moment=ASLEEP, block=since)
    app.totals(("recvfrom", "SYSCALL", since))
    return s.end()
