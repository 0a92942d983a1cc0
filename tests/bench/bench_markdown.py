# SPDX-License-Identifier: BSD-2-Clause
"""The tables of the README, from the raw numbers."""
from statistics import median

from bench_cost import GUARD
from bench_figures import (FLOOR_OF, FLOORS, attach_ms, bpf_ns, conditions_of, cpu_us, edges_of, median_of,
                           of_condition, quantile, ratios, rss_mib, speed, watcher_percent)
from bench_table import measured

TITLES = {"epoll_server": "C, epoll, next to no work", "nginx": "nginx, static file", "redis": "Redis GET/SET",
          "redis-p16": "Redis, pipelines of 16", "uvicorn-uvloop": "uvicorn, uvloop + httptools",
          "uvicorn-asyncio": "uvicorn, asyncio + h11", "node": "Node http, hello world"}
CONDITION_TITLES = {"default": "lgtrace", "libc": "`--probes libc`", "everything": "every option",
                    "baseline": "before", "floor": "empty programs", "floor-libc": "empty programs, libc"}
PEER_TITLES = {"lgtrace": "lgtrace", "bpftrace": "bpftrace, a histogram of turns",
               "offcputime": "offcputime (libbpf-tools)", "perf-trace": "`perf trace -s`",
               "strace": "`strace -c -f`", "py-spy": "py-spy",
               GUARD: "an in-process guard like fastapi-loopguard"}


def ratio(slots, condition, value, base="none"):
    found = ratios(slots, condition, value, base)
    return f"{median(found):.2f}" if found else "–"


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def head(*cells):
    print()
    row(*cells)
    print("|" + "---|" * len(cells))


def microseconds(value):
    return f"{value:.2f} us" if value < 10 else f"{value:.1f} us" if value < 100 else f"{value:.0f} us"


def percent(slots, condition):
    value = median_of(slots, condition, watcher_percent)
    return "–" if value is None else f"{value:.1f} %"


def cost(found):
    servers = measured(found)
    names = [name for name in CONDITION_TITLES if any(of_condition(s["slots"], name) for s in servers.values())]
    head("CPU for a request", "alone", *(CONDITION_TITLES[name] for name in names),
         "lgtrace's own CPU, of the server's")
    for name, server in servers.items():
        slots = server["slots"]
        row(TITLES[name], microseconds(median_of(slots, "none", cpu_us)),
            *(ratio(slots, condition, cpu_us) for condition in names), percent(slots, "default"))
    head("Requests a second", "alone", *(CONDITION_TITLES[name] for name in names))
    for name, server in servers.items():
        row(TITLES[name], f"{median_of(server['slots'], 'none', speed):,.0f}",
            *(ratio(server["slots"], condition, speed) for condition in names))


def bpf_cell(slots, condition):
    total = median_of(slots, condition, bpf_ns)
    if total is None:
        return "–"
    return f"{total:.0f} ns, {ratio(slots, condition, bpf_ns, FLOOR_OF[edges_of(slots, condition)])}"


def bpf(found):
    servers = measured(found)
    names = [name for name in CONDITION_TITLES
             if name not in FLOORS and any(of_condition(s["slots"], name) for s in servers.values())]
    head("BPF time for a request, beside empty programs", *(CONDITION_TITLES[name] for name in names))
    for name, server in servers.items():
        slots = server["slots"]
        row(TITLES[name], *(bpf_cell(slots, condition) for condition in names))


def peers(found):
    servers = measured(found)
    head("CPU for a request; requests a second", *(TITLES[name] for name in servers))
    row("alone", *(f"{microseconds(median_of(server['slots'], 'none', cpu_us))}; "
                   f"{median_of(server['slots'], 'none', speed):,.0f}" for server in servers.values()))
    for peer, title in PEER_TITLES.items():
        cells = [f"{ratio(server['slots'], peer, cpu_us)}; {ratio(server['slots'], peer, speed)}"
                 if of_condition(server["slots"], peer) else server["absent"].get(peer, "–").split(":")[0]
                 for server in servers.values()]
        row(title, *cells)


def host(found):
    head("what an untraced process pays", "a system call", "a switch, with a write and a read")
    slots = found["slots"]
    for condition in conditions_of(slots):
        title = CONDITION_TITLES.get(condition, PEER_TITLES.get(condition, "alone"))
        row(title, *(f"{median_of(slots, condition, lambda slot: slot[key]):.0f} ns" +
                     ("" if condition == "none" else f", {ratio(slots, condition, lambda slot: slot[key])}")
                     for key in ("call_ns", "switch_ns")))


def scale(found):
    head("1,000 loops in one process", "memory", "attached in", "CPU, of the process's")
    for condition in conditions_of(found["slots"]):
        slots = found["slots"]
        row(CONDITION_TITLES[condition], f"{median_of(slots, condition, rss_mib):.0f} MiB",
            f"{median_of(slots, condition, attach_ms):.0f} ms", percent(slots, condition))


def accuracy(found):
    servers = found["servers"]
    head("block", *(f"{TITLES[name]}: told" for name in servers),
         *(f"{TITLES[name]}: length error p50, p99" for name in servers))
    for lengths in zip(*servers.values()):
        errors = [sorted(abs(error) / 1e6 for error in one["errors_ns"]) for one in lengths]
        row(f"{lengths[0]['length_ms']} ms", *(f"{one['told']} of {one['planted']}" for one in lengths),
            *(f"{quantile(e, 0.5):.2f}, {quantile(e, 0.99):.2f} ms" if e else "–" for e in errors))


def print_markdown(results):
    for group in (cost, bpf, peers, host, scale, accuracy):
        found = results.get(group.__name__, {"failed": "not measured"})
        if "failed" not in found:
            group(found)
