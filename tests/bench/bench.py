#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What lgtrace costs: the servers it watches, the host beside them, and itself.

Each server runs on one CPU, its load on another, lgtrace on a third one if there is one: on two CPUs it delays the
load, and the latencies tell of that too. In every round each mode (nothing, --probes syscall, --probes libc) has its
turn, in rotating order, and is compared with the `none` of the same round: what else happens on the machine hits
them alike. Tables go to standard output, all raw numbers to build/bench.json.

usage: bench.py [--quick] [--rounds N] [--only SERVER]..     (root)
exit: 0 measured, 1 something failed or the figures are spoilt, 2 usage
"""
import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_load import Wrk
from bench_process import LGTRACE, ROOT, Tracer, ask_times, bpf_statistics, nr_foreign_tracers, program_times, run_ns
from bench_servers import SERVERS, EpollServer
from bench_table import MODES, TRACED, report

GETPPID = ROOT / "build" / "bench" / "getppid"
RESULTS = ROOT / "build" / "bench.json"


class Plan:
    """How long everything takes: 5 rounds are under 6 minutes, --quick is under 2."""

    def __init__(self, quick, rounds):
        self.rounds = rounds or (3 if quick else 5)
        self.warm_up_s = 0.15 if quick else 0.3
        self.load_s = 0.6 if quick else 1.9
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.load_cpu = cpus[:2]
        self.tracer_cpu = cpus[2] if len(cpus) > 2 else self.load_cpu

    def order(self, number):
        """The modes of a round, rotated."""
        shift = number % len(MODES)
        return MODES[shift:] + MODES[:shift]


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure_load(server, plan, tracer):
    """One load; CPU times are taken around it."""
    server_pids, tracer_pids = server.pids(), [tracer.process.pid] if tracer else []
    before, tracer_before = run_ns(server_pids), run_ns(tracer_pids)
    slot = server.load.run(plan.load_s)
    after, tracer_after = run_ns(server_pids), run_ns(tracer_pids)
    slot.update(server_run_ns=after[0] - before[0], server_wait_ns=after[1] - before[1],
                tracer_run_ns=tracer_after[0] - tracer_before[0])
    return slot


def measure_slot(server, plan, mode, folder):
    if mode == "none":
        server.load.warm_up(plan.warm_up_s)
        foreign = nr_foreign_tracers()  # only now: the kernel frees the programs of the last slot a little late
        return {"foreign_tracers": foreign, **measure_load(server, plan, None)}
    with Tracer(folder, plan.tracer_cpu, server.pids()[-1], mode) as tracer:
        server.load.warm_up(plan.warm_up_s)
        slot = measure_load(server, plan, tracer)
        slot.update(tracer.stop())
    return slot


def measure_programs(server, plan, mode, folder):
    with Tracer(folder, plan.tracer_cpu, server.pids()[-1], mode) as tracer:
        server.load.warm_up(plan.warm_up_s)
        ids = tracer.program_ids()
        with bpf_statistics():
            before = program_times(ids)
            requests = server.load.run(plan.load_s)["requests"]
            after = program_times(ids)
        tracer.stop()
    cost = {name: {"runs": runs - before.get(name, (0, 0))[0], "ns": ns - before.get(name, (0, 0))[1]}
            for name, (runs, ns) in after.items()}
    return {"requests": requests, "programs": cost}


def measure_asks(server, plan, mode, folder):
    """What it costs to ask a runtime whose code runs, and how often a healthy load makes that happen."""
    with Tracer(folder, plan.tracer_cpu, server.pids()[-1], mode) as tracer:
        ids = tracer.map_ids()
        server.load.warm_up(plan.warm_up_s)
        before = sum(ask_times(ids).values())
        requests = server.load.run(plan.load_s)["requests"]
        healthy = sum(ask_times(ids).values()) - before
        for path in server.stalls:
            Wrk(server.port, path).run(plan.load_s)
        times = ask_times(ids)
        tracer.stop()
    return {"requests": requests, "healthy": healthy, "times": times}


def measure_server(name, plan, folder, result):
    """Fills `result`, so that what was measured before a failure is kept."""
    result.update(slots=[], programs={}, asks={})
    with SERVERS[name](plan.server_cpu) as server:
        server.load.warm_up(plan.warm_up_s)
        for number in range(plan.rounds):
            note(f"{name}: round {number + 1} of {plan.rounds}")
            for mode in plan.order(number):
                result["slots"].append({"round": number, "mode": mode, **measure_slot(server, plan, mode, folder)})
        for mode in TRACED:
            result["programs"][mode] = measure_programs(server, plan, mode, folder)
            if server.stalls:
                result["asks"][mode] = measure_asks(server, plan, mode, folder)


def run_getppid(plan):
    done = subprocess.run(["taskset", "-c", str(plan.server_cpu), GETPPID], capture_output=True, check=True,
                          timeout=30)
    return float(done.stdout)


def measure_getppid(plan, folder):
    """The traced server idles meanwhile: only the price of being on the same host is left."""
    slots = []
    note("getppid")
    with EpollServer(plan.server_cpu) as server:
        for number in range(plan.rounds):
            for mode in plan.order(number):
                if mode == "none":
                    slots.append({"round": number, "mode": mode, "ns": run_getppid(plan)})
                    continue
                with Tracer(folder, plan.tracer_cpu, server.pids()[-1], mode) as tracer:
                    slots.append({"round": number, "mode": mode, "ns": run_getppid(plan)})
                    tracer.stop()
    return slots


def measure(names, plan, folder, results):
    for name in names:
        missing = SERVERS[name].missing()
        result = results["servers"].setdefault(name, {})
        if missing:
            result["failed"] = f"not measured, these are missing: {', '.join(missing)}"
            continue
        try:
            measure_server(name, plan, folder, result)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            result["failed"] = str(error)
            note(f"{name}: {error}")
    try:
        results["getppid"] = measure_getppid(plan, folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        results["servers"].setdefault("getppid", {})["failed"] = str(error)


def arguments():
    parser = argparse.ArgumentParser(description="Measures what lgtrace costs.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, rough figures")
    parser.add_argument("--rounds", type=int, help="rounds of all modes for each server")
    parser.add_argument("--only", action="append", choices=SERVERS, metavar="SERVER",
                        help=f"one of {', '.join(SERVERS)}; may be given several times")
    return parser.parse_args()


def check_ready():
    if os.geteuid():
        sys.exit("bench: lgtrace takes root")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: this takes two CPUs, one for the server and one for its load")
    for path in (LGTRACE, GETPPID):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is missing: use make bench")


def main():
    options = arguments()
    check_ready()
    plan = Plan(options.quick, options.rounds)
    os.sched_setaffinity(0, {plan.load_cpu})  # inherited by the load
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers, as Ctrl-C does
    results = {"kernel": platform.release(), "machine": platform.machine(), "started": time.time(),
               "plan": vars(plan), "loadavg": os.getloadavg(), "servers": {}, "getppid": []}
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="lgtrace-bench-") as folder:
        try:
            measure(options.only or list(SERVERS), plan, Path(folder), results)
        except KeyboardInterrupt:
            interrupted = True
            note("interrupted, this is what there is")
    RESULTS.write_text(json.dumps(results, indent=1))
    found = report(results)
    for complaint in found:
        note(complaint)
    return 1 if found or interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
