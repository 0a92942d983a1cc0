# SPDX-License-Identifier: BSD-2-Clause
"""A process without an event loop, for 5 s: no lines, no tables, and the summary says so."""
from stream import S, Stream


def stream():
    s = Stream()
    s.process(8500, "backup", exe="/usr/bin/rsync")
    s.idle(5 * S)
    return s.end()
