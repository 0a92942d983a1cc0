# SPDX-License-Identifier: BSD-2-Clause
"""What a test does to the machine around a server, and undoes: CPU quotas, CPU hogs, pinning."""
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

CGROUP_V1 = Path("/sys/fs/cgroup/cpu")
CGROUP_V2 = Path("/sys/fs/cgroup")


def threads(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


@contextmanager
def cpu_quota(pid, quota_us, period_us=100_000):
    """The process in a group of its own that may use so much CPU a period."""
    v1 = (CGROUP_V1 / "cpu.cfs_quota_us").exists()
    parent = CGROUP_V1 if v1 else CGROUP_V2
    group = parent / f"lgtrace-test-{os.getpid()}"
    if not v1:
        (parent / "cgroup.subtree_control").write_text("+cpu")
    home = own_group(pid, v1)
    group.mkdir()
    try:
        if v1:
            (group / "cpu.cfs_period_us").write_text(str(period_us))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (group / "cpu.max").write_text(f"{quota_us} {period_us}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        (parent / home.lstrip("/") / "cgroup.procs").write_text(str(pid))
        remove_group(group)


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
