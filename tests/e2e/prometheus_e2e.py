#!/usr/bin/env python3
"""Metrics as others read them: promtool checks a real scrape and our rules and tries each alert; a real Prometheus
scrapes a running server by the configuration that we ship, and what it holds is what the server says of itself.

Usage: prometheus_e2e.py BUILD_DIR
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/dealwright.rules.yml"
PATIENCE = 90
FAULTS = []
CHECKED = []
PROGRAMS = "promtool and Prometheus"  # for tests/run.py


def check(name, good, shown=""):
    CHECKED.append(name)
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:2000]}")


def until(what, holds):
    """Waits for a condition; what it came to."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"FAILED {what}: not within {PATIENCE} s")


def ask(url, key=None, body=None, media="application/json"):
    """(status, text)"""
    request = urllib.request.Request(url, data=body and body.encode(), headers={"Content-Type": media} if body else {})
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers


def promtool(*arguments, stdin=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


class Server:
    """`dealwright dev`, with its sales year."""

    def __init__(self, build, work):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.process = subprocess.Popen(
            [str(build / "bin/dealwright"), "dev", "--json", "--data", str(work / "data"), "--http-port", "0"],
            cwd=work, env=environment, stdout=subprocess.PIPE, stderr=open(work / "log", "w"), text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"FAILED dev does not start: {(work / 'log').read_text()}")
        said = json.loads(line)
        self.url, self.key, self.events = said["url"], said["key"], said["events"]

    def make_key(self, roles, scopes):
        status, text, _ = ask(f"{self.url}/v1/keys", self.key,
                              json.dumps({"name": "t", "roles": roles, "scopes": scopes}))
        check("a key is made", status == 201, text)
        return json.loads(text)["key"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def check_rules():
    code, said = promtool("check", "rules", RULES)
    check("promtool takes the rules", code == 0 and "13 rules" in said, said)
    code, said = promtool("test", "rules", ROOT / "tests/e2e/prometheus_rules.yml")
    check("each alert fires when it should", code == 0, said)
    code, said = promtool("check", "config", "--syntax-only", ROOT / "deploy/prometheus/scrape.yml")
    check("promtool takes the scrape configuration", code == 0, said)


def check_rules_are_tried(work):
    """A rule that never fires is found by the same test."""
    broken = work / "broken"
    (broken / "deploy/prometheus").mkdir(parents=True)
    (broken / "tests/e2e").mkdir(parents=True)
    text = RULES.read_text().replace("dealwright_lag_seconds > 30", "dealwright_lag_seconds > 300")
    (broken / "deploy/prometheus" / RULES.name).write_text(text)
    shutil.copy(ROOT / "tests/e2e/prometheus_rules.yml", broken / "tests/e2e")
    code, said = promtool("test", "rules", broken / "tests/e2e/prometheus_rules.yml")
    check("a changed threshold fails its test", code != 0 and "DealwrightLag" in said, said)


def check_scrape(server):
    status, _, _ = ask(f"{server.url}/metrics")
    check("metrics need a key", status == 401, status)
    status, _, _ = ask(f"{server.url}/metrics", server.make_key(["publisher"], []))
    check("publishers do not see them", status == 403, status)
    reader = server.make_key(["viewer"], ["metrics:read"])
    status, text, fields = ask(f"{server.url}/metrics", reader)
    check("a reader does", status == 200 and fields["Content-Type"].startswith("text/plain; version=0.0.4"),
          f"{status} {fields}")
    code, said = promtool("check", "metrics", stdin=text)
    check("promtool takes them, and has nothing to say", code == 0 and not said.strip(), said)
    for name, broken in (("a name with a blank", text.replace("dealwright_leader", "dealwright leader")),
                         ("a value that is none", re.sub(r"^(dealwright_leader.*) \S+$", r"\1 many", text, flags=re.M)),
                         ("a type twice", text + "# TYPE dealwright_leader counter\ndealwright_leader 1\n"),
                         ("a label cut", text.replace('partition="0"', 'partition="0'))):
        code, said = promtool("check", "metrics", stdin=broken)
        check(f"promtool refuses {name}", code != 0, said)
    return reader, text


def check_numbers(server, text):
    """What the metrics say is what the API says."""
    partitions = json.loads(ask(f"{server.url}/v1/partitions", server.key)[1])
    for row in partitions:
        for metric, column in (("leader", "leading"), ("timers_pending", "timers"), ("set_aside_open", "set_aside")):
            line = f'dealwright_{metric}{{partition="{row["partition"]}"}} {int(row[column])}\n'
            check(f"{metric} of partition {row['partition']}", line in text, line)
    documented = (ROOT / "docs/operations.md").read_text()
    families = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M)
    check("there are families", len(families) > 30, families)
    for name, kind in families:
        row = next((r for r in documented.splitlines() if r.startswith("| ") and f"`{name}`" in r.split("|")[1]), "")
        check(f"{name} is documented as a {kind}", f"| {kind} |" in row, row)
    served = {name for name, _ in families}
    for name in re.findall(r"`(dealwright_[a-z_]+)`", "\n".join(r for r in documented.splitlines() if r.startswith("| `"))):
        check(f"{name} is served", name in served or name in LATER, sorted(served))


# Made when something happens that does not happen here for sure.
LATER = {"dealwright_fold_seconds"}


class Prometheus:
    def __init__(self, server, work, reader):
        (work / "key").write_text(reader + "\n")
        config = (ROOT / "deploy/prometheus/scrape.yml").read_text()
        for shipped, here in (("127.0.0.1:7380", server.url.removeprefix("http://")), ("scrape_interval: 15s", "scrape_interval: 1s"),
                              ("/etc/prometheus/dealwright.key", str(work / "key")), ("- dealwright.rules.yml", f"- {RULES}")):
            check(f"the shipped configuration has {shipped}", shipped in config)
            config = config.replace(shipped, here)
        (work / "prometheus.yml").write_text(config.replace("global:", "global:\n  evaluation_interval: 1s"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = work / "prometheus.log"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={work / 'prometheus.yml'}", f"--storage.tsdb.path={work / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        until("Prometheus is ready", self.ready)

    def ready(self):
        if self.process.poll() is not None:
            sys.exit(f"FAILED Prometheus does not start: {self.log.read_text()[-2000:]}")
        try:
            return ask(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def get(self, path, **query):
        status, text, _ = ask(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        check(f"Prometheus answers {path}", status == 200, text)
        return json.loads(text)["data"]

    def value(self, query):
        """Of a query with one result; None: it has none."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def check_prometheus(server, prometheus):
    def target():
        return next((t for t in prometheus.get("targets")["activeTargets"] if t["health"] != "unknown"), None)
    found = until("a first scrape", target)
    check("the scrape went well", found["health"] == "up" and found["lastError"] == "", found)

    events = [{"specversion": "1.0", "source": "t", "id": f"e{i}", "type": "lead.captured", "subject": f"lead/n{i}",
               "data": {"company": "Acme"}} for i in range(50)]
    before = sum(row["accepted"] for row in json.loads(ask(f"{server.url}/v1/partitions", server.key)[1]))
    status, text, _ = ask(f"{server.url}/v1/events", server.key, json.dumps(events),
                          "application/cloudevents-batch+json")
    check("events are taken", status == 202, text)
    accepted = 'sum(dealwright_events_total{result="accepted"})'
    until("Prometheus sees them counted", lambda: (prometheus.value(accepted) or 0) >= before + 50)
    partitions = json.loads(ask(f"{server.url}/v1/partitions", server.key)[1])
    for query, expected in ((accepted, sum(row["accepted"] for row in partitions)),
                            ("sum(dealwright_leader)", len(partitions)), ("sum(dealwright_partition_stopped)", 0),
                            ("sum(dealwright_timers_pending)", sum(row["timers"] for row in partitions)),
                            ('dealwright_append_seconds_count{result="done"}', 1),
                            ('dealwright_http_seconds_count{route="/v1/events",code="202"}', 1)):
        until(f"{query} comes to {expected}", lambda q=query, e=expected: prometheus.value(q) == e)
    for query in ("sum(dealwright_sync_seconds_count)", "sum(dealwright_decide_seconds_count)",
                  "sum(dealwright_log_bytes)", "dealwright_start_time_seconds", "dealwright_rule_matches_total"):
        check(f"{query} is more than nothing", (prometheus.value(query) or 0) > 0, prometheus.value(query))
    until("nothing waits", lambda: prometheus.value("max(dealwright_lag_events)") == 0)

    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    check("all rules are there", len(rules) == 13, rules)
    until("all rules are evaluated", lambda: all(
        rule["health"] == "ok" for group in prometheus.get("rules")["groups"] for rule in group["rules"]))
    firing = [a for a in prometheus.get("alerts")["alerts"] if a["state"] == "firing"
              and a["labels"]["alertname"] not in ("DealwrightDiskSoonFull", "DealwrightSetAside")]
    check("nothing fires", not firing, firing)
    server.stop()
    check("the server stops in order", server.process.returncode == 0, server.process.returncode)
    until("Prometheus sees it gone", lambda: prometheus.value('up{job="dealwright"}') == 0)
    until("DealwrightDown is pending", lambda: any(
        a["labels"]["alertname"] == "DealwrightDown" for a in prometheus.get("alerts")["alerts"]))


def main(build):
    missing = [program for program in ("promtool", "prometheus") if shutil.which(program) is None]
    if missing:
        print(f"outside: {PROGRAMS}\n{' and '.join(missing)} not here: deploy/setup --ci installs the package prometheus")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        check_rules()
        check_rules_are_tried(work)
        server = Server(build.resolve(), work)
        prometheus = None
        try:
            reader, text = check_scrape(server)
            check_numbers(server, text)
            prometheus = Prometheus(server, work, reader)
            check_prometheus(server, prometheus)
        finally:
            if prometheus:
                prometheus.stop()
            if server.process.poll() is None:
                server.stop()
    for fault in FAULTS:
        print("FAILED", fault)
    print(f"outside: {PROGRAMS}: {len(CHECKED) - len(FAULTS)} of {len(CHECKED)} checks")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
