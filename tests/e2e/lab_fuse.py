# SPDX-License-Identifier: BSD-2-Clause
"""A file system whose files are slow on purpose: "open-MS" takes MS to open, "read-MS" to read, "sync-MS" to sync.

A name may go on after another "-". One that begins with "mark-" is never there, but that it was looked for is logged.

    lab_fuse.py DIRECTORY LOG

Servers that only serve files can be made to block in it, for a time that this process measures: a JSON line
in LOG for each delay and mark, with name, pid (who asked), start_ns and end_ns. It speaks the kernel's FUSE protocol
itself, lets nobody wait for another one's delay, and ends when the directory is unmounted (umount DIRECTORY).
"""
import ctypes
import errno
import json
import os
import stat
import struct
import sys
import threading
import time

LOOKUP, FORGET, GETATTR, OPEN, READ, WRITE, RELEASE, FSYNC = 1, 2, 3, 14, 15, 16, 18, 20
FLUSH, INIT, INTERRUPT, BATCH_FORGET = 25, 26, 36, 42
IN_HEADER = struct.Struct("<IIQQIIIHH")
OUT_HEADER = struct.Struct("<IiQ")
ATTR = struct.Struct("<6Q3I7I")
ROOT_ID = 1
CONTENT = b"slow\n"
DIRECT_IO = 1  # every read comes here: nothing is served from the page cache


class SlowFiles:
    def __init__(self, log):
        self.log = log
        self.names = {ROOT_ID: ""}

    def attr(self, node):
        mode = stat.S_IFDIR | 0o755 if node == ROOT_ID else stat.S_IFREG | 0o644
        return ATTR.pack(node, len(CONTENT), 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def delay(self, what, node, pid):
        kind, ms = self.names[node].split("-")[:2]
        if kind == what:
            start_ns = time.monotonic_ns()
            time.sleep(int(ms) / 1000)
            self.add(self.names[node], pid, start_ns)

    def add(self, name, pid, start_ns):
        line = {"name": name, "pid": pid, "start_ns": start_ns, "end_ns": time.monotonic_ns()}
        self.log.write(json.dumps(line) + "\n")

    def answer(self, opcode, node, body, pid):
        """The reply's body, a negative errno, or None where none is awaited."""
        if opcode == INIT:
            return struct.pack("<IIIIHHIIHHI", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0).ljust(64, b"\0")
        if opcode == LOOKUP:
            name = body.split(b"\0")[0].decode()
            if name.startswith("mark-"):
                self.add(name, pid, time.monotonic_ns())
            if not name.startswith(("open-", "read-", "sync-")):
                return -errno.ENOENT
            node = next((n for n, known in self.names.items() if known == name), len(self.names) + 1)
            self.names[node] = name
            return struct.pack("<4Q2I", node, 0, 3600, 3600, 0, 0) + self.attr(node)
        if opcode == GETATTR:
            return struct.pack("<QII", 3600, 0, 0) + self.attr(node)
        if opcode == OPEN:
            self.delay("open", node, pid)
            return struct.pack("<QII", 0, DIRECT_IO, 0)
        if opcode == READ:
            offset, size = struct.unpack_from("<8xQI", body)
            if offset == 0:
                self.delay("read", node, pid)
            return CONTENT[offset:offset + size]
        if opcode == WRITE:
            return struct.pack("<II", struct.unpack_from("<16xI", body)[0], 0)
        if opcode == FSYNC:
            self.delay("sync", node, pid)
        if opcode in (RELEASE, FLUSH, FSYNC):
            return b""
        return None if opcode in (FORGET, BATCH_FORGET, INTERRUPT) else -errno.ENOSYS


def reply_to(fd, files, data):
    _, opcode, unique, node, _, _, pid = IN_HEADER.unpack_from(data)[:7]
    reply = files.answer(opcode, node, data[IN_HEADER.size:], pid)
    if reply is None:
        return
    code, body = (reply, b"") if isinstance(reply, int) else (0, reply)
    os.write(fd, OUT_HEADER.pack(OUT_HEADER.size + len(body), code, unique) + body)


def serve(fd, files):
    while True:
        try:
            data = os.read(fd, 1 << 20)
        except OSError as error:
            if error.errno == errno.ENODEV:  # unmounted
                return
            if error.errno in (errno.ENOENT, errno.EINTR):
                continue
            raise
        if IN_HEADER.unpack_from(data)[1] in (OPEN, READ, FSYNC):
            threading.Thread(target=reply_to, args=(fd, files, data), daemon=True).start()
        else:
            reply_to(fd, files, data)


def main():
    directory, log_path = sys.argv[1:]
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"lab", directory.encode(), b"fuse", 0, options.encode()):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    with open(log_path, "a", buffering=1, encoding="utf-8") as log:
        serve(fd, SlowFiles(log))


if __name__ == "__main__":
    main()
