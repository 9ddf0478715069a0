#!/usr/bin/env python3
"""npm cloudevents: messages by its Kafka binding, sent by kcat, read from an engine on that log.

Usage: cloudevents_kafka_outside.py BUILD_DIR
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bed import Checks, Npm, build_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from kafka_bed import Cluster, Engine, Unavailable, soon  # noqa: E402

MEMBERS = ("id", "source", "type", "subject", "time", "specversion", "traced", "partitionkey", "data")


def instant(text):
    return text and text.replace(".000Z", "Z")


def differences(kept, sent):
    """Members that a receiver may rely on; where the sender gave no time, the engine does."""
    return [(member, sent.get(member), kept.get(member)) for member in MEMBERS
            if (kept.get(member) != sent.get(member) if member != "time" else
                "time" in kept and instant(kept["time"]) != instant(sent["time"]))]


def compare(checks, cluster, engine, message, other):
    """One message, as the engine keeps it."""
    name, subject = message["name"], message["subject"]
    cluster.send("p.events", message["value"], message["key"], message["headers"], partitioner="murmur2_random")
    there = soon(lambda: engine.ask("GET", f"/v1/records/{subject}")[0] == 200)
    checks.check(f"{name}: it is taken", there, engine.get("/v1/set-aside"))
    if not there:
        return
    place = engine.get(f"/v1/records/{subject}/timeline")[0]["position"].removeprefix("e")
    kept = engine.get(f"/v1/events/{place}")["event"]
    wrong = differences(kept, message["event"])
    checks.check(f"{name}: what is kept is what was sent", not wrong, wrong)
    checks.must_fail(f"{name}: another event is told from it", "data" in [row[0] for row in differences(kept, other["event"])],
                     kept)


def main(arguments):
    build = build_of(arguments)
    checks = Checks("cloudevents 10.0")
    missing = [program for program in ("java", "kcat") if shutil.which(program) is None]
    if missing:
        checks.skip(f"{' and '.join(missing)} not here: deploy/setup --ci installs what Kafka's brokers want")
    npm = Npm(checks)
    code, said = npm.script("cloudevents_kafka.js")
    messages = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    checks.check("the SDK makes messages in both modes", code == 0 and len(messages) == 4, said)
    with tempfile.TemporaryDirectory(prefix="dw-kafka-") as folder:
        work = Path(folder)
        try:
            cluster = Cluster(work / "broker")
        except Unavailable as why:
            checks.skip(str(why))
        engine = Engine(build, work, "main", cluster.servers["PLAINTEXT"])
        try:
            engine.start().lead()
            for message, other in zip(messages, messages[1:] + messages[:1]):
                compare(checks, cluster, engine, message, other)
            checks.check("none is set aside", engine.get("/v1/set-aside") == [], engine.get("/v1/set-aside"))
            message = messages[0]
            headers = {**message["headers"], "ce_id": "broken", "ce_specversion": "0.3"}
            cluster.send("p.events", message["value"], message["key"], headers, partitioner="murmur2_random")
            aside = soon(lambda: engine.get("/v1/set-aside"))
            checks.must_fail("another version of CloudEvents is set aside", [row["code"] for row in aside] == ["bad_envelope"], aside)
        finally:
            engine.kill()
            cluster.end()
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
