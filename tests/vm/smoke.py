# SPDX-License-Identifier: BSD-2-Clause
"""The smoke set, run inside a virtual machine by tests/vm/init: what this kernel can do with lgtrace.

Each check prints one line "@vm {...}" for tests/vm/vm.py. An emulated CPU has no notion of time: of a stall its cause,
system call and target must be right, its length only roughly. No other request than the right one may be named; where
the time for a question was used up none need be, but once in ROUNDS. So it is with the place in the code. What is told
live is also recorded, and the recording must say the same.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import lab_server  # noqa: E402
import lab_tracer  # noqa: E402
import lab_truth  # noqa: E402
from lab_client import Load, new_id  # noqa: E402
from lab_server import EpollServer, Node, Peer, Uvicorn  # noqa: E402
from lab_tracer import Tracer  # noqa: E402

OLDEST = (5, 17)  # before, lgtrace must say that it cannot
PLANT_MS = 300
ROUNDS = 2
PATIENCE_S = 120  # for what takes a second on a real machine

SERVERS = {
    "epoll, system calls": ("syscall", ("cpu", "sleep", "futex", "read", "disk"), EpollServer),
    "epoll, libc": ("libc", ("cpu", "sleep", "read"), EpollServer),  # for x86-64
    "asyncio": (None, ("cpu", "sleep", "read", "await/sleep"), Uvicorn),
    "uvloop": (None, ("cpu", "sleep", "read", "await/sleep"),
               lambda folder, peer: Uvicorn(folder, peer, "uvloop", "httptools")),
    "node": (None, ("cpu", "futex", "disk", "await/futex"), Node),
    "node, TLS": (None, ("cpu", "futex"), lambda folder, peer: Node(folder, peer, tls=True)),
}

# Debian's Node 18 is a library, in which native code that blocks is not asked whom it works for.
UNNAMED = {"node": ("futex", "disk", "await"), "node, TLS": ("futex",)}

# By frame pointers alone the caller of syscall(), which has no frame of its own, is passed over.
UNPLACED = {("aarch64", "epoll, system calls"): ("futex",)}

# The functions of the C server that are not called as what they do.
FUNCTIONS = {"futex": "lock", "disk": "fifo"}


def say(**line):
    print("@vm", json.dumps(line), flush=True)


def check(name, function, *args):
    """A check returns a list of what is wrong."""
    try:
        problems = function(*args)
    except Exception:  # one check that breaks must not take the others with it
        problems = [traceback.format_exc()]
    say(check=name, problems=problems)
    return not problems


def kernel():
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


# --- the BPF programs ---

def load_programs():
    """The rows of tests/bpf/load, as figures; they are told even where one is too high."""
    done = subprocess.run([ROOT / "build/bpf/load"], capture_output=True, text=True, errors="replace", check=False)
    title = None
    for line in done.stdout.splitlines():
        fields = line.split()
        if line.startswith("# "):
            title = line[2:]
        elif fields[0] != "id":
            say(program=fields[1], config=title, instructions=int(fields[3]), processed=int(fields[4]),
                stack=int(fields[6]))
    return [] if done.returncode == 0 else [f"exit {done.returncode}: {done.stderr[-3000:]}"]


def run_logic():
    done = subprocess.run([ROOT / "build/bpf/logic"], capture_output=True, text=True, errors="replace", check=False)
    lines = done.stdout.splitlines()
    problems = [line for line in lines if not line.startswith("ok ")]
    if done.returncode or len(lines) < 50:
        problems.append(f"exit {done.returncode}, {len(lines)} cases: {done.stderr[-3000:]}")
    return problems


# --- stalls ---

def overlaps(plant, stall):
    common = lab_truth.overlap_ns(plant.begin_ns, plant.end_ns, stall)
    return common > 0.5 * min(plant.end_ns - plant.begin_ns, stall["duration_ns"])


def is_placed(plant, stall):
    """The innermost function of the server's own code is the planted one, or in Node what it was compiled into."""
    kind = plant.path.split("/")[-2]
    own = [frame["function"] for frame in stall["stack"] if frame["own"]]
    return own and re.fullmatch(rf"(plants_|Plants\.)?({kind}|{FUNCTIONS.get(kind, kind)})|block", own[0])


def judge(plants, stalls, named, unplaced):
    """The longest stall there is the plant; a slow machine may add another one of the same request behind it."""
    problems, seen, placed, frames = [], set(), set(), {}
    for plant in plants:
        found = sorted((stall for stall in stalls if overlaps(plant, stall)), key=lambda stall: -stall["duration_ns"])
        if not found:
            problems.append(f"not told: {plant}")
        for stall in found:
            plant.ids = "always" if stall["request"] else "exact"
            if stall["request"]:
                seen.add(plant.path)
            if is_placed(plant, stall):
                placed.add(plant.path)
            frames[plant.path] = [frame["function"] for frame in stall["stack"]]
            # Where no CPU was emulated for a while the request is all that can be asked.
            length = stall["duration_ns"]
            is_late = plant.end_ns - plant.begin_ns > 1.3e6 * PLANT_MS or stall["runqueue_ns"] > length / 2
            check_told = lab_truth.check_request if is_late or stall is not found[0] else lab_truth.check_stall
            problems += check_told(plant, stall)
    wanted = {plant.path for plant in plants if plant.path.split("/")[1] in named}
    problems += [f"never named: {path}" for path in sorted(wanted - seen)]
    return problems + [f"never placed: {path}: {frames.get(path)}" for path in sorted(wanted - placed)
                       if path.split("/")[1] not in unplaced]


def plant_stalls(name, mode, kinds, make):
    named = {kind.split("/")[0] for kind in kinds} - set(UNNAMED.get(name, ()))
    unplaced = UNPLACED.get((os.uname().machine, name), ())
    with tempfile.TemporaryDirectory() as folder, Peer() as peer:
        errors = Path(folder) / "server.err"
        try:
            return plant_in(make(Path(folder), peer), folder, mode, kinds, (named, unplaced))
        except Exception:  # the server knows more
            return [traceback.format_exc(), errors.read_text(errors="replace") if errors.exists() else ""]


def report(recording, tracer):
    """What was recorded says what was told live."""
    code, out, err = lab_tracer.run("report", "--json", recording, timeout=PATIENCE_S)
    same = out == tracer.out_path.read_text()
    return [] if code == 0 and same else [f"report: exit {code}, {len(out)} bytes, the same: {same}: {err}"]


def wait_idle(pid):
    """Until the process has nothing left to do: reading a runtime's symbols may take longer than all the stalls do."""
    end, before = time.monotonic() + PATIENCE_S, -1000
    while time.monotonic() < end:
        ticks = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        if ticks - before < 5:
            return
        before = ticks
        time.sleep(1)


def plant_in(made, folder, mode, kinds, asked):
    recording = Path(folder) / "smoke.rec"
    with made as server:
        # What tracing costs in an emulated machine says nothing: nothing is to be left out for it.
        options = ("--record", recording, "--budget", "none")
        with Tracer(folder, server.pid, mode, "100ms", options) as tracer:
            for _ in range(ROUNDS):
                connection = server.connect()  # the last one may have been idle for longer than the server likes
                for kind in kinds:
                    connection.get("/ok")
                    connection.get(f"/{kind}/{PLANT_MS}", new_id("solo"))
                wait_idle(tracer.process.pid)
            told = tracer.stop(PATIENCE_S)
        plants, _ = server.truth()
    problems = judge(plants, told.stalls, *asked) + report(recording, tracer)
    if len(plants) != ROUNDS * len(kinds):
        problems.append(f"{len(plants)} stalls were planted, not {ROUNDS * len(kinds)}")
    if told.summary["lost"]:
        problems.append(f"lost: {told.summary['lost']}")
    meant = [stall for stall in told.stalls if any(overlaps(plant, stall) for plant in plants)]
    say(stalls=len(plants), named=sum(stall["request"] is not None for stall in meant),
        exact=sum(stall["confidence"] == "exact" for stall in meant),
        placed=sum(any(is_placed(plant, stall) for plant in plants if overlaps(plant, stall)) for stall in meant),
        attach_s=round(tracer.attach_s, 2), runtime=told.header["targets"][0]["runtime"])
    return problems


def look_on():
    """`lgtrace top -b` has a line for the server, and what it serves."""
    with tempfile.TemporaryDirectory() as folder, EpollServer(folder) as server, Load(server.connect):
        code, out, err = lab_tracer.run("top", "-b", "-n", "1", "--delay", "2", "-p", server.pid, timeout=PATIENCE_S)
        line = next((line for line in out.splitlines() if line.split()[:1] == [str(server.pid)]), "")
    return [] if code == 0 and "GET /ok" in line else [f"exit {code}: {out} {err}"]


# --- the rest ---

def refuse():
    """Too old: exit 5 and one sentence, at once."""
    target = subprocess.Popen(["/bin/busybox", "sleep", "1000"])
    code, out, err = lab_tracer.run("-p", target.pid, timeout=PATIENCE_S)
    target.kill()
    problems = [] if code == 5 else [f"exit {code}"]
    if out or not re.fullmatch(r"lgtrace: Linux [^\n]* is too old: [^\n]*5\.17[^\n]*\n(  [^\n]*\n)?", err):
        problems.append(f"said {out!r} {err!r}")
    return problems


def read_kernel_log():
    """What the kernel complains about is a fault of whatever it runs."""
    text = subprocess.run(["/bin/busybox", "dmesg"], capture_output=True, text=True, errors="replace",
                          check=True).stdout
    return [line for line in text.splitlines() if re.search(r"WARNING: |BUG: (?!soft lockup)|Oops|verifier bug", line)]


def main():
    say(kernel=os.uname().release, machine=os.uname().machine)
    lab_server.START_S = lab_tracer.ATTACH_S = PATIENCE_S
    lab_truth.tolerance_ns = lambda length_ns: length_ns // 2
    if kernel() < OLDEST:
        good = [check("says that it is too old", refuse)]
    else:
        good = [check("load", load_programs), check("logic", run_logic)]
        good += [check(name, plant_stalls, name, *args) for name, args in SERVERS.items()
                 if os.uname().machine == "x86_64" or args[0] != "libc"]
        good.append(check("top", look_on))
    good.append(check("kernel log", read_kernel_log))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
