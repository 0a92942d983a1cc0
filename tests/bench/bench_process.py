# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel tells about processes, lgtrace as a process, and the run times of its BPF programs."""
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LGTRACE = os.environ.get("LGTRACE", str(ROOT / "lgtrace"))
BPF_STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
TRACING_TYPES = ("tracing", "raw_tracepoint", "tracepoint", "kprobe", "raw_tracepoint_writable")
ATTACH_S = 15
DETACH_S = 15


def process_tree(pid):
    """The process and all that descend from it, parents first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [descendant for child in children for descendant in process_tree(int(child))]


def run_ns(pids):
    """(CPU time, wait for a CPU) of all threads that live; exact, where /proc/PID/stat has clock ticks."""
    ran = waited = 0
    for pid in pids:
        for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            numbers = schedstat.read_text().split()
            ran += int(numbers[0])
            waited += int(numbers[1])
    return ran, waited


def end(process):
    """SIGTERM, and SIGKILL if it takes too long."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Tracer:
    """`lgtrace --json` on one process: a context. stop() returns what it cost and what it lost."""

    def __init__(self, folder, cpu, pid, mode):
        self.out_path, self.err_path = Path(folder) / "lgtrace.json", Path(folder) / "lgtrace.err"
        self.argv = ["taskset", "-c", str(cpu), LGTRACE, "-p", str(pid), "--probes", mode, "--json"]
        self.process = None
        self.attach_s = None

    def __enter__(self):
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            start = time.monotonic()
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            start_new_session=True)
        try:
            self.wait_header(start + ATTACH_S)
            self.attach_s = time.monotonic() - start
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_header(self, give_up):
        while b"\n" not in self.out_path.read_bytes():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise self.failed("told no header")
            time.sleep(0.001)

    def failed(self, what):
        said = self.err_path.read_text(errors="replace").strip()
        return RuntimeError(f"{' '.join(self.argv)} {what} (exit {self.process.poll()}): {said}")

    def peak_rss_kb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise self.failed("has no VmHWM")

    def stop(self):
        peak_rss_kb = self.peak_rss_kb()
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(DETACH_S)
        except subprocess.TimeoutExpired:
            raise self.failed(f"did not end within {DETACH_S} s of SIGINT") from None
        detach_s = time.monotonic() - start
        lines = [json.loads(line) for line in self.out_path.read_text().splitlines()]
        if code or lines[-1]["type"] != "summary":
            raise self.failed("gave no summary")
        return {"attach_s": self.attach_s, "detach_s": detach_s, "peak_rss_kb": peak_rss_kb,
                "lost": lines[-1]["lost"], "stalls": sum(line["type"] == "stall" for line in lines),
                "features": lines[0].get("features"), "causes": lines[-1].get("causes")}

    def held_ids(self, word):
        ids = set()
        for info in Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            ids.update(int(line.split()[1]) for line in info.read_text().splitlines() if line.startswith(f"{word}:"))
        return ids

    def program_ids(self):
        """The BPF programs that it holds."""
        return self.held_ids("prog_id")

    def map_ids(self):
        return self.held_ids("map_id")


def bpftool(*words):
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    done = subprocess.run(["bpftool", "--json", *map(str, words)], capture_output=True, check=True,
                          env={**os.environ, "PATH": path})
    return json.loads(done.stdout)


def programs():
    """{id: what bpftool tells} of all BPF programs of the host."""
    return {program["id"]: program for program in bpftool("prog", "show")}


ASK_STEP_US = 0.25  # ASK_STEP_NS of bpf/owner.bpf.h


def ask_times(map_ids):
    """{upper bound in us: how many questions to a runtime took that long} so far."""
    found = [number for number in map_ids if bpftool("map", "show", "id", number)["name"] == "ask_times"]
    slots = [slot["formatted"] for number in found for slot in bpftool("map", "dump", "id", number)]
    counts = {(slot["key"] + 1) * ASK_STEP_US: sum(cpu["value"] for cpu in slot["values"]) for slot in slots}
    return {upper_us: count for upper_us, count in counts.items() if count}


def nr_foreign_tracers():
    """Tracing programs that are loaded while none of ours is: they make the comparison worthless."""
    return sum(program["type"] in TRACING_TYPES for program in programs().values())


def program_times(ids):
    """{name: (runs, ns)} so far; nothing is counted while the statistics are off."""
    times = {}
    for number, program in programs().items():
        if number in ids:
            runs, ns = times.get(program["name"], (0, 0))
            times[program["name"]] = (runs + program.get("run_cnt", 0), ns + program.get("run_time_ns", 0))
    return times


@contextmanager
def bpf_statistics():
    """The kernel measures each run of each BPF program, which itself costs: never while anything else is measured."""
    before = BPF_STATS.read_text()
    BPF_STATS.write_text("1")
    try:
        yield
    finally:
        BPF_STATS.write_text(before)
