# SPDX-License-Identifier: BSD-2-Clause
"""What servers pay at full load for being watched, and what the BPF programs take of it.

In every round each condition has its turn, in rotating order, and is compared with the `none` of the same round: what
else happens on the machine hits them alike.
"""
import subprocess

from bench_figures import FLOORS
from bench_load import Wrk
from bench_process import ROOT, ask_times, bpf_statistics, nr_foreign_tracers, program_times, run_ns
from bench_servers import SERVERS, UvicornUvloop
from bench_tracer import CONDITIONS, PEERS

LOAD = ROOT / "build" / "bpf" / "load"
PEER_SERVERS = ("uvicorn-uvloop", "uvicorn-asyncio", "nginx")
GUARD = "guard"


def rotated(words, number):
    shift = number % len(words)
    return words[shift:] + words[:shift]


def measure_load(server, plan, watcher):
    """One load; CPU times are taken around it."""
    server_pids, watcher_pids = server.pids(), watcher.pids() if watcher else []
    before, watcher_before = run_ns(server_pids), run_ns(watcher_pids)
    slot = server.load.run(plan.load_s)
    after, watcher_after = run_ns(server_pids), run_ns(watcher_pids)
    slot.update(server_run_ns=after[0] - before[0], server_wait_ns=after[1] - before[1],
                watcher_run_ns=watcher_after[0] - watcher_before[0])
    return slot


def measure_slot(server, plan, watcher_class):
    if watcher_class is None:
        server.load.warm_up(plan.warm_up_s)
        foreign = nr_foreign_tracers()  # only now: the kernel frees the programs of the last slot a little late
        return {"foreign_tracers": foreign, **measure_load(server, plan, None)}
    with watcher_class(plan.folder, plan.watcher_cpu, server.pids()[-1]) as watcher:
        server.load.warm_up(plan.warm_up_s)
        slot = measure_load(server, plan, watcher)
        slot.update(watcher.stop())
    return slot


def measure_servers(plan, names, found, measure_one):
    """Fills found["servers"]: {server: what measure_one(server, result) put into result}; a failure is told with it."""
    for name in names:
        missing = SERVERS[name].missing()
        result = found.setdefault("servers", {})[name] = {}
        if missing:
            result["failed"] = f"not measured, these are missing: {', '.join(missing)}"
            continue
        try:
            with SERVERS[name](plan.server_cpu) as server:
                server.load.warm_up(plan.warm_up_s)
                measure_one(server, result)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            result["failed"] = str(error)
            plan.note(f"{name}: {error}")


def measure_cost(plan, found):
    def measure_one(server, result):
        slots = result["slots"] = []
        for number in range(plan.rounds):
            plan.note(f"cost of {server.name}: round {number + 1} of {plan.rounds}")
            for condition in rotated(["none", *plan.conditions], number):
                slots.append({"round": number, "condition": condition,
                              **measure_slot(server, plan, CONDITIONS.get(condition))})

    measure_servers(plan, plan.servers, found, measure_one)


def measure_programs(server, plan, condition):
    with CONDITIONS[condition](plan.folder, plan.watcher_cpu, server.pids()[-1]) as watcher:
        server.load.warm_up(plan.warm_up_s)
        ids = watcher.program_ids()
        with bpf_statistics():
            before = program_times(ids)
            requests = server.load.run(plan.load_s / 2)["requests"]
            after = program_times(ids)
        seen = watcher.stop()
    cost = {name: {"runs": runs - before.get(name, (0, 0))[0], "ns": ns - before.get(name, (0, 0))[1]}
            for name, (runs, ns) in after.items()}
    return {"condition": condition, "requests": requests, "programs": cost, "features": seen.get("features")}


def measure_asks(server, plan):
    """What it costs to ask a runtime whose code runs, and how often a healthy load makes that happen."""
    with CONDITIONS["default"](plan.folder, plan.watcher_cpu, server.pids()[-1]) as watcher:
        ids = watcher.map_ids()
        server.load.warm_up(plan.warm_up_s)
        before = sum(ask_times(ids).values())
        requests = server.load.run(plan.load_s)["requests"]
        healthy = sum(ask_times(ids).values()) - before
        for path in server.stalls:
            Wrk(server.port, path).run(plan.load_s)
        times = ask_times(ids)
        watcher.stop()
    return {"requests": requests, "healthy": healthy, "times": times}


def read_instructions():
    """{program: (instructions in the kernel, what the verifier processed)}, with every branch kept."""
    done = subprocess.run([LOAD], capture_output=True, text=True, check=True, timeout=120)
    rows = [line.split() for line in done.stdout.split("# every branch")[1].splitlines()[2:]]
    return {row[1]: (int(row[-4]), int(row[-3])) for row in rows}


def measure_bpf(plan, found):
    """The kernel's own statistics; they cost something themselves, the same for each program."""
    conditions = [name for name in plan.conditions if name not in FLOORS] + list(FLOORS)

    def measure_one(server, result):
        result["slots"] = []
        for number in range(plan.steady_rounds):
            plan.note(f"BPF at {server.name}: round {number + 1} of {plan.steady_rounds}")
            for condition in rotated(conditions, number):
                result["slots"].append({"round": number, **measure_programs(server, plan, condition)})
        if server.stalls and "default" in conditions:
            result["asks"] = measure_asks(server, plan)

    measure_servers(plan, plan.servers, found, measure_one)
    found["instructions"] = read_instructions()


def peer_slot(server, plan, peer):
    """The guard is inside of its server, so that it has one of its own."""
    if peer != GUARD:
        return measure_slot(server, plan, PEERS.get(peer))
    with server.guarded(plan.server_cpu) as guarded:
        guarded.load.warm_up(plan.warm_up_s)
        return measure_load(guarded, plan, None)


def peers_of(server, absent):
    """Those that are here and made for it; `absent` tells of the others."""
    is_python = isinstance(server, UvicornUvloop)
    names = [name for name in PEERS if name != "py-spy" or is_python]
    absent.update({name: "not installed" for name in names if PEERS[name].missing()})
    return ["none", *(name for name in names if name not in absent), *([GUARD] if is_python else [])]


def measure_peers(plan, found):
    def measure_one(server, result):
        slots, absent = [], {}
        result.update(slots=slots, absent=absent)
        peers = peers_of(server, absent)
        for number in range(plan.peer_rounds):
            plan.note(f"peers at {server.name}: round {number + 1} of {plan.peer_rounds}")
            for peer in rotated(peers, number):
                if peer in absent:
                    continue
                try:
                    slots.append({"round": number, "condition": peer, **peer_slot(server, plan, peer)})
                except (OSError, RuntimeError) as error:
                    if peer in ("none", "lgtrace"):
                        raise
                    absent[peer] = f"does not work here: {error}"

    measure_servers(plan, [name for name in PEER_SERVERS if name in plan.servers], found, measure_one)
