# SPDX-License-Identifier: BSD-2-Clause
"""The contract of --json: which keys each line must have, of which type, and what must add up.

Keys may be added to the output at any time; those named here may not change or go.
"""
import re

CAUSES = {"cpu", "syscall", "lock", "gil", "gc", "fault", "io", "runqueue", "throttled", "stopped"}
DETAILS = {"import", "sleep", "dns", "tls", "command", "sync", "file", "peer", "pipe", "futex"}
SURE = {"exact", "causal", "likely", "none"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")

OPTIONAL = type(None)
HEADER = {"schema": int, "version": str, "kernel": str, "host": str, "threshold_ns": int, "features": dict,
          "targets": list}
TARGET = {"pid": int, "comm": str, "exe": (str, OPTIONAL), "runtime": str}
PARTS = {"on_cpu_ns": int, "blocked_ns": int, "runqueue_ns": int, "throttled_ns": int}
STALL = {"time": str, "start_ns": int, "pid": int, "tid": int, "comm": str, "duration_ns": int, "cause": str, **PARTS,
         "detail": (dict, OPTIONAL), "hint": (str, OPTIONAL), "syscall": (dict, OPTIONAL), "holder": (dict, OPTIONAL), "request": (dict, OPTIONAL), "confidence": str,
         "victims": list,
         "victim_count": int, "turn_ns": int, "ended": bool, "threshold_ns": int, "stack": list}
STUCK = {"time": str, "start_ns": int, "pid": int, "tid": int, "comm": str, "duration_ns": int, "cause": str,
         "detail": (dict, OPTIONAL), "hint": (str, OPTIONAL), "syscall": (dict, OPTIONAL), "holder": (dict, OPTIONAL),
         "request": (dict, OPTIONAL), "confidence": str, "victims": list, "victim_count": int, "turn_ns": int, "stack": list}
DETAIL = {"kind": str, "name": (str, OPTIONAL)}
SYSCALL = {"name": str, "fd": (int, OPTIONAL), "target": (str, OPTIONAL), "service": (str, OPTIONAL)}
FRAME = {"function": str, "file": (str, OPTIONAL), "line": (int, OPTIONAL), "kind": str, "own": bool}
PLACE = {**FRAME, "stalls": int, "stall_ns": int, "longest_ns": int, "worst_id": (str, OPTIONAL), "routes": list}
KINDS = {"python", "js", "native", "kernel"}
REQUEST = {"id": str, "method": (str, OPTIONAL), "path": (str, OPTIONAL), "trace_id": (str, OPTIONAL)}
DONE = {**REQUEST, "status": (int, OPTIONAL), "duration_ns": int, "hold_ns": int, **PARTS, "longest_run_ns": int,
        "delay_ns": int, "socket_wait_ns": int, "confidence": str}
BUDGET = {"time": str, "start_ns": int, "level": str, "before": str, "limit": float, "cost": float, "window_ns": int,
          "target_ns": int, "bpf_ns": int, "own_ns": int}
LEVELS = ["full", "stacks", "samples", "requests", "calls"]
SUMMARY = {"filtered_stalls": int, "cumulative": int, "loops": list, "routes": list, "places": list,
           "causes": dict, "details": list, "lost": int, "counters": dict, "budget": (dict, OPTIONAL)}
LOOP = {"pid": int, "tid": int, "comm": str, "runtime": str, "elapsed_ns": int, "idle_ns": int,
        "utilisation": (int, float, OPTIONAL), "turns": int, "threshold_ns": int, "turn_ns": dict}
ROUTE = {"method": (str, OPTIONAL), "route": str, "count": int, "hold_ns": dict, "delay_ns": dict, "duration_ns": dict}
HIST = {"count": int, "p50": int, "p90": int, "p99": int, "max": int, "histogram": list}


def check(entry, shape):
    for key, kind in shape.items():
        assert key in entry, f"no {key} in {entry}"
        value = entry[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        assert type(value) in kinds, f"{key} is {value!r}"
        assert type(value) is not int or value >= 0, f"{key} is {value}"


def check_parts(entry, whole):
    """The parts add up to the whole within 1 %."""
    total = sum(entry[key] for key in PARTS)
    assert abs(total - entry[whole]) * 100 <= entry[whole], f"parts are {total} of {entry}"


def check_detail(line):
    if line["detail"]:
        check(line["detail"], DETAIL)
        assert line["detail"]["kind"] in DETAILS
    assert line["hint"], "there is advice for every cause"


def check_stall(line):
    check(line, STALL)
    check_parts(line, "duration_ns")
    assert TIME.fullmatch(line["time"])
    assert line["cause"] in CAUSES and line["confidence"] in SURE
    assert line["duration_ns"] <= line["turn_ns"]
    assert (line["request"] is None) == (line["confidence"] == "none")
    check_detail(line)
    assert len(line["victims"]) == min(line["victim_count"], 16) or not line["ended"]
    assert all(isinstance(victim, str) for victim in line["victims"])
    for frame in line["stack"]:
        check(frame, FRAME)
        assert frame["function"] and frame["kind"] in KINDS
    if line["syscall"]:
        check(line["syscall"], SYSCALL)
    if line["request"]:
        check(line["request"], REQUEST)
        assert line["request"]["id"] not in line["victims"]


def check_stuck(line):
    check(line, STUCK)
    assert TIME.fullmatch(line["time"])
    assert line["cause"] in CAUSES and line["confidence"] in SURE
    assert line["duration_ns"] <= line["turn_ns"]
    assert (line["request"] is None) == (line["confidence"] == "none")
    check_detail(line)
    assert len(line["victims"]) <= min(line["victim_count"], 16)
    if line["syscall"]:
        check(line["syscall"], SYSCALL)
    for frame in line["stack"]:
        check(frame, FRAME)


def check_budget(line):
    """It goes by one level at a time, down when over the limit and up when below it."""
    check(line, BUDGET)
    step = LEVELS.index(line["level"]) - LEVELS.index(line["before"])
    assert abs(step) == 1 and (step > 0) == (line["cost"] > line["limit"])


def check_request(line):
    check(line, DONE)
    check_parts(line, "hold_ns")
    assert line["confidence"] in SURE
    assert line["longest_run_ns"] <= line["hold_ns"]


def check_hist(hist):
    check(hist, HIST)
    assert sum(count for _, count in hist["histogram"]) == hist["count"]
    assert hist["p50"] <= hist["p90"] <= hist["p99"] <= hist["max"]


def check_summary(line, stalls, requests):
    """The summary adds up to the lines before it."""
    check(line, SUMMARY)
    assert set(line["causes"]) == CAUSES
    for cause, entry in line["causes"].items():
        lengths = [stall["duration_ns"] for stall in stalls if stall["cause"] == cause]
        assert entry == {"stalls": len(lengths), "ns": sum(lengths)}
    for entry in line["details"]:
        lengths = [stall["duration_ns"] for stall in stalls if stall["cause"] == entry["cause"]
                   and (stall["detail"] or {}).get("kind") == entry["kind"]]
        assert (entry["stalls"], entry["ns"]) == (len(lengths), sum(lengths))
    assert sum(entry["stalls"] for entry in line["details"]) == len(stalls)
    for loop in line["loops"]:
        check(loop, LOOP)
        check_hist(loop["turn_ns"])
        assert loop["turns"] == loop["turn_ns"]["count"] and loop["idle_ns"] <= loop["elapsed_ns"]
        assert loop["utilisation"] is None or 0 <= loop["utilisation"] <= 1
    with_stack = [stall["duration_ns"] for stall in stalls if stall["stack"]]
    assert sum(place["stalls"] for place in line["places"]) == len(with_stack)
    assert sum(place["stall_ns"] for place in line["places"]) == sum(with_stack)
    for place in line["places"]:
        check(place, PLACE)
        assert place["longest_ns"] <= place["stall_ns"] and place["kind"] in KINDS
    for route in line["routes"]:
        check(route, ROUTE)
        for key in ("hold_ns", "delay_ns", "duration_ns"):
            check_hist(route[key])
            assert route[key]["count"] == route["count"]
        same = [r for r in requests if (r["method"], r["route"]) == (route["method"], route["route"])]
        assert len(same) == route["count"]
        assert sum(r["hold_ns"] for r in same) == route["hold_ns"]["sum"]
        assert sum(r["delay_ns"] for r in same) == route["delay_ns"]["sum"]


def check_lines(lines):
    """A whole run with --requests: a header, then stalls and requests, then one summary."""
    types = [line["type"] for line in lines]
    assert types[0] == "header" and types[-1] == "summary"
    assert set(types[1:-1]) <= {"stall", "stuck", "request", "budget"}
    stalls = [line for line in lines if line["type"] == "stall"]
    requests = [line for line in lines if line["type"] == "request"]
    check(lines[0], HEADER)
    assert lines[0]["schema"] == 1
    for target in lines[0]["targets"]:
        check(target, TARGET)
    for stall in stalls:
        check_stall(stall)
    for stuck in (line for line in lines if line["type"] == "stuck"):
        check_stuck(stuck)
    for change in (line for line in lines if line["type"] == "budget"):
        check_budget(change)
    for request in requests:
        check_request(request)
    check_summary(lines[-1], stalls, requests)
