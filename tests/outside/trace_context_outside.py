#!/usr/bin/env python3
"""W3C Trace Context at POST /v1/events: an event goes on with its caller's trace, or a new one where that is malformed.

The W3C's own harness is on no package registry, so it cannot be had here; these are its subjects, case by case, as the
Recommendation (level 1) states them. The harness looks at the request that a service sends on; here that is the event
as it is kept, and the webhook that a rule sends for it.

Usage: trace_context_outside.py BUILD_DIR
"""
import base64
import http.client
import http.server
import json
import queue
import re
import sys
import tempfile
import threading
from pathlib import Path

from bed import CLOUDEVENT, Checks, Service, build_of, run

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
SOUND = f"00-{TRACE}-{PARENT}-01"
PARENTS = [  # what it is about, the fields sent, whether the trace goes on
    ("a sound one", [("traceparent", SOUND)], True),
    ("not sampled", [("traceparent", f"00-{TRACE}-{PARENT}-00")], True),
    ("flags that are not known yet", [("traceparent", f"00-{TRACE}-{PARENT}-ff")], True),
    ("two of them", [("traceparent", SOUND), ("traceparent", f"00-{'9' * 32}-{PARENT}-01")], False),
    ("two alike", [("traceparent", SOUND), ("traceparent", SOUND)], False),
    ("other case of the name", [("TraceParent", SOUND)], True),
    ("upper case of the name", [("TRACEPARENT", SOUND)], True),
    ("blank before", [("traceparent", " " + SOUND)], True),
    ("tabs and blanks around", [("traceparent", f"\t {SOUND} \t")], True),
    ("version 00 with more behind", [("traceparent", SOUND + "-what-will-be")], False),
    ("version 00 with a dot behind", [("traceparent", SOUND + ".")], False),
    ("a later version", [("traceparent", f"cc-{TRACE}-{PARENT}-01")], True),
    ("a later version with more behind", [("traceparent", f"cc-{TRACE}-{PARENT}-01-what-will-be")], True),
    ("a later version with more behind a dot", [("traceparent", f"cc-{TRACE}-{PARENT}-01.what-will-be")], False),
    ("version ff", [("traceparent", f"ff-{TRACE}-{PARENT}-01")], False),
    ("version of a dot and a digit", [("traceparent", f".0-{TRACE}-{PARENT}-01")], False),
    ("version of a digit and a dot", [("traceparent", f"0.-{TRACE}-{PARENT}-01")], False),
    ("version too long", [("traceparent", f"000-{TRACE}-{PARENT}-01")], False),
    ("version much too long", [("traceparent", f"0000-{TRACE}-{PARENT}-01")], False),
    ("version too short", [("traceparent", f"0-{TRACE}-{PARENT}-01")], False),
    ("trace id of zeros", [("traceparent", f"00-{'0' * 32}-{PARENT}-01")], False),
    ("trace id that begins with a dot", [("traceparent", f"00-.{TRACE[1:]}-{PARENT}-01")], False),
    ("trace id that ends with a dot", [("traceparent", f"00-{TRACE[:-1]}.-{PARENT}-01")], False),
    ("trace id in upper case", [("traceparent", f"00-{'A' * 32}-{PARENT}-01")], False),
    ("trace id too long", [("traceparent", f"00-{TRACE}3-{PARENT}-01")], False),
    ("trace id too short", [("traceparent", f"00-{TRACE[:-1]}-{PARENT}-01")], False),
    ("parent id of zeros", [("traceparent", f"00-{TRACE}-{'0' * 16}-01")], False),
    ("parent id that begins with a dot", [("traceparent", f"00-{TRACE}-.{PARENT[1:]}-01")], False),
    ("parent id that ends with a dot", [("traceparent", f"00-{TRACE}-{PARENT[:-1]}.-01")], False),
    ("parent id in upper case", [("traceparent", f"00-{TRACE}-{'B' * 16}-01")], False),
    ("parent id too long", [("traceparent", f"00-{TRACE}-{PARENT}7-01")], False),
    ("parent id too short", [("traceparent", f"00-{TRACE}-{PARENT[:-1]}-01")], False),
    ("flags of a dot and a digit", [("traceparent", f"00-{TRACE}-{PARENT}-.0")], False),
    ("flags of a digit and a dot", [("traceparent", f"00-{TRACE}-{PARENT}-0.")], False),
    ("flags too long", [("traceparent", f"00-{TRACE}-{PARENT}-001")], False),
    ("flags too short", [("traceparent", f"00-{TRACE}-{PARENT}-1")], False),
    ("blanks for dashes", [("traceparent", SOUND.replace("-", " "))], False),
    ("empty", [("traceparent", "")], False),
]
KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE = "".join(chr(c) for c in range(0x20, 0x7f) if chr(c) not in ",=")  # ends with ~, which is no blank
MANY = [f"k{n}={n}" for n in range(1, 34)]
STATES = [  # what it is about, the values of tracestate fields, what is kept ("": nothing)
    ("one member", ["foo=1"], "foo=1"),
    ("two members", ["foo=1,bar=2"], "foo=1,bar=2"),
    ("an empty field", [""], ""),
    ("an empty field behind", ["foo=1", ""], "foo=1"),
    ("an empty field before", ["", "foo=1"], "foo=1"),
    ("empty members", ["foo=1,,bar=2,"], "foo=1,bar=2"),
    ("several fields, in their order", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
    ("a key twice, alike", ["foo=1,foo=1"], ""),
    ("a key twice, other value", ["foo=1,foo=2"], ""),
    ("a key twice in two fields", ["foo=1", "foo=2"], ""),
    ("all characters of a key and a value", [f"{KEY}={VALUE}"], f"{KEY}={VALUE}"),
    ("all characters of a key with a vendor", [f"{KEY}@a-z0-9_-*/={VALUE}"], f"{KEY}@a-z0-9_-*/={VALUE}"),
    ("blanks and tabs between", ["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
    ("blanks and tabs around", ["\t foo=1 \t"], "foo=1"),
    ("a blank in the value", ["foo=a b"], "foo=a b"),
    ("a blank in the key", ["foo =1"], ""),
    ("a key in upper case", ["FOO=1"], ""),
    ("a dot in the key", ["foo.bar=1"], ""),
    ("no key", ["=1"], ""),
    ("no value", ["foo="], ""),
    ("no equals sign", ["foo"], ""),
    ("two equals signs", ["foo=bar=baz"], ""),
    ("a vendor that is empty", ["foo@=1,bar=2"], ""),
    ("a tenant that is empty", ["@foo=1,bar=2"], ""),
    ("two signs for a vendor", ["foo@@bar=1,bar=2"], ""),
    ("two vendors", ["foo@bar@baz=1,bar=2"], ""),
    ("32 members", [",".join(MANY[:32])], ",".join(MANY[:32])),
    ("33 members", [",".join(MANY)], ""),
    ("33 members in two fields", [",".join(MANY[:32]), MANY[32]], ""),
    ("a key of 256 characters", [f"foo=1,{'z' * 256}=1"], f"foo=1,{'z' * 256}=1"),
    ("a key of 257 characters", [f"foo=1,{'z' * 257}=1"], ""),
    ("a tenant of 241, a vendor of 14", [f"{'t' * 241}@{'v' * 14}=1"], f"{'t' * 241}@{'v' * 14}=1"),
    ("a tenant of 242", [f"foo=1,{'t' * 242}@v=1"], ""),
    ("a vendor of 15", [f"foo=1,t@{'v' * 15}=1"], ""),
    ("a vendor that begins with a digit", ["t@1v=1"], ""),
    ("a value of 256 characters", [f"foo={'v' * 256}"], f"foo={'v' * 256}"),
    ("a value of 257 characters", [f"foo={'v' * 257}"], ""),
    ("a control character in the value", ["foo=a\tb"], ""),
]
NAMES = [("trace-parent", SOUND), ("trace.parent", SOUND)]


class Sender:
    def __init__(self, service):
        self.service, self.sent = service, 0

    def event(self, fields, **attributes):
        """What the server kept of an event that was sent with such fields."""
        self.sent += 1
        event = {"specversion": "1.0", "id": f"t{self.sent}", "source": "trace", "type": "com.example.traced",
                 "subject": "com.example/1", **attributes}
        connection = http.client.HTTPConnection(self.service.host, self.service.port)
        connection.putrequest("POST", "/v1/events")
        body = json.dumps(event).encode()
        for name, value in [("Authorization", f"Bearer {self.service.key}"), ("Content-Type", CLOUDEVENT),
                            ("Content-Length", str(len(body))), *fields]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        if answer.status != 202:
            raise RuntimeError(f"{fields}: {answer.status} {said}")
        return self.service.get(f"/v1/events/{said['position']}")[0]["event"]


def goes_on(kept, fields):
    """Whether an event went on with the trace that was sent; None: what it has is not sound."""
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", kept.get("traceparent", ""))
    if not found or set(found[1]) == {"0"} or set(found[2]) == {"0"} or found[2] == PARENT:
        return None
    return any(found[1] in value for _, value in fields)


RULE = """rule: tell
name: Tell them
owner: ops
trigger: meeting.no_show
entry: each_time
steps:
  - send_webhook: { endpoint: sink, data: { meeting: = event.meeting } }
"""


class Sink:
    """A receiver of webhooks; `heads`: of each request that came."""

    def __init__(self):
        heads = self.heads = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                heads.put(self.headers)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def ops(self, folder):
        """Writes the settings of a server that sends to it."""
        (folder / "secret").write_text("whsec_" + base64.b64encode(b"s" * 24).decode(), encoding="utf-8")
        port = self.server.server_address[1]
        (folder / "endpoints.yaml").write_text(
            f"endpoints:\n  sink:\n    url: http://127.0.0.1:{port}/in\n    secret_file: {folder}/secret\n", encoding="utf-8")
        return folder


def sent_on(checks, service, sink):
    """A webhook bears the trace of the event that led to it."""
    rule = service.folder / "tell.rule.yaml"
    rule.write_text(RULE, encoding="utf-8")
    code, said = run([service.binary, "rule", "publish", rule],
                     env={"DEALWRIGHT_SERVER": service.url, "DEALWRIGHT_KEY": service.key})
    checks.check("the rule is published", code == 0, said)
    for number, fields in enumerate(([("traceparent", SOUND)], [])):
        kept = Sender(service).event(fields, type="meeting.no_show", subject=f"contact/c{number}",
                                     id=f"no-show-{number}", data={"meeting": f"m{number}", "kind": "demo"})
        head = sink.heads.get(timeout=60)
        checks.check(f"a webhook {'goes on with the trace sent' if fields else 'has no trace where none was sent'}",
                     head["traceparent"] == kept.get("traceparent") and
                     (goes_on(kept, fields) if fields else head["traceparent"] is None), (str(head), kept))


def main(arguments):
    build = build_of(arguments)
    checks = Checks("W3C trace context, cases of the specification (the harness is on no registry)")
    with tempfile.TemporaryDirectory(prefix="dealwright-outside-") as ops, Sink() as sink, \
            Service(build, ops=sink.ops(Path(ops)), webhook_loopback="true") as service:
        sent_on(checks, service, sink)
        sender = Sender(service)
        for about, fields, expected in PARENTS:
            kept = sender.event(fields)
            found = goes_on(kept, fields)
            checks.check(f"traceparent: {about}: {'goes on' if expected else 'new'}", found is expected,
                         kept.get("traceparent"))
        for about, flag, expected in (("sampled", "01", "-01"), ("not sampled", "00", "-00")):
            kept = sender.event([("traceparent", f"00-{TRACE}-{PARENT}-{flag}")])
            checks.check(f"traceparent: {about} stays so", kept["traceparent"].endswith(expected), kept)
        for name, value in NAMES:
            kept = sender.event([(name, value)])
            checks.check(f"{name} is no name of it", TRACE not in kept.get("traceparent", ""), kept)
        for about, values, expected in STATES:
            kept = sender.event([("traceparent", SOUND), *(("tracestate", value) for value in values)])
            checks.check(f"tracestate: {about}", kept.get("tracestate", "") == expected and TRACE in kept["traceparent"],
                         kept)
        for name in ("TraceState", "TRACESTATE"):
            kept = sender.event([("traceparent", SOUND), (name, "foo=1")])
            checks.check(f"tracestate: as {name}", kept.get("tracestate") == "foo=1", kept)
        for fields in ([("tracestate", "foo=1")], [("traceparent", "00-none"), ("tracestate", "foo=1")],
                       [("traceparent", SOUND), ("trace-state", "foo=1")]):
            kept = sender.event(fields)
            checks.check(f"tracestate: dropped with {fields[0]}", "tracestate" not in kept, kept)
        own = f"00-{'a' * 32}-{'b' * 16}-01"
        kept = sender.event([("traceparent", SOUND), ("tracestate", "foo=1")], traceparent=own)
        checks.check("an event's own trace is not replaced", kept["traceparent"] == own and "tracestate" not in kept, kept)
        kept = sender.event([("traceparent", SOUND)])
        checks.must_fail("a trace that was not sent does not go on", goes_on(kept, [("traceparent", own)]) is False, kept)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
