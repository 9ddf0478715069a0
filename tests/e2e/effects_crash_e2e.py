#!/usr/bin/env python3
"""The crash matrix of effects: a server is killed (SIGKILL) while a real mail server and a real receiver of webhooks
hold it at each place between request and outcome, again and again on the same data. In the end the receivers' books
and the ledger agree: a mail was taken at most once, a webhook at least once and always under one id, what is unknown
was in flight at a kill, nothing is lost; a rebuild of the state from the log calls nobody.

Usage: effects_crash_e2e.py BUILD_DIR [KILLS]; SEED=N starts there
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ["connect", "mail", "rcpt", "dot", "taken", "hook-connect", "hook", "hook-taken"]
EACH = 3  # events of one round, so mails and webhooks on their way together
RULES = 40  # so that none of them lets out as much as its canary holds
RULE = """rule: tell-NUMBER
name: Tell both
owner: ops
trigger: meeting.no_show
when: event.meeting.startsWith("rNUMBER-")
entry: each_time
steps:
  - send_webhook: { endpoint: sink-HOST, data: { meeting: event.meeting } }
  - send_email: { template: crash, to: contact, purpose: service }
"""
TEMPLATE = """---
subject: "You missed {{ contact.name | default: 'a' }}'s meeting"
---
<p>Hello {{ contact.name | default: "there" }}</p>
"""


class Sink:
    def __init__(self, modules, secret):
        self.process = subprocess.Popen(["node", str(ROOT / "tests/npm/crash_sink.js"), json.dumps({"secret": secret})],
                                        env=dict(os.environ, DW_NODE_MODULES=modules), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self, key):
        while True:
            said = json.loads(self.process.stdout.readline())
            if key in said:
                return said

    def ask(self, line, key):
        self.say(line)
        return self.answer(key)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Server:
    """`dealwright serve` on the data; told to end, or killed."""

    def __init__(self, binary, work, sink, environment):
        self.process = subprocess.Popen(
            [str(binary), "--json", "--data", str(work / "data"), "--ops", str(work / "ops"), "--http-port", "0",
             "--mail-send", "smtp", "--mail-security", "loopback", "--mail-server", "127.0.0.1", "--mail-port",
             str(sink.ports["smtp"]), "--webhook-loopback", "serve"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        said = self.process.stdout.readline()
        if not said:
            raise SystemExit(f"the server did not start: {self.process.stderr.read()}")
        said = json.loads(said)
        self.url = said["url"]
        self.key_file = work / "key"
        if said.get("key"):
            self.key_file.write_text(said["key"])
        self.key = self.key_file.read_text()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body and json.dumps(body).encode(), headers={
            "Authorization": f"Bearer {self.key}", "Content-Type": "application/cloudevents-batch+json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def effects(self):
        out, path = [], "/v1/effects?limit=1000"
        while path:
            request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                out += json.load(answer)
                link = answer.headers.get("Link")
            path = link and link[1:link.index(">")]
        return out

    def __del__(self):
        if self.process.poll() is None:
            self.process.kill()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return self.process.returncode


def events_of(number):
    out = []
    for i in range(EACH):  # each about somebody else: nobody gets a template twice in a day
        who = f"contact/c{number}-{i}"
        out.append({"specversion": "1.0", "source": "crash", "id": f"c{number}-{i}", "type": "contact.updated",
                    "subject": who, "data": {"set": {"name": "Ada", "emails": [f"ada{number}-{i}@example.com"]}}})
        out.append({"specversion": "1.0", "source": "crash", "id": f"m{number}-{i}", "type": "meeting.no_show",
                    "subject": who, "data": {"meeting": f"r{number % RULES}-{number}-{i}", "kind": "demo"}})
    return out


def prepare(binary, work, sink, secret):
    (work / "ops").mkdir()
    (work / "secret").write_text(secret)
    hosts = sink.ports["http"]  # many: a host takes ten repeats a minute, however few first tries it had
    (work / "ops" / "endpoints.yaml").write_text("endpoints:\n" + "".join(
        f"  sink-{i}:\n    url: http://127.0.0.1:{port}/in\n    secret_file: {work}/secret\n"
        for i, port in enumerate(hosts)))
    rules = [work / f"tell-{i}.rule.yaml" for i in range(RULES)]
    for i, rule in enumerate(rules):
        rule.write_text(RULE.replace("NUMBER", str(i)).replace("HOST", str(i % len(hosts))))
    (work / "crash.liquid").write_text(TEMPLATE)
    for command in (["init", "--partitions", "2"], ["template", "publish", str(work / "crash.liquid")],
                    ["rule", "publish", *map(str, rules)]):
        done = subprocess.run([str(binary), "--data", str(work / "data"), *command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def wait_until(holds, seconds, what, shown=lambda: ""):
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s: {shown()}")


def settled(server, events):
    """The ledger once nothing moves any more; None before."""
    effects = server.effects()
    ends = [e for e in effects if e["state"] in ("delivered", "unknown", "rejected", "expired", "suppressed")]
    return effects if len(effects) == 2 * events and len(ends) == len(effects) else None


def judge(effects, book, kills, in_flight):
    faults = [f"a receiver refused: {text}" for text in book["bad"]]
    states = Counter((e["channel"], e["state"]) for e in effects)
    for effect in effects:
        mail = effect["channel"] == "email"
        taken = book["mails" if mail else "hooks"].get(effect["effect"], 0)
        if mail and taken > 1:
            faults.append(f"mail {effect['effect']} was taken {taken} times")
        if effect["state"] == "delivered" and taken < 1:
            faults.append(f"{effect['effect']} is delivered, and nobody took it")
        if effect["state"] != "delivered" and not (mail and effect["state"] == "unknown"):
            faults.append(f"{effect['effect']} ({effect['channel']}) ends as {effect['state']}: {effect['reason']}")
    known = {e["effect"] for e in effects}
    for kind in ("mails", "hooks"):
        faults += [f"{kind}: nobody asked for {found}" for found in book[kind] if found not in known]
    unknown = states[("email", "unknown")]
    if unknown > in_flight:
        faults.append(f"{unknown} mails are unknown, {in_flight} were in flight at the {kills} kills")
    print(f"effects: {kills} kills, {dict(sorted((' '.join(k), v) for k, v in states.items()))}, "
          f"webhooks taken again: {sum(book['hooks'].values()) - len(book['hooks'])}")
    return faults


def main(build, wanted=200):
    found = subprocess.run([str(ROOT / "deploy/npm-tools")], capture_output=True, text=True)
    if found.returncode != 0:
        print(found.stdout.strip())
        return found.returncode
    binary = Path(build).resolve() / "bin" / "dealwright"
    work = Path(tempfile.mkdtemp(prefix="dw-effects-"))
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    sink = Sink(found.stdout.strip(), secret)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
    prepare(binary, work, sink, secret)
    seed, kills, rounds, in_flight, reached = int(os.environ.get("SEED", "1")), 0, 0, 0, Counter()
    while kills < wanted:
        place = PLACES[(seed + rounds) % len(PLACES)]
        server = Server(binary, work, sink, environment)
        sink.say(f"hold {place} {1 + (seed + rounds // len(PLACES)) % EACH}")
        server.ask("/v1/events", events_of(rounds))
        rounds += 1
        sink.answer("at")
        server.kill()
        kills += 1
        reached[place] += 1
        in_flight += 0 if place.startswith("hook") else EACH
        sink.ask("release", "released")
    server = Server(binary, work, sink, environment)
    effects = wait_until(lambda: settled(server, rounds * EACH), 120, "all effects are final",
                         lambda: Counter((e["channel"], e["state"], e["reason"]) for e in server.effects()))
    book = sink.ask("book", "mails")
    faults = judge(effects, book, kills, in_flight)
    faults += [f"no kill at {place}" for place in PLACES if reached[place] == 0]
    if server.stop() != 0:
        faults.append(f"the server ended with {server.process.returncode}")
    # The state is folded anew from the log: the ledger is as it was, and nobody is called.
    shutil.rmtree(work / "data" / "state")
    server = Server(binary, work, sink, environment)
    server.ask("/v1/events", events_of(rounds))
    effects = wait_until(lambda: settled(server, (rounds + 1) * EACH), 60, "a rebuilt state sends what is new")
    again = sink.ask("book", "mails")
    for kind in ("mails", "hooks"):
        changed = [k for k, n in book[kind].items() if again[kind].get(k) != n]
        if changed or len(again[kind]) != len(book[kind]) + EACH:
            faults.append(f"behind a rebuild {kind} were sent again, or none: {changed[:3]}")
    server.stop()
    sink.close()
    shutil.rmtree(work, ignore_errors=True)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
