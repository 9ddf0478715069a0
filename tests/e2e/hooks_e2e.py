#!/usr/bin/env python3
"""What CRMs post comes in: to a server that runs, with the hook files and payloads of docs/examples, by HubSpot, Pipedrive,
both ways of Salesforce, and a shop that signs by Standard Webhooks. Each delivery is answered with 2xx and its facts stand
in their records; sent again, at the same moment, or to a server that was killed and started anew, it counts once; forged,
altered, late, or sent to a hook that is not there, it is refused by its code and nothing is appended; what no entry maps is
kept. While the disk is full there is no 2xx and no Ack, and the sender's next try is taken once there is space.

Usage: hooks_e2e.py BUILD_DIR
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands import Commands

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
PUBLIC_URL = "https://sales.example.com"
PIPELINE = {"stages": [{"id": "qualified"}, {"id": "demo"}, {"id": "Negotiation"}, {"id": "won", "category": "won"},
                       {"id": "lost", "category": "lost"}]}
# Letter for letter what Salesforce documents.
ACK = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">
   <Ack>true</Ack>
  </notificationsResponse>
 </soapenv:Body>
</soapenv:Envelope>
"""
SECRETS = {"HUBSPOT_SECRET": "hubspot-client-secret", "PIPEDRIVE_PASSWORD": "pipedrive-password",
           "SALESFORCE_BRIDGE_SECRET": "secret-of-the-bridge",
           "SHOP_WEBHOOK_SECRET": "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()}
TOKEN = "token-in-the-address"
FAULTS = []


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:1500]}")


def mac_of(secret, text):
    return hmac.new(secret if isinstance(secret, bytes) else secret.encode(), text, hashlib.sha256)


def other_letter(text):
    """The same with another letter in its middle, of the hexadecimal and base64 alphabets both."""
    at = len(text) // 2
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


class Sender:
    """Who posts: how it proves itself, what its sample says, and how it says the same again."""
    json = True
    stamped = False  # the proof holds a time
    signs = False  # the proof covers the body
    ack = ""

    def body(self):
        return (EXAMPLES / self.sample).read_bytes()

    def again(self, body):
        """What the sender writes when it tries once more."""
        return body


class HubSpot(Sender):
    name, path, sample, source = "HubSpot", "/v1/hooks/hubspot/crm?portal=a%40b", "hubspot.payload.json", "hubspot/62515"
    signs = stamped = True
    called = "https://hooks.example.com/in/hubspot?portal=a@b"  # by `url` of the file; its page says that %40 is decoded
    facts = [("deal.opened", "deal/77", "2026-03-02T09:00:00.000Z"), ("deal.stage_changed", "deal/77", "2026-03-02T09:01:00.000Z"),
             ("consent.withdrawn", "contact/5", "2026-03-02T09:01:01.000Z")]
    records = {"deal/77": {"pipeline": "sales", "stage": "demo", "status": "open", "facts": 2}, "contact/5": {"facts": 1}}

    def proof(self, body, at):
        text = b"POST" + self.called.encode() + body + str(at * 1000).encode()
        return base64.b64encode(mac_of(SECRETS["HUBSPOT_SECRET"], text).digest()).decode()

    def fields(self, proof, at):
        return {"X-HubSpot-Signature-v3": proof, "X-HubSpot-Request-Timestamp": str(at * 1000)}

    def again(self, body):
        return body.replace(b'"attemptNumber":0', b'"attemptNumber":1')


class PlainHubSpot(HubSpot):
    """A second address of the same source, whose file names no `url`; this client of theirs does not decode."""
    name, path = "HubSpot, by the server's own address", "/v1/hooks/hubspot/plain?portal=a%40b"
    called = PUBLIC_URL + path


class Pipedrive(Sender):
    name, path, sample, source = "Pipedrive", "/v1/hooks/pipedrive/crm", "pipedrive.payload.json", "pipedrive/crm"
    facts = [("deal.stage_changed", "deal/178", "2026-03-02T09:00:00.057Z")]
    records = {"deal/178": {"pipeline": "sales", "stage": "demo", "facts": 1}}

    def proof(self, _body, _at):
        return SECRETS["PIPEDRIVE_PASSWORD"]

    def fields(self, proof, _at):
        return {"Authorization": "Basic " + base64.b64encode(f"pipedrive:{proof}".encode()).decode()}

    def again(self, body):
        return body.replace(b'"attempt":1', b'"attempt":2').replace(b'"id":"n-1"', b'"id":"n-2"')


class OutboundMessage(Sender):
    name, path, source = "Salesforce outbound message", "/v1/hooks/salesforce_outbound/sf", "salesforce_outbound/sf"
    sample, json, ack = "salesforce-outbound.payload.xml", False, ACK
    facts = [("deal.opened", "deal/006000000000001AAA", "2026-03-02T09:00:00.000Z")]
    records = {"deal/006000000000001AAA": {"pipeline": "sales", "stage": "qualified", "name": "Acme, 400 seats", "opened": True,
                                           "amount": {"currency": "EUR", "minor": 420000}, "close_date": "2026-04-30",
                                           "account": "001000000000001AAA", "facts": 1}}

    def proof(self, _body, _at):
        return TOKEN

    def fields(self, proof, _at):
        return {"?": f"token={proof}", "SOAPAction": '""'}

    def again(self, body):
        return body.replace(b"<ActionId>04k000000000001AAA", b"<ActionId>04k000000000002AAA")


class ChangeData(Sender):
    """Salesforce Change Data Capture by a bridge that signs. It says more of the deal that came by the message."""
    name, path, source = "Salesforce CDC", "/v1/hooks/salesforce_cdc/sf", "salesforce_cdc/sf"
    sample, signs, stamped = "salesforce-cdc.payload.json", True, True
    facts = [("deal.stage_changed", "deal/006000000000001AAA", "2026-03-02T09:00:00.000Z"),
             ("deal.amount_changed", "deal/006000000000001AAA", "2026-03-02T09:00:00.000Z")]
    records = {"deal/006000000000001AAA": {"stage": "Negotiation", "amount": {"currency": "EUR", "minor": 450050}, "facts": 3}}

    def proof(self, body, at):
        return mac_of(SECRETS["SALESFORCE_BRIDGE_SECRET"], f"{at}.".encode() + body).hexdigest()

    def fields(self, proof, at):
        return {"X-Bridge-Signature": f"sha256={proof}", "X-Bridge-Time": str(at)}

    def again(self, body):
        return body.replace(b'"replayId":17', b'"replayId":18')


class Shop(Sender):
    """The generic connector: a mapping file, and a sender that signs by Standard Webhooks."""
    name, path, sample, source = "Shop", "/v1/hooks/generic/shop", "shop.payload.json", "generic/shop"
    signs = stamped = True
    facts = [("lead.captured", "lead/v-7", "2026-03-02T09:00:00.000Z")]
    records = {"lead/v-7": {"source": "shop", "amount": {"currency": "EUR", "minor": 8490}, "facts": 1}}

    def __init__(self, id_="msg_1"):
        self.id = id_

    def proof(self, body, at):
        key = base64.b64decode(SECRETS["SHOP_WEBHOOK_SECRET"].removeprefix("whsec_"))
        return base64.b64encode(mac_of(key, f"{self.id}.{at}.".encode() + body).digest()).decode()

    def fields(self, proof, at):
        return {"webhook-id": self.id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{proof}"}


SENDERS = [HubSpot(), Pipedrive(), OutboundMessage(), ChangeData(), Shop()]


class Answer:
    def __init__(self, answer):
        self.status, self.fields, self.text = answer.status, answer.headers, answer.read().decode()
        self.left_out = self.fields["Dealwright-Left-Out"]

    @property
    def code(self):
        problem = self.fields["Content-Type"] == "application/problem+json"
        return json.loads(self.text)["code"] if problem else ""

    def __str__(self):
        return f"{self.status} {dict(self.fields.items())} {self.text[:600]}"


class Bed(Commands):
    """A server with one partition, so that what a mark is folded behind is folded too."""

    def __init__(self, build, work, data):
        self.binary, self.work, self.log = str(build / "bin/dealwright"), work, work / "log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment |= SECRETS
        self.environment |= {"DEALWRIGHT_DATA": str(data), "DEALWRIGHT_OPS": str(work / "ops"), "DEALWRIGHT_HTTP_PORT": "0",
                             "DEALWRIGHT_HTTP_PUBLIC_URL": PUBLIC_URL, "DEALWRIGHT_LOG_SEGMENT": str(1 << 20)}
        self.marks, self.appended = 0, 0
        self.write_ops(work / "ops/hooks")
        self.must("init", "--partitions", "1")
        self.must("event", "append", "--type", "pipeline.updated", "--subject", "pipeline/sales", "--data", json.dumps(PIPELINE))

    @staticmethod
    def write_ops(folder):
        """The files as the docs show them, but for an address and the place of a secret."""
        folder.mkdir(parents=True)
        for file in sorted(EXAMPLES.glob("*.hook.yaml")):
            (folder / file.name).write_text(file.read_text())
        text = (folder / "hubspot.hook.yaml").read_text()
        (folder / "hubspot.hook.yaml").write_text(text + "url: https://hooks.example.com/in/hubspot\n")
        (folder / "plain.hook.yaml").write_text(text.replace("hook: crm\n", "hook: plain\n"))
        text = (folder / "salesforce-outbound.hook.yaml").read_text()
        check("the sample's secret is in a file", "/run/secrets/salesforce_token" in text, text)
        (folder / "salesforce-outbound.hook.yaml").write_text(text.replace("/run/secrets/salesforce_token", "salesforce_token"))
        (folder / "salesforce_token").write_text(TOKEN + "\n")

    def serve(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--json", "--access-log"], cwd=self.work, env=self.environment,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"FAILED serve does not start: {self.log.read_text()}")
        said = json.loads(line)
        self.address, self.key = said["url"].removeprefix("http://"), said.get("key", getattr(self, "key", ""))

    def end(self, how):
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def send(self, method, path, body=None, fields=None):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, fields or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def post(self, sender, body=None, *, at=None, proof=None, path=None, without=False, more=None):
        body, at = sender.body() if body is None else body, int(time.time()) if at is None else at
        fields = {} if without else sender.fields(proof or sender.proof(body, at), at)
        query, path = fields.pop("?", ""), path or sender.path
        fields["Content-Type"] = "application/json" if sender.json else "text/xml; charset=utf-8"
        fields |= more or {}
        return self.send("POST", path + (("&" if "?" in path else "?") + query if query else ""), body, fields)

    def ask(self, path):
        answer = self.send("GET", path, fields={"Authorization": f"Bearer {self.key}"})
        if answer.status != 200:
            sys.exit(f"FAILED {path}: {answer}")
        return json.loads(answer.text)

    def mark(self):
        """A fact behind all that came before: (its position, how many facts came since the mark before)."""
        self.marks += 1
        event = {"specversion": "1.0", "source": "mark", "id": str(self.marks), "type": "com.example.mark", "subject": "mark/m"}
        answer = self.send("POST", "/v1/events", json.dumps(event), {"Authorization": f"Bearer {self.key}",
                                                                     "Content-Type": "application/cloudevents+json"})
        if answer.status != 202:
            sys.exit(f"FAILED a mark: {answer}")
        position = json.loads(answer.text)["position"]
        before, self.appended = self.appended, int(position.removeprefix("0:")) + 1
        return position, self.appended - before - 1

    def folded(self, subjects):
        """Records and timelines with all that was appended; and how many facts came since the mark before."""
        position, fresh = self.mark()
        wait = f"timeout=20000&wait_for={position}"
        return fresh, {s: (self.ask(f"/v1/records/{s}?{wait}"), self.ask(f"/v1/records/{s}/timeline?{wait}")) for s in subjects}

    def facts_of(self, source):
        rows = self.ask("/v1/events?limit=1000")
        return [(e["type"], e["subject"], e["time"]) for e in (row["event"] for row in rows) if e["source"] == source]

    def metric(self, name):
        text = self.send("GET", "/metrics", fields={"Authorization": f"Bearer {self.key}"}).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith((name + " ", name + "{")))


def is_taken(what, sender, answer, left_out=0):
    """As the docs say: 204, or what the sender wants to read."""
    if sender.ack:
        good = answer.status == 200 and answer.fields["Content-Type"] == "text/xml; charset=utf-8" and answer.text == sender.ack
    else:
        good = answer.status == 204 and answer.text == ""
    check(what, good and answer.left_out == str(left_out), answer)


def is_refused(bed, what, answer, status, code):
    check(what, answer.status == status and answer.code == code and "Ack" not in answer.text, answer)
    check(f"{what}: nothing is appended", (fresh := bed.mark()[1]) == 0, f"{fresh} facts")


def run_deliveries(bed):
    """Each sample once: its facts in the order of their times, in the log and in the records."""
    bed.mark()
    for number, sender in enumerate(SENDERS):
        trace = f"{number + 1:032x}"
        is_taken(f"{sender.name}: the sample", sender,
                 bed.post(sender, more={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}))
        traced = [row for row in bed.ask("/v1/events?limit=1000") if f"-{trace}-" in row["event"].get("traceparent", "")]
        check(f"{sender.name}: its facts go on with its trace", traced, trace)
        fresh, seen = bed.folded(sender.records)
        check(f"{sender.name}: facts appended", fresh == len(sender.facts), fresh)
        check(f"{sender.name}: facts in the log", bed.facts_of(sender.source) == sender.facts, bed.facts_of(sender.source))
        for subject, members in sender.records.items():
            record, timeline = seen[subject]
            check(f"{sender.name}: {subject}", members.items() <= record.items(), record)
            told = [(row["what"], row["occurred"]) for row in timeline]
            missing = [f for f in sender.facts if f[1] == subject and told.count((f[0], f[2])) != 1]
            check(f"{sender.name}: {subject} tells it once", not missing and len(timeline) == members["facts"], timeline)


def all_records(bed):
    return bed.folded(sorted({subject for sender in SENDERS for subject in sender.records}))


def run_repeats(bed):
    """The same notices, in the words and with the signature of a later try."""
    before = all_records(bed)[1]
    for sender in [*SENDERS, PlainHubSpot()]:
        known = bed.metric("dealwright_append_repeats_total")
        for what, body in (("the same again", sender.body()), ("another try", sender.again(sender.body()))):
            is_taken(f"{sender.name}: {what}", sender, bed.post(sender, body))
        known = bed.metric("dealwright_append_repeats_total") - known
        check(f"{sender.name}: repeats are seen", known == 2 * len(sender.facts), known)
    fresh, after = all_records(bed)
    check("repeats append nothing", fresh == 0, fresh)
    check("repeats change no record", after == before, after)
    return before


def run_refusals(bed):
    for sender in [*SENDERS, PlainHubSpot()]:
        body, now = sender.body(), int(time.time())
        forged = other_letter(sender.proof(body, now))
        is_refused(bed, f"{sender.name}: one letter is wrong", bed.post(sender, at=now, proof=forged), 401, "bad_signature")
        is_refused(bed, f"{sender.name}: no proof", bed.post(sender, without=True), 401, "not_signed")
        if sender.signs:
            altered = body.replace(b"7", b"8", 1)
            answer = bed.post(sender, altered, at=now, proof=sender.proof(body, now))
            is_refused(bed, f"{sender.name}: another body", answer, 401, "bad_signature")
        for what, by in (("late", -310), ("of the future", 310)) if sender.stamped else ():
            is_refused(bed, f"{sender.name}: {what}", bed.post(sender, at=now + by), 401, "stale_signature")
        if sender.stamped:
            is_taken(f"{sender.name}: a little late", sender, bed.post(sender, at=now - 200))
        is_refused(bed, f"{sender.name}: larger than 1 MiB", bed.post(sender, body + b" " * (1 << 20)), 413, "body_too_large")
        nothing = bed.post(sender, b"{" if sender.json else body[:-30])
        is_refused(bed, f"{sender.name}: cut off", nothing, 400, "bad_payload")
        if sender.json:
            many = b"[" + b",".join([b"{}"] * 101) + b"]"
            is_refused(bed, f"{sender.name}: 101 notices", bed.post(sender, many), 400, "batch_too_large")
    message = OutboundMessage()
    body = message.body()
    notification = body[body.index(b"<Notification>"):body.index(b"</Notification>") + len(b"</Notification>")]
    for what, altered, status, code in (
            ("another organisation", body.replace(b"00D000000000001EAA", b"00D000000000002EAA"), 401, "wrong_sender"),
            ("an entity", body.replace(b"?>\n", b'?>\n<!DOCTYPE e [<!ENTITY x "y">]>\n', 1), 400, "bad_payload"),
            ("101 notifications", body.replace(notification, notification * 101), 400, "batch_too_large")):
        is_refused(bed, f"{message.name}: {what}", bed.post(message, altered), status, code)
    for connector, name in (("hubspot", "none"), ("nobody", "crm"), ("pipedrive", "sf"), ("generic", "Shop")):
        answer = bed.post(SENDERS[0], path=f"/v1/hooks/{connector}/{name}")
        is_refused(bed, f"no hook {connector}/{name}", answer, 404, "not_found")
    is_refused(bed, "GET of a hook", bed.send("GET", "/v1/hooks/hubspot/crm"), 405, "method_not_allowed")


def soap(inside):
    body = OutboundMessage().body().decode()
    return (body[:body.index("<Notification>")] + inside + body[body.index("</Notification>") + 15:]).encode()


# What no entry maps, or what lacks what its event needs: (sender, body, left out, its fact; None: dropped).
UNMAPPED = [
    (HubSpot(), b'[{"portalId":62515,"objectId":3,"subscriptionType":"product.creation","occurredAt":1772442000000}]', 0,
     ("com.hubspot.product.creation", "hubspot/product/3", "2026-03-02T09:00:00.000Z")),
    (HubSpot(), b'[{"portalId":62515,"objectId":78,"subscriptionType":"deal.propertyChange","propertyName":"amount",'
     b'"propertyValue":"a lot","occurredAt":1772442000000}]', 1,
     ("com.hubspot.deal.propertyChange", "deal/78", "2026-03-02T09:00:00.000Z")),
    (Pipedrive(), b'{"meta":{"action":"create","company_id":"10","entity":"note","entity_id":"9","timestamp":'
     b'"2026-03-02T09:00:00.057Z"},"data":{"content":"x"},"previous":null}', 0,
     ("com.pipedrive.note.create", "pipedrive/note/9", "2026-03-02T09:00:00.057Z")),
    (OutboundMessage(), soap('<SessionId>s-of-a-user</SessionId><Notification><Id>04l2</Id><sObject xsi:type="sf:Thing__c" '
                             'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>a00A</sf:Id><sf:LastModifiedDate>'
                             '2026-03-02T09:00:00.000Z</sf:LastModifiedDate></sObject></Notification>'), 1,
     ("com.salesforce.Thing__c.update", "salesforce/Thing__c/a00A", "2026-03-02T09:00:00.000Z")),
    (ChangeData(), b'{"ChangeEventHeader":{"entityName":"Opportunity","recordIds":["006A"],"changeType":"GAP_UPDATE",'
     b'"transactionKey":"t1","sequenceNumber":1,"commitTimestamp":1772442000000,"commitNumber":1652977933433528301}}', 0,
     ("com.salesforce.read_again", "deal/006A", "2026-03-02T09:00:00.000Z")),
    (Shop("msg_2"), b'{"type":"page.seen","timestamp":"2026-03-02T09:00:00Z","data":{"visitor":"v-9"}}', 0,
     ("com.example.page.seen", "lead/v-9", "2026-03-02T09:00:00.000Z")),
    (Shop("msg_3"), b'{"type":"ping","timestamp":"2026-03-02T09:00:00Z","data":{"visitor":"v-9"}}', 1, None),
]


def run_unmapped(bed):
    """Nothing is lost: it is kept as it came, on the timeline of its record where its kind is one of ours. Only what the
    file drops is left out."""
    for sender, body, left_out, fact in UNMAPPED:
        is_taken(f"{sender.name}: {body[:80]}", sender, bed.post(sender, body), left_out)
        ours = fact is not None and fact[1].split("/")[0] in ("deal", "lead")
        fresh, seen = bed.folded([fact[1]] if ours else [])
        check(f"{sender.name}: {fact} is appended", fresh == (fact is not None), fresh)
        if fact:
            check(f"{sender.name}: {fact} in the log", bed.facts_of(sender.source)[-1] == fact, bed.facts_of(sender.source))
        for subject, (_, rows) in seen.items():
            told = [(row["what"], row["occurred"]) for row in rows]
            check(f"{sender.name}: the timeline of {subject}", told == [(fact[0], fact[2])], rows)


def run_at_once(bed):
    """A sender that hears nothing tries again while the first try is still on its way."""
    shop = Shop("msg_4")
    body = shop.body().replace(b"v-7", b"v-10")
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: bed.post(shop, body), range(8)):
            is_taken("one of eight at once", shop, answer)
    record, timeline = bed.folded(["lead/v-10"])[1]["lead/v-10"]
    check("eight at once count once", record.get("facts") == 1 and len(timeline) == 1, (record, timeline))


def run_killed(bed, before):
    """What was answered with 2xx outlives the process; its repeats are then told apart by the fold."""
    shop = Shop("msg_5")
    is_taken("the last one", shop, bed.post(shop, shop.body().replace(b"v-7", b"v-8")))
    check("it is killed", bed.end(signal.SIGKILL) == -signal.SIGKILL)
    bed.serve()
    fresh, seen = bed.folded(["lead/v-8"])
    check("an answered delivery outlives a kill", fresh == 1 and seen["lead/v-8"][0].get("facts") == 1, (fresh, seen))
    known = bed.ask("/v1/partitions")[0]["duplicates"]
    for sender in SENDERS:
        is_taken(f"{sender.name}: again after a kill", sender, bed.post(sender))
    _, after = all_records(bed)
    partition = bed.ask("/v1/partitions")[0]
    count = sum(len(sender.facts) for sender in SENDERS)
    check("the fold sees each repeat", partition["duplicates"] - known == count, (known, partition))
    check("repeats after a kill change no record", after == before, after)
    check("nothing is set aside", partition["set_aside"] == 0 and bed.ask("/v1/set-aside") == [], partition)


def check_what_is_kept(bed):
    """No secret, token or session is in the log of facts or in that of the server."""
    check("it ends in order", bed.end(signal.SIGTERM) == 0)
    check("log verify", bed.run("log", "verify").returncode == 0)
    dump, told = bed.must("log", "dump"), bed.log.read_text()
    check("the log of facts is read", '"deal.opened"' in dump and "/v1/hooks/" in told)
    for secret in [*SECRETS.values(), TOKEN, "s-of-a-user"]:
        check("a secret is kept nowhere", secret not in dump and secret not in told, secret)


def run_full_disk(build, work):
    """A disk of 64 MiB of its own: with less than 5 % free nobody is told that anything was taken."""
    disk = work / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, text=True)
    if mounted.returncode != 0:
        return "left out, a disk of its own needs root: " + mounted.stderr.strip().partition("\n")[0]
    bed = None
    try:
        bed = Bed(build, work, disk / "data")
        bed.serve()
        bed.mark()
        with open(disk / "ballast", "wb") as ballast:
            ballast.write(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - (2 << 20)))
        for sender in SENDERS:
            answer = bed.post(sender)
            check(f"{sender.name}: the disk is full", answer.status == 503 and answer.code == "no_space" and
                  answer.fields["Retry-After"] and "Ack" not in answer.text, answer)
        (disk / "ballast").unlink()
        check("a full disk appends nothing", (fresh := bed.mark()[1]) == 0, fresh)
        for sender in SENDERS:
            is_taken(f"{sender.name}: with space again", sender, bed.post(sender, sender.again(sender.body())))
            check(f"{sender.name}: it counts once", (there := bed.facts_of(sender.source)) == sender.facts, there)
        check("it ends in order after a full disk", bed.end(signal.SIGTERM) == 0)
        return "no 2xx"
    finally:
        if bed and getattr(bed, "process", None) and bed.process.poll() is None:
            bed.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", str(disk)], check=True)


def main(build):
    with tempfile.TemporaryDirectory(prefix="dw-hooks-") as folder:
        work = Path(folder) / "first"
        work.mkdir()
        bed = Bed(build.resolve(), work, work / "data")
        bed.serve()
        try:
            run_deliveries(bed)
            before = run_repeats(bed)
            run_refusals(bed)
            run_unmapped(bed)
            run_at_once(bed)
            run_killed(bed, before)
            check_what_is_kept(bed)
        finally:
            if bed.process.poll() is None:
                bed.end(signal.SIGKILL)
        work = Path(folder) / "second"
        work.mkdir()
        full = run_full_disk(build.resolve(), work)
    for fault in FAULTS:
        print("FAILED", fault)
    print(f"hooks: {len(SENDERS)} senders, {len(UNMAPPED)} notices that nothing maps; a full disk: {full}; {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
