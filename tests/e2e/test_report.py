# SPDX-License-Identifier: BSD-2-Clause
"""What report and diff make of recordings of real servers: every planted stall stands in every view."""
import gzip
import json
import time

from lab_client import Load, new_id
from lab_server import EpollServer, Uvicorn
from lab_tracer import run
from test_record import Recorder, report, report_json


def record(folder, name, server, *args):
    return Recorder(folder / f"{name}.rec", server.pid, "--threshold", "20ms", *args)


def test_exports(folder, peer):
    with Uvicorn(folder, peer) as server, Load(server.connect) as load:
        connection = server.connect()
        with record(folder, "uvicorn", server) as recorder:
            for kind in server.kinds:
                connection.get(f"/{kind}/{50}", new_id("planted"))
            load.pause()
            assert recorder.stop() == 0
    path = folder / "uvicorn.rec"
    planted = {kind.split("/")[0] for kind in server.kinds}
    stalled_ns = sum(stall["duration_ns"] for stall in report_json(path).stalls)
    assert stalled_ns >= 50_000_000 * len(server.kinds)

    folded = [line.rsplit(" ", 1) for line in report(path, "--folded")[0].splitlines()]
    assert abs(sum(int(number) for _, number in folded) * 1000 - stalled_ns) < 1000 * len(folded)
    assert all(";" in stack and "cpython 3" in stack for stack, _ in folded)
    assert any("Plants.sleep (tests/apps/asgi_app.py:" in stack for stack, _ in folded)
    assert all(any(f"GET /{kind}" in stack for stack, _ in folded) for kind in planted)

    trace, pprof, page = (folder / name for name in ("trace.json", "profile.pb.gz", "page.html"))
    assert report(path, "--chrome-trace", trace, "--pprof", pprof, "--html", page) == ("", "")
    events = json.loads(trace.read_text())
    slices = [event for event in events if event.get("cat") == "stall"]
    assert sum(event["args"]["duration_ns"] for event in slices) == stalled_ns
    assert {event["args"]["request"].split("-")[0] for event in slices if "request" in event["args"]} >= {"planted"}
    assert any(event["ph"] == "M" and "cpython 3" in event["args"]["name"] for event in events)
    profile = gzip.decompress(pprof.read_bytes())
    assert all(name in profile for name in (b"GET /read/{n}", b"stalls", b"nanoseconds", b"syscall"))
    assert all(f'"/{kind}/' in page.read_text() for kind in planted)


def test_diff_sees_a_slower_route(folder):
    """A route that became slower is told, and one that did not change is not."""
    with EpollServer(folder) as server:
        connection = server.connect()
        for name, sleep in (("before", 5), ("after", 30)):
            with record(folder, name, server) as recorder:
                for i in range(25):
                    connection.get(f"/sleep/{sleep}", f"slow-{i}")
                    connection.get("/cpu/3", f"fast-{i}")
                time.sleep(0.1)
                assert recorder.stop() == 0
    code, out, err = run("diff", folder / "before.rec", folder / "after.rec", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    routes = {row["route"]: row for row in told["routes"]}
    slower = routes["/sleep/{n}"]
    assert slower["a"]["count"] == slower["b"]["count"] == 25
    assert slower["a"]["stalls"] <= 2 and slower["b"]["stalls"] == 25  # a busy host may stall what is short
    assert slower["change"] == {"stall_ns": "more", "hold_p50": "more", "hold_p99": "few"}
    assert routes["/cpu/{n}"]["change"]["stall_ns"] in ("same", "few")
    place, = (row for row in told["places"] if row["function"] == "plants_sleep")
    assert place["b"]["stalls"] >= 20 and place["change"]["stall_ns"] == "more"
    assert told["causes"]["syscall"]["change"]["stall_ns"] == "more"
    code, out, _ = run("diff", folder / "before.rec", folder / "after.rec")
    line = next(line for line in out.splitlines() if line.endswith("GET /sleep/{n}"))
    assert code == 0 and "few" in line and ("new" in line or "x" in line or "%" in line)
    assert run("diff", folder / "before.rec")[0] == 2
