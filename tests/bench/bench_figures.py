# SPDX-License-Identifier: BSD-2-Clause
"""From raw numbers to figures: what a slot says, and how it compares with the `none` of its round. Pure."""
from statistics import median

# Empty programs on the same hooks, by where lgtrace sees the edges; the values are conditions.
FLOOR_OF = {"syscall": "floor", "libc": "floor-libc"}
FLOORS = tuple(FLOOR_OF.values())


def of_condition(slots, condition):
    return [slot for slot in slots if slot["condition"] == condition]


def conditions_of(slots):
    """In the order in which they were measured first, `none` before all."""
    names = dict.fromkeys(slot["condition"] for slot in slots)
    return sorted(names, key=lambda name: name != "none")


def ratios(slots, condition, value, base="none"):
    """value(slot of `condition`) / value(slot of `base`), for each round that has both."""
    bases = {slot["round"]: value(slot) for slot in of_condition(slots, base)}
    return [value(slot) / bases[slot["round"]] for slot in of_condition(slots, condition)
            if bases.get(slot["round"])]


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


def watcher_percent(slot):
    """The watcher's own CPU time, in percent of the server's."""
    return 100 * slot["watcher_run_ns"] / slot["server_run_ns"]


def rss_mib(slot):
    return slot["peak_rss_kb"] / 1024


def attach_ms(slot):
    return slot["attach_s"] * 1_000


def detach_ms(slot):
    return slot["detach_s"] * 1_000


def edges_of(slots, condition):
    """Where lgtrace saw the edges, which is for itself to choose: in most of the slots."""
    found = [slot["features"]["edges"] for slot in of_condition(slots, condition) if slot.get("features")]
    return max(found, key=found.count, default=None)


def median_of(slots, condition, value):
    """None where there is nothing."""
    values = [value(slot) for slot in of_condition(slots, condition)]
    return median(values) if values else None


def program_ns(slot, name):
    """ns of one run of a BPF program; None when it did not run."""
    program = slot["programs"].get(name, {"runs": 0})
    return program["ns"] / program["runs"] if program["runs"] else None


def bpf_ns(slot):
    """ns of all BPF programs for a request."""
    return sum(program["ns"] for program in slot["programs"].values()) / slot["requests"]


def quantile(values, share):
    """Of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def count_quantile(counts, share):
    """Of {upper bound: how many}: the bound below which that share lies."""
    left = share * sum(counts.values())
    for upper, count in sorted(counts.items()):
        left -= count
        if left <= 0:
            return upper
    return 0
