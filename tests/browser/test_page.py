# SPDX-License-Identifier: BSD-2-Clause
"""The page of `lgtrace report --html` in a real browser (Debian's chromium): what it shows, and that it can be used.

A script is put behind the page's own: it does what a user does and leaves what it saw in an element of its own. Then
the browser prints the document.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
from test_report import recording, report  # noqa: E402

PROBE = """<script>
const seen = {};
const see = (name, value) => { seen[name] = value; };
const text = id => document.getElementById(id).textContent;
const rows = id => document.querySelectorAll(`#${id} tbody tr.row, #${id} tbody tr:not(.more)`).length;
const boxes = () => document.querySelectorAll("#flame div").length;
function type(value) {
	const search = document.getElementById("search");
	search.value = value;
	search.dispatchEvent(new Event("input"));
}
addEventListener("error", e => see("error", e.message));
addEventListener("securitypolicyviolation", e => see("violation", e.blockedURI));
%s
document.body.append(Object.assign(document.createElement("pre"), {id: "seen", textContent: JSON.stringify(seen)}));
</script>"""


def browse(name, folder, script, *flags, options=()):
    """What `script` saw of a stream's page."""
    page = folder / "page.html"
    report(recording(name, folder), *options, "--html", page)
    text = page.read_text()
    page.write_text(text.replace("</body>", PROBE % script + "</body>"))
    result = subprocess.run([shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu",
                             "--window-size=1300,1000", f"--user-data-dir={folder}/profile",
                             "--virtual-time-budget=5000", *flags, "--dump-dom", f"file://{page}"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    dom = result.stdout.decode()
    found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    assert found, f"the page's script did not end: {dom[-500:]} {result.stderr.decode()[-500:]}"
    seen = json.loads(html.unescape(found.group(1)))
    assert "error" not in seen and "violation" not in seen, seen
    return seen


def test_what_it_shows(tmp_path):
    seen = browse("uvicorn_tasks", tmp_path, """
        see("title", document.title); see("where", text("where")); see("cards", text("cards"));
        see("stalls", rows("stalls")); see("routes", rows("routes")); see("loops", rows("loops"));
        see("first", document.querySelector("#stalls tbody tr").textContent);
        see("boxes", boxes()); see("causes", text("causes"));
        see("wide", [...document.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth).length);
        const c = document.getElementById("timeline"), g = c.getContext("2d");
        see("colours", new Set(new Uint32Array(g.getImageData(0, 0, c.width, c.height).data.buffer)).size);""")
    assert seen["title"] == "lgtrace: golden 2026-01-01"
    assert seen["where"] == "2026-01-01T00:01:40Z on golden (Linux 6.1.0-golden): 5200 uvicorn (cpython 3.11)"
    assert seen["cards"].startswith("4stalls over 20 ms117 ms")
    assert (seen["stalls"], seen["loops"]) == (4, 1) and seen["routes"] >= 2
    assert "40.0 ms" in seen["first"] and "connect 10.0.0.8:5432" in seen["first"]
    assert seen["wide"] == 0, "a table is wider than the page"
    assert seen["boxes"] == 9 and "lock46" in seen["causes"]
    assert seen["colours"] > 20, "the timeline is empty"


def test_search_and_filters(tmp_path):
    seen = browse("uvicorn_tasks", tmp_path, """
        type("orders"); see("orders", rows("stalls")); see("marks", document.querySelectorAll("mark").length);
        see("hits", document.querySelectorAll("#flame .hit").length);
        type("no such thing"); see("none", rows("stalls")); see("nothing", text("stalls"));
        type("");
        const lock = [...document.querySelectorAll("#causes button")].find(b => b.textContent === "lock");
        lock.click(); see("lock", text("stalls-note"));
        [...document.querySelectorAll("#causes button")].find(b => b.textContent === "lock").click();
        see("all", text("stalls-note"));""")
    assert seen["orders"] == 1 and seen["marks"] >= 2 and seen["hits"] == 1
    assert "nothing" in seen["nothing"]
    assert seen["lock"].startswith("2 of 4") and seen["all"].startswith("4 of 4")


def test_sorting_details_and_zoom(tmp_path):
    seen = browse("uvicorn_tasks", tmp_path, """
        const lengths = () => [...document.querySelectorAll("#stalls tbody tr td:nth-child(2)")].map(t => parseFloat(t.textContent));
        see("down", lengths());
        document.querySelectorAll("#stalls th button")[1].click(); see("up", lengths());
        see("sorted", document.querySelectorAll("#stalls th")[1].getAttribute("aria-sort"));
        document.querySelector("#stalls tbody tr").click(); see("more", document.querySelector("tr.more").textContent);
        document.querySelector("#stalls tbody tr").click(); see("closed", !document.querySelector("tr.more"));
        const before = boxes();
        document.querySelectorAll("#flame div")[2].click(); see("zoomed", boxes() < before);
        dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"})); see("back", boxes() === before);
        const light = getComputedStyle(document.body).backgroundColor;
        document.getElementById("theme").click();
        see("theme", getComputedStyle(document.body).backgroundColor !== light);""")
    assert seen["down"] == sorted(seen["down"], reverse=True) and seen["up"] == sorted(seen["down"])
    assert seen["sorted"] == "ascending"
    assert "on the CPU" in seen["more"] or "blocked" in seen["more"]
    assert all(seen[key] for key in ("closed", "zoomed", "back", "theme")), seen


def details_of(seen):
    return dict(zip(seen["names"], seen["values"]))


DETAILS = """
    document.querySelector("#stalls tbody tr").click();
    see("names", [...document.querySelectorAll("tr.more dt")].map(e => e.textContent));
    see("values", [...document.querySelectorAll("tr.more dd")].map(e => e.textContent));
    see("causes", text("causes")); see("note", text("stalls-note")); see("first", document.querySelector("#stalls tbody tr").textContent);"""


def test_a_stall_with_all_that_is_known(tmp_path):
    """What the lines of text say, and what their words mean."""
    seen = browse("uvicorn_tasks", tmp_path, DETAILS)
    told = details_of(seen)
    assert told["waited for"].startswith("connect 10.0.0.8:5432 (postgresql), descriptor ")
    assert told["hint"].startswith("blocking call to postgresql inside an event loop: ")
    assert told["cause"] == "syscall: a system call blocked, or took long inside the kernel"
    assert ": " in told["sure"] and told["turn"].endswith("the threshold was 20 ms") and "blocked (syscall)" in told["time"]
    assert "peer" in seen["causes"] and "blocking call to another program" in seen["causes"]


def test_no_hints(tmp_path):
    seen = browse("uvicorn_tasks", tmp_path, DETAILS, options=["--no-hints"])
    assert "hint" not in details_of(seen) and "blocking call" not in seen["causes"]


def test_what_goes_on_at_the_end(tmp_path):
    seen = browse("stuck", tmp_path, DETAILS + """
        type("stuck"); see("stuck", rows("stalls")); type("s-1"); see("ended", rows("stalls"));""")
    told = details_of(seen)
    assert "400 ms" in seen["first"] and "STUCK lock" in seen["first"]
    assert told["STUCK"] == "for 400 ms and still so at the end of the recording" and told["culprit"].endswith("id=s-4")
    assert told["hint"].startswith("another thread held the lock")
    assert "load  /srv/shop/orders.py:12" in seen["values"]
    assert seen["note"].startswith("3 of 3, 1 STUCK at the end")
    assert told["turn"] == "400 ms so far; the threshold was 20 ms"
    assert seen["stuck"] == 1 and seen["ended"] == 1


def test_hostile_text_stays_text(tmp_path):
    seen = browse("hostile", tmp_path, """
        for (const row of [...document.querySelectorAll("tr.row")]) row.click();
        type("<");
        see("scripts", document.scripts.length); see("text", document.querySelector("main").textContent);
        see("foreign", [...document.querySelectorAll("main *")].map(e => e.localName));""")
    assert seen["scripts"] == 3
    assert "<script>" in seen["text"]
    assert not {"script", "img", "iframe", "a", "style"} & set(seen["foreign"])


@pytest.mark.parametrize("name", ("nothing", "healthy", "several_loops", "lost"))
def test_any_recording(name, tmp_path):
    seen = browse(name, tmp_path, 'type("x"); type(""); see("where", text("where")); see("range", text("range"));')
    assert "golden" in seen["where"] and "UTC" in seen["range"]
