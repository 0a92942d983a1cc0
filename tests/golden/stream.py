# SPDX-License-Identifier: BSD-2-Clause
"""Streams of records written by hand: a scenario reads like what a server did, and becomes the bytes BPF would send.

One clock for all loops. A thread's time passes on the CPU (run) or off it (sleep, ready, throttled); before its next
edge an OFF record tells what was off the CPU, as BPF does. Turns without an edge and below the threshold are only
counted in the loop's totals. Structs are packed by hand and held against the LG_SIZE lines of include/.
"""
import bisect
import contextlib
import functools
import ipaddress
import pathlib
import re
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
US, MS, S = 10**3, 10**6, 10**9
THRESHOLD = 20 * MS


def header_text(name):
    return (ROOT / "include" / name).read_text()


def list_numbers(name):
    """{SYMBOL: number} of an X-macro table of lg_lists.h."""
    body = re.search(rf"#define {name}\(X\) \\\n((?:.*\\\n)*.*)", header_text("lg_lists.h")).group(1)
    return {symbol: int(number) for symbol, number in re.findall(r"X\((\w+), (\d+),", body)}


RECORDS = list_numbers("LG_RECORDS")
RUNTIMES = list_numbers("LG_RUNTIMES")
SLEEPS = list_numbers("LG_SLEEPS")
LEVELS = list_numbers("LG_LEVELS")
COUNTERS = list_numbers("LG_COUNTERS")
SIZES = {name: int(size) for file in ("lg_record.h", "lg_slot.h")
         for name, size in re.findall(r"LG_SIZE\(struct (\w+), (\d+)\)", header_text(file))}

NEW, EXIT, EXEC, LOOP = 1, 2, 3, 4
SEEN, ACCEPTED, CONNECTED = 0, 1, 2
READ, WRITE, ACCEPT, CONNECT, CLOSE = 1, 2, 3, 4, 5
TLS, CIPHER, NOT_SOCK, GAP = 1, 2, 4, 8
NONE, INET, INET6, UNIX, FILE, PIPE, OTHER, SOCKET = range(8)
SLOT_USED, SLOT_LOOP = 1, 2
SAMPLE, BLOCKED, ASLEEP = 1, 2, 3
NATIVE, PYTHON, JS, KERNEL = range(4)


def pack(name, layout, *values):
    """A struct of include/; a layout that has lost touch with the header stops here."""
    data = struct.pack("=" + layout, *values)
    assert len(data) == SIZES[name], f"struct {name} has {SIZES[name]} bytes in include/, {len(data)} here"
    return data


@functools.lru_cache
def syscalls():
    """{name: number} on this machine, from the header that names them in lgtrace too."""
    source = "#include <sys/syscall.h>\n"
    result = subprocess.run(["cc", "-E", "-dM", "-"], input=source, text=True, check=True, stdout=subprocess.PIPE)
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", result.stdout, re.M)}


@functools.lru_cache
def hist_edges():
    """Upper edges of the histogram's buckets: eight an octave, and 1, 2.5, 5 of each decade."""
    octaves = {round(2 ** (i / 8)) for i in range(80, 297)}
    decimals = {m * 10**k // 10 for m in (10, 25, 50) for k in range(3, 12)}
    return sorted(octaves | {edge for edge in decimals if edge <= 100 * S})


def target(kind=NONE, name=b"", ino=0, dev=0, address=None):
    """What a descriptor leads to; `address` is "host:port"."""
    port, raw = 0, b""
    if address:
        host, _, text = address.rpartition(":")
        port, raw = int(text), ipaddress.ip_address(host.strip("[]")).packed
        kind = INET6 if len(raw) == 16 else INET
    name = name.encode() if isinstance(name, str) else name
    return pack("lg_target", "BBHIQ16s64s", kind, len(name), port, dev, ino, raw, name)


class Conn:
    """A connection, or another thing behind a descriptor."""

    def __init__(self, stream, fd, origin):
        self.fd, self.origin = fd, origin
        stream.last_ino += 1
        self.ino = stream.last_ino


class Off:
    """Time off the CPU since the last edge."""

    def __init__(self):
        self.sleeps = [0] * 8
        self.runqueue = self.throttled = self.user = self.system = 0
        self.nr_sleeps = self.nr_preempts = 0
        self.last_nr = -1
        self.longest = (0, pack("lg_block", "QQii3QB7x96s", 0, 0, -1, -1, 0, 0, 0, 0, target()))

    def is_empty(self):
        return not any(self.sleeps) and not self.runqueue and not self.throttled and self.last_nr < 0


class Loop:
    """An event loop: a thread with its turns, and the totals of its slot."""

    def __init__(self, stream, pid, tid, comm, slot):
        self.stream, self.pid, self.tid, self.comm, self.slot = stream, pid, tid, comm, slot
        self.first_ns = self.idle_since = stream.now
        self.turn_start = self.late = self.edges = 0
        self.idle_ns = self.nr_turns = self.max_turn = 0
        self.sleep_ns = [0] * 8
        self.runqueue = self.throttled = 0
        self.hist = [0] * 256
        self.off = Off()
        self.next_fd = 10
        self.eventfd = Conn(stream, 5, SEEN)
        self.asleep = None  # what its newest totals said

    # --- time ---

    def run(self, ns, system=0, call=None):
        """On the CPU, `system` of it in the kernel; `call` returned last."""
        self.stream.now += ns
        self.off.user += ns - system
        self.off.system += system
        if call:
            self.off.last_nr = syscalls()[call]

    def sleep(self, ns, kind="SYSCALL", call=None, fd=-1, to=None):
        """Blocked by its own will: in `call` on `fd`, which leads `to`."""
        off, number = self.off, SLEEPS[kind]
        if ns > off.longest[0]:
            nr = syscalls()[call] if call else -1
            off.longest = (ns, pack("lg_block", "QQii3QB7x96s", self.stream.now, ns, nr, fd, max(fd, 0), 0, 0, number,
                                    to or target()))
        off.sleeps[number] += ns
        off.nr_sleeps += 1
        self.sleep_ns[number] += ns
        self.stream.now += ns

    def ready(self, ns, throttled=0):
        """Without a CPU: others had it, `throttled` of it because the quota was used up."""
        self.off.runqueue += ns - throttled
        self.off.throttled += throttled
        self.off.nr_preempts += 1
        self.runqueue += ns - throttled
        self.throttled += throttled
        self.stream.now += ns

    # --- edges ---

    def off_tell(self):
        off, self.off = self.off, Off()
        if off.is_empty():
            return
        body = struct.pack("=II8Q", self.pid, self.tid, *off.sleeps)
        body += struct.pack("=QQQQIIiI", off.runqueue, off.throttled, off.user, off.system, off.nr_sleeps,
                            off.nr_preempts, off.last_nr, 0)
        self.stream.record("OFF", "lg_rec_off", body + off.longest[1] + bytes(8))

    def io(self, op, conn, data=b"", length=None, flags=0, tail=b"", captured=4096):
        """An edge; of `data` the first `captured` bytes are told, `length` says how many passed when more did."""
        data = data.encode() if isinstance(data, str) else data
        told = data[:captured]
        self.off_tell()
        body = struct.pack("=IIIBBHQQQ8s", self.pid, self.tid, conn.fd, op, flags, len(told), conn.ino,
                           len(data) if length is None else length, 0, tail.rjust(8, b"\0") if tail else b"")
        self.stream.record("IO", "lg_rec_io", body, told)
        self.edges += 1

    def read(self, conn, data, **how):
        self.io(READ, conn, data, **how)

    def write(self, conn, data, **how):
        self.io(WRITE, conn, data, **how)

    def close(self, conn):
        self.io(CLOSE, conn)

    def conn(self, address=None, kind=NONE, name=b"", origin=SEEN):
        """A connection at its first sight: one that was open before the attach, unless `origin` says else."""
        self.next_fd += 1
        conn = Conn(self.stream, self.next_fd, origin)
        head = struct.pack("=IIIB3x", self.pid, self.tid, conn.fd, origin)
        self.stream.record("CONN", "lg_rec_conn", head + target(kind, name, conn.ino, 0, address))
        return conn

    def accept(self, address):
        conn = self.conn(address, origin=ACCEPTED)
        self.io(ACCEPT, conn)
        return conn

    def connect(self, address):
        conn = self.conn(address, origin=CONNECTED)
        self.io(CONNECT, conn)
        return conn

    def wake(self):
        """A read of the loop's eventfd: a callback from elsewhere began."""
        self.io(READ, self.eventfd, length=8, flags=NOT_SOCK)

    def stack(self, *frames, moment=SAMPLE, block=None):
        """Where the code is: frames (kind, function, file, line, is_own), the innermost one first."""
        data = b""
        for kind, function, file, line, is_own in frames:
            function, file = (text.encode() if isinstance(text, str) else text for text in (function, file))
            data += pack("lg_frame", "IBBHHH", line, kind, is_own, len(function), len(file), 0) + function + file
        body = struct.pack("=IIQBBHI", self.pid, self.tid, block or 0, moment, 0, len(frames), len(data))
        self.stream.record("FRAMES", "lg_rec_frames", body, data)

    # --- turns ---

    @contextlib.contextmanager
    def turn(self, late=0):
        """A turn; `late` ns of its beginning the thread had no CPU."""
        self.turn_start, self.late, self.edges = self.stream.now, late, 0
        self.idle_ns += self.stream.now - self.idle_since
        self.idle_since = 0
        if late:
            self.ready(late)
        yield self
        if self.turn_start:
            self.turn_stop()

    def turn_stop(self):
        now = self.stream.now
        length = now - self.turn_start
        if self.edges or length >= THRESHOLD:
            self.off_tell()
            self.stream.record("TURN", "lg_rec_turn", struct.pack("=II4Q", self.pid, self.tid, self.turn_start, now,
                                                                  self.late, self.edges))
        self.off = Off()
        self.turn_count(length)
        self.turn_start, self.idle_since = 0, now

    def turn_count(self, length, n=1):
        self.nr_turns += n
        self.max_turn = max(self.max_turn, length)
        self.hist[bisect.bisect_left(hist_edges(), length)] += n

    def turns(self, n, length, idle=0):
        """Healthy turns without edges: nothing is told of them but their number."""
        assert length < THRESHOLD
        self.turn_count(length, n)
        self.stream.now += n * (length + idle)
        self.idle_ns += n * idle + self.stream.now - n * (length + idle) - self.idle_since
        self.idle_since = self.stream.now

    def totals(self, asleep=None):
        """`asleep`: the call and the kind of the sleep that goes on, and since when."""
        call, kind, since = self.asleep = asleep or (None, None, 0)
        slot = pack("lg_slot", "IIIiiIQQQQQQ8QQQQQQ256Q", self.pid, self.tid, SLOT_USED | SLOT_LOOP,
                    syscalls()["epoll_pwait"], syscalls()[call] if call else -1, SLEEPS[kind] if kind else 64,
                    self.first_ns, self.turn_start, since, self.nr_turns, self.idle_ns,
                    self.idle_since, *self.sleep_ns, self.runqueue, self.throttled, 0, 0, self.max_turn, *self.hist)
        self.stream.record("LOOP", "lg_rec_loop", slot)

    def thread_event(self, event, parent=0):
        self.stream.record("THREAD", "lg_rec_thread", struct.pack("=6I16s", self.pid, self.tid, event, self.slot,
                                                                  parent, 0, self.comm))

    def exit(self):
        """The thread is gone; BPF ends the turn that it was in."""
        if self.turn_start:
            self.turn_stop()
        self.totals()
        self.thread_event(EXIT)
        self.stream.loops.remove(self)


class Stream:
    """All records, in their order. The clock starts at 100 s, so that times are told as 00:01:40 and later."""

    def __init__(self):
        self.now = 100 * S
        self.data = bytearray()
        self.loops = []
        self.last_ino = 7000
        self.nr_slots = 0
        self.counters = dict.fromkeys(COUNTERS, 0)

    def record(self, kind, name, body, variable=b""):
        variable += bytes(-len(variable) % 8)
        head = pack("lg_head", "HHIQ", RECORDS[kind], SIZES["lg_head"] + len(body) + len(variable), 0, self.now)
        size = len(head + body)
        assert size == SIZES[name], f"struct {name} has {SIZES[name]} bytes in include/, {size} here"
        self.data += head + body + variable
        self.counters["RECORDS"] += RECORDS[kind] < 64

    def loop(self, pid, comm, runtime="NATIVE", version=0, exe=b"", tid=None):
        """A process with one loop, or another loop of a process; `version` is (major, minor)."""
        loop = self.process(pid, comm, runtime, version, exe, tid)
        loop.thread_event(LOOP)
        self.loops.append(loop)
        return loop

    def process(self, pid, comm, runtime="NATIVE", version=0, exe=b"", tid=None):
        """A process, or another thread of one, that is no loop yet."""
        comm, exe = (text.encode() if isinstance(text, str) else text for text in (comm, exe))
        thread = Loop(self, pid, tid or pid, comm, self.nr_slots)
        self.nr_slots += 1
        if not tid:
            major, minor = version or (0, 0)
            fixed = struct.pack("=IHH16sH6x", pid, RUNTIMES[runtime], major << 8 | minor, comm, len(exe))
            self.record("TARGET", "lg_rec_target", fixed, exe)
        thread.thread_event(NEW)
        return thread

    def path(self, loop, ino, path):
        """The full path of a file that an OFF record names by its inode."""
        path = path.encode() if isinstance(path, str) else path
        self.record("PATH", "lg_rec_path", struct.pack("=IHHQ", loop.pid, len(path), 0, ino), path)

    def idle(self, ns):
        self.now += ns

    def level(self, before, level, limit_ppm, target, bpf, own):
        """Other things are left out from now on: the costs of the second before led to it."""
        body = struct.pack("=IIQQQQQ", LEVELS[level], LEVELS[before], limit_ppm, S, target, bpf, own)
        self.record("BUDGET", "lg_rec_budget", body)

    def end(self):
        """What is told at the end of a run: totals of every loop, and what was lost."""
        for loop in self.loops:
            loop.totals(loop.turn_start and loop.asleep)
        counters = [0] * 16
        for name, number in COUNTERS.items():
            counters[number] = self.counters[name]
        self.record("LOST", "lg_rec_lost", struct.pack("=16Q", *counters))
        return bytes(self.data)


def request(path, request_id=None, method="GET", headers=""):
    """The head of a request, without a body."""
    named = f"X-Request-ID: {request_id}\r\n" if request_id else ""
    return f"{method} {path} HTTP/1.1\r\nHost: shop\r\n{named}{headers}\r\n"


def response(body="ok", status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
