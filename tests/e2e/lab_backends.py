# SPDX-License-Identifier: BSD-2-Clause
"""What a server asks that may be slow: services at their well-known ports, a disk, a resolver that is dead.

All at an address of its own in 127/8, so that services of the host are not in the way.
"""
import os
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab_server import APPS, PYTHON, Server, wait_for

PYTHON_MODULE = """import time
end = time.thread_time() + 0.06
while time.thread_time() < end:
    pass
"""
NODE_MODULE = """const begin = process.cpuUsage().user;
let sum = 0;
while (process.cpuUsage().user - begin < 60000)
	for (let i = 0; i < 20000; i++)
		sum += i;
"""
HERE = Path(__file__).resolve().parent


def own_address():
    return f"127.{64 + os.getpid() % 128}.{os.getpid() // 128 % 256}.1"


@contextmanager
def running(argv, err, is_up):
    argv = [str(word) for word in argv]
    with open(err, "wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    try:
        wait_for(is_up, what=argv[0])
        yield process
    finally:
        process.terminate()
        process.wait(20)


def answers(host, port):
    with socket.socket() as sock:
        return sock.connect_ex((host, port)) == 0


@contextmanager
def postgres(folder, host, port=5432):
    """A cluster of its own, which does not run as root."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    data = folder / "postgres"
    data.mkdir()
    subprocess.run(["chown", "postgres", data], check=True)
    as_user = ["runuser", "-u", "postgres", "--"]
    subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "lab", "--no-sync"], check=True,
                   stdout=subprocess.DEVNULL, cwd="/")
    is_ready = [programs / "pg_isready", "-q", "-h", host, "-p", str(port)]
    with running([*as_user, programs / "postgres", "-D", data, "-h", host, "-p", port, "-k", data, "-F"],
                 folder / "postgres.err", lambda: subprocess.run(is_ready, check=False).returncode == 0):
        yield


def redis(folder, host):
    return running(["/usr/bin/redis-server", "--bind", host, "--port", 6379, "--save", "", "--dir", folder,
                    "--enable-debug-command", "yes"], folder / "redis.err", lambda: answers(host, 6379))


class SlowAnswer(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(int(self.path[1:]) / 1000)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def slow_http(host):
    with ThreadingHTTPServer((host, 8080), SlowAnswer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield
        server.shutdown()


@contextmanager
def slow_disk(folder):
    """lab_fuse.py at folder/slow."""
    where = folder / "slow"
    where.mkdir()
    argv = [PYTHON, HERE / "lab_fuse.py", where, folder / "disk.jsonl"]
    with running(argv, folder / "disk.err", lambda: os.path.ismount(where)):
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", where], check=True)


@contextmanager
def silent(kind, host, port):
    """Something that listens and never says a word."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((host, port))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        yield


@contextmanager
def backends(folder):
    """All of them. Yields their address."""
    host = own_address()
    with ExitStack() as stack:
        for each in (postgres(folder, host), redis(folder, host), slow_http(host), slow_disk(folder),
                     silent(socket.SOCK_STREAM, host, 443), silent(socket.SOCK_DGRAM, host, 53)):
            stack.enter_context(each)
        yield host


class Causes(Server):
    """tests/apps/causes_app.py, in a mount namespace where the dead resolver is the only one."""

    def __init__(self, folder, host):
        super().__init__(folder)
        self.host = host
        (self.folder / "resolv.conf").write_text(f"nameserver {host}\noptions timeout:1 attempts:1\n")
        for i in range(1, 4):
            (self.folder / f"slow_module_{i}.py").write_text(PYTHON_MODULE)

    def argv(self):
        script = f"mount --bind {self.folder}/resolv.conf /etc/resolv.conf && exec \"$@\""
        return ["unshare", "--mount", "sh", "-c", script, "sh", PYTHON, "-B", "-m", "uvicorn", "--app-dir", str(APPS),
                "causes_app:app", "--port", str(self.port), "--no-access-log", "--log-level", "warning"]

    def environment(self):
        return {"LAB_FOLDER": str(self.folder), "LAB_HOST": self.host}


class NodeCauses(Causes):
    """tests/apps/causes_app.js"""

    def __init__(self, folder, host):
        super().__init__(folder, host)
        modules = self.folder / "node_modules" / "slow-module"
        modules.mkdir(parents=True)
        for i in range(1, 4):
            (modules / f"{i}.js").write_text(NODE_MODULE)

    def argv(self):
        return ["/usr/bin/node", "--expose-gc", str(APPS / "causes_app.js"), str(self.port)]
