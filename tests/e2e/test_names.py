# SPDX-License-Identifier: BSD-2-Clause
"""Targets whose every name means harm: program, thread, files, functions of C, Python and JavaScript, source files.

They run at once, and each view there is looks at them: what it prints is text, whatever the names would make of a
terminal.
"""
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab_client import Load
from lab_server import BUILT, PYTHON, EpollServer, Server
from lab_tracer import LGTRACE, ROOT
from test_hostile import check_harmless

EVIL = "e\x1b[31m\x07\n\x9b\u202e<b>\""
NO_UTF8 = "\udcff"  # a byte that is none; Node.js opens no such file

PYTHON_APP = """
import asyncio, ctypes, sys

port, evil, library = sys.argv[1:]
below = ctypes.CDLL(library).enter

def block():
    below(30)

code = block.__code__.replace(co_name=evil, co_qualname=evil, co_filename="/srv/" + evil + ".py")
block = type(block)(code, globals())

async def serve(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            block()
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    except asyncio.IncompleteReadError:
        writer.close()

async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", int(port))).serve_forever()

asyncio.run(main())
"""

# A symbol gets its name in the object file: no compiler makes such ones.
LIBRARY = """
#include <unistd.h>
__attribute__((noinline)) static int harmful(int ms) { return usleep(ms * 1000); }
int enter(int ms) { return harmful(ms) + 1; }
"""

NODE_APP = r"""
const plants = {
	"e\x1b[31m\x07\n\x9b\u202e<b>\""(ms) { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); },
};
require('http').createServer((req, res) => {
	Object.values(plants)[0](30);
	res.end('ok');
}).listen(Number(process.argv[2]), '127.0.0.1');
"""


class EvilServer(Server):
    """In a folder of that name; any request blocks for 30 ms."""

    def __init__(self, folder, peer):
        super().__init__(folder / type(self).__name__ / EVIL, peer)
        self.folder.mkdir(parents=True)
        self.program = self.folder / (EVIL + NO_UTF8)

    def warm_up(self):
        pass


class EvilNative(EvilServer, EpollServer):
    """Its program is named so, which names its thread, and the file that it waits for."""
    path = "/disk/30"

    def __enter__(self):
        shutil.copy(BUILT / "epoll_server", self.program)
        self.short = tempfile.TemporaryDirectory(dir="/tmp")  # its peer takes up to 107 bytes, and no newline
        self.fifo = Path(self.short.name) / EVIL.replace("\n", NO_UTF8)
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.short.cleanup()

    def argv(self):
        return [str(self.program), *super().argv()[1:]]


class EvilPython(EvilServer):
    path = "/"

    def __enter__(self):
        source, part = self.folder / "lib.c", self.folder / "lib.o"
        source.write_text(LIBRARY)
        subprocess.run(["cc", "-O1", "-fPIC", "-c", "-o", part, source], check=True)
        subprocess.run(["objcopy", "--redefine-sym", f"harmful={EVIL}", part], check=True)
        subprocess.run(["cc", "-shared", "-o", self.program, part], check=True)
        return super().__enter__()

    def argv(self):
        return [PYTHON, "-c", PYTHON_APP, str(self.port), EVIL + NO_UTF8, str(self.program)]


class EvilNode(EvilServer):
    path = "/"

    def argv(self):
        script = self.folder / f"{EVIL}.js"
        script.write_text(NODE_APP)
        return ["/usr/bin/node", str(script), str(self.port)]


def said(*words, code=0):
    """All that lgtrace prints, which must be UTF-8 and do no harm."""
    done = subprocess.run([LGTRACE, *map(str, words)], capture_output=True, timeout=30, check=False, cwd=ROOT,
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == code, text
    check_harmless(text)
    return text


@pytest.fixture
def evil(tmp_path, peer):
    """The pids of three servers, each of which is stalled all the time."""
    with ExitStack() as stack:
        servers = [stack.enter_context(make(tmp_path, peer)) for make in (EvilNative, EvilPython, EvilNode)]
        for server in servers:
            stack.enter_context(Load(server.connect, server.path, connections=1))
        yield [server.pid for server in servers]


def is_named(text):
    """The names are there, escaped; a column may have no room for more than their beginning."""
    return r"e\x1" in text or r"e\u00" in text


def test_nothing_that_a_target_is_called_reaches_the_terminal(evil, tmp_path):
    pids, recording = ",".join(map(str, evil)), tmp_path / "evil.rec"
    live = said("-p", pids, "--threshold", "20ms", "-d", "1", "--requests", "-v", "--record", recording)
    assert live.count(r"in e\x1b[31m\x07\x0a\u{9b}\u{202e}<b>") > 2, live  # functions
    lines = map(json.loads, said("report", "--json", recording).splitlines())
    frames = [frame for line in lines if line["type"] == "stall" for frame in line["stack"]]
    assert {frame["kind"] for frame in frames if frame["function"].startswith("e\x1b")} == {"native", "python", "js"}
    top = ["top", "-b", "-n", "1", "-p", pids, "--threshold", "20ms", "--view"]
    for words in (["report", "--stalls", recording], ["report", "--folded", recording], ["diff", recording, recording],
                  [*top, "loops"], [*top, "stalls"], ["ps"], ["stat", "-p", pids, "1", "1"]):
        assert is_named(said(*words)), words
    for pid in evil:
        said("doctor", "-p", pid)
    page, timeline = tmp_path / "page.html", tmp_path / "timeline.json"
    said("report", "--html", page, recording)
    said("report", "--chrome-trace", timeline, recording)
    for path in (page, timeline):
        text = path.read_text(encoding="utf-8")
        check_harmless(text.replace("\t", ""))
        assert is_named(text)
