# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel tells about processes and BPF programs."""
import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"  # bpftool and others are not in everybody's
BPF_STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
TRACING_TYPES = ("tracing", "raw_tracepoint", "tracepoint", "kprobe", "raw_tracepoint_writable")


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


def held_ids(pid, word):
    """The ids of the BPF objects that a process holds: `prog_id` or `map_id`."""
    ids = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = info.read_text().splitlines()
        except FileNotFoundError:
            continue  # it was closed meanwhile
        ids.update(int(line.split()[1]) for line in lines if line.startswith(f"{word}:"))
    return ids


def peak_rss_kb(pid):
    """0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def bpftool(*words):
    done = subprocess.run(["bpftool", "--json", *map(str, words)], capture_output=True, check=True,
                          env={**os.environ, "PATH": PATH})
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
