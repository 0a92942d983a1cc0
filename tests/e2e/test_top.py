# SPDX-License-Identifier: BSD-2-Clause
"""`lgtrace top` in a real terminal, against real servers under load, and its batch mode."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from lab_client import Load
from lab_host import first_in_line, own_group
from lab_server import EpollServer, Node, Uvicorn, wait_for
from lab_terminal import Terminal
from lab_tracer import ATTACH_S, LGTRACE, Running, run
from test_record import Recorder


def top(folder, *args, **how):
    return Terminal(folder, [LGTRACE, "top", "--threshold", "20ms", *map(str, args)], **how)


def row(screen, pid):
    return next(line.split() for line in screen.splitlines() if line.split()[:1] == [str(pid)])


@pytest.mark.parametrize("make", [Uvicorn, Node])
def test_a_session(folder, peer, make):
    """From the table of all loops of the host to the stall of one, under load."""
    with make(folder, peer) as server, Load(server.connect), top(folder, cols=130, rows=64) as terminal:
        terminal.wait(str(server.pid))
        first_in_line(server.pid)  # or want of a CPU is the worst stall; and who waits for a lock leaves it to the others
        connection = server.connect()
        for number in range(3):
            connection.get("/futex/150", f"top-{number}")
        terminal.keys("/", *str(server.pid), "Enter")
        terminal.wait("/futex/")
        assert row(terminal.screen(), server.pid)[2] == ("node" if make is Node else "python3")
        terminal.keys("Enter")
        screen = terminal.wait("IN FLIGHT")
        assert "id=top-2" in screen and "waited:" in screen and re.search("[▁▂▃▄▅▆▇█]", screen), screen
        assert "tests/apps/" in screen[screen.index("STACK of the worst stall"):], screen
        assert "/futex/{n}" in terminal.wait("ROUTES")
        terminal.keys("Tab")
        terminal.wait("DELAY-P99")
        terminal.keys("Escape", "Tab")
        assert "id=top-1" in terminal.wait("VICTIMS")
        terminal.keys("Tab")
        terminal.wait("LONGEST")
        app = "tests/apps/" + ("node_app.js" if make is Node else "asgi_app.py")
        wait_for(lambda: re.search(r"GET /futex/\{n\} .*" + app, terminal.screen()), what="the place of the stalls")
        terminal.keys("q")
        assert terminal.ended() == 0


HANG_MS = 6000  # long enough for a slow machine to look at each of its views meanwhile


def test_a_turn_that_hangs(folder, peer):
    """Seen while it lasts: in the table of loops, on its loop's page, among the stalls; there it becomes the stall."""
    with Uvicorn(folder, peer) as server, top(folder, "-p", server.pid, "--delay", "0.2", cols=200, rows=50) as terminal:
        waiting = [server.connect() for _ in range(3)]
        with Load(server.connect):
            terminal.wait("GET /ok")
        for number, connection in enumerate(waiting):
            connection.send(f"/wait/{HANG_MS}", f"waits-{number}")
        server.connect().send(f"/read/{HANG_MS}", "hangs")
        screen = terminal.wait(" STUCK ")
        assert "1 loop  1 STUCK" in screen
        assert re.search(r" syscall +STUCK \S+ \S+ GET /read/", " ".join(row(screen, server.pid))), screen
        terminal.keys("Enter")
        screen = terminal.wait("STUCK for ")
        assert f"syscall recvfrom 127.0.0.1:{peer.port}: " in screen and "hint      blocking call to " in screen
        assert f"request   GET /read/{HANG_MS}  id=hangs" in screen
        assert all(f"waits-{number}" in re.search("waited +(.*)", screen).group(1) for number in range(3)), screen
        assert "Plants.read (tests/apps/asgi_app.py:" in screen[:screen.index("UTILISATION")], screen
        terminal.keys("Escape", "Tab", "Tab")
        screen = terminal.wait("STUCK recv")
        assert "id=hangs" in screen.splitlines()[3], "what goes on comes first"
        terminal.keys("Enter")
        assert "id=hangs" in terminal.wait("where it was last seen")
        screen = terminal.wait("the threshold was 20 ms", seconds=ATTACH_S + HANG_MS / 1000)
        assert "STUCK" not in screen and re.search(r"^\d\S* s, from ", screen, re.M) and "id=hangs" in screen, screen
        assert re.search(r"^spent .* s blocked", screen, re.M) and "Plants.read (tests/apps/asgi_app.py:" in screen
        terminal.keys("q")
        assert terminal.ended() == 0


def test_batch_tells_what_hangs(folder):
    """Where no call is slow, the code is; a target that is killed has no such row any more."""
    with EpollServer(folder) as server:
        argv = [LGTRACE, "top", "-b", "--delay", "0.3", "--threshold", "20ms", "-p", str(server.pid)]
        with Running(argv, folder / "out", folder / "err") as tracer:
            with Load(server.connect):
                wait_for(lambda: "GET /ok" in (folder / "out").read_text(), ATTACH_S, "its loop in a table")
            server.connect().send("/cpu/20000", "hangs")
            text = wait_for(lambda: "STUCK" in (text := (folder / "out").read_text()) and text, ATTACH_S, "a stuck loop")
            server.process.kill()
            server.process.wait()
            assert tracer.process.wait(ATTACH_S) == 0
    table = text[text.rindex("lgtrace top"):]
    assert re.search(r"^ +\d+ .* cpu +STUCK \S+ \S+ GET /cpu/\{n\}$", table, re.M), table


def writes(pid):
    return int(re.search(r"syscw: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text()).group(1))


def test_nothing_tears_or_scrolls(folder):
    """Under load every frame is one write, and every screen that is seen is a whole one, each row in its place."""
    with EpollServer(folder) as server, Load(server.connect, connections=8, pause_s=0.001):
        with top(folder, "--delay", "0.2", cols=120, rows=20) as terminal:
            terminal.wait(str(server.pid))
            before, begin, screens = writes(terminal.pid), time.monotonic(), []
            while time.monotonic() < begin + 2:
                screens.append(terminal.screen().splitlines())
            assert 3 <= writes(terminal.pid) - before <= 12, "more or less than a write for each of 10 frames"
            for screen in screens:
                assert len(screen) == 20 and screen[0].startswith("lgtrace top") and screen[1].startswith(" Loops ")
                assert screen[2].split()[0] == "PID" and screen[-1].startswith("q quit")
                assert all(re.match(r" *\d+ +\d+ .{12} ", line) for line in screen[3:-1] if line)
            terminal.keys("q")
            assert terminal.ended() == 0


def test_pause_reset_and_resize(folder):
    with EpollServer(folder) as server, Load(server.connect), top(folder, "-p", server.pid) as terminal:
        terminal.wait("GET /")
        terminal.keys("p")
        first = terminal.wait("PAUSED")
        count = re.search(r"(\S+) requests", first).group(1)
        subprocess.run(["sleep", "2"], check=True)
        assert re.search(r"(\S+) requests", terminal.screen()).group(1) == count
        terminal.resize(60, 12)
        screen = terminal.wait("PAUSED")
        assert len(screen.splitlines()) == 12 and max(map(len, screen.splitlines())) <= 60
        terminal.scribble(8, "ANOTHER PROGRAM")
        terminal.wait("ANOTHER PROGRAM")
        terminal.keys("C-l")
        wait_for(lambda: "ANOTHER" not in terminal.screen(), what="a screen that was drawn anew")
        terminal.keys("p", "z")
        terminal.resize(120, 30)
        assert "RUNTIME" in terminal.wait("RUNTIME")
        terminal.keys("F1")
        terminal.wait("draw the screen anew")
        terminal.keys("F10")
        assert terminal.ended() == 0


def test_ascii_and_no_color(folder):
    with EpollServer(folder) as server, Load(server.connect):
        with top(folder, "-p", server.pid, environment={"LC_ALL": "C", "NO_COLOR": "1"}) as terminal:
            terminal.wait("GET /ok")
            server.connect().get("/sleep/40", "ascii")
            terminal.wait("syscall")
            assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.screen("-e"))
            terminal.keys("Enter")
            screen = terminal.wait("UTILISATION")
            assert screen.isascii()
            terminal.keys("q")
            assert terminal.ended() == 0


@pytest.mark.parametrize("how", ["TERM", "INT", "HUP", "QUIT", "SEGV", "ABRT"])
def test_the_terminal_is_sane_after_a_signal(folder, how):
    with EpollServer(folder) as server, top(folder, "-p", server.pid) as terminal:
        terminal.wait("epoll_server")
        assert terminal.is_on_second_page()
        os.kill(terminal.pid, getattr(signal, f"SIG{how}"))
        assert terminal.ended() == {"SEGV": 139, "ABRT": 134}.get(how, 0)


def test_the_target_is_killed(folder):
    with EpollServer(folder) as server, top(folder, "-p", server.pid) as terminal:
        terminal.wait("epoll_server")
        terminal.keys("Enter")
        terminal.wait("UTILISATION")
        server.process.kill()
        server.process.wait()
        terminal.wait("has ended")
        terminal.keys("Escape")
        terminal.wait("0 loops")
        terminal.keys("q")
        assert terminal.ended() == 0


def test_errors_leave_no_trace_on_the_terminal(folder):
    with Terminal(folder, [LGTRACE, "top", "-p", "4194303"]) as terminal:
        assert terminal.ended() == 6
        assert "no process" in terminal.screen()


def test_later_loops_are_found(folder):
    with top(folder, "--view", "loops") as terminal:
        terminal.wait("UTIL%")
        with EpollServer(folder) as server, Load(server.connect):
            terminal.keys("/", *"epoll_server", "Enter")
            terminal.wait(str(server.pid), seconds=15)
        terminal.keys("q")
        assert terminal.ended() == 0


def test_replay(folder):
    """A recording, twice as fast as it was; then it stands at its end."""
    with EpollServer(folder) as server, Load(server.connect):
        with Recorder(folder / "top.rec", server.pid, "--threshold", "20ms") as recorder:
            server.connect().get("/sleep/60", "first")
            time.sleep(3)
            server.connect().get("/sleep/50", "last")
            assert recorder.stop() == 0
    begin = time.monotonic()
    with Terminal(folder, [LGTRACE, "report", "--top", "--speed", "2", str(folder / "top.rec")], rows=50) as terminal:
        terminal.wait("1 stall over 20 ms")
        terminal.keys("Enter", "p")
        screen = terminal.wait("PAUSED")
        assert "replay, 2x" in screen and "id=first" in screen and "id=last" not in screen
        time.sleep(1.5)
        terminal.keys("p")
        assert "id=last" in terminal.wait("the recording ends here")
        assert time.monotonic() - begin > 3
        terminal.keys("Escape", "z")
        terminal.wait("0 stalls over")
        terminal.keys("q")
        assert terminal.ended() == 0


def test_batch(folder):
    with EpollServer(folder) as server, Load(server.connect):
        code, out, err = run("top", "-b", "-n", "2", "--delay", "0.5", "-p", server.pid)
        assert code == 0, err
        assert len(out.split("\n\n")) == 2 and "\x1b" not in out
        for table in out.split("\n\n"):
            assert "WORST-ROUTE" in table and row(table, server.pid)[2] == "epoll_server"
        code, out, _ = run("top", "-b", "-n", "1", "-d", "2", "--view", "routes", "-p", server.pid)
        assert code == 0 and "GET /" in out
        code, out, _ = run("top", "-b", "-n", "1", "--view", "routes", "-p", server.pid, "--method", "POST")
        assert code == 0 and "0 requests" in out and "GET /" not in out


def test_batch_of_a_control_group(folder):
    with EpollServer(folder) as server, Load(server.connect):
        group = own_group(server.pid, os.path.exists("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
        code, out, err = run("top", "-b", "-n", "1", "-c", group)
        assert code == 0 and str(server.pid) in out, err
    code, _, err = run("top", "-b", "-n", "1", "-c", "no/such/group")
    assert code == 6 and "no/such/group" in err


def test_usage(folder):
    for args in (["--sort", "NONSENSE", "-b"], ["-p", "1", "-c", "x"], ["--delay", "0", "-b"], []):
        code, _, err = run("top", *args)
        assert code == 2 and err, args
