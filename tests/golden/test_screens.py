# SPDX-License-Identifier: BSD-2-Clause
"""Screens of `lgtrace top`: scripted keys on streams of records, compared character by character with screens/.

`make golden-update` writes screens/ anew; read it before it is committed.
"""
import os
import pathlib
import re
import subprocess
import tempfile

import minute
import pytest
from test_golden import HERE, ROOT, compare, stream_bytes

SCREENS = ROOT / os.environ.get("BUILD", "build") / "golden/screens"
KEYS = {
    "loops": ("minute", [], "show > show > show < r show S show P show P show"),
    "wide": ("minute", ["--utf8"], "size=160x12 show Enter show Tab show Tab show"),
    "colour": ("minute", ["--colour", "--utf8"], "size=120x10 show Down show Tab Tab show"),
    "cursor": ("minute", [], "size=80x6 show Down show Down show Down show U show Up show End show Home show "
               "PageDown show PageUp show"),
    "filter": ("minute", [], "size=80x8 / show p y t show Enter show Tab show Esc show / z z Backspace show z Enter show "
               "Esc show / x Esc show"),
    "loop": ("minute", [], "Enter show PageDown show PageDown show PageDown show Home size=80x60 show Esc show"),
    "loop_utf8": ("minute", ["--utf8"], "Enter size=80x40 show"),
    "stalls": ("minute", [], "Tab Tab show L show Down Enter size=80x16 show Enter show Esc show BackTab show"),
    "stall": ("stacks", ["--no-hints"], "Tab Tab Enter show PageDown show p z show p show size=40x8 Home show PageDown show"),
    "stuck": ("stuck", [], "show Enter show Esc Tab Tab show Enter show Enter size=80x60 show"),
    "stuck_utf8": ("stuck", ["--colour", "--utf8"], "size=160x6 show p show Tab Tab show Down Down show"),
    "stuck_batch": ("stuck", ["--batch"], "size=120x1 show view=2 show"),
    "help": ("minute", [], "? show PageDown show PageDown show PageDown show Esc show h Tab show q"),
    "pause": ("minute", [], "size=80x7 p show z show Space show Tab show"),
    "narrow": ("minute", [], "size=50x8 show size=20x6 show size=7x3 show size=1x1 show size=80x2 show size=40x4 Enter "
               "show ? show"),
    "narrow_pages": ("stuck", [], "size=60x6 show Enter size=40x60 show Esc Tab Tab Enter size=32x24 show"),
    "long": ("long", ["--utf8"], "show size=100x8 show size=80x60 Enter show Esc Tab Tab size=80x8 show Enter size=80x40 "
             "show size=40x44 show size=9x6 show"),
    "keys": ("minute", [], "size=80x12 F6 show F4 n g i n F4 show Esc \\ p y Enter show F1 show F10"),
    "batch": ("minute", ["--batch", "--utf8"], "size=200x1 show view=1 show view=2 show view=3 show"),
    "places": ("stacks", ["--utf8"], "size=120x12 BackTab show L show W show size=60x8 show size=80x40 BackTab Enter show Enter show"),
    "hostile": ("hostile", ["--utf8"], "size=160x20 show Tab show Tab show Enter size=160x40 show Enter show"),
    "nothing": ("nothing", [], "size=80x8 show Enter show Tab show Tab show Enter show"),
    "several": ("several_loops", [], "size=120x10 show Tab show Tab show"),
    "ended": ("dies", [], "size=80x10 show Enter show"),
    "lost": ("lost", ["--colour"], "size=100x8 show"),
    "budget": ("budget_low", ["--colour"], "size=120x8 show"),
}


def told(case, folder):
    name, options, keys = KEYS[case]
    file = folder / f"{name}.stream"
    file.write_bytes(minute.stream() if name == "minute" else stream_bytes(name))
    result = subprocess.run([SCREENS, *options, file, *keys.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=120, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout


@pytest.mark.parametrize("case", KEYS)
def test_screens(case, tmp_path):
    compare(HERE / "screens" / case, told(case, tmp_path), context=2)


@pytest.mark.parametrize("case", KEYS)
def test_every_screen_keeps_its_size(case, tmp_path):
    """Nothing is drawn beyond the grid, and no byte of a target steers the terminal."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", told(case, tmp_path).decode())
    assert {c for c in text if not c.isprintable()} <= {"\n"}
    for screen in re.split(r"^--- ", text, flags=re.M)[1:]:
        title, *rows = screen.rstrip("\n").split("\n") if screen != "quit\n" else ["0: 0x0"]
        cols, height = map(int, re.search(r"(\d+)x(\d+)", title).groups())
        assert all(len(row) <= cols for row in rows)
        assert len(screen.split("\n")) - 2 <= height


def main():
    (HERE / "screens").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in KEYS:
            (HERE / "screens" / case).write_bytes(told(case, pathlib.Path(folder)))


if __name__ == "__main__":
    main()
