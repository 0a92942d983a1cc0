# SPDX-License-Identifier: BSD-2-Clause
"""The arithmetic of the bench: what is compared with what, on slots made up by hand."""
import pytest

from bench_figures import conditions_of, count_quantile, cpu_us, median_of, program_ns, quantile, ratios, speed
from bench_verdict import complaints


def slot(number, condition, run_ns, requests=1_000, **more):
    return {"round": number, "condition": condition, "server_run_ns": run_ns, "requests": requests, "seconds": 2.0,
            **more}


SLOTS = [slot(0, "default", 11e6), slot(0, "none", 10e6), slot(1, "none", 20e6), slot(1, "default", 24e6),
         slot(2, "default", 90e6)]


def test_a_slot_is_compared_with_its_own_round():
    assert ratios(SLOTS, "default", cpu_us) == pytest.approx([1.1, 1.2])  # round 2 has nothing to compare with
    assert ratios(SLOTS, "libc", cpu_us) == []


def test_figures_of_a_slot():
    assert cpu_us(SLOTS[1]) == pytest.approx(10)
    assert speed(SLOTS[1]) == 500
    assert median_of(SLOTS, "default", cpu_us) == pytest.approx(24)
    assert median_of(SLOTS, "libc", cpu_us) is None


def test_none_comes_first():
    assert conditions_of(SLOTS) == ["none", "default"]


def test_a_program_that_did_not_run_has_no_length():
    seen = {"programs": {"on_sample": {"runs": 0, "ns": 0}, "on_sys_exit": {"runs": 4, "ns": 400}}}
    assert program_ns(seen, "on_sys_exit") == 100
    assert program_ns(seen, "on_sample") is None
    assert program_ns(seen, "on_fork") is None


def test_quantiles():
    assert quantile([1, 2, 3, 4], 0.5) == 3
    assert quantile([1, 2, 3, 4], 1) == 4
    assert quantile([], 0.5) is None
    assert count_quantile({0.25: 1, 0.5: 98, 9: 1}, 0.5) == 0.5
    assert count_quantile({0.25: 1, 0.5: 98, 9: 1}, 1) == 9


def test_what_spoils_a_run_is_said():
    fine = {"cost": {"servers": {"nginx": {"slots": SLOTS}}}}
    assert complaints(fine) == []
    spoilt = {"cost": {"servers": {"nginx": {"slots": [slot(0, "none", 1, errors=2, foreign_tracers=3)]}}},
              "host": {"failed": "it broke"}}
    assert len(complaints(spoilt)) == 3
