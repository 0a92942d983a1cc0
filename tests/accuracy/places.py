# SPDX-License-Identifier: BSD-2-Clause
"""`make places`: servers with blocks planted at known places of their code, and whether lgtrace told where.

    places.py [--rows "NAME.."] [--plants N] [--probes MODE] [--json FILE]

A NAME selects every row that begins so. The exit status is 1 if less than MIN_RIGHT of a row's blocks came with the
right function, file and line, and with the functions around in their order.
"""
import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True

from rows import FETCHED, fetch, run_in  # noqa: E402

from lab_places import (PlacesNginx, PlacesNode, PlacesProgram, PlacesPython, PlacesRedis, cpp_places,  # noqa: E402
                        plant, rust_places)
from lab_server import Peer  # noqa: E402

PLANTS = 200
MIN_RIGHT = 0.99

ROWS = {
    "py311": lambda *at: PlacesPython(*at),
    "py311-uvloop": lambda *at: PlacesPython(*at, (), "uvloop", "httptools"),
    "py313": lambda *at: PlacesPython(*at, run_in("py313")),
    "py314": lambda *at: PlacesPython(*at, run_in("py314")),
    "node20": lambda *at: PlacesNode(*at),
    "node22": lambda *at: PlacesNode(*at, run_in("node22")),
    "node24": lambda *at: PlacesNode(*at, run_in("node24")),
    "nginx": PlacesNginx,
    "redis": PlacesRedis,
    "cpp": lambda *at: PlacesProgram(*at, "places_server", cpp_places()),
    "rust": lambda *at: PlacesProgram(*at, "places_server_rs", rust_places()),
}


def run_row(name, folder, peer, args):
    with ROWS[name](folder, peer) as server:
        missed, told = plant(server, args.probes, args.plants)
    right = args.plants - len(missed)
    reasons = Counter(f"{kind}: {reason}" for kind, reason in missed)
    runtime = told.header["targets"][0]["runtime"]
    print(f"{name:13}{runtime:14}{args.plants:7}{right:7}{len(missed):7}{right / args.plants:9.2%}", flush=True)
    for reason, number in reasons.most_common():
        print(f"    {number:4}  {reason[:200]}")
    return {"runtime": runtime, "plants": args.plants, "right": right, "misses": dict(reasons)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="", help="only rows whose names begin so")
    parser.add_argument("--plants", type=int, default=PLANTS, help="blocks in each row")
    parser.add_argument("--probes", default="syscall", help="lgtrace's option")
    parser.add_argument("--json", help="write the figures to this file")
    args = parser.parse_args()
    names = [name for name in ROWS if name.startswith(tuple(args.rows.split()) or ("",))]
    if not names:
        parser.error(f"no row begins with {args.rows}: {' '.join(ROWS)}")
    fetch([name for name in names if name in FETCHED])
    print(f"{'ROW':13}{'RUNTIME':14}{'PLANTS':>7}{'RIGHT':>7}{'MISSED':>7}{'SHARE':>9}")
    found = {}
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lgtrace-places-") as folder, Peer() as peer:
        Path(folder).chmod(0o755)
        for name in names:
            of_row = Path(folder) / name
            of_row.mkdir(mode=0o755)
            found[name] = run_row(name, of_row, peer, args)
    if args.json:
        Path(args.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    bad = [name for name, row in found.items() if row["right"] < MIN_RIGHT * row["plants"]]
    if bad:
        print(f"places: below {MIN_RIGHT:.0%}: {' '.join(bad)}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
