# SPDX-License-Identifier: BSD-2-Clause
"""What lgtrace says when it cannot: one sentence for a person, a hint, and the exit code of user/base/err.h."""
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab_server import EpollServer
from lab_tracer import LGTRACE, run

USAGE, NOT_PERMITTED, NO_TARGET = 2, 4, 6


@contextmanager
def process(*argv):
    child = subprocess.Popen(argv)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def check_sentence(text, *words):
    """It says `lgtrace: ...` in a line or a few, names what it must, and shows no innards."""
    lines = text.strip().splitlines()
    assert 1 <= len(lines) <= 4, text
    assert lines[0].startswith("lgtrace: "), text
    for word in words:
        assert re.search(word, text, re.IGNORECASE), f"{word!r} not in {text!r}"
    assert "libbpf" not in text and "Traceback" not in text, text


def test_no_such_process():
    with process("/bin/true") as child:
        child.wait()
        code, out, err = run("-p", child.pid)
        assert (code, out) == (NO_TARGET, ""), err
        check_sentence(err, str(child.pid), "no .*process")


def test_zombie():
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        while "\nState:\tZ" not in Path(f"/proc/{child}/status").read_text():
            time.sleep(0.01)
        code, out, err = run("-p", child)
        assert (code, out) == (NO_TARGET, ""), err
        check_sentence(err, str(child), "zombie")
    finally:
        os.waitpid(child, 0)


def test_kernel_thread():
    kernel = next(pid for pid in os.listdir("/proc") if pid.isdigit() and is_kernel_thread(pid))
    code, out, err = run("-p", kernel)
    assert (code, out) == (NO_TARGET, ""), err
    check_sentence(err, kernel, "kernel thread")


def is_kernel_thread(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[6]) & 0x00200000
    except OSError:
        return False


LOOP_32BIT = """
.globl _start
_start:
	mov $2, %eax          # fork
	int $0x80
	test %eax, %eax
	jz child
	mov $7, %eax          # waitpid, whose number is poll's for a 64-bit program
	mov $-1, %ebx
	xor %ecx, %ecx
	xor %edx, %edx
	mov $2, %esi          # descriptors, as poll
	int $0x80
	mov $200000000, %ecx  # 40 ms and more
compute:
	dec %ecx
	jnz compute
	jmp _start
child:
	mov $162, %eax        # nanosleep
	mov $pause, %ebx
	xor %ecx, %ecx
	int $0x80
	mov $1, %eax          # exit
	int $0x80
.data
pause: .long 0, 20000000
"""


@pytest.fixture
def loop_32bit(folder):
    source, program = folder / "loop.S", folder / "loop"
    source.write_text(LOOP_32BIT)
    subprocess.run(["as", "--32", "-o", f"{program}.o", source], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-o", program, f"{program}.o"], check=True)
    return program


def test_32bit_program(loop_32bit):
    """The same numbers are other calls there: better nothing than what it did not do."""
    with process(loop_32bit) as child:
        code, out, err = run("-p", child.pid)
        assert (code, out) == (NO_TARGET, ""), err
        check_sentence(err, str(child.pid), "32-bit")
        assert str(child.pid) not in run("ps", "-d", "1")[1].split()
    with process("/bin/sh", "-c", f"sleep 1; exec {loop_32bit}") as shell:
        code, out, err = run("-p", shell.pid, "--json", "--probes", "syscall", "--threshold", "20ms", "-d", "3")
    assert code == NO_TARGET and '"stall"' not in out and '"stuck"' not in out, out
    check_sentence(err, "no event loop", "32-bit")


@pytest.fixture
def readable_lgtrace(folder):
    """A copy that everybody may execute, wherever the tree lies."""
    path = folder / "lgtrace"
    path.write_bytes(Path(LGTRACE).read_bytes())
    path.chmod(0o755)
    for parent in path.parents:
        if parent == Path("/tmp"):
            break
        parent.chmod(0o755)
    return path


def test_unprivileged_names_the_capabilities(readable_lgtrace):
    with process("/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/bin/sleep",
                 "30") as child:
        done = subprocess.run(["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--",
                               readable_lgtrace, "-p", str(child.pid)], capture_output=True, text=True, timeout=20,
                              check=False, cwd="/")
    assert (done.returncode, done.stdout) == (NOT_PERMITTED, ""), done.stderr
    check_sentence(done.stderr, "CAP_BPF", "CAP_PERFMON")


def test_no_loop_says_what_the_threads_wait_in():
    with process("/bin/sleep", "30") as child:
        code, _, err = run("-p", child.pid, "-d", "6")
        assert code == NO_TARGET, err
        check_sentence(err, "clock_nanosleep", "no event loop", str(child.pid))


@pytest.mark.parametrize("args", [["-p", "nonsense"], ["-p", "0"], ["-p", "-5"], ["-p", "1,,2"], ["--nonsense"], [],
                                  ["-p", "1", "--threshold", "20"], ["-p", "1", "--threshold", "-3ms"],
                                  ["-p", "1", "--probes", "magic"], ["nonsense"]], ids=str)
def test_usage(args):
    code, out, err = run(*args)
    assert (code, out) == (USAGE, ""), err
    assert err.startswith("lgtrace: "), err


def test_version_and_help_need_nothing(readable_lgtrace):
    for option, word in (("--version", r"^lgtrace \d+\.\d+"), ("--help", "(?i)usage")):
        done = subprocess.run(["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--",
                               readable_lgtrace, option], capture_output=True, text=True, timeout=20, check=False,
                              cwd="/")
        assert done.returncode == 0 and re.search(word, done.stdout), done


def test_output_file_that_cannot_be_made(folder):
    with EpollServer(folder) as server:
        code, out, err = run("-p", server.pid, "-o", folder / "no" / "such" / "file", "-d", "1")
        assert code == 1 and out == "", err
        check_sentence(err, "no/such/file")
