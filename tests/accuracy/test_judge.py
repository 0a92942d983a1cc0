# SPDX-License-Identifier: BSD-2-Clause
"""The judge of `make accuracy`: what it counts as right, wrong, none and untold."""
from judge import Block, Stall, judge, percentile

MS = 1_000_000
THRESHOLD_NS = 20 * MS


def block(owner, start, end, place="first"):
    return Block(owner, place, "cpu", start * MS, end * MS)


def stall(owner, start, end, confidence="exact"):
    return Stall(owner, confidence if owner else "none", "cpu", start * MS, end * MS)


def words(verdict):
    """(of blocks, of nobody's, of stalls), without where they stood."""
    return ({key[-1]: n for key, n in verdict.blocks.items()}, {key[-1]: n for key, n in verdict.nobody.items()},
            dict(verdict.stalls))


def test_right():
    verdict = judge([block("a", 0, 30)], [stall("a", 0, 31)], THRESHOLD_NS)
    assert words(verdict) == ({"right": 1}, {}, {("exact", "right"): 1})
    assert verdict.length_errors_ns == [MS]
    assert not verdict.misses and verdict.recall() == verdict.precision() == 1


def test_exact_but_wrong():
    verdict = judge([block("a", 0, 30)], [stall("b", 0, 30)], THRESHOLD_NS)
    assert words(verdict) == ({"wrong": 1}, {}, {("exact", "wrong"): 1})
    assert verdict.exact_wrong() == 1 and not verdict.blamed()
    assert verdict.recall() == verdict.precision() == 0


def test_likely_but_wrong_is_no_exact_one():
    verdict = judge([block("a", 0, 30)], [stall("b", 0, 30, "likely")], THRESHOLD_NS)
    assert verdict.exact_wrong() == 0 and verdict.precision() == 0


def test_none_and_untold():
    verdict = judge([block("a", 0, 30), block("b", 40, 70)], [stall(None, 0, 30)], THRESHOLD_NS)
    assert words(verdict) == ({"none": 1, "untold": 1}, {}, {("none", "none"): 1})
    assert verdict.precision() == 1 and verdict.recall() == 0


def test_nobody():
    verdict = judge([block(None, 0, 30), block(None, 40, 70)], [stall(None, 0, 30)], THRESHOLD_NS)
    assert words(verdict) == ({}, {"right": 2}, {("none", "right"): 1})
    verdict = judge([block(None, 0, 30)], [stall("a", 0, 30, "likely")], THRESHOLD_NS)
    assert words(verdict) == ({}, {"wrong": 1}, {("likely", "wrong"): 1})
    assert verdict.blamed() == 1


def test_several_in_one_turn():
    blocks = [block("a", 0, 30), block("b", 30, 60), block(None, 60, 90)]
    told = [stall("a", 0, 31), stall("b", 31, 60), stall(None, 60, 90)]
    verdict = judge(blocks, told, THRESHOLD_NS)
    assert words(verdict) == ({"right": 2}, {"right": 1}, {("exact", "right"): 2, ("none", "right"): 1})


def test_one_stall_for_two_requests():
    """It names the one with more of it; the other's block is told as the wrong one's."""
    verdict = judge([block("a", 0, 40), block("b", 40, 65)], [stall("a", 0, 65)], THRESHOLD_NS)
    assert words(verdict) == ({"right": 1, "wrong": 1}, {}, {("exact", "right"): 1})
    assert verdict.length_errors_ns == []
    verdict = judge([block("a", 0, 40), block("b", 40, 65)], [stall("b", 0, 65)], THRESHOLD_NS)
    assert verdict.exact_wrong() == 1


def test_two_blocks_of_one_request():
    verdict = judge([block("a", 0, 25), block("a", 26, 51)], [stall("a", 0, 51)], THRESHOLD_NS)
    assert words(verdict) == ({"right": 2}, {}, {("exact", "right"): 1})


def test_half_of_a_block_is_not_enough():
    verdict = judge([block("a", 0, 60)], [stall("a", 0, 25), stall("b", 25, 60)], THRESHOLD_NS)
    assert words(verdict)[0] == {"wrong": 1}
    assert words(verdict)[2] == {("exact", "right"): 1, ("exact", "wrong"): 1}


def test_shorter_than_the_threshold():
    verdict = judge([block("a", 0, 19)], [], THRESHOLD_NS)
    assert words(verdict) == ({}, {}, {})
    assert verdict.recall() == 1


def test_what_nobody_planted_is_not_judged():
    verdict = judge([block("a", 0, 30)], [stall("b", 100, 130)], THRESHOLD_NS)
    assert verdict.unplanted == 1
    assert words(verdict) == ({"untold": 1}, {}, {})


def test_percentile():
    assert percentile([], 0.5) == 0
    assert percentile([1, 2, 3, 4], 0.5) == 3
    assert percentile([1, 2, 3, 4], 0.99) == 4
