#!/usr/bin/env python3
"""The Kafka brokers of deploy/kafka, which other tests use: one with each of its listeners, by Debian's kcat; three, of
which one is killed and comes back; nothing that is not theirs is ended. Needs no binary of ours.

Usage: kafka_broker_e2e.py BUILD_DIR
"""
import os
import sys
import tempfile
from pathlib import Path

from kafka_bed import Cluster, check, run_checks, until

USER = ["sasl.username=dealwright", "sasl.password=dealwright-secret"]


def check_listeners(cluster):
    tls = [f"ssl.ca.location={cluster.folder / 'ca.pem'}"]
    plain = ["sasl.mechanism=PLAIN", *USER]
    bearer = ["sasl.mechanism=OAUTHBEARER", "enable.sasl.oauthbearer.unsecure.jwt=true", "sasl.oauthbearer.config=principal=dealwright"]
    written = []
    for listener, settings in (("PLAINTEXT", []), ("TLS", ["security.protocol=ssl", *tls]),
                               ("SASL", ["security.protocol=sasl_plaintext", *plain]),
                               ("SASL", ["security.protocol=sasl_plaintext", *bearer]),
                               ("SASL_TLS", ["security.protocol=sasl_ssl", *tls, *plain])):
        written.append(f"m{len(written)}")
        done = cluster.publish(written[-1], listener, settings)
        check(f"{listener} takes a record", done.returncode == 0, done.stderr)
        found = cluster.read(listener, settings)
        check(f"{listener} gives it back", found == written, found)
    for listener, settings, words in (
            ("TLS", ["security.protocol=ssl"], "certificate verify failed"),
            ("SASL", ["security.protocol=sasl_plaintext", *plain, "sasl.password=wrong"], "Invalid username or password")):
        done = cluster.kcat(listener, settings, "-L", "-m", "2")
        check(f"{listener} refuses: {words}", done.returncode != 0 and words in done.stderr, done.stderr)
    # Debian's kcat fails at SCRAM with Kafka 4.3 (docs/kafka-broker.md); Kafka's own client does not.
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        settings = cluster.folder / "client.properties"
        settings.write_text(f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common."
                            'security.scram.ScramLoginModule required username="dealwright" password="dealwright-secret";\n')
        found = cluster.tool("kafka-topics", "--list", "--bootstrap-server", cluster.servers["SASL"], "--command-config", str(settings))
        check(f"SASL takes {mechanism}", found.split() == ["t"], found)
    return written


def check_one(folder):
    cluster = Cluster(folder, "--tls", "--sasl")
    try:
        said = cluster.tool("kafka-topics", "--create", "--topic", "t", "--partitions", "2")
        check("a topic is made", "Created topic t" in said, said)
        done = cluster.publish("x", topic="not-there")
        check("no topic comes of itself", done.returncode != 0 and "Unknown topic" in done.stderr, done.stderr)
        written = check_listeners(cluster)
        again = cluster.do("start")
        check("a second start says so", again.returncode == 0 and "node 1 is up already" in again.stdout, again)
        other = cluster.do("start", "--nodes", "3")
        check("it does not become another cluster", other.returncode == 1 and "nodes=1" in other.stderr, other)
        check("it is up", cluster.do("status").returncode == 0)

        for flags in ([], ["--kill"]):
            done = cluster.do("stop", *flags)
            check(f"stop {flags}", done.returncode == 0 and done.stdout == "node 1 is down\n", done)
            done = cluster.do("status")
            check("status says that it is down", done.returncode == 1 and "node 1: down" in done.stdout, done)
            done = cluster.do("start")
            check("it starts again", done.returncode == 0, done)
            found = cluster.read()
            check("with what it holds", found == written, found)

        cluster.tool("kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", "t", "--add-config", "retention.ms=1000000")
        said = cluster.tool("kafka-configs", "--describe", "--entity-type", "topics", "--entity-name", "t")
        check("a topic's setting is changed", "retention.ms=1000000" in said, said)
        (folder / "delete.json").write_text('{"partitions": [{"topic": "t", "partition": 0, "offset": 2}], "version": 1}')
        cluster.tool("kafka-delete-records", "--offset-json-file", str(folder / "delete.json"))
        found = cluster.read()
        check("records are deleted", found == written[2:], found)

        cluster.do("stop")
        (folder / "node-1/pid").write_text(f"{os.getpid()}\n")  # as if the number had been given to another process
        check("another's pid is not a node", "node 1: down" in cluster.do("status").stdout)
        check("and is not ended", cluster.do("stop", "--kill").returncode == 0)
    finally:
        cluster.end()


def check_three(folder):
    cluster = Cluster(folder, "--nodes", "3")
    try:
        cluster.tool("kafka-topics", "--create", "--topic", "t", "--partitions", "3")

        def described(*words):
            said = cluster.tool("kafka-topics", "--describe", "--topic", "t")
            return said if all(word in said for word in words) else ""

        until("three in sync", lambda: described("ReplicationFactor: 3", "min.insync.replicas=2", "Isr: 1,2,3"))
        leader = next(line.split("Leader: ")[1][0] for line in described("Partition: 0").splitlines() if "Partition: 0" in line)
        done = cluster.do("stop", "--kill", "--node", leader)
        check("one is killed", done.stdout == f"node {leader} is down\n", done)
        done = cluster.do("status")
        states = [f"node {node}: {'down' if str(node) == leader else 'up'}," for node in (1, 2, 3)]
        check("status says which", done.returncode == 1 and
              all(line.startswith(state) for line, state in zip(done.stdout.splitlines(), states)), done)
        done = cluster.publish("after")
        check("the two others take a record", done.returncode == 0 and cluster.read() == ["after"], done.stderr)
        check("they chose another leader", described() and f"Leader: {leader}" not in described(), described())
        done = cluster.do("start", "--node", leader)
        check("it starts again, alone", done.returncode == 0 and "already" not in done.stdout, done)
        check("all are up", cluster.do("status").returncode == 0)
        until("three in sync again", lambda: "Isr: " in described() and all(
            len(line.split("Isr: ")[1].split()[0].split(",")) == 3 for line in described().splitlines() if "Isr: " in line))
        done = cluster.do("stop")
        check("all stop", done.returncode == 0 and done.stdout.count("is down") == 3, done)
        check("and say so", cluster.do("status").stdout.count("down") == 3)
    finally:
        cluster.end()


def check_all():
    with tempfile.TemporaryDirectory(prefix="dw-kafka-") as work:
        check_one(Path(work) / "one")
        check_three(Path(work) / "three")


if __name__ == "__main__":
    sys.exit(run_checks("kafka brokers", check_all))
