# SPDX-License-Identifier: BSD-2-Clause
"""Compares what was planted with what lgtrace told.

A plant is one line of a server's truth log (tests/apps/truth.h). The length of its stall must lie between
the server's two clocks, low (the request's own code) and high (from the last edge to the return of the
write), each with the tolerance of max(0.2 ms, 1 %). A turn begins when the loop is woken, and ends when it
waits again: on a busy machine it may want for a CPU then, which no clock of the server sees, nor do JavaScript
and Python see the return of a read. Where nothing else is asked of a run, the stall's own run-queue time is
allowed on top.
"""
import json
from dataclasses import dataclass

THRESHOLD_NS = 20_000_000
UNCONFIRMED_NS = 100_000_000  # healthy traffic: nothing above this without a witness
LOOK_NS = 2_500_000  # so far apart are the looks that tell whose code still runs
PART_KEYS = ("on_cpu_ns", "blocked_ns", "runqueue_ns", "throttled_ns")


@dataclass
class Plant:
    id: object
    path: object
    cause: str  # or several, with | between them; system calls too
    syscall: object
    target: object
    low_ns: int
    high_ns: int
    begin_ns: int
    end_ns: int
    pid: int = 0
    ids: str = "always"  # "always": the request must be right; "exact": only where lgtrace is sure
    beside_ns: int = 0  # what code may add that no clock of the server sees: others' right before, its own at the end
    may_wait: bool = False  # the run may begin before or end after the server's clocks, with a wait for a CPU
    asked_ns: int = 0  # what the block takes of a machine with no other work, 0 unknown

    def __str__(self):
        return (f"{self.cause} {self.syscall or ''} of {self.id} {self.path}, "
                f"{self.low_ns / 1e6:.3f}..{self.high_ns / 1e6:.3f} ms at {self.begin_ns}")


def tolerance_ns(length_ns):
    return max(200_000, length_ns // 100)


def asked_ns(path):
    """Of /KIND/MS."""
    last = (path or "").rsplit("/", 1)[-1]
    return int(last) * 1_000_000 if last.isdigit() else 0


def read_truth(path):
    """(plants, hiccups) of a truth log."""
    plants, hiccups = [], []
    with open(path, encoding="utf-8") as log:
        for text in log:
            line = json.loads(text)
            plant = Plant(line["id"], line["path"], line["cause"], line["syscall"], line["target"],
                          line["run_end_ns"] - line["run_start_ns"], line["write_ns"] - line["edge_ns"],
                          line["edge_ns"], line["write_ns"], line["pid"], asked_ns=asked_ns(line["path"]))
            (hiccups if line["cause"] == "hiccup" else plants).append(plant)
    return plants, hiccups


def overlap_ns(begin, end, stall):
    return min(end, stall["start_ns"] + stall["duration_ns"]) - max(begin, stall["start_ns"])


def is_covered(stall, begin, end):
    """Most of the stall lies within."""
    return overlap_ns(begin, end, stall) >= 0.8 * stall["duration_ns"]


def describe(stall):
    request = stall["request"] or {}
    syscall = stall["syscall"] or {}
    parts = "+".join(f"{stall[key] / 1e6:.3f}" for key in PART_KEYS)
    return (f"{stall['cause']} {syscall.get('name', '')} {syscall.get('target', '')} of {request.get('id')} "
            f"({stall['confidence']}), {parts} = {stall['duration_ns'] / 1e6:.3f} ms at {stall['start_ns']}")


def check_parts(stall):
    total = sum(stall[key] for key in PART_KEYS)
    if abs(total - stall["duration_ns"]) > stall["duration_ns"] // 100:
        return [f"parts add up to {total}, not to the length: {describe(stall)}"]
    return []


def check_request(plant, stall):
    told = (stall["request"] or {}).get("id")
    sure = stall["confidence"] == "exact"
    if told is None and sure:
        return [f"exact, but no request: {describe(stall)}"]
    if plant.id is None:
        return [f"named a request for what belongs to none: {describe(stall)}"] if told is not None else []
    if told != plant.id and (sure or plant.ids == "always"):
        return [f"request {told} ({stall['confidence']}) for {plant}"]
    return []


def check_stall(plant, stall):
    problems = check_request(plant, stall)
    length = stall["duration_ns"]
    high_ns = plant.high_ns + plant.beside_ns + (stall["runqueue_ns"] if plant.may_wait else 0)
    if length < plant.low_ns - tolerance_ns(plant.low_ns) or length > high_ns + tolerance_ns(high_ns):
        problems.append(f"length {length / 1e6:.3f} ms for {plant}")
    if is_for_want(plant, stall):
        return problems
    if stall["cause"] not in plant.cause.split("|"):
        problems.append(f"cause {stall['cause']} for {plant}: {describe(stall)}")
    elif plant.syscall and not syscall_is(stall, plant.syscall):
        problems.append(f"system call {stall['syscall']} for {plant}")
    elif plant.target and (stall["syscall"] or {}).get("target") != plant.target:
        problems.append(f"target {stall['syscall']} for {plant}")
    return problems


def is_for_want(plant, stall):
    """
    All of the block is in it, but for what switches from task to task take of it; and the loop was without a CPU for
    longer than it computed or slept: that is the cause.
    """
    wanted_ns = stall["runqueue_ns"]
    has_block = stall["duration_ns"] - wanted_ns >= plant.asked_ns // 10 * 9
    longest = wanted_ns >= max(stall["on_cpu_ns"], stall["blocked_ns"])
    return stall["cause"] == "runqueue" and plant.asked_ns > 0 and has_block and longest


def syscall_is(stall, names):
    return stall["syscall"] is not None and stall["syscall"]["name"] in names.split("|")


def is_confirmed(stall, hiccups, slow):
    """Somebody else's clock saw it too: the server's own, or that of a client who waited."""
    if any(is_covered(stall, h.begin_ns - 1_000_000, h.end_ns + 1_000_000) for h in hiccups):
        return True
    return any(is_covered(stall, reply.send_ns, reply.end_ns) for reply in slow)


def match(plants, stalls, hiccups=(), slow=(), waited_ns=0):
    """
    The list of what is wrong, empty when every stall was told once and rightly, and nothing else was. `waited_ns`: how
    long the loop was without a CPU in all, by the scheduler: nobody's stalls for want of one may take that long.
    """
    problems = []
    used = set()
    for stall in stalls:
        problems += check_parts(stall)
    for plant in plants:
        found = [i for i, stall in enumerate(stalls) if i not in used and
                 overlap_ns(plant.begin_ns, plant.end_ns, stall) > 0.5 * min(plant.high_ns, stall["duration_ns"])]
        used.update(found)
        if len(found) > 1:
            problems.append(f"told {len(found)} times: {plant}: " + "; ".join(describe(stalls[i]) for i in found))
        elif found:
            problems += check_stall(plant, stalls[found[0]])
        elif plant.low_ns >= THRESHOLD_NS + tolerance_ns(THRESHOLD_NS):
            problems.append(f"not told: {plant}")
    for i, stall in enumerate(stalls):
        if i in used or is_confirmed(stall, hiccups, slow):
            continue
        if stall["cause"] == "runqueue" and stall["request"] is None and stall["runqueue_ns"] <= waited_ns:
            waited_ns -= stall["runqueue_ns"]
        else:
            problems.append(f"not planted: {describe(stall)}")
    return problems
