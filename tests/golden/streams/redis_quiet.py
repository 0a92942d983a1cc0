# SPDX-License-Identifier: BSD-2-Clause
"""Redis speaks no HTTP: its edges are told around long intervals only, and its clients stand for their requests.

2000 healthy turns of 100 us are counted, not told. KEYS of client 1 computes for 45 ms; then client 2's write waits
80 ms for the disk at fdatasync. Both likely, with the client's address and no request; a client without HTTP is no
victim. The edge behind a gap says nothing of the time before it: its 30 ms are nobody's.
"""
from stream import FILE, GAP, MS, US, Stream, target


def stream():
    s = Stream()
    redis = s.loop(7400, "redis-server", "REDIS", exe="/usr/bin/redis-check-rdb")
    s.idle(2 * MS)
    redis.turns(2000, 100 * US, idle=400 * US)
    with redis.turn():
        first = redis.conn("10.1.1.7:40000")
        redis.read(first, "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n", flags=GAP)
        redis.run(45 * MS)
        redis.write(first, b"", length=90000)
    s.idle(10 * MS)
    with redis.turn():
        second = redis.conn("10.1.1.8:40000")
        redis.read(second, "SET a 1\r\n", flags=GAP)
        aof = target(FILE, "appendonly.aof", ino=9001, dev=0x800001)
        redis.run(200 * US)
        redis.sleep(80 * MS, "IO", call="fdatasync", fd=8, to=aof)
        s.path(redis, 9001, "/var/lib/redis/appendonly.aof")
        redis.write(second, "+OK\r\n")
    s.idle(10 * MS)
    with redis.turn():
        redis.run(30 * MS)
        redis.read(first, "PING\r\n", flags=GAP)
        redis.run(50 * US)
        redis.write(first, "+PONG\r\n")
    s.idle(10 * MS)
    return s.end()
