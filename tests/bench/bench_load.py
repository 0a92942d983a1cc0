# SPDX-License-Identifier: BSD-2-Clause
"""The two load generators: wrk for HTTP, redis-benchmark for Redis.

Each has warm_up(seconds) and run(seconds); the latter returns what it saw:
{"requests", "seconds", "p99_us", "errors"}. They run on the CPU of their caller.
"""
import csv
import re
import signal
import subprocess
import time

CONNECTIONS = 32
UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000}


class Wrk:
    """One thread, keep-alive."""

    def __init__(self, port, path):
        self.argv = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d60s", "--latency", f"http://127.0.0.1:{port}{path}"]

    def warm_up(self, seconds):
        self._output(seconds)

    def run(self, seconds):
        text = self._output(seconds)
        requests, unit_count, unit = re.search(r"(\d+) requests in ([\d.]+)([a-z]+)", text).groups()
        p99, p99_unit = re.search(r"99%\s+([\d.]+)([a-z]+)", text).groups()
        errors = [int(n) for line in re.findall(r"(?:Socket errors|Non-2xx).*", text)
                  for n in re.findall(r" (\d+)\b", line)]
        return {"requests": int(requests), "seconds": float(unit_count) * UNITS_US[unit] / 1e6,
                "p99_us": float(p99) * UNITS_US[p99_unit], "errors": sum(errors)}

    def _output(self, seconds):
        """wrk takes whole seconds only, but reports at once when it is interrupted."""
        with subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                time.sleep(seconds)
                process.send_signal(signal.SIGINT)
                text = process.communicate(timeout=10)[0]
            finally:
                process.kill()
        if "requests in" not in text:
            raise RuntimeError(f"{' '.join(self.argv)} said: {text}")
        return text


class RedisBenchmark:
    """SET, then GET. It takes a number of requests, so its speed is measured first."""
    CALIBRATION_COUNT = 20_000

    def __init__(self, port, pipeline):
        self.argv = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "-t", "set,get", "--csv",
                     "-P", str(pipeline)]
        self.rate = None

    def warm_up(self, seconds):
        if not self.rate:
            seen = self._run(self.CALIBRATION_COUNT)
            self.rate = seen["requests"] / seen["seconds"]
        self._run(self._count(seconds))

    def run(self, seconds):
        return self._run(self._count(seconds))

    def _count(self, seconds):
        return max(1_000, int(self.rate * seconds / 2))  # of each of the two commands

    def _run(self, count):
        with subprocess.Popen([*self.argv, "-n", str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True) as process:
            try:
                text, complaint = process.communicate(timeout=60)
            finally:
                process.kill()
        rows = list(csv.DictReader(text.splitlines()))
        if process.returncode or len(rows) != 2:
            raise RuntimeError(f"{' '.join(self.argv)} said: {text}{complaint}")
        return {"requests": 2 * count, "seconds": sum(count / float(row["rps"]) for row in rows),
                "p99_us": max(float(row["p99_latency_ms"]) for row in rows) * 1_000, "errors": 0}
