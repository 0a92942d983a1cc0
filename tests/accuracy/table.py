# SPDX-License-Identifier: BSD-2-Clause
"""What accuracy.py prints and writes of its verdicts (judge.py)."""
from judge import CONFIDENCES, percentile

WORDS = ("right", "wrong", "none", "untold")


def by_case(counter):
    """{(place, kind): {word: number}}"""
    found = {}
    for (place, kind, word), number in counter.items():
        found.setdefault((place, kind), dict.fromkeys(WORDS, 0))[word] += number
    return dict(sorted(found.items()))


def print_cases(verdict):
    """A line for each place, its kinds added up; kinds stand apart where not all was right."""
    print(f"  {'RIGHT':>6} {'WRONG':>6} {'NONE':>6} {'UNTOLD':>6}  CASE")
    for owner, counter in (("", verdict.blocks), ("nobody's ", verdict.nobody)):
        cases = by_case(counter)
        for place in dict.fromkeys(place for place, _ in cases):
            kinds = {kind: words for (at, kind), words in cases.items() if at == place}
            total = {word: sum(words[word] for words in kinds.values()) for word in WORDS}
            bad = [f"{kind} {word} {words[word]}" for kind, words in kinds.items() for word in WORDS[1:] if words[word]]
            print("  " + " ".join(f"{total[word]:6}" for word in WORDS) + f"  {owner}{place}"
                  + (f" ({', '.join(bad)})" if bad else ""))


def print_misses(verdict, limit):
    for sentence in verdict.misses[:limit]:
        print(f"    {sentence}")
    if len(verdict.misses) > limit:
        print(f"    and {len(verdict.misses) - limit} more")


def print_rows(verdicts):
    """One line a row: blocks of requests, stalls by confidence (right/wrong), nobody's, length."""
    head = "".join(f"{word:>10}" for word in CONFIDENCES)
    print(f"{'ROW':15}{'BLOCKS':>7}{'RIGHT':>7}{'WRONG':>6}{'NONE':>6}{'UNTOLD':>7}{head}{'NOBODY':>9}"
          f"{'PRECISION':>11}{'RECALL':>9}{'LENGTH ERROR p50, p99':>24}")
    for name, verdict in verdicts.items():
        blocks = [verdict.count(verdict.blocks, word) for word in WORDS]
        stalls = "".join(f"{verdict.stalls[c, 'right']:>7}/{verdict.stalls[c, 'wrong']:<2}" for c in CONFIDENCES)
        nobody = f"{sum(verdict.nobody.values()) - verdict.blamed()}/{verdict.blamed()}"
        error = " ".join(f"{percentile(verdict.length_errors_ns, share) / 1e6:9.3f}" for share in (0.5, 0.99))
        print(f"{name:15}{verdict.planted:7}{blocks[0]:7}{blocks[1]:6}{blocks[2]:6}{blocks[3]:7}{stalls}{nobody:>9}"
              f"{verdict.precision():11.2%}{verdict.recall():9.2%}{error:>21} ms")
    total = sum(verdict.planted for verdict in verdicts.values())
    told = [sum(verdict.count(verdict.stalls, word) for verdict in verdicts.values()) for word in ("right", "wrong")]
    right = sum(verdict.count(verdict.blocks, "right") for verdict in verdicts.values())
    print(f"{'all':15}{total:7}{right:7}  precision {told[0] / max(1, sum(told)):.3%}, "
          f"recall {right / max(1, total):.3%}")
    print("(stalls by confidence, and nobody's: right/wrong)")


def row_json(verdict, extra):
    cases = [{"owner": owner, "place": place, "kind": kind, **words}
             for owner, counter in (("request", verdict.blocks), ("nobody", verdict.nobody))
             for (place, kind), words in by_case(counter).items()]
    stalls = {c: {word: verdict.stalls[c, word] for word in ("right", "wrong", "none")} for c in (*CONFIDENCES, "none")}
    return {**extra, "planted": verdict.planted, "precision": verdict.precision(), "recall": verdict.recall(),
            "exact_wrong": verdict.exact_wrong(), "nobody": sum(verdict.nobody.values()),
            "nobody_blamed": verdict.blamed(), "unplanted": verdict.unplanted, "stalls": stalls, "cases": cases,
            "length_error_ns": {f"p{int(share * 100)}": percentile(verdict.length_errors_ns, share)
                                for share in (0.5, 0.99)}, "misses": verdict.misses}
