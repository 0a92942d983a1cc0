# SPDX-License-Identifier: BSD-2-Clause
"""Completion in bash, zsh and fish themselves, as the installed files give it: what a Tab makes of a line."""
import subprocess

import pytest

from lab_terminal import Terminal
from lab_tracer import LGTRACE

# How each shell is started without anybody's settings, and reads the script.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile"], "source lgtrace.bash"),
    "zsh": (["zsh", "-f"], "PS1='ready> '; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"),
    "fish": (["fish", "--no-config"], "source lgtrace.fish"),
}
SUM = ("echo set-$((40 + 2))", "echo set-(math 40 + 2)")  # its outcome is not what was typed
LINES = {
    "lgtrace rec": "lgtrace record",
    "lgtrace --no-f": "lgtrace --no-follow",
    "lgtrace top --vi": "lgtrace top --view",
    "lgtrace top --view pl": "lgtrace top --view places",
    "lgtrace --color=nev": "lgtrace --color=never",
    "lgtrace --cause thr": "lgtrace --cause throttled",
    "lgtrace report nig": "lgtrace report night.rec",
    "lgtrace diff --json nig": "lgtrace diff --json night.rec",
    "lgtrace -q -o nig": "lgtrace -q -o night.rec",
    "lgtrace -q -- redis-benchm": "lgtrace -q -- redis-benchmark",
    "lgtrace -q -- cat nig": "lgtrace -q -- cat night.rec",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab(shell, folder):
    argv, setting = SHELLS[shell]
    script = subprocess.run([LGTRACE, "__complete", shell], stdout=subprocess.PIPE, check=True).stdout
    (folder / ("_lgtrace" if shell == "zsh" else f"lgtrace.{shell}")).write_bytes(script)
    (folder / "night.rec").touch()
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with Terminal(folder, argv, cols=120, rows=24, environment=own) as terminal:
        terminal.keys(f"cd {folder}", "Enter", setting, "Enter", SUM[shell == "fish"], "Enter")
        terminal.wait("set-42", seconds=20)
        for line, completed in LINES.items():
            terminal.keys("C-u", "C-l")
            terminal.keys("-l", line)
            terminal.keys("Tab")
            terminal.wait(completed)
