# SPDX-License-Identifier: BSD-2-Clause
"""What `lgtrace report` says of recordings of the streams: the same as the live code says of the records themselves.

The recordings are made with lgtrace's own writer, and read by the program as it is installed.
"""
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import recording as by_description
import stream as stream_module
from test_golden import HERE, NAMES, REPLAY, ROOT, replay, stream_bytes

LGTRACE = ROOT / os.environ.get("BUILD", "build") / "lgtrace"
UTC = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}


def recording(name, folder):
    """A recording of a stream."""
    path = folder / f"{name}.rec"
    result = replay(name, folder, "--record", path)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return path


def report(path, *options, code=0):
    """Standard output and error, as bytes."""
    result = subprocess.run([LGTRACE, "report", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=120, env=UTC, cwd=pathlib.Path(path).parent, check=False)
    assert result.returncode == code, result.stderr.decode(errors="replace")
    return result.stdout, result.stderr


def expected(name):
    return (HERE / "expected" / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_json_is_that_of_the_live_run(name, tmp_path):
    out, err = report(recording(name, tmp_path), "--json", "--requests", "--exclude-path=")
    assert out == expected(f"{name}.json")
    assert err == b"lgtrace: recorded on golden: names of system calls may be wrong\n"


@pytest.mark.parametrize("name", NAMES)
def test_text_is_that_of_the_live_run(name, tmp_path):
    """All but its opening, which says that it is a recording."""
    wanted = expected(f"{name}.txt").split(b"\n", 1)[1]
    path = recording(name, tmp_path)
    out, _ = report(path, "--stalls", "--exclude-path=")
    assert out.startswith(b"Recorded 2026-01-01T00:01:40Z on golden (Linux 6.1.0-golden): ")
    assert out.split(b"\n", 1)[1] == wanted
    summary, _ = report(path, "--exclude-path=")
    assert b"\n\nTraced for " in summary
    assert summary[summary.index(b"\n\nTraced"):] == out[out.index(b"\n\nTraced"):]


def test_the_threshold_is_chosen_anew(tmp_path):
    path = recording("uvicorn_tasks", tmp_path)
    out, err = report(path, "--json", "--threshold", "1ms")
    assert b'"threshold_ns":1000000,' in out
    assert b"from 20 ms on" in err
    more = out.count(b'"type":"stall"')
    out, err = report(path, "--json", "--threshold", "100s")
    assert out.count(b'"type":"stall"') == 0 < more


@pytest.mark.parametrize("threshold", ("20ms", "auto"))
def test_short_holds_and_thresholds_that_fit(threshold, tmp_path):
    """What streams/small_holds.py says, of its recording."""
    out, _ = report(recording("small_holds", tmp_path), "--json", "--cumulative=200ms/1s", f"--threshold={threshold}")
    lines = [json.loads(line) for line in out.splitlines()]
    sums = [line for line in lines if line["type"] == "cumulative"]
    assert [(line["sum_ns"], line["holds"]) for line in sums] == [(200_000_000, 40)] * 2
    for number, line in enumerate(sums):
        shares = {share["route"]: share for share in line["routes"]}
        assert {route: share["sum_ns"] for route, share in shares.items()} == {"/a": 100_000_000, "/b/{n}": 100_000_000}
        assert shares["/a"]["requests"] == [f"a-{40 * number + i}" for i in range(0, 32, 2)]
        assert shares["/b/{n}"]["requests"] == [f"b-{40 * number + i}" for i in range(1, 33, 2)]
        assert [shares[route]["place"]["line"] for route in ("/a", "/b/{n}")] == [12, 31]
    stall, = (line for line in lines if line["type"] == "stall")
    assert stall["request"]["id"] == "slow"
    assert stall["threshold_ns"] == 20_000_000 if threshold == "20ms" else 60e6 < stall["threshold_ns"] < 80e6


@pytest.mark.parametrize("options,ids", [([], {"s-1", "s-3", "s-4"}), (["--cause", "lock"], {"s-4"}),
                                         (["--exclude-path", "/orders/4"], {"s-1", "s-3"}), (["--method", "put"], set())])
def test_filters_hold_for_what_goes_on(options, ids, tmp_path):
    """What was told of turns that had not ended, and what the summary says of the one that goes on at the end."""
    lines = [json.loads(line) for line in report(recording("stuck", tmp_path), "--json", *options)[0].splitlines()]
    assert {line["request"]["id"] for line in lines if line["type"] == "stuck"} == ids
    loop, = lines[-1]["loops"]
    assert bool(loop["stuck_ns"]) == ("s-4" in ids)


def test_quiet(tmp_path):
    out, err = report(recording("uvicorn_tasks", tmp_path), "--quiet", "--json")
    assert out.count(b"\n") == 2 and err == b""


def test_names_are_chosen_anew(tmp_path):
    out, _ = report(recording("uvicorn_tasks", tmp_path), "--json", "--requests", "--request-id-header", "Host",
                    "--route-pattern", "/*")
    assert b'"id":"shop"' in out and b'"route":"/*"' in out


def test_output_file(tmp_path):
    path = recording("tls", tmp_path)
    out, _ = report(path, "--json", "--requests", "-o", tmp_path / "out.json")
    assert out == b""
    assert (tmp_path / "out.json").read_bytes() == expected("tls.json")


def test_a_recording_is_not_overwritten(tmp_path):
    path = recording("tls", tmp_path)
    before = path.read_bytes()
    for option in ("--output", "--html"):
        _, err = report(path, option, path, code=2)
        assert b"is a recording" in err and path.read_bytes() == before


def test_default_name(tmp_path):
    recording("tls", tmp_path).rename(tmp_path / "lgtrace.rec")
    result = subprocess.run([LGTRACE, "report", "--json", "--requests"], stdout=subprocess.PIPE, cwd=tmp_path,
                            stderr=subprocess.DEVNULL, timeout=60, env=UTC, check=False)
    assert result.stdout == expected("tls.json")


@pytest.mark.parametrize("name", ("several_loops", "tls"))
def test_reader_keeps_to_the_description(name, tmp_path):
    """A recording that was not written by lgtrace, but from what user/source/file.h says."""
    path = tmp_path / "described.rec"
    path.write_bytes(by_description.recording(stream_bytes(name)))
    assert report(path, "--json", "--requests")[0] == expected(f"{name}.json")


def test_damage_is_told_and_is_no_failure(tmp_path):
    path = recording("several_loops", tmp_path)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-50])
    out, err = report(path, "--json", "--quiet")
    assert out.count(b"\n") == 2 and b"ends early" in err and err.count(b"\n") == 1
    data[-80] ^= 1
    path.write_bytes(data)
    out, err = report(path, "--json")
    assert out.count(b'"type":"summary"') == 1 and b"is damaged at byte" in err
    path.write_bytes(data[:20])
    out, err = report(path, code=1)
    assert out == b"" and b"nothing of it can be read" in err


# --- what only recordings have ---

EXPORTS = {"folded": NAMES, "chrome": ("uvicorn_tasks", "hostile"), "pprof": ("uvicorn_tasks", "hostile")}
EXPORT_CASES = [(name, export) for export, names in EXPORTS.items() for name in names]


def exported(name, export, folder):
    """An export as text that can be compared."""
    path = recording(name, folder)
    if export == "folded":
        return report(path, "--folded")[0]
    file = folder / f"{name}.{export}"
    assert report(path, "--chrome-trace" if export == "chrome" else "--pprof", file)[0] == b""
    if export == "chrome":
        return file.read_bytes()
    return subprocess.run(["protoc", "--decode=perftools.profiles.Profile", "-I", ROOT / "user/render",
                           ROOT / "user/render/profile.proto"], input=gzip.decompress(file.read_bytes()),
                          stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("name,export", EXPORT_CASES)
def test_exports(name, export, tmp_path):
    path = HERE / "expected" / f"{name}.{export}"
    wanted = path.read_bytes() if path.exists() else None
    assert exported(name, export, tmp_path) == wanted, "If it is right as it is now: make golden-update"


@pytest.mark.parametrize("name", NAMES)
def test_folded_adds_up(name, tmp_path):
    """Every line is a path of printable names and a number, and all of them are the stall time."""
    lines = exported(name, "folded", tmp_path).decode().splitlines()
    summary = json.loads(expected(f"{name}.json").splitlines()[-1])
    total = 0
    for line in lines:
        path, number = line.rsplit(" ", 1)
        assert len(path.split(";")) >= 3 and path.isprintable()
        total += int(number)
    assert abs(total * 1000 - sum(cause["ns"] for cause in summary["causes"].values())) <= 1000 * len(lines)
    assert lines == sorted(lines, key=lambda line: line.rsplit(" ", 1)[0].split(";"))


@pytest.mark.parametrize("name", ("stacks", "uvicorn_tasks", "hostile"))
def test_folded_feeds_a_flame_graph(name, tmp_path):
    """flamegraph.pl, as Debian has it: it takes every line, and draws all of them."""
    lines = exported(name, "folded", tmp_path)
    drawn = subprocess.run(["perl", "/usr/share/perl5/Devel/NYTProf/flamegraph.pl", "--minwidth=0"], input=lines,
                           capture_output=True, check=True)
    assert drawn.stderr == b""
    total = sum(int(line.rsplit(b" ", 1)[1]) for line in lines.splitlines())
    root = ElementTree.fromstring(drawn.stdout)
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert f"all ({total:,} samples, 100%)" in titles
    frames = {frame for line in lines.decode().splitlines() for frame in line.rsplit(" ", 1)[0].split(";")}
    assert len({title.rsplit(" (", 1)[0] for title in titles} - {"all"}) == len(frames)


@pytest.mark.parametrize("name", NAMES)
def test_chrome_trace_is_well_formed(name, tmp_path):
    """The JSON array form: each event has its keys, stalls lie in turns, what begins also ends."""
    path = recording(name, tmp_path)
    report(path, "--chrome-trace", tmp_path / "trace")
    events = json.loads((tmp_path / "trace").read_text())
    stalls = [json.loads(line) for line in expected(f"{name}.json").splitlines() if b'"type":"stall"' in line]
    turns, slices, open_ids = [], [], set()
    for event in events:
        assert isinstance(event["name"], str) and isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name") and event["args"]["name"]
        elif event["ph"] == "X":
            assert event["ts"] >= 0 and event["dur"] >= 0
            (turns if event["cat"] == "turn" else slices).append(event)
        else:
            assert event["ph"] in "be" and event["cat"] == "request"
            (open_ids.add if event["ph"] == "b" else open_ids.remove)(event["id"])
    assert not open_ids
    assert [(s["start_ns"], s["duration_ns"], s["hint"]) for s in stalls] == [
        (round(e["ts"] * 1000), e["args"]["duration_ns"], e["args"].get("hint")) for e in slices]
    for s in slices:
        assert any(t["tid"] == s["tid"] and t["ts"] <= s["ts"] + .01 and
                   s["ts"] + s["dur"] <= t["ts"] + t["dur"] + .01 for t in turns), s


# What each phase of an event must have and may have besides "args", by the documented format; times are numbers of us.
CHROME_KEYS = {"M": ({"ph", "name", "pid", "tid", "args"}, set()),
               "X": ({"ph", "cat", "name", "pid", "tid", "ts", "dur"}, {"args", "cname"}),
               "b": ({"ph", "cat", "name", "pid", "tid", "id", "ts", "args"}, set()),
               "e": ({"ph", "cat", "name", "pid", "tid", "id", "ts"}, set())}
DAY = 24 * 3600 * 10**9


def slices_as_read(events):
    """Slices by track as Perfetto reads them: floating point us become whole ns, and what begins first comes first."""
    tracks = {}
    for event in (e for e in events if e["ph"] == "X"):
        begin, length = (int(float(event[key]) * 1000) for key in ("ts", "dur"))
        tracks.setdefault((event["pid"], event["tid"]), []).append((begin, begin + length, event))
    return [sorted(track, key=lambda slice_: slice_[0]) for track in tracks.values()]


@pytest.mark.parametrize("uptime", (100 * 10**9, 400 * DAY + 123_456_789))
@pytest.mark.parametrize("name", NAMES)
def test_chrome_trace_can_be_read_whole(name, uptime, tmp_path, monkeypatch):
    """Perfetto leaves out a slice that begins within another one of its track and ends after that; async events are
    matched by process, category, id and name. Neither rounding nor a long uptime may break this."""
    Stream = stream_module.Stream
    begin, record = Stream.__init__, Stream.record
    monkeypatch.setattr(Stream, "__init__", lambda self: begin(self) or setattr(self, "now", uptime))
    monkeypatch.setattr(Stream, "record", lambda self, *args: record(self, *args) or self.idle(333))
    report(recording(name, tmp_path), "--all", "--chrome-trace", tmp_path / "trace")
    events = json.loads((tmp_path / "trace").read_text())
    begun = {}
    for event in events:
        must, may = CHROME_KEYS[event["ph"]]
        assert must <= set(event) <= must | may, event
        assert all(isinstance(event[key], (int, float)) for key in ("ts", "dur") if key in event)
        assert all(isinstance(event[key], str) and event[key] for key in ("cat", "name", "id") if key in event)
        key = tuple(event.get(part) for part in ("pid", "cat", "id", "name"))
        if event["ph"] == "b":
            assert begun.setdefault(key, event["ts"]) == event["ts"]
        elif event["ph"] == "e":
            assert begun.pop(key) <= event["ts"]
    assert not begun
    for track in slices_as_read(events):
        open_until = []
        for start, end, event in track:
            while open_until and open_until[-1] <= start:
                open_until.pop()
            assert not open_until or end <= open_until[-1], f"left out: {event}"
            assert len(open_until) == (event["cat"] == "stall"), "stalls lie in turns, turns in nothing"
            open_until.append(end)


def test_chrome_trace_holds_what_goes_on_at_the_end(tmp_path):
    report(recording("stuck", tmp_path), "--chrome-trace", tmp_path / "trace")
    turn, stall = json.loads((tmp_path / "trace").read_text())[-2:]
    assert turn["name"] == "turn, not ended" and stall["name"] == "STUCK lock: GET /orders/{n}"
    assert turn["ts"] + turn["dur"] == 100_842_000.0
    assert stall["args"]["duration_ns"] == 400_000_000 and stall["args"]["request"] == "s-4"
    assert stall["args"]["stack"][0]["function"] == "load"


def page_data(html):
    return json.loads(html.split('<script id="data" type="application/json">')[1].split("</script>")[0])


@pytest.mark.parametrize("name", NAMES)
def test_html_holds_what_json_says(name, tmp_path):
    path = recording(name, tmp_path)
    report(path, "--exclude-path=", "--html", tmp_path / "page.html")
    data = page_data((tmp_path / "page.html").read_text())
    lines = [json.loads(line) for line in expected(f"{name}.json").splitlines()]
    stalls = [line for line in lines if line["type"] == "stall"]
    assert data["header"] == lines[0] and data["summary"] == lines[-1]
    assert data["stalls"] == sorted(stalls, key=lambda s: (-s["duration_ns"], s["start_ns"]))
    assert data["flame"][1] == sum(stall["duration_ns"] for stall in stalls)
    assert {int(tid) for tid in data["series"]} == {loop["tid"] for loop in data["summary"]["loops"]}
    for points in data["series"].values():
        assert points == sorted(points) and all(idle <= time for time, idle in points)


def test_html_tells_what_goes_on_at_the_end(tmp_path):
    """The stall of each turn that does not end; what its words mean; and advice, unless it is not wanted."""
    path = recording("stuck", tmp_path)
    for options, hints in ((["--exclude-path="], True), (["--no-hints"], False)):
        report(path, *options, "--html", tmp_path / "page.html")
        data = page_data((tmp_path / "page.html").read_text())
        stuck, = (stall for stall in data["stalls"] if not stall["ended"])
        assert stuck["request"]["id"] == "s-4" and stuck["duration_ns"] == 400_000_000
        assert data["hints"] is hints
    assert data["words"]["confidences"]["exact"] == "it cannot have been another"
    assert data["words"]["causes"]["lock"] and "sleep" in data["words"]["details"]
    report(recording("healthy", tmp_path), "--html", tmp_path / "page.html")
    assert all(stall["ended"] for stall in page_data((tmp_path / "page.html").read_text())["stalls"])


def test_html_stands_alone_and_is_no_way_in(tmp_path):
    """Nothing is fetched, and what a client sent stays within the strings of the data."""
    path = recording("hostile", tmp_path)
    report(path, "--html", tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    before, rest = html.split('<script id="data" type="application/json">')
    data, after = rest.split("</script>", 1)
    assert "<" not in data and "<script>" in json.dumps(page_data(html)), "the stream tries it"
    page = before + after
    assert page == (ROOT / "user/render/report.html").read_text().replace(
        '<script id="data" type="application/json">@DATA@</script>', "")
    assert not re.search(r"""(?:src|href|action|srcset)\s*=|url\(|@import|https?://|fetch\(|XMLHttp|import\(""", page)
    assert "innerHTML" not in page and "default-src 'none'" in page


TOPS = {"several_loops": "loops", "dies": "loops", "stacks": "places", "uvicorn_tasks": "stalls", "hostile": "routes",
        "stuck": "stalls"}


def told_top(name, folder):
    return report(recording(name, folder), "--top", "-b", "--view", TOPS[name], "--exclude-path=", "--threshold=20ms")[0]


@pytest.mark.parametrize("name", TOPS)
def test_top(name, tmp_path):
    assert told_top(name, tmp_path) == expected(f"{name}.top"), "If it is right as it is now: make golden-update"


def test_top_of_a_damaged_recording(tmp_path):
    path = recording("several_loops", tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    out, err = report(path, "--top", "-b")
    assert b"4 loops" in out and b"ends early" in err


@pytest.mark.parametrize("options", (["--top", "-b", "--json"], ["--view", "routes"], ["--top"], ["--top", "-b", "--speed=0"],
                                     ["--top", "-b", "--sort", "NONSENSE"]))
def test_wrong_use_of_top(options, tmp_path):
    out, err = report(recording("tls", tmp_path), *options, code=2)
    assert out == b"" and err


def told_diff(folder, *options, names=("healthy", "uvicorn_tasks")):
    paths = [recording(name, folder).name for name in names]
    result = subprocess.run([LGTRACE, "diff", "--exclude-path=", *paths, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=60, env=UTC, cwd=folder, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


DIFFS = {"txt": [], "json": ["--json"]}


@pytest.mark.parametrize("view", DIFFS)
def test_diff(view, tmp_path):
    assert told_diff(tmp_path, *DIFFS[view]) == expected(f"diff.{view}")


def test_diff_with_itself_is_no_difference(tmp_path):
    told = json.loads(told_diff(tmp_path, "--json", names=("uvicorn_tasks", "uvicorn_tasks")))
    assert told["routes"]
    for row in [*told["routes"], *told["causes"].values()]:
        assert row["a"] == row["b"] and set(row["change"].values()) <= {"same", "few"}


def test_the_summary_of_very_many_stalls():
    """100,000 of them, in 2 s and 64 MiB."""
    subprocess.run([sys.executable, "-B", ROOT / "tests" / "bench" / "bench_summary.py"], timeout=300, check=True)


def update():
    folder = REPLAY.parent
    for name, export in EXPORT_CASES:
        (HERE / "expected" / f"{name}.{export}").write_bytes(exported(name, export, folder))
    for name in TOPS:
        (HERE / "expected" / f"{name}.top").write_bytes(told_top(name, folder))
    for view, options in DIFFS.items():
        (HERE / "expected" / f"diff.{view}").write_bytes(told_diff(folder, *options))
