# SPDX-License-Identifier: BSD-2-Clause
"""What a test does to the machine around a server, and undoes: CPU quotas, CPU hogs, pinning."""
import os
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
LOOP_S = 0.0095  # loop_s() with Python 3.11 on a CPU of 2021, at 2.6 GHz


def threads(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


@contextmanager
def limited(controller, v1, v2):
    """A group of its own with limits, {file: value} for either version of cgroups: its file for process ids."""
    parent, limits = (CGROUPS / controller, v1) if (CGROUPS / controller).exists() else (CGROUPS, v2)
    if limits is v2:
        (parent / "cgroup.subtree_control").write_text(f"+{controller}")
    group = parent / f"lgtrace-test-{os.getpid()}"
    group.mkdir()
    try:
        for name, value in limits.items():
            (group / name).write_text(str(value))
        yield group / "cgroup.procs"
    finally:
        remove_group(group)


@contextmanager
def cpu_quota(pid, quota_us, period_us=100_000):
    """The process in a group of its own that may use so much CPU a period; other tasks of the host take little of it."""
    v1 = {"cpu.shares": 262144, "cpu.cfs_period_us": period_us, "cpu.cfs_quota_us": quota_us}
    with limited("cpu", v1, {"cpu.weight": 10000, "cpu.max": f"{quota_us} {period_us}"}) as procs:
        home = own_group(pid, "cpu.cfs_quota_us" in os.listdir(procs.parent))
        procs.write_text(str(pid))
        try:
            yield
        finally:
            (procs.parents[1] / home.lstrip("/") / "cgroup.procs").write_text(str(pid))


def first_in_line(pid):
    """No ordinary task of the host keeps the CPU from it, where that is allowed: want of a CPU would be a cause."""
    with suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def ran_ns(pid):
    """CPU time of the process's first thread, by the scheduler."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def waited_ns(pid):
    """How long the process's first thread was ready without a CPU, by the scheduler."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])


def loop_s():
    """CPU time of a small computation."""
    begin, x = time.thread_time(), 0
    for i in range(300_000):
        x += i % 7
    return time.thread_time() - begin


def slowness():
    """How much slower this machine computes than the one that limits of CPU time are for, at least 1."""
    return max(1, min(loop_s() for _ in range(5)) / LOOP_S)


def own_group(pid, v1):
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if (v1 and "cpu" in controllers.split(",")) or (not v1 and controllers == ""):
            return path
    raise AssertionError(f"process {pid} is in no group")


def remove_group(group):
    for _ in range(100):
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.02)
    group.rmdir()


@contextmanager
def pinned_beside_hogs(pid, hogs=3):
    """All threads of the process on one CPU, and as many busy processes there."""
    cpu = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(pid)
    busy = []
    try:
        for tid in threads(pid):
            os.sched_setaffinity(tid, {cpu})
        for _ in range(hogs):
            busy.append(subprocess.Popen(["/usr/bin/taskset", "-c", str(cpu), "/bin/sh", "-c", "while :; do :; done"]))
        yield
    finally:
        for hog in busy:
            hog.kill()
            hog.wait()
        for tid in threads(pid):
            os.sched_setaffinity(tid, before)
