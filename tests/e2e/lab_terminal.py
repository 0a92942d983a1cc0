# SPDX-License-Identifier: BSD-2-Clause
"""A terminal to run lgtrace in: a tmux server of the test's own, with one pane."""
import os
import subprocess
import time

from lab_server import wait_for
from lab_tracer import ROOT


class Terminal:
    """Runs a command behind a shell that tells the terminal's settings before and after, and the exit status."""

    def __init__(self, folder, argv, cols=80, rows=24, environment=None):
        self.socket = folder / "tmux"
        self.settings = [folder / "before", folder / "after"]
        self.status_path = folder / "status"
        self.pid_path = folder / "pid"
        words = " ".join(f"'{word}'" for word in argv)
        script = folder / "run.sh"
        script.write_text(f"stty -g >{self.settings[0]}\necho FIRST-PAGE\n"
                          f"sh -c 'echo $$ >{self.pid_path}; exec \"$@\"' - {words}\necho $? >{self.status_path}\n"
                          f"stty -g >{self.settings[1]}\nexec sleep 1000\n")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("TMUX", "LC_", "LANG"))}
        self.env = {**env, "LC_ALL": "C.UTF-8", **(environment or {})}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(cols), "-y", str(rows), f"sh {script}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], cwd=ROOT, env=self.env, text=True, check=True,
                              stdout=subprocess.PIPE, timeout=10).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def scribble(self, row, text):
        """As another program that writes to the same terminal."""
        with open(self.tmux("display-message", "-p", "#{pane_tty}").strip(), "w", encoding="utf-8") as tty:
            tty.write(f"\x1b[{row};1H{text}")

    def resize(self, cols, rows):
        self.tmux("resize-window", "-x", str(cols), "-y", str(rows))

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def wait(self, text, seconds=10):
        """The screen, once it holds the text."""
        end = time.monotonic() + seconds
        while text not in (screen := self.screen()):
            assert time.monotonic() < end, f"no {text!r} on the screen:\n{screen}"
            time.sleep(0.05)
        return screen

    @property
    def pid(self):
        return int(wait_for(lambda: self.pid_path.exists() and self.pid_path.read_text(), what="pid of the command"))

    def is_on_second_page(self):
        """Full-screen programs draw there."""
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def ended(self):
        """Its exit status; the terminal is as it was before."""
        wait_for(lambda: self.settings[1].exists() and self.settings[1].read_text(), what="end of the command")
        assert self.settings[0].read_text() == self.settings[1].read_text()
        assert not self.is_on_second_page()
        assert self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"
        assert "FIRST-PAGE" in self.screen()
        return int(self.status_path.read_text())
