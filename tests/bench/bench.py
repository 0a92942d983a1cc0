#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What lgtrace costs: the servers it watches, the host beside them, and itself; and how short a block it still tells.

Each server runs on one CPU, its load on another, lgtrace on a third one if there is one: on two CPUs it delays the
load, and the latencies and the throughput tell of that too. In every round each condition has its turn, in rotating
order, and is compared with the `none` of the same round: what else happens on the machine hits them alike.

Tables go to standard output, all raw numbers to build/bench.json, where groups and servers that are not measured stay
as they were; --markdown prints the tables of the README from there. GROUPS below says what each group measures. In the
environment, LGTRACE is another program to measure, BASELINE one to measure beside it, as one more condition.

usage: bench.py [--quick] [--groups ..] [--servers ..] [--conditions ..] [--rounds N]     (root)
       bench.py --markdown
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

from bench_accuracy import measure_accuracy
from bench_cost import LOAD, measure_bpf, measure_cost, measure_peers
from bench_host import LOOPS, PRICE, measure_host, measure_scale
from bench_markdown import print_markdown
from bench_process import ROOT
from bench_servers import SERVERS
from bench_table import print_tables
from bench_tracer import CONDITIONS, FLOOR, LGTRACE
from bench_verdict import complaints

RESULTS = ROOT / "build" / "bench.json"
GROUPS = {
    "cost": (measure_cost, "CPU for a request, throughput, latency of each server; lgtrace's own CPU and memory"),
    "bpf": (measure_bpf, "ns for each run of each BPF program, beside empty ones on the same hooks; instructions"),
    "peers": (measure_peers, "the cost beside that of other tools, as far as they are installed"),
    "host": (measure_host, "what processes pay that are not traced, for a system call and for a switch"),
    "scale": (measure_scale, "a process of 1,000 loops: lgtrace's memory, CPU, time to attach"),
    "accuracy": (measure_accuracy, "blocks of 1 to 100 ms: how many are told, how far off their length is"),
}


class Plan:
    """What is measured, and for how long: all of it is about 13 minutes, --quick half of that."""

    def __init__(self, options, folder):
        self.folder = folder
        self.servers = options.servers or list(SERVERS)
        self.conditions = options.conditions or list(CONDITIONS)
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.peer_rounds = min(self.rounds, 3)
        self.steady_rounds = min(self.rounds, 2)  # of what hardly varies
        self.warm_up_s = 0.15 if options.quick else 0.2
        self.load_s = 0.6 if options.quick else 1.2
        self.nr_plants = 16 if options.quick else 40
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.load_cpu = cpus[:2]
        self.watcher_cpu = cpus[2] if len(cpus) > 2 else self.load_cpu

    @staticmethod
    def note(text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def facts(self):
        return {"rounds": self.rounds, "load_s": self.load_s, "kernel": platform.release(),
                "machine": platform.machine(), "cpus": os.cpu_count(), "started": time.time(),
                "loadavg": os.getloadavg()}


def measure(plan, names, measured):
    """Fills {group: what was found}; of each group as far as it came."""
    for name in names:
        found = measured[name] = {"plan": plan.facts()}
        try:
            GROUPS[name][0](plan, found)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            found["failed"] = str(error)
            plan.note(f"{name}: {error}")


def words(known):
    """A type of argument: names out of `known`, with blanks or commas between them."""
    def parse(text):
        names = text.replace(",", " ").split()
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no '{name}' among {' '.join(known)}")
        return names
    return parse


def arguments():
    parser = argparse.ArgumentParser(description="Measures what lgtrace costs.", epilog="groups: " + "; ".join(
        f"{name}: {text}" for name, (_, text) in GROUPS.items()))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, rough figures")
    parser.add_argument("--rounds", type=int, help="rounds of all conditions, 5 unless told")
    parser.add_argument("--groups", type=words(GROUPS), help=f"what to measure: {' '.join(GROUPS)}")
    parser.add_argument("--servers", type=words(SERVERS), help=f"at which ones: {' '.join(SERVERS)}")
    parser.add_argument("--conditions", type=words(CONDITIONS), help=f"what with: {' '.join(CONDITIONS)}")
    parser.add_argument("--markdown", action="store_true", help="measure nothing, print the tables of the README")
    return parser.parse_args()


def check_ready():
    if os.geteuid():
        sys.exit("bench: lgtrace takes root")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: this takes two CPUs, one for the server and one for its load")
    for path in (LGTRACE, FLOOR, PRICE, LOOPS, LOAD):
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is missing: use make bench")


def read_results():
    try:
        return json.loads(RESULTS.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def keep(measured):
    """Writes the results, beside those of other groups and servers."""
    results = read_results()
    for name, found in measured.items():
        servers = {**results.get(name, {}).get("servers", {}), **found.get("servers", {})}
        results[name] = {**found, "servers": servers} if servers else found
    RESULTS.write_text(json.dumps(results, indent=1))


def main():
    options = arguments()
    if options.markdown:
        print_markdown(read_results())
        return 0
    check_ready()
    names = options.groups or list(GROUPS)
    measured = {}
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="lgtrace-bench-") as folder:
        plan = Plan(options, Path(folder))
        os.sched_setaffinity(0, {plan.load_cpu})  # inherited by the load
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the servers, as Ctrl-C does
        try:
            measure(plan, names, measured)
        except KeyboardInterrupt:
            interrupted = True
            plan.note("interrupted, this is what there is")
    keep(measured)
    print_tables(measured)
    found = complaints(measured)
    for complaint in found:
        plan.note(complaint)
    return 1 if found or interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
