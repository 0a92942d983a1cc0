# SPDX-License-Identifier: BSD-2-Clause
"""What makes a run invalid, or lgtrace unfit: sentences about the raw numbers."""

SPOILT = (("errors", "requests failed"), ("lost", "records were lost"),
          ("foreign_tracers", "BPF programs of others in `none`: the comparison is spoilt"))


def server_complaints(name, server):
    found = [f"{name}: {server['failed']}"] if "failed" in server else []
    for word, what in SPOILT:
        count = sum(slot.get(word, 0) for slot in server.get("slots", ()))
        found += [f"{name}: {count} {what}"] if count else []
    return found


def complaints(results):
    """A failure of a whole group, of one of its servers, and what the slots say."""
    found = []
    for group, result in results.items():
        found += server_complaints(group, result)
        for name, server in result.get("servers", {}).items():
            if isinstance(server, dict):
                found += server_complaints(f"{group} of {name}", server)
    return found
