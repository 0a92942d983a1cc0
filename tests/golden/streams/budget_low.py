# SPDX-License-Identifier: BSD-2-Clause
"""Tracing is over its budget and stays so: what is left out is said at the end, too."""
from stream import MS, S, Stream


def stream():
    s = Stream()
    node = s.loop(4300, "node", "NODE", version=(20, 0), exe="/usr/bin/node")
    s.idle(1 * S)
    s.level("FULL", "STACKS", 250_000, target=800 * MS, bpf=250 * MS, own=50 * MS)
    s.idle(2 * S)
    s.level("STACKS", "SAMPLES", 250_000, target=800 * MS, bpf=250 * MS, own=50 * MS)
    with node.turn():
        node.run(25 * MS)
    s.idle(1 * S)
    return s.end()
