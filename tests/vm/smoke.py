# SPDX-License-Identifier: BSD-2-Clause
"""The smoke set, run inside a virtual machine by tests/vm/init: what this kernel can do with lgtrace.

Each check prints one line "@vm {...}" for tests/vm/vm.py. An emulated CPU has no notion of time: of a stall its cause,
system call and target must be right, its length only roughly. No other request than the right one may be named; where
the time for a question was used up none need be, but once in ROUNDS.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import lab_server  # noqa: E402
import lab_tracer  # noqa: E402
import lab_truth  # noqa: E402
from lab_client import new_id  # noqa: E402
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


def judge(plants, stalls, named):
    """The longest stall there is the plant; a slow machine may add another one of the same request behind it."""
    problems, seen = [], set()
    for plant in plants:
        found = sorted((stall for stall in stalls if overlaps(plant, stall)), key=lambda stall: -stall["duration_ns"])
        if not found:
            problems.append(f"not told: {plant}")
        for stall in found:
            plant.ids = "always" if stall["request"] else "exact"
            if stall["request"]:
                seen.add(plant.path)
            check_told = lab_truth.check_stall if stall is found[0] else lab_truth.check_request
            problems += check_told(plant, stall)
    wanted = {plant.path for plant in plants if plant.path.split("/")[1] in named}
    return problems + [f"never named: {path}" for path in sorted(wanted - seen)]


def plant_stalls(name, mode, kinds, make):
    named = {kind.split("/")[0] for kind in kinds} - set(UNNAMED.get(name, ()))
    with tempfile.TemporaryDirectory() as folder, Peer() as peer:
        errors = Path(folder) / "server.err"
        try:
            return plant_in(make(Path(folder), peer), folder, mode, kinds, named)
        except Exception:  # the server knows more
            return [traceback.format_exc(), errors.read_text(errors="replace") if errors.exists() else ""]


def plant_in(made, folder, mode, kinds, named):
    with made as server:
        connection = server.connect()
        with Tracer(folder, server.pid, mode, "100ms") as tracer:
            for kind in kinds * ROUNDS:
                connection.get("/ok")
                connection.get(f"/{kind}/{PLANT_MS}", new_id("solo"))
            told = tracer.stop(PATIENCE_S)
        plants, _ = server.truth()
    problems = judge(plants, told.stalls, named)
    if len(plants) != ROUNDS * len(kinds):
        problems.append(f"{len(plants)} stalls were planted, not {ROUNDS * len(kinds)}")
    if told.summary["lost"]:
        problems.append(f"lost: {told.summary['lost']}")
    meant = [stall for stall in told.stalls if any(overlaps(plant, stall) for plant in plants)]
    say(stalls=len(plants), named=sum(stall["request"] is not None for stall in meant),
        exact=sum(stall["confidence"] == "exact" for stall in meant), runtime=told.header["targets"][0]["runtime"])
    return problems


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
    good.append(check("kernel log", read_kernel_log))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
