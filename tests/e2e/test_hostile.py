# SPDX-License-Identifier: BSD-2-Clause
"""Requests and names that mean harm: bytes that a terminal would obey, heads without end."""
import gzip
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from lab_client import Load
from lab_server import EpollServer, Uvicorn, wait_for
from lab_terminal import Terminal
from lab_tracer import LGTRACE, Tracer
from test_record import Recorder


def check_harmless(text):
    """Nothing but what is printed, whatever a terminal would make of the rest."""
    assert {c for c in text if not c.isprintable()} <= {"\n"}, repr(text[:2000])


def hostile_requests():
    """Bytes of every kind in the request line and in a header, each in a request of its own."""
    every = [bytes(set(range(begin, begin + 32)) - set(b"\r\n\0")) for begin in range(0, 256, 32)]
    words = [*every, b"\x1b]0;title\x07\x1b[2J", "\u202e\u2066\ufeff\U000e0041 \U0001f4a9".encode(),
             b"\xed\xa0\x80\xc0\x80\xf5", b"%1b%5b2J\\x1b[2J", b'"</script>\\u001b']
    for word in words:
        yield b"GET /sleep/25?" + word + b" HTTP/1.1\r\nHost: lab\r\n\r\n"
        yield b"GET /" + word + b" HTTP/1.1\r\nX-Request-ID: " + word + b"\r\n\r\n"
        yield b"GET /sleep/25 HTTP/1.1\r\nX-Request-ID: " + word + b"\r\ntraceparent: " + word + b"\r\n\r\n"
        yield word + b" / HTTP/1.1\r\n\r\n"
        yield word


def send_raw(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as sock:
        try:
            sock.sendall(data)
            return sock.recv(65536)
        except OSError:
            return b""


def send_all(server):
    for data in hostile_requests():
        send_raw(server.port, data)
    server.connect().get("/sleep/50", "after")


@pytest.mark.parametrize("as_json", [True, False])
def test_hostile_requests(as_json, folder):
    """Nothing of them reaches the terminal raw."""
    out = folder / "out"
    with EpollServer(folder) as server:
        words = [LGTRACE, "-p", str(server.pid), "--requests", "--threshold", "20ms", "-o", out]
        tracer = subprocess.Popen([*words, *(["--json"] if as_json else [])], stderr=subprocess.PIPE,
                                  env={**os.environ, "LC_ALL": "C.UTF-8"})
        wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") >= 1, what="attach")
        send_all(server)
        time.sleep(0.1)
        tracer.send_signal(signal.SIGINT)
        said = tracer.communicate(timeout=15)[1]
    assert tracer.returncode == 0, said
    text = out.read_text()
    check_harmless(text + said.decode())
    assert "after" in text and "script" in text


TITLE = "\x1b]0;ti\x07"


class HostileServer(EpollServer):
    """Its program, its folder and so its map, its paths and its threads have names that a terminal would obey."""

    def argv(self):
        words = super().argv()
        program = self.folder / "<" / "script>\n\x1b[2J\u202e" / f"{TITLE}\n<b>\x1b[2J"
        if not program.exists():
            program.parent.mkdir(parents=True)
            shutil.copy(words[0], program)
        return [str(program), *words[1:]]


@pytest.fixture
def hostile(folder):
    """A server, with a client that goes on and on, and a recording of both."""
    with HostileServer(folder) as server:
        with Recorder(folder / "kept.rec", server.pid, "--threshold", "20ms") as recorder:
            send_all(server)
            recorder.stop()
        with Load(server.connect):
            yield server, folder / "kept.rec"


def views(server, kept, folder):
    """Words of a command that shows what is hostile, and the file that it goes to if that is not its standard output."""
    pid = str(server.pid)
    yield ["report", "--stalls", "--requests", kept], None
    yield ["report", "--json", "--requests", kept], None
    yield ["report", "--folded", kept], None
    yield ["report", "--top", "--batch", kept], None
    yield ["diff", kept, kept], None
    for name in ("html", "pprof", "chrome-trace"):
        yield ["report", f"--{name}", folder / name, kept], folder / name
    yield ["-p", pid, "-v", "--requests", "--threshold", "20ms", "-d", "1"], None
    for words in (["stat", "1", "1"], ["top", "-b", "-n", "1", "--delay", "1"], ["doctor"]):
        yield [*words, "-p", pid], None
    yield ["ps", "-d", "1"], None


def check_file(path):
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    for word in ("\x1b[", "\x1b]", "ti\x07", "\u202e"):
        assert word.encode() not in data, (path, word)
    assert path.name != "html" or b"</script>\\n" not in data
    assert b"ti\\" in data, path


def test_every_view_of_hostile_names(hostile, folder):
    server, kept = hostile
    for words, path in views(server, kept, folder):
        done = subprocess.run([LGTRACE, *words], capture_output=True, timeout=20, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, (words, done.stderr)
        text = (done.stdout + done.stderr).decode()
        check_harmless(text)
        if path:
            check_file(path)
        else:
            assert "ti\\" in text or words[0] == "diff" and "script" in text, (words, text)  # something of it was shown


def test_hostile_names_on_a_terminal(hostile, folder):
    server, _ = hostile
    with Terminal(folder, [LGTRACE, "top", "-p", str(server.pid), "--threshold", "20ms"], cols=160) as terminal:
        terminal.wait("/ok")
        terminal.keys("Enter")
        screen = terminal.wait("UTILISATION")
        assert "ti\\" in screen.splitlines()[2] and "lgtrace top" in screen.splitlines()[0], screen
        assert terminal.tmux("display-message", "-p", "#{pane_title}").strip() != "ti"
        terminal.keys("q")
        assert terminal.ended() == 0


def test_long_heads_and_floods_of_headers(folder, peer):
    """The request line is known however long the head is; an id that is longer than what is read of it is none."""
    with Uvicorn(folder, peer, http="httptools") as server, Tracer(folder, server.pid, "libc") as tracer:
        connection = server.connect()
        connection.get("/sleep/40", "cookie", "Cookie: " + "c" * 65536 + "\r\n")
        connection.get("/sleep/40", "many", "".join(f"X-{i}: {i}\r\n" for i in range(3000)))
        connection.get("/sleep/40", "i" * 20000)
        connection.get("/sleep/40", "after")
        told = tracer.stop()
    ids = [(stall["request"] or {}).get("id") for stall in told.stalls if stall["duration_ns"] >= 40_000_000]
    assert ids == ["cookie", "many", "c1-3", "after"]
