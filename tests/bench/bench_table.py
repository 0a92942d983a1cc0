# SPDX-License-Identifier: BSD-2-Clause
"""The tables that bench.py prints: medians with min..max, ratios within one round."""
from statistics import median

from bench_figures import (FLOOR_OF, FLOORS, attach_ms, bpf_ns, busy, conditions_of, count_quantile, cpu_us, crowded,
                           detach_ms, edges_of, of_condition, p99_ms, program_ns, quantile, ratios, rss_mib, speed,
                           watcher_percent)


NEXT_TO_NOTHING = 0.005  # of the time of all BPF programs: such a one has no row


def spread(values, form="{:.2f}"):
    """median (min..max)"""
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    return f"{form.format(median(values))} ({form.format(min(values))}..{form.format(max(values))})"


def table(title, head, rows):
    if not rows:
        return
    print(f"\n{title}")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def measured(found):
    """{server: what was measured there}"""
    return {name: server for name, server in found.get("servers", {}).items() if server.get("slots")}


def compared(servers, title, value, form):
    """A table of one quantity: absolute alone, as a ratio under each condition."""
    names = conditions_of([slot for server in servers.values() for slot in server["slots"]])
    rows = [[name, spread(map(value, of_condition(server["slots"], "none")), form),
             *(spread(ratios(server["slots"], condition, value)) for condition in names[1:])]
            for name, server in servers.items()]
    table(title, ["server", "none", *(f"{name} / none" for name in names[1:])], rows)


def saturation_table(servers):
    names = conditions_of([slot for server in servers.values() for slot in server["slots"]])
    rows = [[name, *(spread(map(busy, of_condition(server["slots"], condition))) for condition in names),
             spread(map(crowded, server["slots"]))] for name, server in servers.items()]
    table("Was the server the bottleneck, and alone? Shares of the time it used its CPU, and waited for it",
          ["server", *names, "waited"], rows)


def watcher_table(title, servers):
    rows = []
    for name, server in servers.items():
        for condition in conditions_of(server["slots"]):
            slots = [slot for slot in of_condition(server["slots"], condition) if "attach_s" in slot]
            if not slots:
                continue
            rows.append([name, condition, edges_of(slots, condition) or "",
                         spread(map(watcher_percent, slots), "{:.1f}"), f"{max(map(rss_mib, slots)):.1f}", spread(map(attach_ms, slots), "{:.0f}"),
                         spread(map(detach_ms, slots), "{:.0f}"), str(sum(slot.get("lost", 0) for slot in slots)),
                         str(sum(slot.get("stalls", 0) for slot in slots))])
    table(title, ["server", "watched by", "edges", "CPU, % of server's", "peak MiB", "attach ms", "detach ms", "lost",
                  "stalls"], rows)


def cost_tables(found):
    servers = measured(found)
    compared(servers, "CPU of the server for a request, us", cpu_us, "{:.2f}")
    compared(servers, "Requests a second", speed, "{:.0f}")
    compared(servers, "Latency p99, ms", p99_ms, "{:.2f}")
    saturation_table(servers)
    watcher_table("The watchers themselves", servers)


def program_rows(slots, condition):
    """Each program's runs, and its time beside that of the floor's program on the same hook."""
    mine = of_condition(slots, condition)
    floor = FLOOR_OF[edges_of(slots, condition)]
    total = median(map(bpf_ns, mine))
    yield "all", "", "", f"{total:.0f}", spread(ratios(slots, condition, bpf_ns, floor))
    for name in sorted({name for slot in mine for name in slot["programs"]}):
        seen = [slot["programs"].get(name, {"runs": 0, "ns": 0}) for slot in mine]
        share = median(program["ns"] / slot["requests"] for program, slot in zip(seen, mine))
        if share < NEXT_TO_NOTHING * total:
            continue
        runs = median(program["runs"] / slot["requests"] for program, slot in zip(seen, mine))
        against = ratios(slots, condition, lambda slot: program_ns(slot, name) or 0, floor)
        yield (name, f"{runs:.2f}", spread((program_ns(slot, name) for slot in mine), "{:.0f}"), f"{share:.0f}",
               spread(against))


def bpf_tables(found):
    rows, asks = [], []
    for name, server in measured(found).items():
        for condition in conditions_of(server["slots"]):
            if condition not in FLOORS:
                rows += [[name, condition, *row] for row in program_rows(server["slots"], condition)]
        if "asks" in server:
            seen = server["asks"]
            asks.append([name, str(sum(seen["times"].values())),
                         *(f"{count_quantile(seen['times'], share):.1f}" for share in (0.5, 0.99, 1)),
                         f"{1_000 * seen['healthy'] / seen['requests']:.2f}"])
    table("BPF programs, host-wide (each run's time includes its measurement), beside empty ones on the same hooks",
          ["server", "condition", "program", "runs/request", "ns/run", "ns/request", "/ floor"], rows)
    table("Asking a runtime whose code runs, under a load that stalls",
          ["server", "asked", "p50 us", "p99 us", "max us", "asked per 1,000 healthy requests"], asks)
    table("Instructions of each program, with every branch", ["program", "in the kernel", "verified"],
          [[name, str(size), str(verified)] for name, (size, verified) in found.get("instructions", {}).items()])


def peer_tables(found):
    servers = measured(found)
    compared(servers, "Beside others: CPU of the server for a request, us", cpu_us, "{:.2f}")
    compared(servers, "Beside others: requests a second", speed, "{:.0f}")
    watcher_table("The tools themselves", servers)
    table("Left out (tools/deps bench installs those of Debian)", ["server", "tool", ""],
          [[name, peer, why] for name, server in servers.items() for peer, why in server["absent"].items()])


def host_tables(found):
    rows = []
    for condition in conditions_of(found["slots"]):
        row = [condition]
        for key in ("call_ns", "switch_ns"):
            row += [spread((slot[key] for slot in of_condition(found["slots"], condition)), "{:.0f}"),
                    "" if condition == "none" else spread(ratios(found["slots"], condition, lambda slot: slot[key]))]
        rows.append(row)
    table("What a process pays that is not traced, ns (a switch has a write and a read with it)",
          ["watched by", "getppid()", "/ none", "switch", "/ none"], rows)


def scale_tables(found):
    slots = found["slots"]
    watcher_table("One process with 1,000 loops, from 3 s on", {"loops": found})
    rows = [[condition, str(min(slot["loops"] for slot in of_condition(slots, condition))),
             spread((slot["young_run_ns"] / 1e6 for slot in of_condition(slots, condition)), "{:.0f}")]
            for condition in conditions_of(slots)]
    table("The same, before", ["watched by", "loops told", "CPU of its first 3 s, ms"], rows)


def accuracy_tables(found):
    rows = []
    for name, lengths in found.get("servers", {}).items():
        for row in lengths:
            errors = sorted(abs(error) / 1e6 for error in row["errors_ns"])
            rows.append([name, f"{row['length_ms']} ms", str(row["planted"]),
                         f"{100 * row['told'] / max(1, row['planted']):.1f} %",
                         *(f"{quantile(errors, share):.2f}" if errors else "-" for share in (0.5, 0.99)),
                         str(row["others"])])
    table("Blocks of known length, told from half of it on; length error in ms",
          ["server", "block", "planted", "told", "error p50", "p99", "other stalls told"], rows)


TABLES = {"cost": cost_tables, "bpf": bpf_tables, "peers": peer_tables, "host": host_tables, "scale": scale_tables,
          "accuracy": accuracy_tables}


def print_tables(results):
    for name, found in results.items():
        if "failed" not in found:
            TABLES[name](found)
