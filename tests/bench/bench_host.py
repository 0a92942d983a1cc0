# SPDX-License-Identifier: BSD-2-Clause
"""What others on the host pay while one process is watched, and what a process of 1,000 loops takes of lgtrace."""
import json
import subprocess
import time
from contextlib import nullcontext

from bench_cost import rotated
from bench_process import ROOT, end, nr_foreign_tracers, run_ns
from bench_servers import EpollServer
from bench_tracer import CONDITIONS, PEERS

PRICE = ROOT / "build" / "bench" / "price"
LOOPS = ROOT / "build" / "bench" / "loops"
HOST_PEERS = ("bpftrace", "perf-trace")  # the others have no hook that a stranger meets, or one of the same kind
NR_LOOPS = 1_000
PERIOD_MS = 100
YOUNG_S = 3  # lgtrace looks at a process more often when it is new to it
SCALE_S = 3


def read_price(plan):
    done = subprocess.run(["taskset", "-c", str(plan.server_cpu), PRICE], capture_output=True, check=True, timeout=30)
    call_ns, switch_ns = map(float, done.stdout.split())
    return {"call_ns": call_ns, "switch_ns": switch_ns}


def measure_host(plan, found):
    """The watched server idles meanwhile: only the price of being on the same host is left."""
    slots = found["slots"] = []
    watchers = {"none": None, **{name: CONDITIONS[name] for name in plan.conditions},
                **{name: PEERS[name] for name in HOST_PEERS if not PEERS[name].missing()}}
    with EpollServer(plan.server_cpu) as server:
        for number in range(plan.rounds):
            plan.note(f"others on the host: round {number + 1} of {plan.rounds}")
            for condition in rotated(list(watchers), number):
                watcher = watchers[condition]
                with watcher(plan.folder, plan.watcher_cpu, server.pids()[-1]) if watcher else nullcontext():
                    slots.append({"round": number, "condition": condition, **read_price(plan)})
                    if not watcher:
                        slots[-1]["foreign_tracers"] = nr_foreign_tracers()


def measure_loops(plan, process, condition):
    watcher_class = CONDITIONS[condition]
    with watcher_class(plan.folder, plan.watcher_cpu, process.pid) as watcher:
        time.sleep(YOUNG_S)
        before, watcher_before = run_ns([process.pid])[0], run_ns(watcher.pids())[0]
        time.sleep(SCALE_S)
        after, watcher_after = run_ns([process.pid])[0], run_ns(watcher.pids())[0]
        slot = watcher.stop()
        summary = json.loads(watcher.out_path.read_text().splitlines()[-1])
    return {"condition": condition, "young_run_ns": watcher_before, "server_run_ns": after - before,
            "watcher_run_ns": watcher_after - watcher_before, "loops": len(summary["loops"]), **slot}


def measure_scale(plan, found):
    slots = found["slots"] = []
    process = subprocess.Popen(["taskset", "-c", str(plan.server_cpu), LOOPS, str(NR_LOOPS), str(PERIOD_MS)],
                               stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        for number in range(plan.steady_rounds):
            plan.note(f"{NR_LOOPS} loops: round {number + 1} of {plan.steady_rounds}")
            for condition in [name for name in plan.conditions if not name.startswith("floor")]:
                slots.append({"round": number, **measure_loops(plan, process, condition)})
    finally:
        end(process)
        process.stdout.close()
