#!/usr/bin/env python3
"""The drill: a backup of a server under load, restored elsewhere. Its views are those of the source, nothing leaves it
while it is paused, and behind that only what the source had not sent when the backup was made, under the same ids.

Usage: backup_e2e.py BUILD_DIR
"""
import atexit
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LEADS, MORE, PATIENCE = 8, 6, 120
FAULTS = []
RULES = {
    "tell": "note.added\nentry: each_time\nsteps:\n  - send_webhook: { endpoint: crm, data: { deal: = deal.id } }\n",
    "ask": "lead.captured\nentry: each_time\nsteps:\n  - send_webhook: { endpoint: slow, data: { lead: = lead.id } }\n",
}


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


class Sink:
    """A receiver of webhooks that keeps a book. `holds`: it answers nobody until that is released."""

    def __init__(self, holds=False):
        self.book = []
        self.changed = threading.Condition()
        self.open = threading.Event()
        if not holds:
            self.open.set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                with sink.changed:
                    sink.book.append(self.headers["webhook-id"])
                    sink.changed.notify_all()
                sink.open.wait()
                try:
                    self.send_response(200)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender gave up

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait(self, what, holds):
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self.book), PATIENCE):
                sys.exit(f"{what}: it has {len(self.book)} calls after {PATIENCE} s")


class Server:
    def __init__(self, bed, data, ops, *arguments, key=None):
        command = [str(bed.binary), *arguments, "--data", str(data), "--ops", str(ops), "--http-port", "0",
                   "--webhook-loopback", "--json"]
        self.errors = open(bed.work / f"{data.name}.log", "w+")
        self.process = subprocess.Popen(command, cwd=bed.work, env=bed.environment, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        atexit.register(self.process.kill)  # of a test that ends early; harmless behind its end
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            sys.exit(f"{' '.join(command)} did not start: {self.errors.read()}")
        told = json.loads(line)
        self.url, self.key = told["url"], key or told["key"]
        self.address = urllib.parse.urlsplit(self.url).netloc

    def ask(self, method, path, body=None, kind="application/json", accept="application/json"):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        fields = {"Authorization": f"Bearer {self.key}", "Accept": accept}
        if body is not None:
            fields["Content-Type"] = kind
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def get(self, path):
        answer, text = self.ask("GET", path)
        if answer.status != 200:
            sys.exit(f"GET {path}: {answer.status} {text}")
        return json.loads(text)

    def rows(self, path):
        out = []
        while path:
            answer, text = self.ask("GET", path, accept="application/x-ndjson")
            if answer.status != 200:
                sys.exit(f"GET {path}: {answer.status} {text}")
            out += [json.loads(line) for line in text.splitlines()]
            link = answer.getheader("Link")
            path = link[link.index("<") + 1:link.index(">")] if link else None
        return out

    def append(self, events):
        answer, text = self.ask("POST", "/v1/events", json.dumps(events), "application/cloudevents-batch+json")
        if answer.status != 202:
            sys.exit(f"an append was answered {answer.status}: {text}")
        return json.loads(text)["position"]

    def wait_for(self, positions):
        answer, text = self.ask("GET", f"/v1/records/deal?limit=1&timeout=30000&wait_for={positions}")
        check(f"all is folded up to {positions}", answer.status == 200, text)

    def ledger(self):
        return {row["effect"]: row for row in self.rows("/v1/effects?limit=1000")}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        self.errors.close()
        check(f"{self.url} stops in order", self.process.returncode == 0, f"exit {self.process.returncode}")


class Bed:
    def __init__(self, build, work):
        self.binary = build / "bin" / "dealwright"
        self.work = work
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        secret = work / "secret"
        secret.write_text("whsec_" + base64.b64encode(b"s" * 32).decode() + "\n")

    def run(self, *arguments, key=""):
        environment = dict(self.environment, DEALWRIGHT_KEY=key) if key else self.environment
        return subprocess.run([str(self.binary), *map(str, arguments)], cwd=self.work, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def must(self, *arguments, key=""):
        done = self.run(*arguments, key=key)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ops(self, name, **sinks):
        folder = self.work / name
        folder.mkdir()
        lines = [f"  {n}: {{ url: \"{s.url}\", secret_file: \"{self.work}/secret\" }}" for n, s in sinks.items()]
        (folder / "endpoints.yaml").write_text("endpoints:\n" + "\n".join(lines) + "\n")
        return folder


def fact(kind, subject, number, source="load", **data):
    return {"specversion": "1.0", "id": str(number), "source": source, "type": kind, "subject": subject, "data": data}


class Load:
    """Threads that append notes until they are told to stop, no further ahead of their receiver than 400."""

    def __init__(self, server, receiver, threads=2):
        self.server, self.receiver, self.acknowledged, self.over = server, receiver, Counter(), False
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        count = 0
        while not self.over:
            self.receiver.wait("the receiver, to keep pace", lambda book: len(book) >= self.count() - 400)
            batch = [fact("note.added", f"deal/d{(count + i) % 23}", count + i, f"load-{number}", text="hello")
                     for i in range(4)]
            self.server.append(batch)
            count += len(batch)
            self.acknowledged[number] = count

    def count(self):
        return sum(self.acknowledged.values())

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        return self.count()


# These tell the present only; `partition verify` holds them against a fold of the log at the end.
PRESENT_ONLY = {"tasks", "cycle", "notices", "automation"}


def views_at(server, instant):
    """All views that have a past, as they were known at that instant."""
    names = [view["view"] for view in server.get("/v1/views") if view["view"] not in PRESENT_ONLY]
    at = urllib.parse.quote(instant)
    return {name: server.rows(f"/v1/views/{name}?limit=1000&as_of={at}&known_by={at}") for name in names}


def known_before(server):
    """The newest instant up to which every partition's decisions are durable."""
    nows = [datetime.fromisoformat(row["now"].replace("Z", "+00:00")) for row in server.get("/v1/partitions")]
    return (min(nows) - timedelta(milliseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def make_source(bed, crm, slow):
    source = Server(bed, bed.work / "source", bed.ops("source-ops", crm=crm, slow=slow), "dev", "--empty")
    for name, rest in RULES.items():
        path = bed.work / f"{name}.rule.yaml"
        path.write_text(f"rule: {name}\nname: {name}\nowner: o\ntrigger: {rest}")
        bed.must("rule", "publish", path, "--server", source.url, key=source.key)
    stages = [{"id": "demo"}, {"id": "won", "category": "won"}, {"id": "lost", "category": "lost"}]
    source.wait_for(source.append([fact("pipeline.updated", "pipeline/sales", 0, "setup", stages=stages)]))
    source.wait_for(source.append([
        fact("deal.opened", f"deal/d{n}", n + 1, "setup", pipeline="sales", stage="demo",
             amount={"minor": 100_00 + n, "currency": "EUR"}) for n in range(23)]))
    return source


def back_up_under_load(bed, source, crm, slow):
    """(manifest's end of each partition, an instant that all of it is behind, what the views said then)"""
    load = Load(source, crm)
    crm.wait("the receiver", lambda book: len(book) >= 200)
    source.append([fact("lead.captured", f"lead/l{n}", n, company="Acme") for n in range(LEADS)])
    slow.wait("the slow receiver", lambda book: len(set(book)) == LEADS)
    instant = known_before(source)
    # A copy of little may be done between two facts: again, until one came while it was made.
    for _ in range(50):
        shutil.rmtree(bed.work / "out", ignore_errors=True)
        before = load.count()
        made = json.loads(bed.must("backup", "create", "--to", bed.work / "out", "--server", source.url, "--json",
                                   key=source.key))
        during = load.count() - before
        if during > 0:
            break
    check("the server took facts meanwhile", during > 0, during)
    check("the backup is whole", made["state"] == "whole", made)
    after = len(crm.book)
    crm.wait("the receiver, behind the backup", lambda book: len(book) >= after + 100)
    notes = load.stop()
    slow.open.set()
    crm.wait("the receiver, of all notes", lambda book: len(set(book)) == notes)
    views = views_at(source, instant)
    listed = source.get("/v1/backups")
    check("the backup is listed", {b["state"] for b in listed} == {"whole"}, listed)
    print(f"backup: {made['bytes']} bytes, {during} facts taken while it was made, {notes} in all")
    return made["ends"], instant, views


def folded_up_to(ends):
    places = [place.split(":") for place in ends.split(",")]
    return ",".join(f"{p}:{int(end) - 1}" for p, end in places if int(end) > 0)


def check_restored(bed, source, ends, instant, views, sent_by_source):
    crm, slow = Sink(), Sink()
    shown = bed.must("backup", "restore", "out", "--data", "restored")
    check("restore tells of the pause", "workspace resume" in shown, shown)
    ops = bed.ops("restored-ops", crm=crm, slow=slow)
    restored = Server(bed, bed.work / "restored", ops, "serve", key=source.key)
    restored.wait_for(folded_up_to(ends))
    there = views_at(restored, instant)
    for name, rows in views.items():
        check(f"view {name} at {instant}", there[name] == rows, f"{there[name]}\n  is not\n  {rows}")
    check("views say something", views and all(views.values()), views)

    for n in range(MORE):  # decided too, and their effects wait with the others
        restored.wait_for(restored.append([fact("note.added", f"deal/d{n}", n, "restored", text="hello")]))
    ledger = restored.ledger()
    done = {e for e, row in ledger.items() if row["state"] == "delivered"}
    waits = set(ledger) - done
    check("some were delivered before the cut", len(done) >= 100, len(done))
    check("some were still to be sent", len(waits) >= LEADS + MORE, len(waits))
    states = Counter(ledger[e]["state"] for e in waits)
    check("nothing was begun", set(states) <= {"requested", "attempt_started", "retry_at"}, states)
    check("nobody was called while effects are paused", not crm.book and not slow.book, crm.book + slow.book)
    ready = restored.get("/health/ready")
    check("health tells of the pause", ready["effects_paused"] is True, ready)

    bed.must("workspace", "resume", "--reason", "the drill is over", "--server", restored.url, key=source.key)
    deadline = time.monotonic() + 3 * PATIENCE  # a second try of a webhook may wait for five minutes
    while time.monotonic() < deadline:
        states = Counter(row["state"] for row in restored.ledger().values())
        if set(states) == {"delivered"}:
            break
    check("all is delivered in the end", set(states) == {"delivered"}, states)
    calls = Counter(crm.book + slow.book)
    check("what was delivered is not sent again", not set(calls) & done, set(calls) & done)
    check("what was still to be sent is sent", set(calls) == waits, set(calls) ^ waits)
    check("each once", set(calls.values()) == {1}, calls.most_common(3))
    check("the ids are those of the source", len(waits - sent_by_source) == MORE, waits - sent_by_source)
    restored.stop()
    bed.must("partition", "verify", "--data", "restored")
    bed.must("log", "verify", "--data", "restored")
    check("the pause is over for good", not (bed.work / "restored" / "effects-paused.json").exists())
    print(f"restored: {len(views)} views equal at {instant}, {len(done)} delivered before and not again, "
          f"0 calls while paused, {len(waits)} sent behind that")


def check_damage(bed):
    bed.must("backup", "verify", "out")
    segment = sorted((bed.work / "out" / "log" / "0").glob("*.seg"))[0]
    for what in ("flipped", "cut", "missing"):
        shutil.rmtree(bed.work / "bad", ignore_errors=True)
        shutil.copytree(bed.work / "out", bed.work / "bad")
        bad = bed.work / "bad" / segment.relative_to(bed.work / "out")
        bytes_ = bytearray(bad.read_bytes())
        if what == "flipped":
            bytes_[len(bytes_) // 2] ^= 4
        bad.write_bytes(bytes_[:-1] if what == "cut" else bytes_)
        if what == "missing":
            bad.unlink()
        for command in (("backup", "verify", "bad"), ("backup", "restore", "bad", "--data", "never")):
            done = bed.run(*command)
            good = done.returncode == 6 and segment.name in done.stderr and not (bed.work / "never").exists()
            check(f"{' '.join(command)}, a file {what}", good, f"exit {done.returncode}: {done.stderr}")
    again = bed.run("backup", "restore", "out", "--data", "restored")
    check("restore over data is refused", again.returncode == 4, f"exit {again.returncode}: {again.stderr}")
    (bed.work / "out" / "manifest.json").unlink()
    none = bed.run("backup", "verify", "out")
    check("without its manifest it is none", none.returncode == 3, f"exit {none.returncode}: {none.stderr}")


def main(build):
    with tempfile.TemporaryDirectory(prefix="dw-backup-") as work:
        bed = Bed(Path(build).resolve(), Path(work))
        crm, slow = Sink(), Sink(holds=True)
        source = make_source(bed, crm, slow)
        ends, instant, views = back_up_under_load(bed, source, crm, slow)
        source.stop()
        check_restored(bed, source, ends, instant, views, set(crm.book + slow.book))
        check_damage(bed)
    for fault in FAULTS:
        print(f"FAULT {fault}")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
