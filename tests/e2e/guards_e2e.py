#!/usr/bin/env python3
"""What is stopped stays here, and within a second. While webhooks flow by the hundred a second, everything or one rule
is paused: a second behind the answer nothing of it arrives any more, and no more than were on their way; once it is
resumed all of it comes. Mails are held by a real mail server at RCPT, so behind the judgement when they were due and
before their point of no return: whose consent is withdrawn then, whose rule or workspace is paused then, gets nothing;
the paused ones come once when they are resumed.

Usage: guards_e2e.py BUILD_DIR
"""
import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from commands import Commands
from mail_bed import Sink, check, fail, npm_modules, told, until

LATE = 1.0  # seconds behind the answer; nothing arrives later
WATCHED = 2.5  # seconds behind the answer that are looked at
IN_FLIGHT = 64  # attempts at once to one host, see docs/effects.md
ANSWERS_AFTER = [0.05 + 0.2 * i / 15 for i in range(16)]  # seconds, in turn: with 64 at once some 400 webhooks a second
STEADY, BOTH, MORE = 2000, 1200, 50  # events
FLOWING = 400  # webhooks that have arrived when the switch is thrown
FLOW = 100  # that have to have come in the second before
ENOUGH = 200  # that have to wait still, or to go on: fewer show nothing
HOOK = """rule: NAME
name: Tell the receiver
owner: ops
trigger: meeting.TRIGGER
entry: each_time
steps:
  - send_webhook: { endpoint: receiver, data: { meeting: = event.meeting } }
"""
MAIL = """rule: NAME
name: A mail at any time of day
owner: ops
trigger: meeting.TRIGGER
entry: each_time
limits: { quiet_hours: { send: "Mon-Sun 00:00-24:00" } }
steps:
  - send_email: { template: NAME, to: contact, purpose: PURPOSE }
"""
RULES = {"steady": (HOOK, "scheduled", ""), "a": (HOOK, "held", ""), "b": (HOOK, "held", ""),
         "news": (MAIL, "no_show", "marketing"), "told": (MAIL, "cancelled", "service")}
CONSENT = {"purpose": "marketing", "channel": "email", "source": "form"}


class Receiver:
    """Takes webhooks, notes when each was there, and answers each a little later, so that they queue up."""

    def __init__(self):
        self.came = []  # (time.time(), rule, webhook-id)
        self.loop = asyncio.new_event_loop()
        server = self.loop.run_until_complete(asyncio.start_server(self.take, "127.0.0.1", 0, backlog=256))
        self.port = server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def take(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                body = json.loads(await reader.readexactly(int(fields["content-length"])))
                self.came.append((time.time(), body["type"].removeprefix("rule."), fields["webhook-id"]))
                await asyncio.sleep(ANSWERS_AFTER[len(self.came) % len(ANSWERS_AFTER)])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender has ended the connection
        finally:
            writer.close()

    def times(self, rule):
        return [at for at, of, _ in list(self.came) if of == rule]

    def ids(self, rule):
        return [id_ for _, of, id_ in list(self.came) if of == rule]


class HangingSink(Sink):
    """Addresses rcpt-hang@.. get no answer to RCPT until `release`."""

    def until_held(self, count, shown):
        until(f"{count} mails hang at RCPT", lambda: self.book()["hanging"] == count,
              lambda: (self.book()["hanging"], shown()))

    def release(self):
        self.ask("release")

    def taken(self, who):
        """How many mails that person got, once all sessions have ended."""
        until("all sessions have ended", lambda: self.book()["open"] == 0, lambda: self.book())
        return [mail["to"] for mail in self.book()["mails"]].count([address(who)])


def address(who):
    return f"rcpt-hang@{who}.example.org"


class Bed(Commands):
    def __init__(self, build, work, receiver, sink):
        self.binary, self.work, self.said = str(build / "bin/dealwright"), work, 0
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment |= {"DEALWRIGHT_DATA": str(work / "data"), "DEALWRIGHT_OPS": str(work / "ops"),
                             "DEALWRIGHT_HTTP_PORT": "0", "DEALWRIGHT_WEBHOOK_LOOPBACK": "true",
                             "DEALWRIGHT_HTTP_PUBLIC_URL": "https://sales.example.com",
                             "DEALWRIGHT_MAIL_SEND": "smtp", "DEALWRIGHT_MAIL_SERVER": "127.0.0.1",
                             "DEALWRIGHT_MAIL_PORT": str(sink.port), "DEALWRIGHT_MAIL_SECURITY": "loopback"}
        (work / "ops").mkdir()
        (work / "secret").write_text("whsec_" + base64.b64encode(b"s" * 32).decode())
        (work / "ops/endpoints.yaml").write_text(
            f"endpoints:\n  receiver:\n    url: http://127.0.0.1:{receiver.port}/in\n    secret_file: {work}/secret\n")
        self.must("init", "--partitions", "2")
        for name, (text, trigger, purpose) in RULES.items():
            if purpose:
                (work / f"{name}.liquid").write_text(f"---\nsubject: The {name}\n---\n<p>Hello</p>\n")
                self.must("template", "publish", str(work / f"{name}.liquid"))
            rule = text.replace("NAME", name).replace("TRIGGER", trigger).replace("PURPOSE", purpose)
            (work / f"{name}.rule.yaml").write_text(rule)
            self.must("rule", "publish", str(work / f"{name}.rule.yaml"))
        with open(work / "serve.log", "w") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--json"], cwd=work, env=self.environment, text=True,
                                            stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline()
        if not line:
            fail(f"the server does not start: {(work / 'serve.log').read_text()}")
        said = json.loads(line)
        self.url, self.key = said["url"], said["key"]

    def ask(self, path, body=None, method=None):
        """(what is answered, the path of the next page)"""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/cloudevents-batch+json"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=body and json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            link = answer.headers.get("Link")
            return json.load(answer), link and link[1:link.index(">")]

    def switch(self, path):
        """Throws it: (when it was asked, when it was answered)."""
        asked = time.time()
        self.ask(path, method="POST")
        return asked, time.time()

    def say(self, *facts):
        """Appends (type, whose, data): (their position, the id of the last)."""
        events = []
        for type_, who, data in facts:
            self.said += 1
            events.append({"specversion": "1.0", "source": "e2e", "id": f"said-{self.said}", "type": type_,
                           "subject": f"contact/{who}", "data": data})
        return self.ask("/v1/events", events)[0]["position"], events[-1]["id"]

    def effects(self, query):
        out, path = [], f"/v1/effects?limit=1000&{query}"
        while path:
            page, path = self.ask(path)
            out += page
        return out

    def mail_of(self, who):
        """What the ledger says of the one mail to that person."""
        found = [e for e in self.effects(f"record=contact/{who}") if e["channel"] == "email"]
        if len(found) != 1:
            fail(f"one mail was asked for {who}: {found}")
        return found[0]

    def until_mail(self, who, state, reason=""):
        until(f"{who}'s mail is {state} {reason}", lambda: (e := self.mail_of(who))["state"] == state and
              e["reason"].startswith(reason), lambda: self.mail_of(who))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        check("the server ends in order", self.process.wait(60) == 0, self.process.returncode)


def meetings(trigger, count):
    """Of forty contacts, so in both partitions."""
    return [(f"meeting.{trigger}", f"c{i % 40}", {"meeting": f"{trigger}-{i}", "kind": "demo"}) for i in range(count)]


def switch_faults(times, asked, answered, resumed):
    out = []
    flowed = len([at for at in times if asked - 1 <= at < asked])
    behind = [at - answered for at in times if answered < at < resumed]
    late = sorted(round(at, 3) for at in behind if at > LATE)
    if flowed < FLOW:
        out.append(f"it did not flow: {flowed} in the second before")
    if late:
        out.append(f"{len(late)} arrive later than {LATE} s behind the answer: {late[:20]}")
    if len(behind) > IN_FLIGHT:
        out.append(f"{len(behind)} arrive behind the answer")
    if resumed - answered < WATCHED:
        out.append(f"only {resumed - answered} s were looked at")
    return out


def judge_switch(name, times, asked, answered, resumed):
    """By the receiver's clock; says how it went."""
    for fault in switch_faults(times, asked, answered, resumed):
        check(name, False, fault)
    behind = [at - answered for at in times if answered < at < resumed]
    last = f" (the last by {max(behind) * 1000:.0f} ms)" if behind else ""
    return f"answered in {(answered - asked) * 1000:.0f} ms, {len(behind)} arrived behind that{last}"


def must_fail():
    """Times that are wrong in one place each, and what has to be said of them."""
    flow = [i / 300 for i in range(600)]  # 300 a second until 2.0, when it is asked
    for times, expected in ((flow, None), (flow + [2.1 + LATE + 0.01], "1 arrive later"),
                            (flow + [2.2] * IN_FLIGHT, None), (flow + [2.2] * (IN_FLIGHT + 1), "65 arrive behind"),
                            ([one / 2 for one in flow], "it did not flow")):
        said = switch_faults(times, 2.0, 2.1, 9.0)
        check(f"must fail: {expected}", len(said) == (expected is not None) and (expected or "") in "".join(said), said)


def until_waiting(bed, rule, count, code):
    """What of the rule waits, once it is all that is not delivered."""
    def waiting():
        rows = bed.effects(f"rule={rule}")
        waits = [e["effect"] for e in rows if e["state"] == "retry_at" and e["reason"].startswith(code)]
        delivered = [e for e in rows if e["state"] == "delivered"]
        return waits if len(rows) == count and len(waits) + len(delivered) == count else None
    def shown():
        return sorted({(e["state"], e["reason"]) for e in bed.effects(f"rule={rule}") if e["state"] != "delivered"})
    waits = until(f"what is left of {rule} waits as {code}", waiting, shown)
    check(f"enough of {rule} still waits", len(waits) >= ENOUGH, len(waits))
    return waits


def until_all(bed, receiver, rule, count):
    """All of it is here and the ledger knows: how often one came again."""
    until(f"all of {rule} arrives", lambda: len(set(receiver.ids(rule))) >= count, lambda: len(receiver.ids(rule)))
    until(f"all of {rule} is delivered", lambda: len(bed.effects(f"rule={rule}&state=delivered")) == count,
          lambda: [e for e in bed.effects(f"rule={rule}") if e["state"] != "delivered"])
    ids, ledger = receiver.ids(rule), {e["effect"] for e in bed.effects(f"rule={rule}")}
    check(f"{rule}: what arrived is what the ledger says", set(ids) == ledger, len(set(ids) ^ ledger))
    return len(ids) - len(set(ids))


def until_watched(answered):
    until("the time that is looked at is over", lambda: time.time() >= answered + WATCHED)


def run_everything(bed, receiver):
    """The switch that stops all."""
    bed.say(*meetings("scheduled", STEADY))
    until("webhooks flow", lambda: len(receiver.came) >= FLOWING, lambda: len(receiver.came))
    asked, answered = bed.switch("/v1/pause?reason=a-try")
    until_waiting(bed, "steady", STEADY, "workspace_paused")
    bed.say(*meetings("scheduled", MORE))
    waits = until_waiting(bed, "steady", STEADY + MORE, "workspace_paused")
    check("it says that it is paused", bed.ask("/v1/pause")[0]["paused"] is True)
    until_watched(answered)
    check("what waits did not arrive", not set(waits) & set(receiver.ids("steady")))
    resumed = time.time()
    told = judge_switch("pause", receiver.times("steady"), asked, answered, resumed)
    bed.switch("/v1/pause/resume?reason=a-try")
    again = until_all(bed, receiver, "steady", STEADY + MORE)
    return f"everything: {told}, {len(waits)} waited, {again} came twice"


def run_rule(bed, receiver):
    """The switch of a rule, with another rule beside it that sends to the same host."""
    before = len(receiver.came)
    bed.say(*meetings("held", BOTH))
    until("webhooks of both rules flow", lambda: len(receiver.came) >= before + 2 * FLOWING, lambda: len(receiver.came))
    asked, answered = bed.switch("/v1/rules/a/pause")
    waits = until_waiting(bed, "a", BOTH, "rule_paused")
    twice = until_all(bed, receiver, "b", BOTH)
    until_watched(answered)
    on = len([at for at in receiver.times("b") if at > answered + LATE])
    check("the other rule goes on", on >= ENOUGH, on)
    check("what waits of the rule did not arrive", not set(waits) & set(receiver.ids("a")))
    resumed = time.time()
    told = judge_switch("rule pause", receiver.times("a"), asked, answered, resumed)
    bed.switch("/v1/rules/a/resume")
    twice += until_all(bed, receiver, "a", BOTH)
    return f"a rule: {told}, {len(waits)} waited, {on} of the other came later than {LATE} s, {twice} came twice"


def until_at_rcpt(bed, sink, trigger, *people):
    """A mail for each of them; the mail server holds them at RCPT."""
    for who in people:
        bed.say(("contact.updated", who, {"set": {"emails": [address(who)]}}),
                ("consent.granted", who, CONSENT),
                (f"meeting.{trigger}", who, {"meeting": f"m-{who}", "kind": "demo"}))
    sink.until_held(len(people), lambda: [bed.mail_of(who) for who in people])
    for who in people:
        mail = bed.mail_of(who)
        check(f"{who}'s mail is before its point of no return", mail["state"] == "requested", mail)


def run_consent(bed, sink):
    until_at_rcpt(bed, sink, "no_show", "ada", "ben")
    position, event = bed.say(("consent.withdrawn", "ada", CONSENT))
    bed.ask(f"/v1/records/contact/ada?timeout=20000&wait_for={position}")  # so it is folded
    sink.release()
    bed.until_mail("ben", "delivered")
    bed.until_mail("ada", "suppressed")
    check("who withdrew consent gets no mail", sink.taken("ada") == 0, sink.book()["mails"])
    check("who did not gets it once", sink.taken("ben") == 1, sink.book()["mails"])
    mail = bed.mail_of("ada")
    check("the ledger names the withdrawal and its event", mail["state"] == "suppressed" and
          mail["reason"].startswith("consent_withdrawn") and event in mail["reason"].split(), mail)
    return f"at the gate: '{mail['reason']}'"


def run_paused(bed, sink, who, code, pause, resume):
    """A pause that comes while the mail is held."""
    until_at_rcpt(bed, sink, "cancelled", who)
    bed.switch(pause)
    sink.release()
    bed.until_mail(who, "retry_at", code)
    check(f"{code} at the gate: nothing is delivered", sink.taken(who) == 0, sink.book()["mails"])
    check(f"{code} at the gate: it waits", bed.mail_of(who)["reason"].startswith(code), bed.mail_of(who))
    bed.switch(resume)
    sink.until_held(1, lambda: bed.mail_of(who))
    check(f"{code}: it is tried, not taken yet", bed.mail_of(who)["state"] == "retry_at", bed.mail_of(who))
    sink.release()
    bed.until_mail(who, "delivered")
    check(f"{code}: once it is resumed it comes once", sink.taken(who) == 1, sink.book()["mails"])


def main(build):
    modules = npm_modules()
    must_fail()
    receiver = Receiver()
    with HangingSink(modules) as sink, tempfile.TemporaryDirectory(prefix="dw-guards-") as folder:
        bed = Bed(Path(build).resolve(), Path(folder), receiver, sink)
        try:
            done = [run_everything(bed, receiver), run_rule(bed, receiver), run_consent(bed, sink)]
            run_paused(bed, sink, "cleo", "rule_paused", "/v1/rules/told/pause", "/v1/rules/told/resume")
            run_paused(bed, sink, "dan", "workspace_paused", "/v1/pause?reason=a-try", "/v1/pause/resume?reason=a-try")
            bed.end()
        finally:
            if bed.process.poll() is None:
                bed.process.kill()
                bed.process.wait()
    return told(f"guards: {'; '.join(done)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
