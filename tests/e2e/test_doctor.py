# SPDX-License-Identifier: BSD-2-Clause
"""`lgtrace doctor`: what it finds, with rights and without, and that its exit status is the one of a trace."""
import json
import subprocess

from lab_server import EpollServer, Nginx, Node, Uvicorn
from lab_tracer import LGTRACE, run

NO_RIGHTS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def checks(*args, code=0, before=()):
    """{(pid, name): row}"""
    done = subprocess.run([*before, LGTRACE, "doctor", "--json", *map(str, args)], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == code, done.stderr + done.stdout
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows:
        assert row["status"] in ("ok", "limited", "missing", "unknown") and row["found"]
        assert row["status"] == "ok" or row["consequence"] or row["fix"], row
    return {(row["pid"], row["name"]): row for row in rows}


def test_this_host_can():
    found = checks()
    assert {name for _, name in found} >= {"kernel", "types", "capabilities", "BPF programs", "lockdown"}
    assert all(row["status"] in ("ok", "limited") for row in found.values()), found


def test_without_rights_it_says_what_is_missing():
    found = checks(code=4, before=NO_RIGHTS)
    assert found[None, "kernel"]["status"] == found[None, "types"]["status"] == "ok"
    assert found[None, "capabilities"]["status"] == "missing"
    assert "CAP_BPF" in found[None, "capabilities"]["found"]
    assert "sudo" in found[None, "capabilities"]["fix"]


def test_targets(folder, peer):
    for place, make, runtime, owners in (("uvicorn", Uvicorn, "cpython 3", "exact"), ("node", Node, "node", "exact"),
                                         ("epoll", EpollServer, "native", "order")):
        (folder / place).mkdir()
        with make(folder / place, peer) as server:
            found = checks("-p", server.pid)
            assert found[server.pid, "runtime"]["found"].startswith(runtime)
            assert owners in found[server.pid, "owners"]["found"], found[server.pid, "owners"]
            assert "poll" in found[server.pid, "event loop"]["found"]
            assert found[server.pid, "libc mode"]["status"] == "ok"


def test_tls_library_is_found(folder):
    with Nginx(folder) as server:
        assert "OpenSSL" in checks("-p", server.pid)[server.pid, "TLS"]["found"]


def test_namespaces_of_a_container():
    """The inner process is the child of unshare."""
    with subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as outer:
        outer.stdin.write(b"up\n")
        outer.stdin.flush()
        assert outer.stdout.readline() == b"up\n"
        with open(f"/proc/{outer.pid}/task/{outer.pid}/children", encoding="ascii") as children:
            inner = int(children.read().split()[0])
        assert "id is 1" in checks("-p", inner)[inner, "container"]["found"]
        outer.stdin.close()


def test_exit_status_and_text():
    assert checks("-p", 4194303, code=6)[4194303, "process"]["status"] == "missing"
    code, _, err = run("doctor", "-p", "nonsense")
    assert code == 2 and "nonsense" in err
    code, out, _ = run("doctor")
    assert code == 0 and out.startswith("HOST\n") and "lgtrace can trace" in out.splitlines()[-1]
