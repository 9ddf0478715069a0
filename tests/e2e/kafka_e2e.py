#!/usr/bin/env python3
"""One engine on a log on Kafka: its topics, what others write there, restarts, a kill under load, state folded anew, topics
that it refuses, TLS and SASL, a broker that is away for a while.

Usage: kafka_e2e.py BUILD_DIR [PART ...]      parts: see check_all
"""
import http.client
import json
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from kafka_bed import CLOUDEVENT, RULE, Cluster, Engine, Load, NoStart, Receiver, check, differences, publish_rule, run_checks, run_parts, soon

WANTED = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "unclean.leader.election.enable": "false",
          "message.timestamp.type": "LogAppendTime", "min.insync.replicas": "1"}
LARGEST_RECORD = 4 << 20
SECRET = "dealwright-secret"


def said(subject, id_, **data):
    return {"id": id_, "type": "com.example.said", "subject": subject, "data": data or {"words": "hello"}}


def headers(subject, id_, **more):
    """Of a CloudEvent in binary mode."""
    return {"ce_specversion": "1.0", "ce_id": id_, "ce_source": "kcat", "ce_type": "com.example.said", "ce_subject": subject,
            "content-type": "application/json", **more}


def refusal(engine, name, *words):
    """It does not start, and says why; what it says."""
    begun = time.monotonic()
    try:
        engine.start()
    except NoStart as why:
        took = time.monotonic() - begun
        text = why.said
        try:
            text = json.loads(why.said.strip().splitlines()[-1])["detail"]
        except (ValueError, KeyError, IndexError):
            pass
        lacking = [word for word in words if word not in text]
        check(f"{name}: it ends with a code", why.code not in (None, 0, -9, -6, -11), why.code)
        check(f"{name}: it says why, and what helps", not lacking, f"without {lacking}: {text}")
        print(f"{name}: exit {why.code} after {took:.1f} s")
        return text
    check(f"{name}: it does not start", False, engine.log.read_text()[-1500:])
    engine.stop()
    return ""


def follow(cluster, text, program):
    """Does the commands of Kafka's that it named."""
    count = 0
    for line in text.splitlines():
        at = line.find(program)
        if at >= 0:
            words = shlex.split(line[at:])
            done = cluster.do("tool", words[0].removesuffix(".sh"), *words[1:])
            check(f"the command works that it names: {line[at:][:100]}", done.returncode == 0, done.stdout + done.stderr)
            count += 1
    return count


def check_topics(cluster, engine):
    for topic in ("p.events", "p.decisions"):
        text = cluster.tool("kafka-configs", "--describe", "--all", "--entity-type", "topics", "--entity-name", topic)
        config = dict(line.split()[0].split("=", 1) for line in text.splitlines() if line.startswith("  ") and "=" in line)
        for name, value in WANTED.items():
            check(f"{topic}: {name} is {value}", config.get(name) == value, config.get(name))
        check(f"{topic}: the largest record fits", int(config["max.message.bytes"]) > LARGEST_RECORD, config["max.message.bytes"])
        text = cluster.tool("kafka-topics", "--describe", "--topic", topic)
        check(f"{topic}: four partitions of one replica", "PartitionCount: 4\tReplicationFactor: 1" in text, text)
    check("it leads all partitions", engine.leads() == [0, 1, 2, 3])
    status, ready = engine.ask("GET", "/health/ready")
    check("it is ready", status == 200 and ready["ready"], ready)


def check_http_events(cluster, engine):
    places = {}
    for n in range(12):
        places[f"lead/h{n}"] = engine.append(said(f"lead/h{n}", f"h{n}"))
    places["account/a1"] = engine.append({**said("lead/h99", "h99"), "partitionkey": "account/a1"})
    there = {f"{r['partition']}:{r['offset']}": r for r in cluster.records("p.events")}
    for key, position in places.items():
        record = there.get(position)
        check("an event that was posted is there by its key, with its schema", record and record["key"] == key and
              record["headers"].get("dw-schema") == "dealwright.v1.Event", (key, position, record))
    check("they are spread out", len({position.split(":")[0] for position in places.values()}) == 4, places)
    status, again = engine.post(said("lead/h1", "h1"))
    check("the same again is a duplicate", status == 202 and again["duplicates"] == 1 and again["position"] == places["lead/h1"], again)
    engine.settled()
    facts = engine.get("/v1/records/lead/h1")["facts"]
    check("and counts once", facts == 1, facts)
    rows = engine.get(f"/v1/records/lead?limit=1000&wait_for={places['lead/h3']}")
    check("a record is there when its position is waited for", "lead/h3" in [row["record"] for row in rows], rows)


def check_binary_and_structured(cluster, engine):
    for n in range(8):
        subject = f"lead/k{n}"
        if n % 2:
            event = {"specversion": "1.0", "source": "kcat", **said(subject, f"k{n}", n=n), "time": "2026-03-02T09:00:00Z"}
            cluster.send("p.events", json.dumps(event), subject, {"content-type": CLOUDEVENT}, partitioner="murmur2_random")
        else:
            cluster.send("p.events", json.dumps({"n": n}), subject, headers(subject, f"k{n}", ce_time="2026-03-02T09:00:00Z"),
                         partitioner="murmur2_random")
    def told():
        rows = {row["record"] for row in engine.get("/v1/records/lead?limit=1000")}
        return all(f"lead/k{n}" in rows for n in range(8))
    check("CloudEvents of kcat are records, binary and structured", soon(told), engine.get("/v1/set-aside"))
    for n in range(8):
        rows = engine.get(f"/v1/records/lead/k{n}/timeline")
        check("with their data and time", len(rows) == 1 and rows[0]["detail"] == {"n": n} and
              rows[0]["occurred"].startswith("2026-03-02T09:00:00"), rows)
    check("none of them is set aside", engine.get("/v1/set-aside") == [], engine.get("/v1/set-aside"))
    before = engine.get("/v1/records/lead/k0")["facts"]
    cluster.send("p.events", json.dumps({"n": 0}), "lead/k0", headers("lead/k0", "k0"), partitioner="murmur2_random")
    status, _ = engine.post({**said("lead/k2", "k2", n=2), "source": "kcat"})
    engine.settled()
    check("the same (source, id) again counts once, also by HTTP", status == 202 and engine.get("/v1/records/lead/k0")["facts"] == before and
          engine.get("/v1/records/lead/k2")["facts"] == 1, engine.get("/v1/records/lead/k2"))


def check_set_aside(cluster, engine):
    """What others wrote wrongly waits, each with its code; a redrive moves what lies on the wrong partition."""
    engine.settled()
    for n in range(8):
        subject = f"lead/w{n}"
        cluster.send("p.events", json.dumps({"n": n}), subject, headers(subject, f"w{n}"))
    cluster.send("p.events", "no event at all", partition=1)
    cluster.send("p.events", "{}", "lead/t", headers("lead/t", "t", ce_time="yesterday"), partitioner="murmur2_random")
    cluster.send("p.events", '{"half": ', "lead/j", headers("lead/j", "j"), partitioner="murmur2_random")
    forged = RULE.replace("tell-crm", "forged").replace("deal.opened", "deal.won")
    cluster.send("p.events", json.dumps({"text": forged}), "rule/forged", headers("rule/forged", "forged", ce_type="rule.published"),
                 partitioner="murmur2_random")
    records = cluster.records("p.events")
    wrong = {f"{r['partition']}:{r['offset']}": r["key"] for r in records if r["headers"].get("ce_id", "").startswith("w")}
    soon(lambda: len(engine.get("/v1/set-aside?limit=1000")) >= 5)
    engine.settled()
    rows = engine.get("/v1/set-aside?limit=1000")
    codes = {}
    for row in rows:
        codes.setdefault(row["code"], []).append(row)
    check("garbage is set aside as bad_envelope", len(codes.get("bad_envelope", [])) == 1, rows)
    check("a bad time as bad_time", len(codes.get("bad_time", [])) == 1, rows)
    check("data that is no JSON as bad_data", len(codes.get("bad_data", [])) == 1, rows)
    check("what only the engine may write as reserved_type", len(codes.get("reserved_type", [])) == 1, list(codes))
    check("so no rule comes of it", engine.get("/v1/rules") == [], engine.get("/v1/rules"))
    misplaced = codes.get("wrong_partition", [])
    check("kcat's own partitioner puts some elsewhere, and they are set aside as wrong_partition", misplaced and
          {row["position"] for row in misplaced} < set(wrong), rows)
    check("it says which setting helps", all("murmur2_random" in row["detail"] for row in misplaced), misplaced)
    for row in misplaced:
        subject = wrong[row["position"]]
        status, _ = engine.ask("GET", f"/v1/records/{subject}")
        check("what lies on the wrong partition is no record", status == 404, subject)
        status, done = engine.ask("POST", f"/v1/set-aside/{row['position']}/redrive")
        check("a redrive is done", status == 200 and not done["stays"], done)
        moved = soon(lambda: engine.ask("GET", f"/v1/records/{subject}")[0] == 200)
        check("and moves it to where it belongs", moved, subject)
        facts = engine.get(f"/v1/records/{subject}")["facts"] if moved else 0
        check("where it counts once", facts == 1, facts)
    left = engine.get("/v1/set-aside?limit=1000")
    check("the others stay", sorted(row["code"] for row in left) == sorted(row["code"] for row in rows if row not in misplaced), left)


def check_restart(cluster, engine, receiver):
    publish_rule(engine)
    for n in range(20):
        engine.append({"id": f"d{n}", "type": "deal.opened", "subject": f"deal/d{n}", "data": {"pipeline": "sales", "name": "a"}})
    check("webhooks arrive", soon(lambda: len({deal for _, _, deal in receiver.got}) == 20), len(receiver.got))
    soon(lambda: all(row["state"] == "delivered" for row in engine.get("/v1/effects?limit=1000")))
    engine.settled()
    before, events, decisions = engine.answers(), cluster.counts("p.events"), cluster.counts("p.decisions")
    check("SIGTERM ends it with 0", engine.stop() == 0, engine.log.read_text()[-1500:])
    check("nothing is written as it ends", cluster.counts("p.events") == events and cluster.counts("p.decisions") == decisions,
          (decisions, cluster.counts("p.decisions")))
    begun = time.monotonic()
    engine.start().lead()
    print(f"restart: leads all after {time.monotonic() - begun:.2f} s")
    engine.settled()
    after = engine.answers()
    check("a restarted engine says the same", after == before, differences(before, after))
    grown = {p: count - decisions[p] for p, count in cluster.counts("p.decisions").items()}
    check("nothing is decided but the claims", grown == {0: 1, 1: 1, 2: 1, 3: 1}, grown)
    check("no event is written", cluster.counts("p.events") == events, (events, cluster.counts("p.events")))
    check("no webhook is sent again", len(receiver.got) == 20, len(receiver.got))
    return before


def check_fold_anew(cluster, engine, receiver):
    engine.settled()
    before, sent = engine.answers(), len(receiver.got)
    engine.stop()
    shutil.rmtree(engine.data / "state")
    check("what it keeps of the topics is there", (engine.data / "log/kafka").exists(), list((engine.data / "log").iterdir()))
    engine.start().lead()
    engine.settled()
    after = engine.answers()
    check("state folded anew from the topics says the same", after == before, differences(before, after))
    check("and sends nothing", len(receiver.got) == sent, len(receiver.got))


def once_each(engine, sent, taken, name):
    """Every event that was answered 2xx counts once; so do those sent again that were not."""
    known = {event["id"] for event, _ in taken}
    rows = {row["record"] for row in events_of(engine, "com.example.load")}
    lost = [event["id"] for event, _ in taken if event["subject"] not in rows]
    check(f"{name}: no event that was taken is lost", not lost, f"{len(lost)} of {len(taken)}: {lost[:5]}")
    unsure = [event for _, event in sent if event["id"] not in known]
    for event in unsure:
        status, _ = engine.post(event)
        check(f"{name}: what was not answered is taken when it is sent again", status == 202, status)
    engine.settled()
    wrong = [(event["id"], facts) for _, event in sent if (facts := engine.get(f"/v1/records/{event['subject']}")["facts"]) != 1]
    check(f"{name}: each counts once", not wrong, f"{len(wrong)} of {len(sent)}: {wrong[:5]}")
    return len(unsure)


def events_of(engine, type_):
    """Subjects of all facts of a type, by the log's pages."""
    out, cursor = [], ""
    while True:
        rows = engine.get(f"/v1/events?limit=1000&type={type_}{cursor}")
        out += [{"record": row["event"]["subject"], "position": row["position"]} for row in rows]
        if len(rows) < 1000:
            return out
        partition, position = rows[-1]["position"].split(":")
        cursor = f"&position={partition}:{int(position) + 1}"


def load_event(name):
    return lambda n: {"id": f"{name}{n}", "type": "com.example.load", "subject": f"lead/{name}{n}", "data": {"n": n}}


def check_kill(engine):
    for turn in range(2):
        loads = [Load(engine, load_event(f"x{turn}{n}-")) for n in range(4)]
        enough = soon(lambda: sum(len(load.taken) for load in loads) >= 150, 60)
        check("load runs", enough, [load.other[:2] for load in loads])
        engine.kill()
        taken = [one for load in loads for one in load.stop()]
        sent = [one for load in loads for one in load.sent]
        begun = time.monotonic()
        engine.start().lead()
        took = time.monotonic() - begun
        unsure = once_each(engine, sent, taken, "kill -9")
        print(f"kill -9: {len(taken)} of {len(sent)} events were answered, {unsure} sent again; leads again after {took:.2f} s")


def asked(engine, path):
    try:
        return engine.ask("GET", path, timeout=5)[0]
    except (OSError, http.client.HTTPException) as why:
        return repr(why)


def check_broker_away(cluster, engine):
    engine.configure(answer_time=500)
    engine.restart()
    for name, away, back in (("frozen broker", lambda: cluster.signal(signal.SIGSTOP), lambda: cluster.signal(signal.SIGCONT)),
                             ("killed broker", lambda: cluster.do("stop", "--kill"), lambda: cluster.do("start"))):
        loads = [Load(engine, load_event(f"{name[:2]}{n}-")) for n in range(4)]
        sent, taken, other = (lambda what=what: [one for load in loads for one in getattr(load, what)] for what in ("sent", "taken", "other"))
        check("load runs", soon(lambda: len(taken()) > 100), other()[:2])
        away()
        begun = time.monotonic()
        check(f"{name}: it answers 503", soon(other, 20), other())
        took = time.monotonic() - begun
        check(f"{name}: within kafka.answer_time and a little", took < 1.5, f"{took:.2f} s")
        soon(lambda: len(other()) >= 10, 20)
        check(f"{name}: the outcome is unknown, it says", other() and
              all(status == 503 and answer["code"] == "outcome_unknown" for _, status, answer in other()), other()[:3])
        # Records and views wait until what they rest on is durable, however long (docs/plan.md).
        for path in ("/health/live", "/health/ready", "/v1/partitions"):
            status = asked(engine, path)
            check(f"{name}: {path} is answered in 5 s", status in (200, 503), status)
        soon(lambda: time.monotonic() - begun > 4, 10)  # longer than the members' silence and a producer's first tries
        for load in loads:
            load.stop()
        before = len(other())
        back()
        begun = time.monotonic()
        resumed = soon(lambda: engine.post(said("lead/back", f"{name} {time.monotonic()}"))[0] == 202, 60)
        check(f"{name}: it goes on by itself", resumed, engine.log.read_text()[-1500:])
        again = time.monotonic() - begun
        print(f"{name}: first 503 after {took:.2f} s, {before} in all; takes events {again:.2f} s after it is back")
        check(f"{name}: within 5 s", again < 5, f"{again:.2f} s")
        check(f"{name}: it leads all again", soon(lambda: engine.leads() == [0, 1, 2, 3], 30), engine.partitions())
        once_each(engine, sent(), taken(), name)


def check_refused_topics(cluster, build, work):
    """On topics of their own; the engine that is up is not asked."""
    def engine(name, **kafka):
        return Engine(build, work, name, cluster.servers["PLAINTEXT"], {"prefix": name, **kafka})

    one = engine("r1")
    one.start().lead()
    one.stop()
    for setting, word in (("retention.ms=86400000", "retention.ms is 86400000"), ("cleanup.policy=compact", "cleanup.policy is compact")):
        cluster.tool("kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", "r1.events", "--add-config", setting)
        text = refusal(one, setting, "r1.events", word, "kafka-configs.sh", "--add-config")
        if not follow(cluster, text, "kafka-configs.sh"):
            cluster.tool("kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", "r1.events", "--delete-config",
                         setting.split("=")[0])
        started(one, f"{setting}: behind the command that it names it starts")
    one.configure(replication=3)
    refusal(one, "one replica", "replica", "kafka-reassign-partitions.sh", "kafka.replication")
    refusal(engine("r3", replication=3), "three replicas of one broker", "fewer brokers", "kafka.replication")
    one.configure(replication=1)

    for topic in ("r1.decisions", "r1.events"):
        described = cluster.tool("kafka-topics", "--describe", "--topic", topic)
        cluster.tool("kafka-topics", "--delete", "--topic", topic)
        config = described.split("Configs: ")[1].splitlines()[0].split(",")
        soon(lambda: topic not in cluster.tool("kafka-topics", "--list").split())
        cluster.tool("kafka-topics", "--create", "--topic", topic, "--partitions", "4",
                     *[word for pair in config for word in ("--config", pair)])
        refusal(one, f"{topic} made anew", topic, "deleted and made anew")

    own = engine("r4", create_topics=False)
    text = refusal(own, "no topics", "r4.events", "r4.decisions", "kafka-topics.sh", "--create")
    check("three topics are to be made", follow(cluster, text, "kafka-topics.sh") == 3, text)
    started(own, "behind the commands that it names it starts")

    text = text.replace("r4.", "r5.").replace("--topic r5.decisions --partitions 4", "--topic r5.decisions --partitions 3")
    follow(cluster, text, "kafka-topics.sh")
    refusal(engine("r5"), "fewer partitions in one topic", "r5.events has 4", "r5.decisions has 3", "same number")

    lost = engine("r6")
    lost.configure(brokers="127.0.0.1:1")
    refusal(lost, "no broker", "no Kafka broker answers", "127.0.0.1:1", "Connection refused")


def started(engine, name):
    try:
        engine.start().lead()
    except NoStart as why:
        return check(name, False, why.said)
    check(name, True)
    engine.stop()
    return True


def check_signing_on(cluster, build, work):
    tls = f"ssl.ca.location={cluster.folder / 'ca.pem'}\n"
    user = "sasl.username=dealwright\nsasl.password=$DW_TEST_SECRET\n"
    shown = ""
    for name, listener, text in (
            ("TLS", "TLS", f"security.protocol=ssl\n{tls}"),
            ("SASL PLAIN", "SASL", f"# a comment\n\nsecurity.protocol = sasl_plaintext\nsasl.mechanism=PLAIN\n{user}"),
            ("SASL PLAIN by TLS", "SASL_TLS", f"security.protocol=sasl_ssl\nsasl.mechanism=PLAIN\n{tls}{user}"),
            ("SCRAM-SHA-256", "SASL", f"security.protocol=sasl_plaintext\nsasl.mechanism=SCRAM-SHA-256\n{user}"),
            ("SCRAM-SHA-512 by TLS", "SASL_TLS", f"security.protocol=sasl_ssl\nsasl.mechanism=SCRAM-SHA-512\n{tls}{user}")):
        prefix = "s" + "".join(c for c in name.lower() if c.isalnum())
        properties = work / f"{prefix}.properties"
        properties.write_text(text)
        engine = Engine(build, work, prefix, cluster.servers[listener], {"prefix": prefix, "properties_file": str(properties)},
                        environment={"DW_TEST_SECRET": SECRET})
        try:
            engine.start().lead()
        except NoStart as why:
            check(f"{name}: it starts", False, why.said)
            continue
        position = engine.append(said("lead/s", "s"))
        rows = engine.get(f"/v1/records/lead?wait_for={position}")
        check(f"{name}: events come and go", [row["record"] for row in rows] == ["lead/s"], rows)
        check(f"{name}: it ends", engine.stop() == 0)
        shown += engine.log.read_text()

        if "TLS" not in name:
            engine.environment["DW_TEST_SECRET"] = "no-such-" + SECRET
            refusal(engine, f"{name}, wrong password", "uthentication failed")
            del engine.environment["DW_TEST_SECRET"]
            refusal(engine, f"{name}, no password", "DW_TEST_SECRET", f"{prefix}.properties:")
        elif name == "TLS":
            properties.write_text("security.protocol=ssl\n")
            refusal(engine, f"{name}, unknown authority", "ertificate")
        shown += engine.log.read_text()
    properties = work / "bad.properties"
    properties.write_text("security.protocl=ssl\n")
    engine = Engine(build, work, "bad", cluster.servers["TLS"], {"prefix": "bad", "properties_file": str(properties)})
    refusal(engine, "a property that there is not", "security.protocl")
    properties.write_text("these are words\n")
    refusal(engine, "a line that is none", "bad.properties:1", "name=value")
    shown += engine.log.read_text()
    check("no secret is told", SECRET not in shown, next((line for line in shown.splitlines() if SECRET in line), ""))


def check_all():
    print("outside: kcat")
    build, only = Path(sys.argv[1]).resolve(), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="dw-kafka-") as folder:
        work = Path(folder)
        cluster = Cluster(work / "broker", "--tls", "--sasl")
        receiver = Receiver()
        engine = Engine(build, work, "main", cluster.servers["PLAINTEXT"], more=receiver.settings(work))
        parts = {"topics": (check_topics, cluster, engine), "http": (check_http_events, cluster, engine),
                 "modes": (check_binary_and_structured, cluster, engine), "set-aside": (check_set_aside, cluster, engine),
                 "restart": (check_restart, cluster, engine, receiver), "anew": (check_fold_anew, cluster, engine, receiver),
                 "kill": (check_kill, engine), "refused": (check_refused_topics, cluster, build, work),
                 "signing-on": (check_signing_on, cluster, build, work), "away": (check_broker_away, cluster, engine)}
        try:
            engine.start().lead()
            run_parts(parts, only or parts)
        finally:
            engine.kill()
            receiver.stop()
            cluster.end()


if __name__ == "__main__":
    sys.exit(run_checks("one engine on Kafka", check_all))
