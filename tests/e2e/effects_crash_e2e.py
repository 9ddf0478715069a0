#!/usr/bin/env python3
"""The crash matrix of effects: a server is killed (SIGKILL) while a real mail server and a real receiver of webhooks
hold it at each place between request and outcome, again and again on the same data. In the end the receivers' books
and the ledger agree: a mail was taken at most once, a webhook at least once and always under one id, nothing is lost; a
rebuild of the state from the log calls nobody.

What is unknown is judged kill by kill. docs/mail.md says that the attempt is made durable when all of the mail is sent
but its dot, so a kill may leave only such mails unknown to whose DATA the mail server had said 354 in that life of the
server, by its own books. A mail that is held before (connect, mail, rcpt, data) is sent by a later life. Whether the 250
was written down before a kill no mail server can tell; so there are two kinds of kills:
  at once   behind the first sign of the place: what got its 250 in that very life may be unknown too
  settled   (each third) the ledger has said of all but the held one that it is delivered: so it stays, nobody is asked for it again, and
            unknown is the held mail alone if 354 was said to it and 250 was not

Usage: effects_crash_e2e.py BUILD_DIR [KILLS]; SEED=N starts there
"""
import base64
import copy
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEFORE_DATA = ["connect", "mail", "rcpt", "data"]  # 354 is not said
PLACES = BEFORE_DATA + ["body", "dot", "taken", "hook-connect", "hook-head", "hook", "hook-half", "hook-taken"]
EACH = 3  # events of one round, so mails and webhooks on their way together
SETTLED = 3  # one kill of so many waits until the ledger has said what it has to say
RULES = 40  # so that none of them lets out as much as its canary holds
RULE = """rule: tell-NUMBER
name: Tell both
owner: ops
trigger: meeting.no_show
when: event.meeting.startsWith("rNUMBER-")
entry: each_time
steps:
  - send_webhook: { endpoint: sink-HOST, data: { meeting: = event.meeting } }
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
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self, key, what):
        while True:
            try:
                said = json.loads(self.lines.get(timeout=60))
            except queue.Empty:
                raise SystemExit(f"the receivers say nothing of {what} within 60 s") from None
            if key in said:
                return said

    def ask(self, line, key="mails"):
        self.say(line)
        return self.answer(key, line)

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

    def effects(self, only=""):
        out, path = [], "/v1/effects?limit=1000" + only
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
        time.sleep(0.01)


def settled(server, events):
    """The ledger once nothing moves any more; None before."""
    effects = server.effects()
    ends = [e for e in effects if e["state"] in ("delivered", "unknown", "rejected", "expired", "suppressed")]
    return effects if len(effects) == 2 * events and len(ends) == len(effects) else None


@dataclass
class Life:
    """From a start of the server to its kill, by the receivers' books at the kill; the last one was not killed."""
    place: str
    at_once: bool
    sessions: list  # of the mail server: {who, begun, answered}
    calls: list     # webhooks that were taken, by whom they are about
    delivered: set  # of (channel, who): what the ledger said before the kill, if that was waited for

    def begun(self):
        return {one["who"] for one in self.sessions if one["begun"]}

    def answered(self):
        return {one["who"] for one in self.sessions if one["answered"]}

    def in_doubt(self):
        """The mails that this kill may leave unknown."""
        return self.begun() if self.at_once else self.begun() - self.answered()


def who_of(effect):
    return effect["subject"].removeprefix("contact/c")


def look(server, sink, number, held):
    """(what the ledger says is delivered, the held mail), once that is all but what is held; None before."""
    in_state = {state: {who_of(e) for e in server.effects(f"&channel=email&state={state}")}
                for state in ("requested", "retry_at", "attempt_started")}  # in the order in which they come about
    asked = {one["who"] for one in sink.ask("sessions", "sessions")["sessions"]}
    # What was started in an earlier life waits for its span to go by.
    left = in_state["requested"] | in_state["retry_at"] | in_state["attempt_started"] & asked
    holds_a_mail = not held["at"].startswith("hook") and held["at"] != "taken"
    if len(left) != holds_a_mail or (holds_a_mail and held["who"] not in (None, *left)):
        return None
    effects = server.effects()
    delivered = {(e["channel"], who_of(e)) for e in effects if e["state"] == "delivered"}
    ours = {("email", f"{number}-{i}") for i in range(EACH)} - {("email", who) for who in left}
    complete = len(effects) == 2 * EACH * (number + 1) and ours <= delivered
    return (delivered, next(iter(left), None)) if complete else None


def judge_ends(effects, book, lives):
    """Each line of the ledger against the books."""
    faults = [f"a receiver refused: {text}" for text in book["bad"]]
    answered = set().union(*(life.answered() for life in lives))
    for effect in effects:
        mail, who = effect["channel"] == "email", who_of(effect)
        name = f"{effect['channel']} {who}"
        taken = book["mails" if mail else "hooks"].get(who, {})
        if set(taken) - {effect["effect"]}:
            faults.append(f"{name} came under another id than {effect['effect']}: {taken}")
        if mail and sum(taken.values()) > 1:
            faults.append(f"{name} was taken {sum(taken.values())} times")
        if effect["state"] == "delivered" and (not taken or (mail and who not in answered)):
            faults.append(f"{name} is delivered, and nobody took it")
        if effect["state"] != "delivered" and not (mail and effect["state"] == "unknown"):
            faults.append(f"{name} ends as {effect['state']}: {effect['reason']}")
    for kind, channel in (("mails", "email"), ("hooks", "webhook")):
        asked = {who_of(e) for e in effects if e["channel"] == channel}
        faults += [f"{kind}: nobody asked for {who}" for who in book[kind] if who not in asked]
    return faults


def judge_kills(effects, lives):
    """(faults, which mails each kill left unknown)."""
    faults, left = [], [set() for _ in lives]
    states = {(e["channel"], who_of(e)): e["state"] for e in effects}
    for who in (who for (channel, who), state in states.items() if channel == "email" and state == "unknown"):
        seen = [i for i, life in enumerate(lives) if any(one["who"] == who for one in life.sessions)]
        if not seen:
            faults.append(f"email {who} is unknown, and the mail server never heard of it")
            continue
        left[seen[-1]].add(who)
    for i, life in enumerate(lives):
        name = f"kill {i} at {life.place}, {'at once' if life.at_once else 'settled'}"
        if len(left[i]) > len(life.in_doubt()):
            faults.append(f"{name}: {len(left[i])} mails are unknown, {len(life.in_doubt())} were in doubt")
        faults += [f"{name}: email {who} is unknown, which was not in doubt: " +
                   str([one for one in life.sessions if one["who"] == who]) for who in left[i] - life.in_doubt()]
        for channel, who in life.delivered:
            if states[channel, who] != "delivered":
                faults.append(f"{name}: {channel} {who} was delivered and ends as {states[channel, who]}")
        for later in lives[i + 1:]:
            again = {("email", one["who"]) for one in later.sessions} | {("webhook", who) for who in later.calls}
            faults += [f"{name}: {channel} {who} was delivered and is sent again" for channel, who in
                       again & life.delivered]
    return faults, left


def judge(effects, book, lives):
    return judge_ends(effects, book, lives) + judge_kills(effects, lives)[0]


def must_fail(effects, book, lives):
    """Books and ledgers that are wrong in one place each, and what has to be said of them."""
    def planted(name, expected, change):
        wrong = copy.deepcopy((effects, book, lives))
        change(*wrong)
        seen = any(expected in fault for fault in judge(*wrong))
        print(f"{'ok' if seen else 'NOT OK'} - must fail: {name}")
        return [] if seen else [f"not seen: {name}"]

    def state(ledger, channel, who, to):
        next(e for e in ledger if e["channel"] == channel and who_of(e) == who)["state"] = to

    def cut_off(who, at):  # as if the kill `at` had ended it: no later life tries it again
        def change(ledger, books, of):
            state(ledger, "email", who, "unknown")
            books["mails"].pop(who, None)
            for life in of[at + 1:]:
                life.sessions = [one for one in life.sessions if one["who"] != who]
        return change

    faults = []
    for place in BEFORE_DATA:
        at, who = next((i, one["who"]) for i, life in enumerate(lives) if life.place == place and not life.at_once
                       for one in life.sessions if not one["begun"])
        faults += planted(f"a mail held at {place} is unknown", "not in doubt", cut_off(who, at))
    settled = next(life for life in lives if life.delivered)
    mail, hook = (min(who for channel, who in settled.delivered if channel == wanted) for wanted in ("email", "webhook"))
    found = next(e["effect"] for e in effects if e["channel"] == "email" and who_of(e) == mail)

    def all_unknown(ledger, _, of):
        for channel, who in of[-1].delivered | settled.delivered:
            state(ledger, channel, who, "unknown" if channel == "email" else "delivered")

    def unheard(ledger, _, of):
        state(ledger, "email", mail, "unknown")
        for life in of:
            life.sessions = [one for one in life.sessions if one["who"] != mail]

    def unanswered(_, __, of):
        for one in (one for life in of for one in life.sessions if one["who"] == mail):
            one["answered"] = False

    faults += planted("all that was delivered is unknown", "not in doubt", all_unknown)
    faults += planted("an unknown mail that no mail server heard of", "never heard", unheard)
    faults += planted("a mail is taken twice", "taken 2 times", lambda _, b, __: b["mails"][mail].update({found: 2}))
    faults += planted("a mail under a second id", "another id", lambda _, b, __: b["mails"][mail].update(other=1))
    faults += planted("a delivered mail that got no 250", "nobody took it", unanswered)
    faults += planted("a delivered mail begins again", "sent again", lambda _, __, of: of[-1].sessions.append(
        {"who": mail, "begun": False, "answered": False}))
    faults += planted("a webhook under a second id", "another id", lambda _, b, __: b["hooks"][hook].update(other=1))
    faults += planted("a webhook that nobody took", "nobody took it", lambda _, b, __: b["hooks"].pop(hook))
    faults += planted("a delivered webhook comes again", "sent again", lambda _, __, of: of[-1].calls.append(hook))
    faults += planted("a webhook ends as unknown", "ends as", lambda e, _, __: state(e, "webhook", hook, "unknown"))
    faults += planted("a mail of nobody's", "nobody asked", lambda _, b, __: b["mails"].update(other={"x": 1}))
    return faults


def tell(effects, book, lives):
    left = judge_kills(effects, lives)[1]
    for place in PLACES:
        for at_once in (True, False):
            of = [i for i, life in enumerate(lives[:-1]) if life.place == place and life.at_once == at_once]
            print(f"{place}, {'at once' if at_once else 'settled'}: {len(of)} kills, "
                  f"{sum(len(lives[i].begun() - lives[i].answered()) for i in of)} mails between 354 and 250, "
                  f"{sum(len(lives[i].answered()) for i in of)} behind; "
                  f"unknown {sum(len(left[i]) for i in of)}, of them behind 250 "
                  f"{sum(len(left[i] & lives[i].answered()) for i in of)}")
    states = Counter(f"{e['channel']} {e['state']}" for e in effects)
    print(f"effects: {len(lives) - 1} kills, {dict(sorted(states.items()))}, webhooks taken again: "
          f"{sum(sum(ids.values()) for ids in book['hooks'].values()) - len(book['hooks'])}")


def main(build, wanted=200):
    print("outside: smtp-server\noutside: standardwebhooks", flush=True)
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
    seed, lives = int(os.environ.get("SEED", "1")), []
    while len(lives) < wanted:
        rounds = len(lives)
        place, turn = PLACES[(seed + rounds) % len(PLACES)], rounds // len(PLACES)
        at_once = turn % SETTLED != 1
        server = Server(binary, work, sink, environment)
        sink.say(f"hold {place} {1 + (seed + turn + turn // EACH) % EACH}")
        server.ask("/v1/events", events_of(rounds))
        held = sink.answer("at", place)
        delivered, mail = (set(), None) if at_once else wait_until(
            lambda: look(server, sink, rounds, held), 30, f"kill {rounds} at {held}: all others are delivered",
            lambda: [e for e in server.effects("&channel=email") if e["state"] not in ("delivered", "unknown")])
        server.kill()
        then = sink.ask("release")
        for one in then["sessions"]:
            one["who"] = one["who"] or mail  # who has said no RCPT yet is the held one, if all others have ended
        lives.append(Life(place, at_once, then["sessions"], then["calls"], delivered))
    rounds = len(lives)
    server = Server(binary, work, sink, environment)
    effects = wait_until(lambda: settled(server, rounds * EACH), 120, "all effects are final",
                         lambda: Counter((e["channel"], e["state"], e["reason"]) for e in server.effects()))
    book = sink.ask("book")
    lives.append(Life("the end", False, book["sessions"], book["calls"],
                      {(e["channel"], who_of(e)) for e in effects if e["state"] == "delivered"}))
    tell(effects, book, lives)
    faults = judge(effects, book, lives)
    faults += [f"no kill at {place}, {'at once' if at_once else 'settled'}" for place in PLACES
               for at_once in (True, False) if all((life.place, life.at_once) != (place, at_once) for life in lives)]
    faults = faults or must_fail(effects, book, lives)
    if server.stop() != 0:
        faults.append(f"the server ended with {server.process.returncode}")
    # The state is folded anew from the log: the ledger is as it was, and nobody is called.
    shutil.rmtree(work / "data" / "state")
    server = Server(binary, work, sink, environment)
    server.ask("/v1/events", events_of(rounds))
    effects = wait_until(lambda: settled(server, (rounds + 1) * EACH), 60, "a rebuilt state sends what is new")
    again = sink.ask("book")
    for kind in ("mails", "hooks"):
        changed = [who for who, ids in book[kind].items() if again[kind].get(who) != ids]
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
