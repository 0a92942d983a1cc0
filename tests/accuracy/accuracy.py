# SPDX-License-Identifier: BSD-2-Clause
"""`make accuracy`: real servers with planted blocks, lgtrace beside them, and whether it told whose they were.

    accuracy.py [--short] [--rows "NAME.."] [--places "PLACE.."] [--stalls N] [--probes MODE] [--json FILE]
                [--record FOLDER]

A NAME selects every row that begins so; a PLACE is one of those that the table of a row names. --record keeps what
lgtrace saw of each row, to look at a miss again with `lgtrace report`. The exit status is 1 if a stall told as `exact`
named a wrong request, if a stall that belongs to nobody named any (in the short run: more than one), or if a row's
recall is below MIN_RECALL.
"""
import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True

import rows  # noqa: E402
import rows_native  # noqa: E402
from judge import Stall, judge  # noqa: E402
from load import Load  # noqa: E402
from table import print_cases, print_misses, print_rows, row_json  # noqa: E402

from lab_server import Peer  # noqa: E402
from lab_tracer import Tracer  # noqa: E402

THRESHOLD_NS = 20_000_000
STALLS = 600  # of a row
ROW_S = 150  # the most that a row may take
SHORT_S = 8
MIN_RECALL = 0.9  # below it something is broken; what is reached stands in the README
SHORT_MAX_BLAMED = 1  # of a row: a thread that other work keeps from the CPU shows little of what it runs
SETTLE_S = 0.4  # until the server's log holds everything

ROWS = {
    "py311-asyncio": lambda folder, backends: rows.Python(folder, backends),
    "py311-uvloop": lambda folder, backends: rows.Python(folder, backends, None, "uvloop", "httptools"),
    "py313-asyncio": lambda folder, backends: rows.Python(folder, backends, "py313"),
    "py313-uvloop": lambda folder, backends: rows.Python(folder, backends, "py313", "uvloop", "httptools"),
    "py314-asyncio": lambda folder, backends: rows.Python(folder, backends, "py314"),
    "py314-uvloop": lambda folder, backends: rows.Python(folder, backends, "py314", "uvloop", "httptools"),
    "py311-hypercorn": lambda folder, backends: rows.Hypercorn(folder, backends),
    "py311-aiohttp": lambda folder, backends: rows.Aiohttp(folder, backends),
    "py314-aiohttp": lambda folder, backends: rows.Aiohttp(folder, backends, "py314"),
    "node20": lambda folder, backends: rows.Node(folder, backends),
    "node20-https": lambda folder, backends: rows.Node(folder, backends, tls=True),
    "node22": lambda folder, backends: rows.Node(folder, backends, "node22"),
    "node24": lambda folder, backends: rows.Node(folder, backends, "node24"),
    "node24-https": lambda folder, backends: rows.Node(folder, backends, "node24", tls=True),
    "nginx": rows_native.Nginx,
    "haproxy": rows_native.HAProxy,
    "redis": rows_native.RedisRow,
}
SHORT_ROWS = ("py311-asyncio", "node20", "nginx", "haproxy", "redis")


@dataclass
class Backends:
    """What the servers wait for. Without `full` they wait for the peer only."""
    peer: Peer
    full: bool = False
    redis: int = 0
    postgres: int = 0


@contextmanager
def all_backends(folder, full):
    with ExitStack() as stack:
        backends = Backends(stack.enter_context(Peer()), full)
        if full:
            backends.redis = stack.enter_context(rows.redis(folder))
            backends.postgres = stack.enter_context(rows.postgres(folder))
        yield backends


def stall_of(row, line):
    return Stall(row.owner_of(line), line["confidence"], line["cause"], line["start_ns"],
                 line["start_ns"] + line["duration_ns"])


@contextmanager
def errors_of(folder):
    """What the server said stands beside what went wrong with it."""
    try:
        yield
    except (OSError, AssertionError) as error:
        said = folder / "server.err"
        error.add_note(said.read_text(errors="replace")[-4000:] if said.exists() else "")
        raise


def run_row(name, folder, backends, args):
    """(verdict, what else is worth saying)"""
    recorded = ("--record", str(args.record / f"{name}.rec")) if args.record else ()
    with errors_of(folder), ROWS[name](folder, backends) as row:
        row.only = args.places
        load = Load(args.stalls, SHORT_S if args.short else ROW_S)
        with Tracer(folder, row.pid, args.probes, args=recorded) as tracer:
            begin_ns = time.monotonic_ns()
            asyncio.run(load.run(row.client))
            assert not load.failures, f"{name}: {load.failures}"
            time.sleep(SETTLE_S)
            end_ns = time.monotonic_ns()
            told = tracer.stop()
        blocks = [block for block in row.blocks() if begin_ns < block.start_ns and block.end_ns < end_ns]
    verdict = judge(blocks, [stall_of(row, line) for line in told.stalls], THRESHOLD_NS)
    return verdict, {"runtime": told.header["targets"][0]["runtime"], "probes": told.header["features"]["edges"],
                     "requests": load.requests, "lost": told.summary["lost"]}


def run_all(names, args, folder):
    """The verdicts by row; each is printed as it comes."""
    verdicts, details = {}, {}
    (folder / "backends").mkdir(mode=0o755)
    with all_backends(folder / "backends", not args.short) as backends:
        for name in names:
            of_row = folder / name
            of_row.mkdir(mode=0o755)
            begin = time.monotonic()
            verdict, extra = run_row(name, of_row, backends, args)
            verdicts[name] = verdict
            details[name] = row_json(verdict, dict(extra, seconds=round(time.monotonic() - begin, 1)))
            print(f"\n{name} ({extra['runtime']}, --probes {extra['probes']}): {extra['requests']} requests, "
                  f"lost {extra['lost']}")
            print_cases(verdict)
            print_misses(verdict, args.misses)
            sys.stdout.flush()
    return verdicts, details


def fetch_runtimes(names):
    """What this Debian lacks for these rows."""
    wanted = [runtime for runtime in rows.FETCHED if any(name.startswith(runtime) for name in names)]
    wanted += ["frameworks"] if any(name.startswith("node") for name in names) else []
    rows.fetch(wanted)


def failures_of(verdict, max_blamed):
    found = []
    if verdict.exact_wrong():
        found.append(f"{verdict.exact_wrong()} exact but wrong")
    if verdict.blamed() > max_blamed:
        found.append(f"{verdict.blamed()} of nobody's blamed on a request")
    if verdict.recall() < MIN_RECALL:
        found.append(f"recall {verdict.recall():.1%}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="few seconds a row, only what Debian 12 has")
    parser.add_argument("--rows", default="", help="only rows whose names begin so")
    parser.add_argument("--places", type=str.split, default=(), help="only blocks at these places")
    parser.add_argument("--record", type=Path, help="a folder for recordings of the rows")
    parser.add_argument("--stalls", type=int, default=STALLS, help="to plant in each row")
    parser.add_argument("--probes", default="auto", help="lgtrace's option")
    parser.add_argument("--misses", type=int, default=20, help="to print of each row")
    parser.add_argument("--json", help="write the figures to this file")
    args = parser.parse_args()
    wanted = tuple(args.rows.split()) or ("",)
    names = [name for name in (SHORT_ROWS if args.short else ROWS) if name.startswith(wanted)]
    if not names:
        parser.error(f"no row begins with {args.rows}: {' '.join(ROWS)}")
    if not args.short:
        fetch_runtimes(names)
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lgtrace-accuracy-") as folder:
        Path(folder).chmod(0o755)
        verdicts, details = run_all(names, args, Path(folder))
    print()
    print_rows(verdicts)
    if args.json:
        Path(args.json).write_text(json.dumps(details, indent=1) + "\n", encoding="utf-8")
    bad = {name: failures_of(verdict, SHORT_MAX_BLAMED if args.short else 0) for name, verdict in verdicts.items()}
    for name, found in bad.items():
        if found:
            print(f"accuracy: {name}: {', '.join(found)}", file=sys.stderr)
    return 1 if any(bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
