#!/usr/bin/env python3
"""Follow-ups of "offer sent, no answer for 7 days", counted from a process log alone.

Usage: offer_silence.py BPI_Challenge_2012.xes.gz [--waiting]

Prints `case offer instant`, sorted, one line for each follow-up that fires; with --waiting those
whose 7 days are not over when the log ends. A second way to the engine's answer: it shares no code,
no mapping and no rule with it.

An offer lives from O_CREATED until it is accepted, declined or cancelled. O_SENT, O_SENT_BACK,
O_ACCEPTED and O_DECLINED speak of the newest living offer of their case, O_CANCELLED of the oldest.
A follow-up falls due 7 x 24 h after O_SENT, unless an answer, an end of the offer or the close of
the case came before, or at that very instant: cancel wins.
"""
import gzip
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import iterparse

SILENCE = timedelta(days=7)
CLOSES = {"A_ACTIVATED", "A_DECLINED", "A_CANCELLED"}


def cases(path):
    """Yields (case, [(activity, instant)]) in file order."""
    opened = gzip.open(path) if path.endswith(".gz") else open(path, "rb")
    with opened as file:
        for _, trace in iterparse(file):
            if trace.tag.rpartition("}")[2] != "trace":
                continue
            attributes = [{a.get("key"): a.get("value") for a in child} for child in trace
                          if child.tag.rpartition("}")[2] == "event"]
            case = next(child.get("value") for child in trace
                        if child.get("key") == "concept:name")
            yield case, [(a["concept:name"], datetime.fromisoformat(a["time:timestamp"]))
                         for a in attributes]
            trace.clear()


def follow_ups(case, events):
    """Yields (offer, due instant) of the follow-ups that nothing cancels in this log."""
    made, living, due = 0, [], {}
    for activity, at in sorted(events, key=lambda event: event[1]):  # stable: file order stands
        yield from ((offer, due.pop(offer)) for offer in [o for o in due if due[o] < at])
        if activity == "O_CREATED":
            made += 1
            living.append(f"{case}-{made}")
        elif activity == "O_SENT":
            due[living[-1]] = at + SILENCE
        elif activity == "O_SENT_BACK":
            due.pop(living[-1], None)
        elif activity in ("O_ACCEPTED", "O_DECLINED"):
            due.pop(living.pop(), None)
        elif activity == "O_CANCELLED":
            due.pop(living.pop(0), None)
        elif activity in CLOSES:
            due.clear()
    yield from due.items()


def main(path, waiting=False):
    found, end, sent = [], datetime.min.replace(tzinfo=timezone.utc), Counter()
    for case, events in cases(path):
        found += [(case, offer, due) for offer, due in follow_ups(case, events)]
        end = max([end] + [at for _, at in events])
        sent.update(activity for activity, _ in events)
    fired = [row for row in found if row[2] <= end]
    for case, offer, due in sorted(row for row in found if (row[2] > end) == waiting):
        instant = due.astimezone(timezone.utc).isoformat(timespec="milliseconds")
        print(case, offer, instant.replace("+00:00", "Z"))
    print(f"{sent['O_SENT']} offers sent, {len(fired)} follow-ups fired, "
          f"{len(found) - len(fired)} waiting", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], waiting="--waiting" in sys.argv[2:])
