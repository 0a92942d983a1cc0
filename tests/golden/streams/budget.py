# SPDX-License-Identifier: BSD-2-Clause
"""Tracing costs more than its budget of 1 %: level by level less is told, and then more again.

b-1 is told before. Then stacks are left out, then samples: b-2's 30 ms are the request's all the same. From the third
level on requests are not read: b-3, in flight, is never told; the 40 ms of its connection are the client's, and so are
the next ones. At the last level 50 ms on the CPU and 60 ms in a system call are nobody's. Up again, level by level; b-4
is read and told. The summary says what was left out for how long, and how often.
"""
from stream import GAP, MS, S, Stream, request, response


def stream():
    s = Stream()
    nginx = s.loop(4200, "nginx", "NGINX", exe="/usr/sbin/nginx")
    first, second = nginx.conn("10.1.1.7:51000"), nginx.conn("10.1.1.8:51000")
    s.idle(1 * S)
    with nginx.turn():
        nginx.read(first, request("/one", "b-1"))
        nginx.run(25 * MS)
        nginx.write(first, response())
    s.idle(1 * S)
    s.level("FULL", "STACKS", 10000, target=500 * MS, bpf=80 * MS, own=40 * MS)
    s.idle(2 * S)
    s.level("STACKS", "SAMPLES", 10000, target=2 * S, bpf=150 * MS, own=40 * MS)
    with nginx.turn():
        nginx.read(first, request("/two", "b-2"))
        nginx.run(30 * MS)
        nginx.write(first, response())
    s.idle(100 * MS)
    with nginx.turn():
        nginx.read(first, request("/three", "b-3"))
        nginx.run(1 * MS)
    s.idle(2 * S)
    s.level("SAMPLES", "REQUESTS", 10000, target=500 * MS, bpf=60 * MS, own=3 * MS)
    for client in first, second:
        with nginx.turn():
            nginx.read(client, b"", length=80, flags=GAP)
            nginx.run(40 * MS)
            nginx.write(client, b"", length=200)
        s.idle(10 * MS)
    s.idle(2 * S)
    s.level("REQUESTS", "CALLS", 10000, target=500 * MS, bpf=9 * MS, own=2 * MS)
    with nginx.turn():
        nginx.run(50 * MS)
    s.idle(100 * MS)
    with nginx.turn():
        nginx.sleep(60 * MS, call="pread64", fd=9)
        nginx.run(1 * MS)
    s.idle(3 * S)
    s.level("CALLS", "REQUESTS", 10000, target=0, bpf=0, own=1 * MS)
    s.idle(3 * S)
    s.level("REQUESTS", "SAMPLES", 10000, target=0, bpf=0, own=1 * MS)
    with nginx.turn():
        nginx.read(second, request("/four", "b-4"))
        nginx.run(35 * MS)
        nginx.write(second, response())
    s.idle(3 * S)
    s.level("SAMPLES", "STACKS", 10000, target=0, bpf=0, own=1 * MS)
    s.idle(3 * S)
    s.level("STACKS", "FULL", 10000, target=0, bpf=0, own=1 * MS)
    s.counters.update(SKIPPED_STACKS=12, SKIPPED_SAMPLES=3400, SKIPPED_EDGES=120_000, SKIPPED_CALLS=456_789)
    return s.end()
