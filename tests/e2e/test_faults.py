# SPDX-License-Identifier: BSD-2-Clause
"""Hosts that lack things, containers, clocks, outputs that fail, and lives that targets lead."""
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab_client import Load
from lab_host import limited
from lab_server import PYTHON, EpollServer, Server, children, wait_for
from lab_storm import STORM, Storm, check_last_stall, is_listening, wait_told
from lab_tracer import LGTRACE, Told, Tracer
from test_safety import code_hash

SENTENCE = re.compile(r"lgtrace: .+")


# --- lives of processes ---

def test_chain_of_execs(folder):
    server = EpollServer(folder)
    with Tracer(folder, mode="libc", command=[STORM, "exec", "300", *server.argv()]) as tracer:
        server.process = subprocess.Popen(["/bin/true"])  # it is lgtrace's child, not ours
        server.process.wait()
        wait_for(lambda: is_listening(server.port), what="the last program of the chain")
        wait_told(server, tracer)  # libc probes are put in within a second after its libraries are mapped
        check_last_stall(server, tracer)


class EpollServerAs(EpollServer):
    """With a process id of one's choice."""

    def __init__(self, folder, pid):
        super().__init__(folder)
        self.own_pid = pid

    def argv(self):
        return [str(STORM), "pid", str(self.own_pid), *super().argv()]


def test_process_id_that_comes_again(mode, folder):
    """Another process that has the id of a target that ended is none."""
    (folder / "other").mkdir()
    with EpollServer(folder) as server, Storm("forks") as first:
        with Tracer(folder, f"{server.pid},{first.process.pid}", mode) as tracer:
            first.stop()
            with EpollServerAs(folder / "other", first.process.pid) as other:
                other.connect().get("/sleep/60", "stranger")
                told = check_last_stall(server, tracer)
    assert "stranger" not in [(stall["request"] or {}).get("id") for stall in told.stalls]


class Namespaced:
    """A server behind unshare --fork --kill-child, which heeds only SIGKILL."""

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def pid(self):
        return wait_for(lambda: children(self.process.pid), what="server in its namespace")[0]


class Hog(Server):
    """Takes memory for a request until it is killed for it."""
    CODE = """
import asyncio, sys

async def serve(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    kept = []
    while True:
        kept.append(bytearray(b"x" * (1 << 20)))

async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()

asyncio.run(main())
"""

    def __init__(self, folder, procs):
        super().__init__(folder)
        self.procs = procs

    def argv(self):
        return ["/bin/sh", "-c", f'echo $$ >{self.procs}; exec "$@"', "sh", PYTHON, "-c", self.CODE, str(self.port)]

    def warm_up(self):
        pass


def test_target_is_killed_for_its_memory(folder):
    limit = 64 << 20
    with limited("memory", {"memory.limit_in_bytes": limit}, {"memory.max": limit, "memory.swap.max": 0}) as procs:
        with Hog(folder, procs) as server, Tracer(folder, server.pid) as tracer:
            server.connect().send("/hog", "hog")
            assert server.process.wait(20) == -signal.SIGKILL
            assert tracer.wait() == 0, tracer.stderr()
            Told(tracer.lines())


@pytest.mark.parametrize("mebibytes", [8, 24])
def test_lgtrace_has_too_little_memory(mebibytes, folder):
    """It is killed, or says so; the target does not notice."""
    limit = mebibytes << 20
    with limited("memory", {"memory.limit_in_bytes": limit}, {"memory.max": limit, "memory.swap.max": 0}) as procs:
        with EpollServer(folder) as server, Load(server.connect) as load:
            code = code_hash(server.pid)
            done = subprocess.run(["/bin/sh", "-c", f'echo $$ >{procs}; exec "$@"', "sh", LGTRACE, "-p",
                                   str(server.pid), "--probes", "libc", "-d", "1"], capture_output=True, text=True,
                                  timeout=15, check=False)
            wait_for(lambda: code_hash(server.pid) == code, what="code as it was")
        assert not load.failures
    assert done.returncode == -signal.SIGKILL or done.returncode == 1 and "memory" in done.stderr, done


FEW_FILES = ("/bin/sh", "-c", 'ulimit -S -n 40; exec "$@"', "sh")


def test_few_descriptors(mode, folder):
    """lgtrace takes as many as it may have; what it starts has what it would have had."""
    with EpollServer(folder) as server, Tracer(folder, server.pid, mode, prefix=FEW_FILES) as tracer:
        check_last_stall(server, tracer)
    done = subprocess.run([*FEW_FILES, LGTRACE, "-o", "/dev/null", "--", "/bin/sh", "-c", "ulimit -n"],
                          capture_output=True, text=True, timeout=15, check=False)
    assert done.stdout == "40\n", done


# --- clocks ---

class EpollServerLater(Namespaced, EpollServer):
    """In a time namespace where the monotonic clock is a day ahead."""

    def argv(self):
        return ["/usr/bin/unshare", "--time", "--monotonic", "86400", "--fork", "--kill-child", *super().argv()]


def test_target_with_another_clock(mode, folder):
    with EpollServerLater(folder) as server, Tracer(folder, server.pid, mode) as tracer:
        before_ns = time.monotonic_ns()
        connection = server.connect()
        reply = connection.get("/sleep/50", "later")
        over_ns = connection.get("/ok").end_ns  # the turn that sent the reply ended before
        told = tracer.stop()
    stall = told.of("later")
    assert 50_000_000 <= stall["duration_ns"] <= over_ns - reply.send_ns
    assert before_ns < stall["start_ns"] < time.monotonic_ns()


STEP = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *t)
{
	int ret = syscall(SYS_clock_gettime, clock, t);
	if (clock == CLOCK_REALTIME && !access("%s", F_OK))
		t->tv_sec += 3600;
	return ret;
}
"""


def test_clock_is_set(folder):
    """lgtrace sees the host's clock jump by an hour: later stalls carry the new time, lengths are what they are."""
    stepped, source, library = folder / "stepped", folder / "step.c", folder / "step.so"
    source.write_text(STEP % stepped)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    with EpollServer(folder) as server:
        with Tracer(folder, server.pid, prefix=("/usr/bin/env", f"LD_PRELOAD={library}")) as tracer:
            server.connect().get("/sleep/40", "before")
            stepped.touch()
            time.sleep(1.2)
            told = check_last_stall(server, tracer)
    before, after = told.of("before"), told.stalls[-1]
    assert 3600 <= seconds(after["time"]) - seconds(before["time"]) < 3620


def seconds(text):
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


# --- hosts that lack things ---

BARE = ("/usr/bin/unshare", "--mount", "/bin/sh", "-c",
        "umount -l /sys/kernel/tracing /sys/kernel/debug /sys/fs/bpf 2>/dev/null;"
        "mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp && ! touch /tmp/x 2>/dev/null &&"
        "! test -e /sys/kernel/tracing/events && exec \"$@\"", "sh")


def test_no_tracefs_no_bpffs_and_tmp_is_read_only(mode, folder):
    with EpollServer(folder) as server, Tracer(folder, server.pid, mode, prefix=BARE) as tracer:
        check_last_stall(server, tracer)


def setpriv(*capabilities):
    words = ",".join(f"+{capability}" for capability in capabilities)
    return ("/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", words,
            "--ambient-caps", words, "--bounding-set", "-all," + words, "--")


@pytest.fixture
def everybodys_lgtrace(folder, monkeypatch):
    """A copy that everybody may execute, wherever the tree lies."""
    path = folder / "lgtrace"
    shutil.copy(LGTRACE, path)
    path.chmod(0o755)
    for parent in path.parents[:-1]:
        if parent != Path("/tmp"):
            parent.chmod(0o755)
    monkeypatch.setattr("lab_tracer.LGTRACE", str(path))
    monkeypatch.setattr("lab_tracer.ROOT", "/")


def test_three_capabilities_are_enough(mode, folder, everybodys_lgtrace):
    """Not root, and the target is another user's."""
    prefix = setpriv("bpf", "perfmon", "sys_ptrace")
    with EpollServer(folder) as server, Tracer(folder, server.pid, mode, prefix=prefix) as tracer:
        told = check_last_stall(server, tracer)
    assert told.header["features"]["edges"] == mode


def test_two_capabilities_are_not(folder, everybodys_lgtrace):
    from lab_tracer import LGTRACE as program
    with EpollServer(folder) as server:
        done = subprocess.run([*setpriv("bpf", "perfmon"), program, "-p", str(server.pid)], capture_output=True,
                              text=True, timeout=20, check=False, cwd="/")
    assert done.returncode == 4 and "CAP_SYS_PTRACE" in done.stderr and "CAP_BPF" not in done.stderr, done


# --- containers ---

def make_root(folder, *programs):
    """A root folder that has these programs and their libraries, and /proc and /sys of the host."""
    root = folder / "root"
    for name in ("proc", "sys", "tmp", "dev"):
        (root / name).mkdir(parents=True)
    for program in programs:
        ldd = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in [str(program), *re.findall(r"(/\S+) \(0x", ldd)]:
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return root


def contain(root, *namespaces):
    """What comes behind it runs in that root, with these namespaces besides a mount namespace."""
    script = (f"mount --rbind /proc {root}/proc && mount --rbind /sys {root}/sys && mount --rbind /dev {root}/dev &&"
              f'exec chroot {root} "$@"')
    return ("/usr/bin/unshare", "--mount", *namespaces, "/bin/sh", "-c", script, "sh")


class ContainedServer(Namespaced, EpollServer):
    """In a root and a pid namespace of its own: its libc is a file that the host knows by no path."""

    def argv(self):
        words = super().argv()
        self.root = self.root if hasattr(self, "root") else make_root(self.folder, words[0])
        words[words.index("--log") + 1] = "/truth.jsonl"
        return [*contain(self.root, "--pid", "--fork", "--kill-child"), *words]

    def truth(self):
        self.log = self.root / "truth.jsonl"
        return super().truth()


def test_target_in_a_container(mode, folder):
    with ContainedServer(folder) as server, Tracer(folder, server.pid, mode) as tracer:
        assert check_last_stall(server, tracer).stalls[-1]["pid"] == server.pid


def test_lgtrace_in_a_container_with_the_hosts_processes(mode, folder, monkeypatch):
    root = make_root(folder, LGTRACE)
    monkeypatch.setattr("lab_tracer.ROOT", "/")
    with EpollServer(folder) as server, Tracer(folder, server.pid, mode, prefix=contain(root)) as tracer:
        check_last_stall(server, tracer)


def test_lgtrace_in_a_container_without_them(folder):
    """Its own process ids are not the kernel's: better no answer than that of another process."""
    prefix = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]
    server = EpollServer(folder)
    done = subprocess.run([*prefix, LGTRACE, "-d", "2", "--", *server.argv()], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 4 and SENTENCE.match(done.stderr) and "PID namespace" in done.stderr, done


# --- outputs ---

@contextmanager
def small_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_full_disk(folder):
    with EpollServer(folder) as server, small_disk(folder) as disk, Load(server.connect, pause_s=0) as load:
        done = subprocess.run([LGTRACE, "-p", str(server.pid), "--json", "--requests", "-o", disk / "out", "-d", "20"],
                              capture_output=True, text=True, timeout=15, check=False)
        assert done.returncode == 1 and done.stdout == "", done
        assert SENTENCE.match(done.stderr) and "No space left" in done.stderr, done
    assert not load.failures


def test_every_command_says_that_it_cannot_write(folder):
    kept = folder / "kept.lgt"
    with EpollServer(folder) as server, Load(server.connect):
        pid = str(server.pid)
        subprocess.run([LGTRACE, "record", "-p", pid, "-d", "1", "-o", kept], timeout=15, check=True)
        for words in (["--help"], ["--version"], ["ps", "--help"], ["report", kept], ["report", "--json", kept],
                      ["diff", kept, kept], ["ps"], ["doctor", "-p", pid],
                      ["stat", "-p", pid, "1", "1"], ["top", "-b", "-n", "1", "-p", pid],
                      ["report", "--html", "/dev/full", kept], ["report", "--pprof", "/dev/full", kept]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([LGTRACE, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=15,
                                      check=False)
            assert done.returncode == 1 and SENTENCE.match(done.stderr) and "No space left" in done.stderr, words


@pytest.mark.parametrize("closed", [">&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(closed, folder):
    """None of the files that are opened then may take their place and be written to."""
    with EpollServer(folder) as server, Load(server.connect) as load:
        words = f"{LGTRACE} -p {server.pid} --json -d 1"
        done = subprocess.run(["/bin/sh", "-c", f"exec {words} {closed}"], capture_output=True, text=True, timeout=15,
                              check=False)
        if " >&-" in f" {closed}":
            assert done.returncode == 1 and ("Bad file descriptor" in done.stderr or "2>&-" in closed), done
        else:
            assert done.returncode == 0 and '"summary"' in done.stdout, done
    assert not load.failures


def test_recording_with_no_standard_error(folder):
    """What would be said there does not get into the file."""
    kept = folder / "kept.lgt"
    with EpollServer(folder) as server, Load(server.connect):
        words = f"{LGTRACE} record -p {server.pid} -d 1 -o {kept} <&- 2>&-"
        assert subprocess.run(["/bin/sh", "-c", f"exec {words}"], timeout=15, check=False).returncode == 0
    assert b"lgtrace:" not in kept.read_bytes()
    done = subprocess.run([LGTRACE, "report", kept], capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 0 and "epoll_server" in done.stdout, done
