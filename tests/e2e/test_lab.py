# SPDX-License-Identifier: BSD-2-Clause
"""The judge itself: match() must find each kind of wrong answer, or no other test means anything."""
import pytest

from lab_client import Reply
from lab_truth import Plant, match

MS = 1_000_000


def plant(**changes):
    fields = {"id": "r-1", "path": "/read/50", "cause": "syscall", "syscall": "read", "target": "127.0.0.1:5432",
              "low_ns": 50 * MS, "high_ns": 51 * MS, "begin_ns": 1000 * MS, "end_ns": 1051 * MS}
    return Plant(**{**fields, **changes})


def stall(**changes):
    fields = {"start_ns": 1000 * MS, "duration_ns": 50_500_000, "cause": "syscall", "on_cpu_ns": 500_000,
              "blocked_ns": 50 * MS, "runqueue_ns": 0, "throttled_ns": 0, "confidence": "exact",
              "syscall": {"name": "read", "fd": 5, "target": "127.0.0.1:5432"}, "request": {"id": "r-1"}}
    return {**fields, **changes}


def test_right_answer():
    assert match([plant()], [stall()]) == []


@pytest.mark.parametrize("change, word", [
    ({"duration_ns": 52 * MS, "blocked_ns": 51_500_000}, "length"),
    ({"duration_ns": 49 * MS, "blocked_ns": 48_500_000}, "length"),
    ({"cause": "cpu"}, "cause"),
    ({"syscall": None}, "system call"),
    ({"syscall": {"name": "write", "fd": 5, "target": "127.0.0.1:5432"}}, "system call"),
    ({"syscall": {"name": "read", "fd": 5, "target": "127.0.0.1:80"}}, "target"),
    ({"request": {"id": "r-2"}}, "request r-2"),
    ({"request": None, "confidence": "none"}, "request None"),
    ({"request": None}, "exact, but no request"),
    ({"on_cpu_ns": 2 * MS}, "parts"),
])
def test_wrong_answer(change, word):
    problems = match([plant()], [stall(**change)])
    assert problems and word in problems[0], problems


def test_missing_twice_and_unplanned():
    assert "not told" in match([plant()], [])[0]
    assert "2 times" in match([plant()], [stall(), stall()])[0]
    assert "not planted" in match([plant()], [stall(), stall(start_ns=2000 * MS)])[0]
    assert match([plant(low_ns=19 * MS)], []) == []


def test_nobodys_stall_must_name_nobody():
    timer = plant(id=None, cause="cpu", syscall=None, target=None)
    burn = stall(cause="cpu", syscall=None, request=None, confidence="none")
    assert match([timer], [burn]) == []
    assert "belongs to none" in match([timer], [{**burn, "request": {"id": "r-1"}, "confidence": "likely"}])[0]


def test_certainty_must_be_right_and_guesses_may_be_wrong():
    unsure = plant(ids="exact")
    assert match([unsure], [stall(request={"id": "r-2"}, confidence="likely")]) == []
    assert match([unsure], [stall(request={"id": "r-2"}, confidence="exact")]) != []


def test_wait_for_the_cpu_counts_only_after_a_wake():
    late = stall(duration_ns=60 * MS, runqueue_ns=9_500_000)
    assert match([plant(may_wait=True)], [late]) == []
    assert match([plant()], [late]) != []
    assert match([plant(may_wait=True)], [stall(duration_ns=60 * MS, blocked_ns=59_500_000)]) != []


def test_want_of_a_cpu_is_the_cause_beside_the_whole_block():
    late = {"duration_ns": 111 * MS, "runqueue_ns": 60_500_000, "cause": "runqueue", "syscall": None}
    known = plant(may_wait=True, asked_ns=50 * MS)
    assert match([known], [stall(**late)]) == []
    assert match([plant(may_wait=True)], [stall(**late)]) != []
    assert match([known], [stall(**{**late, "duration_ns": 81 * MS, "blocked_ns": 20 * MS})]) != []
    assert match([known], [stall(**{**late, "duration_ns": 91 * MS, "runqueue_ns": 40_500_000})]) != []


def test_nobodys_waits_for_the_cpu_fit_in_the_schedulers():
    late = [stall(start_ns=at * MS, cause="runqueue", request=None, confidence="none", blocked_ns=0, on_cpu_ns=500_000,
                  runqueue_ns=50 * MS) for at in (2000, 3000)]
    assert match([], late, waited_ns=101 * MS) == []
    assert len(match([], late, waited_ns=99 * MS)) == 1
    assert len(match([], late)) == 2


def test_witnesses():
    late = stall(start_ns=2000 * MS)
    hiccup = plant(begin_ns=1999 * MS, end_ns=2052 * MS)
    assert match([], [late], [hiccup]) == []
    assert match([], [late], [], [Reply("ok", "/ok", 200, 1999 * MS, 2051 * MS)]) == []
    assert match([], [late], [], [Reply("ok", "/ok", 200, 2030 * MS, 2051 * MS)]) != []
