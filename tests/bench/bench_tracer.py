# SPDX-License-Identifier: BSD-2-Clause
"""What watches a server while it is measured: lgtrace in its modes, the floor under it, and other tools.

CONDITIONS and PEERS name them; "none" is what all are compared with. A Watcher is a context that is attached
inside; stop() ends it and tells what it took and saw. LGTRACE is the program to measure, BASELINE another build of it
to measure beside it.
"""
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from bench_process import PATH, ROOT, end, held_ids, peak_rss_kb, process_tree

LGTRACE = os.environ.get("LGTRACE", str(ROOT / "lgtrace"))
BASELINE = os.environ.get("BASELINE")
FLOOR = ROOT / "build" / "bench" / "floor"
ATTACH_S = 15
DETACH_S = 15

TURNS = """
tracepoint:syscalls:sys_exit_epoll_wait, tracepoint:syscalls:sys_exit_epoll_pwait /pid == $1/ {
  @began[tid] = nsecs;
}
tracepoint:syscalls:sys_enter_epoll_wait, tracepoint:syscalls:sys_enter_epoll_pwait /pid == $1 && @began[tid]/ {
  @turn_us = hist((nsecs - @began[tid]) / 1000);
  delete(@began[tid]);
}
"""


class Watcher:
    """One program on one process.

    needs: the program, without which it is left out. ready: what its output holds once it is attached; None: it does
    not tell, and has settle_s to do it.
    """
    needs = None
    ready = None
    settle_s = 1.0

    def __init__(self, folder, cpu, pid):
        self.folder, self.pid = Path(folder), pid
        self.out_path, self.err_path = self.folder / "watcher.out", self.folder / "watcher.err"
        self.argv = ["taskset", "-c", str(cpu), *map(str, self.command())]
        self.process = None
        self.attach_s = None

    @classmethod
    def missing(cls):
        return cls.needs is not None and not shutil.which(cls.needs, path=PATH)

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            start = time.monotonic()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            start_new_session=True, env={**os.environ, "PATH": PATH})
        try:
            self.wait_ready(start)
            self.attach_s = time.monotonic() - start
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process)

    def is_ready(self, age_s):
        if self.ready is None:
            return age_s > self.settle_s
        return self.ready in self.out_path.read_bytes() + self.err_path.read_bytes()

    def wait_ready(self, start):
        while not self.is_ready(time.monotonic() - start):
            if self.process.poll() is not None or time.monotonic() - start > ATTACH_S:
                raise self.failed("did not attach")
            time.sleep(0.001)

    def failed(self, what):
        said = self.err_path.read_text(errors="replace").strip()
        words = " ".join(map(str, self.argv[3:]))
        return RuntimeError(f"{words} {what} (exit {self.process.poll()}): {said[-400:]}")

    def pids(self):
        return process_tree(self.process.pid)

    def stop(self):
        """Ends it; what it took."""
        seen = {"attach_s": self.attach_s, "peak_rss_kb": sum(map(peak_rss_kb, self.pids()))}
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(DETACH_S)
        except subprocess.TimeoutExpired:
            raise self.failed(f"did not end within {DETACH_S} s of SIGINT") from None
        seen["detach_s"] = time.monotonic() - start
        return seen

    def program_ids(self):
        """The BPF programs that it holds."""
        return held_ids(self.process.pid, "prog_id")

    def map_ids(self):
        return held_ids(self.process.pid, "map_id")


class Lgtrace(Watcher):
    """lgtrace --json, as it is without other options."""
    ready = b"\n"  # of the header
    program = LGTRACE
    options = ()

    def command(self):
        return [self.program, "-p", self.pid, "--json", *self.options]

    def is_ready(self, age_s):
        return self.ready in self.out_path.read_bytes()

    def stop(self):
        seen = super().stop()
        lines = [json.loads(line) for line in self.out_path.read_text().splitlines()]
        if self.process.returncode or lines[-1]["type"] != "summary":
            raise self.failed("gave no summary")
        return {**seen, "lost": lines[-1]["lost"], "stalls": sum(line["type"] == "stall" for line in lines),
                "features": lines[0].get("features"), "causes": lines[-1].get("causes")}


class LgtraceBaseline(Lgtrace):
    program = BASELINE


class LgtraceLibc(Lgtrace):
    options = ("--probes", "libc")


class LgtraceEverything(Lgtrace):
    """Each request told and recorded, stacks of both kinds, samples at ten times the usual rate."""

    @property
    def options(self):
        return ("--requests", "--stack", "user,kernel", "--frequency", "5000", "--threshold", "20ms", "--cumulative",
                "200ms/1s", "--exclude-path", "", "--record", self.folder / "watcher.lgt")


class Floor(Watcher):
    """The hooks of --probes syscall with empty programs."""
    ready = b"ready\n"
    edges = "syscall"

    def command(self):
        return [FLOOR, self.edges, self.pid]

    def stop(self):
        seen = super().stop()
        if self.process.returncode or not int(self.out_path.read_text().split()[-1]):
            raise self.failed("saw no event")
        return seen


class FloorLibc(Floor):
    edges = "libc"


class Bpftrace(Watcher):
    """The turns of a loop as a histogram, which is the least that lgtrace tells."""
    needs = "bpftrace"
    settle_s = 1.5

    def command(self):
        return ["bpftrace", "-e", TURNS, self.pid]


class Offcputime(Watcher):
    """Of libbpf-tools: stacks of whatever sleeps."""
    needs = "offcputime"
    settle_s = 0.7

    def command(self):
        return ["offcputime", "-p", self.pid]


class PerfTrace(Watcher):
    """The system calls, counted and timed."""
    needs = "perf"

    def command(self):
        return ["perf", "trace", "-s", "-p", self.pid, "-o", self.folder / "watcher.perf"]


class Strace(Watcher):
    needs = "strace"
    ready = b" attached"

    def command(self):
        return ["strace", "-c", "-f", "-p", self.pid]


class PySpy(Watcher):
    """Samples of a Python process; it is paused for each."""
    needs = "py-spy"

    def command(self):
        return ["py-spy", "record", "--format", "raw", "--duration", "3600", "-o", self.folder / "watcher.py-spy",
                "-p", self.pid]


CONDITIONS = {"default": Lgtrace, "libc": LgtraceLibc, "everything": LgtraceEverything, "floor": Floor,
              "floor-libc": FloorLibc}
if BASELINE:
    CONDITIONS["baseline"] = LgtraceBaseline
PEERS = {"lgtrace": Lgtrace, "bpftrace": Bpftrace, "offcputime": Offcputime, "perf-trace": PerfTrace,
         "strace": Strace, "py-spy": PySpy}
