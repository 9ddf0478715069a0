"""What holds of a server under more load than it takes, whoever makes it."""
import os
from collections import Counter

# No less is the bound of a process with caches of its own; what load adds stays far below the megabytes that would be
# there if requests were queued without end.
RSS_BYTES_MAX = 256 << 20
# What is beyond a limit is refused at once, and what is taken waits behind what the other connections have under way:
# some milliseconds, some tens of them where others want the same cores. If nothing were refused, CONNECTIONS at 300 a
# second would wait 0.2 s for each other; the bound is ten times that, for slow flushes of a shared disk. It does not tell
# how fast the server is (docs/performance.md does), but what grows with the run, or a connection that is starved, passes it.
P99_MS_MAX = 2000
# A server that takes few requests a second, and one that takes few at once.
LIMITS = [("rate", {"http_rate": 300}, "429"), ("requests", {"http_requests": 2}, "503")]
CONNECTIONS = 64


def seconds():
    """How long each of two runs takes: DW_OUTSIDE_SECONDS, 5 if not set."""
    return int(os.environ.get("DW_OUTSIDE_SECONDS", "5"))


def lost_of(acknowledged, kept):
    """Acknowledged events that are not in the log exactly once; those that are there twice."""
    counted = Counter(kept)
    return sorted(str(one) for one in acknowledged if counted[one] != 1), sorted(
        str(one) for one, count in counted.items() if count > 1)


def times_of(statuses):
    """How many times what was taken was asked for."""
    return sum(statuses.values()) / max(1, statuses.get("202", 0))


def check_answers(checks, name, expected, statuses, without_retry_after, errors):
    allowed = {"202", "429", "503"}
    checks.check(f"{name}: some are taken and some told to wait ({statuses}, "
                 f"{times_of(statuses):.0f} times what is taken)",
                 statuses.get("202", 0) > 0 and statuses.get(expected, 0) > 0 and set(statuses) <= allowed, statuses)
    checks.check(f"{name}: each 429 and 503 says Retry-After", without_retry_after == 0, without_retry_after)
    checks.check(f"{name}: no connection breaks", errors == 0, errors)


def p99_of(milliseconds):
    """The hundredth part of them took longer than this; without any, they took for ever."""
    return sorted(milliseconds)[-(len(milliseconds) // 100) - 1] if milliseconds else float("inf")


def latency_is_bounded(milliseconds):
    """In each half of the run: what grows with time may be short for all of it together."""
    half = len(milliseconds) // 2
    return all(p99_of(part) <= P99_MS_MAX and min(part) >= 0 for part in (milliseconds[:half], milliseconds[half:]))


def check_latency(checks, name, milliseconds, taken):
    """`milliseconds`: of each that was accepted (202), in the order of their answers."""
    checks.check(f"{name}: the latency of each of {taken} that got 202 is known", len(milliseconds) == taken,
                 len(milliseconds))
    half = len(milliseconds) // 2
    halves = " then ".join(f"{p99_of(part):.1f}" for part in (milliseconds[:half], milliseconds[half:]))
    middle = sorted(milliseconds)[half] if milliseconds else float("inf")
    checks.check(f"{name}: latency of what got 202: p50 {middle:.1f} ms, p99 {halves} ms in the halves of the run, of "
                 f"{P99_MS_MAX}; max {max(milliseconds, default=float('inf')):.1f} ms", latency_is_bounded(milliseconds))
    slow = len(milliseconds) // 50 + 1
    checks.must_fail(f"{name}: two of a hundred that are too slow are seen, at the end as well",
                     not latency_is_bounded([P99_MS_MAX + 1.0] * slow + milliseconds[slow:]) and
                     not latency_is_bounded(milliseconds[slow:] + [P99_MS_MAX + 1.0] * slow))


def check_log(checks, name, acknowledged, kept, service):
    lost, twice = lost_of(acknowledged, kept)
    checks.check(f"{name}: each of {len(acknowledged)} that got 2xx is in the log exactly once", not lost and
                 len(set(acknowledged)) == len(acknowledged), f"lost {lost[:10]}")
    checks.check(f"{name}: none is there twice", not twice, twice[:10])
    beyond = len(kept) - len(acknowledged)
    checks.check(f"{name}: beside them at most what was under way at the end ({beyond})", 0 <= beyond <= CONNECTIONS)
    peak = service.peak_rss()
    checks.check(f"{name}: {peak >> 20} MiB at most, of {RSS_BYTES_MAX >> 20}", peak < RSS_BYTES_MAX)
    checks.check(f"{name}: it is ready afterwards", service.ask("GET", "/health/ready")[0] == 200)
    checks.must_fail(f"{name}: an event that was never taken is missed", lost_of([*acknowledged, "never"], kept)[0] == ["never"])
    checks.must_fail(f"{name}: one taken twice is seen", lost_of(acknowledged, [*kept, kept[0]])[1] == [str(kept[0])])
