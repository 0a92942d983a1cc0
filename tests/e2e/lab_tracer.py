# SPDX-License-Identifier: BSD-2-Clause
"""Runs lgtrace and reads what it says."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LGTRACE = os.environ.get("LGTRACE", str(ROOT / "lgtrace"))
ATTACH_S = 15  # generous: a loaded machine; the budget of 300 ms has a test of its own


class Running:
    """A lgtrace whose standard output and error are files; a context that ends it if nobody did."""

    def __init__(self, argv, out_path, err_path):
        self.out_path, self.err_path = Path(out_path), Path(err_path)
        self.started = time.monotonic()
        with open(out_path, "wb") as out, open(err_path, "wb") as err:
            self.process = subprocess.Popen(list(map(str, argv)), stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            cwd=ROOT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stderr(self):
        return self.err_path.read_text(errors="replace")


class Tracer(Running):
    """One `lgtrace --json`."""

    def __init__(self, folder, pid=None, mode=None, threshold="20ms", args=(), command=(), wait=True,
                 prefix=()):
        argv = [*prefix, LGTRACE, "--json", "--threshold", threshold]
        argv += ["-p", str(pid)] if pid else []
        argv += ["--probes", mode] if mode else []
        argv += [*args, *(["--", *command] if command else [])]
        super().__init__(argv, Path(folder) / "lgtrace.json", Path(folder) / "lgtrace.err")
        self.attach_s = self.wait_attached() if wait else None

    def wait_attached(self):
        """Until the header line stands in the output."""
        while time.monotonic() < self.started + ATTACH_S:
            if b"\n" in self.out_path.read_bytes():
                return time.monotonic() - self.started
            if self.process.poll() is not None:
                raise AssertionError(f"lgtrace ended with {self.process.returncode}: {self.stderr()}")
            time.sleep(0.005)
        raise AssertionError(f"no header after {ATTACH_S} s: {self.stderr()}")

    def wait(self, timeout=15):
        """The exit code, when it ends by itself."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"lgtrace is still running: {self.stderr()}") from error

    def stop(self, timeout=15):
        """Ctrl-C, then everything it said. First the turn that sent the last reply must have ended."""
        time.sleep(0.06)
        self.process.send_signal(signal.SIGINT)
        code = self.wait(timeout)
        assert code == 0, f"exit {code}: {self.stderr()}"
        return Told(self.lines())

    def lines(self):
        """Those that are complete: the last one may be half written."""
        text = self.out_path.read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


class Told:
    """The lines of one run, by type."""

    def __init__(self, lines):
        self.lines = lines
        self.stalls = [line for line in lines if line["type"] == "stall"]
        self.requests = [line for line in lines if line["type"] == "request"]
        self.header = lines[0]
        self.summary = lines[-1]
        assert self.header["type"] == "header", lines[:1]
        assert self.summary["type"] == "summary", lines[-1:]
        assert sum(line["type"] in ("header", "summary") for line in lines) == 2

    def of(self, request_id):
        """The one stall of this request."""
        stall, = (stall for stall in self.stalls if (stall["request"] or {}).get("id") == request_id)
        return stall

    def ids(self):
        """Whose stalls were told, but for nobody's that wanted for a CPU: those are the host's doing."""
        return [stall["request"]["id"] for stall in self.stalls if stall["request"] or stall["cause"] != "runqueue"]


def run(*args, timeout=20, **kwargs):
    """lgtrace to its end: (exit code, standard output, standard error)."""
    done = subprocess.run([LGTRACE, *map(str, args)], capture_output=True, text=True, errors="replace", cwd=ROOT,
                          stdin=subprocess.DEVNULL, timeout=timeout, check=False, **kwargs)
    return done.returncode, done.stdout, done.stderr
