# SPDX-License-Identifier: BSD-2-Clause
"""From raw numbers to the tables that bench.py prints: medians with min..max, ratios within one round."""
from statistics import median

MODES = ("none", "syscall", "libc")  # "none" is what the others are compared with
TRACED = MODES[1:]


def spread(values, form="{:.2f}"):
    """median (min..max)"""
    if not values:
        return "-"
    return f"{form.format(median(values))} ({form.format(min(values))}..{form.format(max(values))})"


def by_mode(slots, value):
    return {mode: [value(slot) for slot in slots if slot["mode"] == mode] for mode in MODES}


def ratios(slots, mode, value):
    """value(slot of `mode`) / value(slot without lgtrace), for each round that has both."""
    base = {slot["round"]: value(slot) for slot in slots if slot["mode"] == "none"}
    return [value(slot) / base[slot["round"]] for slot in slots if slot["mode"] == mode and slot["round"] in base]


def cpu_us(slot):
    """The server's CPU time for a request."""
    return slot["server_run_ns"] / slot["requests"] / 1_000


def speed(slot):
    return slot["requests"] / slot["seconds"]


def p99_ms(slot):
    return slot["p99_us"] / 1_000


def busy(slot):
    """Below 0.95 or so the load was the bottleneck: the throughput then says nothing of the server."""
    return slot["server_run_ns"] / 1e9 / slot["seconds"]


def crowded(slot):
    """How long the server was ready but had no CPU: what else ran there (or its own other threads)."""
    return slot["server_wait_ns"] / 1e9 / slot["seconds"]


def tracer_share(slot):
    """lgtrace's own CPU time, in percent of the server's."""
    return 100 * slot["tracer_run_ns"] / slot["server_run_ns"]


def table(title, head, rows):
    print(f"\n{title}")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def compared(servers, title, value, form):
    """A table of one quantity: absolute without lgtrace, as a ratio with it."""
    rows = [[name, spread(by_mode(server["slots"], value)["none"], form),
             *(spread(ratios(server["slots"], mode, value)) for mode in TRACED)]
            for name, server in servers.items()]
    table(title, ["server", "none", *(f"{mode} / none" for mode in TRACED)], rows)


def saturation_table(servers):
    rows = []
    for name, server in servers.items():
        use = by_mode(server["slots"], busy)
        rows.append([name, *(spread(use[mode]) for mode in MODES), spread([crowded(slot) for slot in server["slots"]])])
    table("Was the server the bottleneck, and alone? Shares of the time it used its CPU, and waited for it",
          ["server", *MODES, "waited"], rows)


def tracer_table(servers):
    rows = []
    for name, server in servers.items():
        for mode in TRACED:
            slots = [slot for slot in server["slots"] if slot["mode"] == mode]
            if not slots:
                continue
            rows.append([name, mode, spread([tracer_share(slot) for slot in slots], "{:.1f}"),
                         f"{max(slot['peak_rss_kb'] for slot in slots) / 1024:.1f}",
                         spread([slot["attach_s"] * 1_000 for slot in slots], "{:.0f}"),
                         spread([slot["detach_s"] * 1_000 for slot in slots], "{:.0f}"),
                         str(sum(slot["lost"] for slot in slots)), str(sum(slot["stalls"] for slot in slots))])
    table("lgtrace itself", ["server", "probes", "CPU, % of server's", "peak MiB", "attach ms", "detach ms", "lost",
                             "stalls"], rows)


def program_table(servers):
    rows = []
    for name, server in servers.items():
        for mode, seen in server["programs"].items():
            requests, programs = seen["requests"], seen["programs"]
            total = sum(program["ns"] for program in programs.values())
            rows.append([name, mode, "all", "", "", f"{total / requests:.0f}"])
            for program, cost in sorted(programs.items(), key=lambda item: -item[1]["ns"]):
                if cost["runs"]:
                    rows.append(["", "", program, f"{cost['runs'] / requests:.2f}",
                                 f"{cost['ns'] / cost['runs']:.0f}", f"{cost['ns'] / requests:.0f}"])
    table("BPF programs, host-wide, in a round of its own (each run's time includes its measurement)",
          ["server", "probes", "program", "runs/request", "ns/run", "ns/request"], rows)


def quantile(times, share):
    """Of {upper bound: how many}: the bound below which that share lies."""
    left = share * sum(times.values())
    for upper, count in sorted(times.items()):
        left -= count
        if left <= 0:
            return upper
    return 0


def ask_table(servers):
    rows = []
    for name, server in servers.items():
        for mode, seen in server["asks"].items():
            times = seen["times"]
            rows.append([name, mode, str(sum(times.values())), *(f"{quantile(times, share):.1f}"
                                                                 for share in (0.5, 0.99, 1)),
                         f"{1_000 * seen['healthy'] / seen['requests']:.2f}"])
    if rows:
        table("Asking a runtime whose code runs, under a load that stalls",
              ["server", "probes", "asked", "p50 us", "p99 us", "max us", "asked per 1,000 healthy requests"], rows)


def getppid_table(slots):
    def nanoseconds(slot):
        return slot["ns"]

    values = by_mode(slots, nanoseconds)
    rows = [[mode, spread(values[mode], "{:.0f}"),
             "" if mode == "none" else spread(ratios(slots, mode, nanoseconds))] for mode in MODES]
    table("A getppid() of a process that is not traced, ns", ["probes", "ns", "/ none"], rows)


def report(results):
    """Prints everything; returns what makes the run invalid or lgtrace unfit, a sentence each."""
    servers = {name: server for name, server in results["servers"].items() if server.get("slots")}
    compared(servers, "CPU of the server for a request, us", cpu_us, "{:.2f}")
    compared(servers, "Requests a second", speed, "{:.0f}")
    compared(servers, "Latency p99, ms", p99_ms, "{:.2f}")
    saturation_table(servers)
    tracer_table(servers)
    program_table(servers)
    ask_table(servers)
    if results["getppid"]:
        getppid_table(results["getppid"])
    return complaints(results)


def complaints(results):
    found = []
    for name, server in results["servers"].items():
        slots = server.get("slots", [])
        found += [f"{name}: {server['failed']}"] if "failed" in server else []
        for word, what in (("errors", "requests failed"), ("lost", "records were lost"),
                           ("foreign_tracers", "BPF programs of others in `none`: the comparison is spoilt")):
            count = sum(slot.get(word, 0) for slot in slots)
            found += [f"{name}: {count} {what}"] if count else []
    return found
