# SPDX-License-Identifier: BSD-2-Clause
"""What the summary of a recording with very many stalls costs: time and memory of `lgtrace report`.

    bench_summary.py [STALLS [FILE]]

Each of 100,000 stalls has a stack of 30 frames and a request of its own, from 500 places and 50 routes; half of them
computed, half were blocked. With FILE it only writes the recording there. The exit status is 1 beyond 64 MiB, or 2 s of
CPU time: beside other work it takes longer.
"""
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
sys.dont_write_bytecode = True

from recording import INFO, LAST, RECORD, chunk, head, records_of, targets_of  # noqa: E402
from stream import BLOCKED, INET, MS, NATIVE, PYTHON, Stream, request, response, target  # noqa: E402

STALLS = 100_000
FRAMES = 30
PLACES = 500
ROUTES = 50
CHUNK = 60_000  # bytes of records
MAX_S, MAX_BYTES = 2, 64 << 20


def stacks():
    """Of each place one: a library's frames around the user's own."""
    outer = [(PYTHON, f"Middleware{i}.__call__", f"/srv/venv/lib/python3.11/site-packages/web/layer{i}.py", 10 + i, 0)
             for i in range(FRAMES - 4)]
    for i in range(PLACES):
        yield [(NATIVE, "__read", "/lib/x86_64-linux-gnu/libc.so.6", 0, 0),
               (PYTHON, "Cursor.execute", "/srv/venv/lib/python3.11/site-packages/db/cursor.py", 99, 0),
               (PYTHON, f"load_{i}", f"/srv/shop/part{i % 20}.py", 10 + i, 1),
               (PYTHON, "handler", f"/srv/shop/part{i % 20}.py", 5, 1), *outer]


def block(app, client, stack, number):
    with app.turn():
        app.read(client, request(f"/route{number % ROUTES}/{number}", f"r-{number}"))
        begin = app.stream.now
        length = random.randint(110, 300) * MS
        if number % 2:
            app.sleep(length, call="read", fd=21, to=target(INET, address="10.0.0.8:5432"))
            app.stack(*stack, moment=BLOCKED, block=begin)
        else:
            app.run(length // 2)
            app.stack(*stack)
            app.run(length // 2)
        app.write(client, response())
    app.stream.idle(1 * MS)


def pieces(data):
    part = bytearray()
    for record in records_of(data):
        if len(part) + len(record) > CHUNK:
            yield bytes(part)
            part.clear()
        part += record
    yield bytes(part)


def write_recording(path, nr):
    random.seed(1)
    s = Stream()
    app = s.loop(5300, "uvicorn", "CPYTHON", (3, 11), "/usr/bin/python3.11")
    client, known = app.conn("10.1.1.7:51000"), list(stacks())
    for number in range(nr):
        block(app, client, known[number % PLACES], number)
    data = s.end()
    with open(path, "wb") as out:
        out.write(head(INFO, targets_of(data), slot=1 << 29))
        parts = list(pieces(data))
        for index, part in enumerate(parts):
            out.write(chunk(RECORD, part, index=index))
        out.write(chunk(LAST, index=len(parts)))


def main():
    nr = int(sys.argv[1]) if len(sys.argv) > 1 else STALLS
    if len(sys.argv) > 2:
        write_recording(sys.argv[2], nr)
        return 0
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lgtrace-bench-") as folder:
        path = Path(folder) / "stalls.rec"
        # A process of its own: wait4() tells what the one child needed that it waits for.
        subprocess.run([sys.executable, "-B", __file__, str(nr), path], check=True)
        size = path.stat().st_size
        begin = time.monotonic()
        report = subprocess.Popen([ROOT / "lgtrace", "report", path], stdout=subprocess.PIPE, text=True)
        text = report.stdout.read()
        _, status, usage = os.wait4(report.pid, 0)
        took_s, cpu_s, used = time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10
    assert status == 0 and f"{nr} stalls" in text, text[:300]
    print(f"{nr} stalls, {size >> 20} MiB: {took_s:.2f} s, {cpu_s:.2f} s of CPU time, {used >> 20} MiB")
    return 1 if cpu_s > MAX_S or used > MAX_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
