#!/usr/bin/env python3
"""Two and three engines on one log on Kafka: they share out the lead, each answers every query, and what one leaves behind,
killed, frozen or told to end, another takes over: no event that was taken is lost, and no webhook goes out twice but those
that were in flight.

Usage: kafka_engines_e2e.py BUILD_DIR [PART ...]      parts: see check_all
"""
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from kafka_bed import Cluster, Engine, Load, Receiver, check, differences, publish_rule, run_checks, run_parts, soon

PARTITIONS = 4
ALL = list(range(PARTITIONS))
HOOK_TAKES = 0.02
FLIGHT = 1.0  # what is begun is answered by then
GONE = 1.0    # until another leads what a dead one led


class Bed:
    def __init__(self, build, work, cluster, receiver):
        self.cluster, self.receiver, self.number = cluster, receiver, 0
        settings = receiver.settings(work)
        self.engines = [Engine(build, work, f"e{n}", cluster.servers["PLAINTEXT"], more=settings) for n in range(3)]

    def sound(self, engines):
        """An engine with a partition that stopped, or that does not answer, is a fault, from which the next part is spared."""
        for engine in engines:
            try:
                stopped = [row["reason"] for row in engine.partitions() if row["state"] == "stopped"]
            except OSError as why:
                stopped = [repr(why)]
            if not check(f"{engine.name}: all of its partitions go on", not stopped, stopped):
                engine.kill()
                engine.start()

    def share(self, engines):
        """Waits until each partition is led by exactly one of these, as evenly as can be; who leads what."""
        def holds():
            led = [engine.leads() for engine in engines]
            least = PARTITIONS // len(engines)
            even = all(len(one) in (least, least + (PARTITIONS % len(engines) > 0)) for one in led)
            return led if even and sorted(sum(led, [])) == ALL else None
        return soon(holds, 20) or [engine.leads() for engine in engines]

    def deal(self, prefix):
        return lambda n: {"id": f"{prefix}{n}", "type": "deal.opened", "subject": f"deal/{prefix}{n}",
                          "data": {"pipeline": "sales", "name": "a deal"}}

    def agree(self, name, engines):
        """All say the same, as soon as they have folded all."""
        def holds():
            rows = [[(row["events"], row["decisions"], row["term"], row["reason"]) for row in engine.partitions()] for engine in engines]
            return all(one == rows[0] for one in rows) and rows[0]
        if not check(f"{name}: all have come to the same place", soon(holds, 20), [engine.partitions() for engine in engines]):
            return
        def same():
            told = [engine.answers() for engine in engines]
            return all(one == told[0] for one in told)
        if not soon(same, 10, 0.2):
            told = [engine.answers() for engine in engines]
            for engine, one in zip(engines[1:], told[1:]):
                check(f"{name}: {engine.name} says the same as {engines[0].name}", one == told[0], differences(told[0], one))
        else:
            check(f"{name}: all say the same", True)

    def hooks_of(self, name, loads, begun, ended, engine):
        """Each deal has one webhook, which came at least once; none came twice but those in flight from `begun` on."""
        taken = [event for load in loads for event, _ in load.taken]
        sent_at = {event["id"]: at for load in loads for at, event in load.sent}
        deals = {event["id"] for event in taken}
        soon(lambda: deals <= {deal for _, _, deal in self.receiver.got}, 60)
        soon(lambda: all(row["state"] == "delivered" for row in engine.get("/v1/effects?limit=1000")), 30, 0.2)
        got = {}
        for at, id_, deal in list(self.receiver.got):
            if deal in sent_at:
                got.setdefault(deal, []).append((at, id_))
        lost = sorted(deals - set(got))
        check(f"{name}: each event that was taken has its webhook", not lost, f"{len(lost)} of {len(deals)}: {lost[:5]}")
        many = {deal: ids for deal, rows in got.items() if len(ids := {id_ for _, id_ in rows}) > 1}
        check(f"{name}: no deal has two webhooks of different ids", not many, list(many.items())[:3])
        twice = {deal: [round(at - begun, 3) for at, _ in rows] for deal, rows in got.items() if len(rows) > 1}
        flown = {deal for deal in twice if begun - FLIGHT <= got[deal][0][0] <= ended + FLIGHT and sent_at[deal] <= begun + 0.1}
        late = {deal: (round(sent_at[deal] - begun, 3), rows) for deal, rows in twice.items() if deal not in flown}
        check(f"{name}: no webhook comes twice but those in flight", not late, f"{len(late)} of {len(got)}: {list(late.items())[:5]}")
        states = {}
        for row in engine.get("/v1/effects?limit=1000"):
            states[row["state"]] = states.get(row["state"], 0) + 1
        check(f"{name}: the ledger says that all are delivered", set(states) == {"delivered"}, states)
        return len(got), len(flown), len(late)

    def no_event_lost(self, name, loads, engine):
        lost = []
        for load in loads:
            check(f"{name}: the stream of posts went on", load.taken and load.taken[-1][0]["id"] == load.sent[-1][1]["id"],
                  load.other[:3])
            check(f"{name}: every post was taken", not load.other, f"{len(load.other)} of {len(load.sent)}: {load.other[:3]}")
            engine.settled()
            there = {row["record"] for row in self.rows(engine, "/v1/records/deal")}
            lost += [(event["id"], position) for event, position in load.taken if event["subject"] not in there]
            for event, position in load.taken[::20]:
                rows = engine.get(f"/v1/records/{event['subject']}/timeline")
                if [row["what"] for row in rows].count("deal.opened") != 1:
                    lost.append((event["id"], position, rows))
        check(f"{name}: no event that was taken is lost, each counts once", not lost, f"{len(lost)}: {lost[:3]}")

    def rows(self, engine, path):
        """A list to its end, page by page."""
        out, cursor = [], ""
        while True:
            connection = engine.open("GET", f"{path}?limit=1000{cursor}")
            answer = connection.getresponse()
            out += json.loads(answer.read())
            link = answer.headers.get("Link", "")
            connection.close()
            if not link:
                return out
            cursor = "&cursor=" + link.split("cursor=")[1].split(">")[0].split("&")[0]

    def gaps(self, partitions, at, ended):
        """For each partition, of the decisions around an instant: from it to the first of the next leader, to the second,
        and the longest time between two until the stream ends; in s. By the broker's clock, which is ours."""
        out = {}
        times = {p: [] for p in partitions}
        for record in self.cluster.records("p.decisions"):
            if record["partition"] in times:
                times[record["partition"]].append(record["at"] / 1000)
        for p, all_of in times.items():
            # Behind the longest silence from shortly before on; what was on its way may still have come.
            near = [t for t in all_of if at - 0.2 < t < ended]
            if len(near) < 3:
                out[p] = None
                continue
            index = max(range(1, len(near) - 1), key=lambda i: near[i] - near[i - 1])
            out[p] = (near[index] - at, near[index + 1] - at, near[index] - near[index - 1])
        return out

    def tell_gaps(self, name, partitions, at, ended, limit):
        gaps = self.gaps(partitions, at, ended)
        known = [gap for gap in gaps.values() if gap]
        check(f"{name}: decisions go on in each of its partitions", len(known) == len(partitions), gaps)
        if not known:
            return
        print(f"{name}: partitions {partitions}: claimed after " + ", ".join(f"{gap[0] * 1000:.0f}" for gap in known) +
              " ms, next decision after " + ", ".join(f"{gap[1] * 1000:.0f}" for gap in known) + " ms")
        check(f"{name}: another decides within {limit} s", max(gap[1] for gap in known) <= limit, gaps)

    def led_by(self, engine, count=PARTITIONS, patience=20):
        """Waits until it leads so many; the instant by which it did."""
        soon(lambda: len(engine.leads()) == count, patience, 0.005)
        return time.time()


def check_shares(bed):
    one, two, three = bed.engines
    one.start().lead()
    publish_rule(one)
    begun = time.monotonic()
    two.start()
    led = bed.share([one, two])
    print(f"two engines: shared out {time.monotonic() - begun:.2f} s after the start of the second: {led}")
    check("two engines lead two partitions each", sorted(map(len, led)) == [2, 2] and sorted(sum(led, [])) == ALL, led)
    begun = time.monotonic()
    three.start()
    led = bed.share(bed.engines)
    print(f"three engines: shared out {time.monotonic() - begun:.2f} s after the start of the third: {led}")
    check("three engines lead two, one, one", sorted(map(len, led)) == [1, 1, 2] and sorted(sum(led, [])) == ALL, led)
    for engine in bed.engines:
        soon(lambda: engine.ask("GET", "/health/ready")[0] == 200, 2)
        status, ready = engine.ask("GET", "/health/ready")
        check("one that leads a part is ready", status == 200, ready)
    check("one that is told to end ends with 0", three.stop() == 0, three.log.read_text()[-1500:])
    led = bed.share([one, two])
    check("the two share again", sorted(map(len, led)) == [2, 2] and sorted(sum(led, [])) == ALL, led)


def check_reads(bed):
    """What is posted to one is read from the other, at once by its position."""
    one, two, _ = bed.engines
    wrong, slowest = [], 0.0
    for n in range(40):
        to, by = (one, two) if n % 2 else (two, one)
        position = to.append({"id": f"r{n}", "type": "com.example.said", "subject": f"lead/r{n}", "data": {"n": n}})
        begun = time.monotonic()
        status, record = by.ask("GET", f"/v1/records/lead/r{n}?wait_for={position}")
        slowest = max(slowest, time.monotonic() - begun)
        mine = to.ask("GET", f"/v1/records/lead/r{n}?wait_for={position}")
        if status != 200 or mine != (status, record):
            wrong.append((n, status, record, mine))
    check("what is posted to one is read by the other", not wrong, wrong[:3])
    print(f"reads by the other engine, by position: {slowest * 1000:.0f} ms at most")
    status, again = two.post({"id": "r1", "type": "com.example.said", "subject": "lead/r1", "data": {"n": 1}})
    bed.agree("reads", [one, two])
    facts = [engine.get("/v1/records/lead/r1")["facts"] for engine in (one, two)]
    check("the same event by both engines counts once", status == 202 and facts == [1, 1], (again, facts))


def stream(bed, engine, prefix):
    """Deals, one by one, with webhooks behind them: until they flow in all partitions."""
    load = Load(engine, bed.deal(prefix), pause=0.004)
    check("the stream runs", soon(lambda: len(load.taken) > 100 and len({p.split(":")[0] for _, p in load.taken}) == 4), load.other[:3])
    check("webhooks flow", soon(lambda: any(str(deal).startswith(prefix) for _, _, deal in bed.receiver.got)))
    return load


def finish(bed, name, load, engine, begun, ended, more=1.0):
    """Lets the stream go on a little and looks at all of it."""
    count = len(load.taken) + 50
    soon(lambda: len(load.taken) > count and time.time() > ended + more, 20)
    load.stop()
    over = time.time()
    bed.no_event_lost(name, [load], engine)
    hooks, flown, late = bed.hooks_of(name, [load], begun, ended, engine)
    print(f"{name}: {len(load.taken)} of {len(load.sent)} posts taken; {hooks} webhooks, {flown} in flight came twice, {late} others did")
    return over


def check_kill(bed):
    for turn, name in enumerate(("kill -9", "kill -9 again")):
        stays, dies = (bed.engines[0], bed.engines[1]) if turn % 2 == 0 else (bed.engines[1], bed.engines[0])
        bed.sound([stays, dies])
        bed.share([stays, dies])
        led = dies.leads()
        load = stream(bed, stays, f"k{turn}-")
        killed = time.time()
        dies.kill()
        leads = bed.led_by(stays)
        print(f"{name}: it leads all {(leads - killed) * 1000:.0f} ms after the kill")
        check(f"{name}: the other leads all within {GONE} s", leads - killed <= GONE, f"{leads - killed:.2f} s")
        over = finish(bed, name, load, stays, killed, leads)
        bed.tell_gaps(name, led, killed, over, GONE)
        begun = time.monotonic()
        dies.start()
        shared = bed.share([stays, dies])
        print(f"{name}: it has its share again {time.monotonic() - begun:.2f} s after its start: {shared}")
        check(f"{name}: who was killed comes back and gets its share", sorted(map(len, shared)) == [2, 2] and
              sorted(sum(shared, [])) == ALL, shared)
        bed.agree(name, [stays, dies])


def check_frozen(bed, seconds, name):
    stays, sleeps, _ = bed.engines
    bed.sound(bed.engines[:2])
    bed.share([stays, sleeps])
    led = sleeps.leads()
    load = stream(bed, stays, f"z{seconds}-")
    frozen = time.time()
    sleeps.signal(signal.SIGSTOP)
    try:
        leads = bed.led_by(stays)
        check(f"{name}: the other leads all within {GONE} s", leads - frozen <= GONE, f"{leads - frozen:.2f} s")
        soon(lambda: time.time() > frozen + seconds, seconds + 5)
    finally:
        sleeps.signal(signal.SIGCONT)
    woken = time.time()
    # As long as it leads what another leads too, both say so; it has to notice.
    def apart():
        led_by = [stays.leads(), sleeps.leads()]
        return sorted(sum(led_by, [])) == ALL and led_by
    apart_led = soon(apart, 20)
    print(f"{name}: led by the other after {(leads - frozen) * 1000:.0f} ms; each by one {(time.time() - woken) * 1000:.0f} ms after it woke")
    check(f"{name}: who woke steps down", apart_led, [stays.leads(), sleeps.leads()])
    shared = bed.share([stays, sleeps])
    check(f"{name}: and gets a share again", sorted(map(len, shared)) == [2, 2] and sorted(sum(shared, [])) == ALL, shared)
    over = finish(bed, name, load, stays, frozen, time.time())
    bed.tell_gaps(name, led, frozen, over, GONE)
    bed.agree(name, [stays, sleeps])


def check_end(bed):
    name = "SIGTERM"
    stays, ends, _ = bed.engines
    bed.sound(bed.engines[:2])
    bed.share([stays, ends])
    led = ends.leads()
    load = stream(bed, stays, "t-")
    told = time.time()
    ends.signal(signal.SIGTERM)
    leads = bed.led_by(stays)
    code = ends.process.wait(timeout=30)
    ended = time.time()
    print(f"{name}: the other leads all {(leads - told) * 1000:.0f} ms after it was told; it ended after {(ended - told) * 1000:.0f} ms")
    check(f"{name}: exit code 0", code == 0, ends.log.read_text()[-1500:])
    check(f"{name}: the other leads all within 0.5 s", leads - told <= 0.5, f"{leads - told:.2f} s")
    over = finish(bed, name, load, stays, told, ended)
    gaps = [gap for gap in bed.gaps(led, told, over).values() if gap]
    check(f"{name}: decisions go on", len(gaps) == len(led), gaps)
    if gaps:
        print(f"{name}: partitions {led}: longest silences " + ", ".join(f"{gap[2] * 1000:.0f}" for gap in gaps) + " ms")
        check(f"{name}: without a gap of more than 0.3 s", max(gap[2] for gap in gaps) <= 0.3, gaps)
    ends.start()
    bed.share([stays, ends])
    bed.agree(name, [stays, ends])


def check_all():
    print("outside: kcat")
    build, only = Path(sys.argv[1]).resolve(), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="dw-kafka-") as folder:
        work = Path(folder)
        cluster = Cluster(work / "broker")
        receiver = Receiver(HOOK_TAKES)
        bed = Bed(build, work, cluster, receiver)
        parts = {"shares": (check_shares, bed), "reads": (check_reads, bed), "end": (check_end, bed), "kill": (check_kill, bed),
                 "frozen": (check_frozen, bed, 3, "frozen for 3 s"), "frozen-long": (check_frozen, bed, 20, "frozen for 20 s")}
        try:
            run_parts(parts, ["shares", *only] if only else parts)
        finally:
            for engine in bed.engines:
                engine.kill()
            receiver.stop()
            cluster.end()


if __name__ == "__main__":
    sys.exit(run_checks("engines on Kafka", check_all))
