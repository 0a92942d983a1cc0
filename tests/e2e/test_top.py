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
from lab_host import own_group
from lab_server import EpollServer, Node, Uvicorn
from lab_terminal import Terminal
from lab_tracer import LGTRACE, run
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
        connection = server.connect()
        for number in range(3):
            connection.get("/cpu/60", f"top-{number}")
        terminal.keys("/", *str(server.pid), "Enter")
        terminal.wait("/cpu/")
        assert row(terminal.screen(), server.pid)[2] == ("node" if make is Node else "python3")
        terminal.keys("Enter")
        screen = terminal.wait("IN FLIGHT")
        assert "id=top-2" in screen and "waited:" in screen and re.search("[▁▂▃▄▅▆▇█]", screen), screen
        assert "tests/apps/" in screen[screen.index("STACK of the worst stall"):], screen
        assert "/cpu/{n}" in terminal.wait("ROUTES")
        terminal.keys("Tab")
        terminal.wait("DELAY-P99")
        terminal.keys("Escape", "Tab")
        assert "id=top-1" in terminal.wait("VICTIMS")
        terminal.keys("Tab")
        terminal.wait("LONGEST")
        app = "tests/apps/" + ("node_app.js" if make is Node else "asgi_app.py")
        assert re.search(r"GET /cpu/\{n\} .*" + app, terminal.wait(app))
        terminal.keys("q")
        assert terminal.ended() == 0


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
        terminal.keys("p", "z")
        terminal.resize(120, 30)
        assert "RUNTIME" in terminal.wait("RUNTIME")
        terminal.keys("q")
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
