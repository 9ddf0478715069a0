#!/usr/bin/env python3
"""A server under load is told to stop: requests run, streams are open, webhooks wait for an answer that does not come.
It ends in order within 5 s, every event that was answered with 2xx is in the log, and what was cut is in the ledger. Its
log is JSON, by documented codes, and none of the names and addresses that the events are full of are in it.

Usage: serve_e2e.py BUILD_DIR
"""
import base64
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from commands import Commands

ROOT = Path(__file__).resolve().parents[2]
STOP_MAX = 5.0
CANARIES = ["Zebedee", "Quillfeather", "zebedee@quillfeather.example", "+49 30 5550137", "Canary & Sons", "secret-words-of-a-note"]
RULE = """rule: tell-crm
name: Tell the CRM of a new deal
owner: ops
trigger: deal.opened
steps:
  - send_webhook: { endpoint: crm, data: { deal: = deal.id, note: "of Zebedee Quillfeather" } }
"""
FAULTS = []


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:1500]}")


class Receiver:
    """Takes hooks; answers those of odd order, lets the others wait until the end."""

    def __init__(self):
        outer = self
        self.ids, self.waiting, self.answered, self.end = [], 0, 0, threading.Event()
        self.changed = threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with outer.changed:
                    outer.ids.append(self.headers["webhook-id"])
                    slow = len(outer.ids) % 2 == 0
                    outer.waiting += slow
                    outer.answered += not slow
                    outer.changed.notify_all()
                if slow:
                    outer.end.wait()
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def stop(self):
        self.end.set()
        self.server.shutdown()


class Bed(Commands):
    def __init__(self, build, work, receiver):
        self.binary, self.work = str(build / "bin/dealwright"), work
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment |= {"DEALWRIGHT_DATA": str(work / "data"), "DEALWRIGHT_OPS": str(work / "ops"),
                             "DEALWRIGHT_WEBHOOK_LOOPBACK": "true", "DEALWRIGHT_HTTP_PORT": "0"}
        (work / "ops").mkdir()
        (work / "secret").write_text("whsec_" + base64.b64encode(bytes(range(32))).decode() + "\n")
        (work / "ops/endpoints.yaml").write_text(
            f"endpoints:\n  crm:\n    url: {receiver.url}\n    secret_file: {work / 'secret'}\n")
        (work / "tell-crm.rule.yaml").write_text(RULE)
        self.must("init", "--partitions", "2")
        self.must("event", "append", "--type", "pipeline.updated", "--subject", "pipeline/sales", "--data",
                  json.dumps({"stages": [{"id": "demo"}, {"id": "won", "category": "won"}, {"id": "lost", "category": "lost"}]}))
        self.must("rule", "publish", str(work / "tell-crm.rule.yaml"))

    def serve(self):
        self.log = self.work / "log"
        self.process = subprocess.Popen([self.binary, "serve", "--json", "--access-log"], cwd=self.work,
                                        env=self.environment, stdout=subprocess.PIPE, stderr=open(self.log, "a"), text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"FAILED serve does not start: {self.log.read_text()}")
        said = json.loads(line)
        self.address = said["url"].removeprefix("http://")
        self.key = said.get("key", getattr(self, "key", None))


def person_events(n):
    """Facts that are full of people, sound and unsound ones."""
    return [
        {"type": "contact.updated", "subject": f"contact/zebedee@quillfeather.example-{n}",
         "data": {"set": {"name": "Zebedee Quillfeather", "emails": ["zebedee@quillfeather.example"], "phones": ["+49 30 5550137"]}}},
        {"type": "account.updated", "subject": f"account/{n}", "data": {"set": {"name": "Canary & Sons"}}},
        {"type": "note.added", "subject": f"deal/d{n}", "data": {"text": "secret-words-of-a-note by Zebedee"}},
        {"type": "deal.opened", "subject": f"deal/d{n}", "data": {"pipeline": "sales", "name": "Zebedee Quillfeather's deal"}},
        {"type": "deal.amount_changed", "subject": f"deal/d{n}", "data": {"amount": "Zebedee"}},
        {"type": "Zebedee Quillfeather", "subject": f"deal/d{n}", "data": {"Zebedee": "zebedee@quillfeather.example"}},
    ]


class Load(threading.Thread):
    """Posts events one by one until the server takes no more."""

    def __init__(self, bed, number):
        super().__init__(daemon=True)
        self.bed, self.number, self.acknowledged, self.other = bed, number, [], {}

    def run(self):
        connection = http.client.HTTPConnection(self.bed.address, timeout=30)
        headers = {"Authorization": f"Bearer {self.bed.key}", "Content-Type": "application/cloudevents+json"}
        for turn in range(1_000_000):
            for index, event in enumerate(person_events(f"{self.number}-{turn}")):
                name = f"load-{self.number}-{turn}-{index}"
                body = json.dumps({"specversion": "1.0", "source": "load", "id": name, **event})
                try:
                    connection.request("POST", "/v1/events", body, headers)
                    answer = connection.getresponse()
                    text = answer.read()
                except (OSError, http.client.HTTPException):
                    return
                if answer.status == 202:
                    self.acknowledged.append((json.loads(text)["position"], event["subject"]))
                else:
                    self.other.setdefault(answer.status, name)
                    if answer.status == 503:
                        return


class Stream(threading.Thread):
    def __init__(self, bed, path):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(bed.address, timeout=60)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {bed.key}", "Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        self.whole = None
        self.start()

    def run(self):
        try:
            while self.answer.read1(65536):
                pass
            self.whole = True
        except (OSError, http.client.HTTPException) as fault:
            self.whole = repr(fault)


def stop_under_load(bed, receiver):
    bed.serve()
    loads = [Load(bed, n) for n in range(4)]
    streams = [Stream(bed, path) for path in ("/v1/views/board/stream", "/v1/views/tasks/stream", "/v1/views/automation/stream")]
    for stream in streams:
        check("a stream is open", stream.answer.status == 200, stream.answer.status)
    for load in loads:
        load.start()
    with receiver.changed:
        enough = receiver.changed.wait_for(lambda: receiver.waiting >= 4 and receiver.answered >= 4, timeout=60)
    check("webhooks are under way", enough, f"{receiver.waiting} wait, {receiver.answered} are answered")
    while sum(len(load.acknowledged) for load in loads) < 200 and any(load.is_alive() for load in loads):
        time.sleep(0.01)
    check("load runs", all(load.is_alive() for load in loads), [load.other for load in loads])
    begun = time.monotonic()
    bed.process.send_signal(signal.SIGTERM)
    try:
        bed.process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        bed.process.kill()
        check("it ends", False, bed.log.read_text()[-1500:])
    took = time.monotonic() - begun
    check("exit code 0", bed.process.returncode == 0, bed.process.returncode)
    check(f"it ends within {STOP_MAX} s", took < STOP_MAX, f"{took:.2f} s")
    for thread in (*loads, *streams):
        thread.join(timeout=30)
    for stream in streams:
        check("a stream ends whole", stream.whole is True, stream.whole)
    return [one for load in loads for one in load.acknowledged], took


def check_log_of_events(bed, acknowledged):
    check("events were acknowledged", len(acknowledged) > 100, len(acknowledged))
    dump = bed.must("log", "dump")
    records = [json.loads(line) for line in dump.splitlines()]
    there = {f"{r['partition']}:{r['position']}": r["subject"] for r in records if r["topic"] == "events"}
    lost = [one for one in acknowledged if there.get(one[0]) != one[1]]
    check("every event that was acknowledged is in the log", not lost, f"{len(lost)} of {len(acknowledged)}: {lost[:5]}")
    for canary in CANARIES:
        check(f"the events are about {canary}", canary in dump)
    check("log verify", bed.run("log", "verify").returncode == 0)


def check_ledger(bed, receiver):
    """What was cut stands there as begun; nothing that was answered is sent again at once."""
    rows = [json.loads(line) for line in bed.must("effect", "list", "--channel", "webhook", "--limit", "0", "--json").splitlines()]
    states = {}
    for row in rows:
        states[row["state"]] = states.get(row["state"], 0) + 1
    check("answered hooks are delivered", states.get("delivered", 0) >= 4, states)
    check("cut hooks stand as begun", states.get("attempt_started", 0) >= 4, states)
    check("nothing is lost or made up", set(states) <= {"delivered", "attempt_started", "requested", "retry_at"}, states)
    begun = {row["effect"] for row in rows if row["state"] == "attempt_started"}
    check("begun hooks reached the receiver or were cut before", len(begun & set(receiver.ids)) >= 4, states)


def check_lines(bed):
    text = bed.log.read_text()
    known = set(re.findall(r"^\| `(\w+)` \| (?:info|warning|error) \|", (ROOT / "docs/operations.md").read_text(), re.M))
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            check("a line of the log is JSON", False, line)
    for line in lines:
        check("a line has time, level, code", {"time", "level", "code"} <= set(line), line)
        check("a code is documented", line["code"] == "http" or line["code"] in known, line)
    codes = [line["code"] for line in lines]
    check("requests have lines", codes.count("http") > 100, len(codes))
    check("start and stop are told", "started" in codes and "stopping" in codes and codes[-1] in ("stopped", "stopped_hard"), codes[-5:])
    check("partitions lead", codes.count("partition_leads") >= 2, set(codes))
    for canary in CANARIES:
        check("no personal data in the log", canary not in text and canary.lower() not in text.lower(),
              next((line for line in text.splitlines() if canary.lower() in line.lower()), ""))


def main(build):
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(build.resolve(), Path(folder), receiver)
        acknowledged, took = stop_under_load(bed, receiver)
        check_lines(bed)
        check_log_of_events(bed, acknowledged)
        check_ledger(bed, receiver)
        receiver.stop()
        # Once more, without anything to do: at once.
        bed.serve()
        begun = time.monotonic()
        bed.process.send_signal(signal.SIGINT)
        check("SIGINT stops it too", bed.process.wait(timeout=60) == 0)
        print(f"{len(acknowledged)} events acknowledged, {len(receiver.ids)} hooks; stopped in {took:.2f} s, "
              f"idle in {time.monotonic() - begun:.2f} s")
    for fault in FAULTS:
        print("FAILED", fault)
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
