# SPDX-License-Identifier: BSD-2-Clause
"""Judges what lgtrace told by what was planted; pure, so that it has tests of its own (test_judge.py).

Both sides are counted. Precision is of the told stalls: whether a stall that names a request names the one whose
blocks fill most of it. Recall is of the blocks: whether a block as long as the threshold was told as its owner's.
A block is matched with the stalls that overlap it in time, nothing else.
"""
from collections import Counter
from dataclasses import dataclass, field

SHARE = 0.5  # of a stall that must be planted to be judged at all, and of a block that must be told
ALONE_NS = 1_000_000  # a stall's length is compared with a block's if no other one has so much of it
CONFIDENCES = ("exact", "causal", "likely")


@dataclass
class Block:
    owner: object  # id of the request, or None: it belongs to nobody
    place: str
    kind: str
    start_ns: int
    end_ns: int
    shape: object = None  # of the application's code; only said of a miss

    @property
    def length_ns(self):
        return self.end_ns - self.start_ns

    def __str__(self):
        case = "/".join(filter(None, (self.shape, self.place, self.kind)))
        return f"{case} of {self.owner or 'nobody'}, {self.length_ns / 1e6:.1f} ms at {self.start_ns}"


@dataclass
class Stall:
    """One told stall. `owner` is what it names its request by."""
    owner: object
    confidence: str
    cause: str
    start_ns: int
    end_ns: int

    @property
    def length_ns(self):
        return self.end_ns - self.start_ns

    def __str__(self):
        return f"{self.cause} of {self.owner} ({self.confidence}), {self.length_ns / 1e6:.1f} ms at {self.start_ns}"


@dataclass
class Verdict:
    """Of one row. The counters are by (place, kind) and by what was said: right, wrong, none, untold."""
    blocks: Counter = field(default_factory=Counter)  # of requests, (place, kind, word)
    nobody: Counter = field(default_factory=Counter)  # of nobody, (place, kind, word): right means no request named
    stalls: Counter = field(default_factory=Counter)  # (confidence, word), confidence none: no request named
    unplanted: int = 0  # told, but most of it was planted by no one
    length_errors_ns: list = field(default_factory=list)  # |told - planted|, sorted
    misses: list = field(default_factory=list)  # sentences

    def count(self, counter, word):
        return sum(number for key, number in counter.items() if key[-1] == word)

    @property
    def planted(self):
        return sum(self.blocks.values())

    def precision(self):
        right, wrong = self.count(self.stalls, "right"), self.count(self.stalls, "wrong")
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self):
        return self.count(self.blocks, "right") / self.planted if self.planted else 1.0

    def exact_wrong(self):
        return self.stalls["exact", "wrong"]

    def blamed(self):
        """Stalls that are nobody's and name a request."""
        return self.count(self.nobody, "wrong")


def overlap_ns(a, b):
    return min(a.end_ns, b.end_ns) - max(a.start_ns, b.start_ns)


def near(things, others):
    """(thing, [those of others that overlap it]), in time order; neither side may hold very long ones."""
    others = sorted(others, key=lambda other: other.start_ns)
    longest = max((other.length_ns for other in others), default=0)
    first = 0
    for thing in sorted(things, key=lambda thing: thing.start_ns):
        while first < len(others) and others[first].start_ns + longest < thing.start_ns:
            first += 1
        found = []
        for other in others[first:]:
            if other.start_ns >= thing.end_ns:
                break
            if overlap_ns(thing, other) > 0:
                found.append(other)
        yield thing, found


def judge_stall(verdict, stall, blocks):
    shares = Counter()
    for block in blocks:
        shares[block.owner] += overlap_ns(stall, block)
    if sum(shares.values()) < SHARE * stall.length_ns:
        verdict.unplanted += 1
        return
    truth = shares.most_common(1)[0][0]
    if stall.owner is None:
        verdict.stalls["none", "none" if truth is not None else "right"] += 1
        return
    word = "right" if stall.owner == truth else "wrong"
    verdict.stalls[stall.confidence, word] += 1
    if word == "wrong":
        verdict.misses.append(f"wrong: {stall}: it was " + "; ".join(map(str, blocks)))


def judge_block(verdict, block, stalls, threshold_ns):
    """What was said of one block. A request's that is too short to be told is not judged."""
    if block.owner is not None and block.length_ns < threshold_ns:
        return
    told = Counter()
    for stall in stalls:
        told[stall.owner] += overlap_ns(stall, block)
    enough = SHARE * block.length_ns
    if told[block.owner] >= enough:
        word = "right"
    elif sum(told.values()) < enough:
        word = "right" if block.owner is None else "untold"
    else:
        word = "none" if told.most_common(1)[0][0] is None else "wrong"
    (verdict.nobody if block.owner is None else verdict.blocks)[block.place, block.kind, word] += 1
    if word != "right":
        verdict.misses.append(f"{word}: {block}: told was " + ("; ".join(map(str, stalls)) or "nothing"))


def length_errors(blocks, stalls):
    """Of the stalls that hold one block, rightly told, and hardly anything of another."""
    errors = []
    for stall, found in near(stalls, blocks):
        held = [block for block in found if overlap_ns(stall, block) >= ALONE_NS]
        if len(held) == 1 and held[0].owner == stall.owner and overlap_ns(stall, held[0]) >= SHARE * held[0].length_ns:
            errors.append(abs(stall.length_ns - held[0].length_ns))
    return sorted(errors)


def judge(blocks, stalls, threshold_ns):
    verdict = Verdict()
    for stall, found in near(stalls, blocks):
        judge_stall(verdict, stall, found)
    for block, found in near(blocks, stalls):
        judge_block(verdict, block, found, threshold_ns)
    verdict.length_errors_ns = length_errors(blocks, stalls)
    return verdict


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0
