#!/usr/bin/env python3
"""@stoplight/prism-cli stands between us and a server and holds our own tour of requests, and each answer, against
/openapi.json.

Usage: prism_outside.py BUILD_DIR
"""
import copy
import http.client
import json
import re
import socket
import subprocess
import sys

from bed import CLOUDEVENT, Checks, Npm, Service, build_of

RULE = """rule: outside-tour
name: A tour of the rules
owner: ops
trigger: deal.opened
steps:
  - create_task: { kind: call, title: "Call about {{ deal.name }}", due: 1d }
"""
BATCH = "application/cloudevents-batch+json"


class Proxy:
    """Prism in front of a server, with a description of it."""

    def __init__(self, npm, service, document, name):
        path = service.folder / f"{name}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.key = service.key
        self.process = subprocess.Popen(
            [str(npm.node), str(npm.modules / ".bin" / "prism"), "proxy", str(path), service.url, "--port",
             str(self.port), "--cors=false"], env={**service.environment, **npm.environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "is listening" in line:
                return
        sys.exit(f"prism did not start:\n{self.said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, method, path, body=None, **fields):
        """(status, head, body, what Prism has against it)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        head = {"Authorization": f"Bearer {self.key}", **{name.replace("_", "-"): text for name, text in fields.items()}}
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        against = answer.headers.get("sl-violations") or (text.decode() if b"stoplight.io" in text else "")
        return answer.status, answer.headers, text, against


def event(id_, **more):
    return {"specversion": "1.0", "id": id_, "source": "tour", "type": "com.example.said", "subject": "com.example/1",
            **more}


def first(proxy, path, member):
    rows = json.loads(proxy.ask("GET", path)[2])
    return rows[0][member] if rows else None


def steps_of(proxy):
    """The tour: (method, path, body, fields, status)."""
    deal = first(proxy, "/v1/records/deal?limit=1", "record")
    effect = first(proxy, "/v1/effects?limit=1", "effect")
    enrolment = first(proxy, "/v1/enrolments?limit=1", "enrolment")
    structured, batch, yaml = {"Content_Type": CLOUDEVENT}, {"Content_Type": BATCH}, {"Content_Type": "application/yaml"}
    binary = {"Content_Type": "application/json", "ce_specversion": "1.0", "ce_id": "binary", "ce_source": "tour",
              "ce_type": "com.example.said", "ce_subject": "com.example/1"}
    tag = proxy.ask("GET", "/v1/views/deals")[1]["ETag"]
    out = [("GET", path, None, {}, 200) for path in (
        "/health/live", "/health/ready", "/openapi.json", "/v1/partitions", "/v1/views", "/v1/views/board/schema",
        "/v1/views/deals?limit=1", "/v1/views/tasks?group_by=owner", "/v1/views/board?as_of=2026-06-01T00:00:00Z",
        "/v1/views/automation", "/v1/records/account?limit=2", f"/v1/records/{deal}", f"/v1/records/{deal}/timeline",
        "/v1/effects?state=delivered", f"/v1/effects/{effect}", "/v1/enrolments?limit=2",
        f"/v1/enrolments/{enrolment}", "/v1/timers", "/v1/set-aside", "/v1/events?limit=2", "/v1/events/0:1",
        "/v1/templates", "/v1/imports", "/v1/rules", "/v1/rules/big-deal", "/v1/rules/big-deal/versions", "/v1/keys")]
    out += [("GET", "/v1/views/board", None, {"Accept": form}, 200) for form in ("text/csv", "application/x-ndjson")]
    out += [("GET", "/v1/views/deals", None, {"If_None_Match": tag}, 304),
            ("GET", "/v1/views/deals", None, {"If_Match": '"other"'}, 412),
            ("GET", "/v1/views/board", None, {"Accept": "image/png"}, 406),
            ("GET", "/v1/records/deal/none-of-that-name", None, {}, 404),
            ("GET", "/v1/events/0:999999", None, {}, 404),
            ("GET", "/v1/views/board?wait_for=0:999999&timeout=0", None, {}, 503),
            ("POST", "/v1/events", json.dumps(event("one", data={"n": 1})), structured, 202),
            ("POST", "/v1/events", json.dumps([event("two"), event("three")]), batch, 202),
            ("POST", "/v1/events", '{"n":2}', binary, 202),
            ("POST", "/v1/events", json.dumps(event("bad", type="rule.published")), structured, 400),
            ("POST", "/v1/rules/check", RULE, yaml, 200), ("POST", "/v1/rules/test", RULE, yaml, 200),
            ("PUT", "/v1/rules/outside-tour", RULE, yaml, 201), ("PUT", "/v1/rules/outside-tour", RULE, yaml, 428),
            ("PUT", "/v1/rules/outside-tour", RULE, {**yaml, "If_Match": '"other"'}, 412),
            ("PUT", "/v1/rules/other", RULE, yaml, 422),
            ("POST", "/v1/rules/outside-tour/publish", None, {"Idempotency_Key": "tour-1"}, 200),
            ("POST", "/v1/rules/outside-tour/pause", None, {}, 200),
            ("POST", "/v1/rules/outside-tour/resume", None, {}, 200),
            ("POST", "/v1/rules/outside-tour/retire", None, {}, 200),
            ("POST", "/v1/set-aside/0:1/redrive", None, {}, 404),
            ("POST", "/v1/keys", '{"name":"tour","roles":["viewer"],"scopes":["views:read"]}',
             {"Content_Type": "application/json"}, 201)]
    return out


def follow_pages(checks, proxy):
    path, pages = "/v1/records/deal?limit=200", []
    while path:
        status, head, body, against = proxy.ask("GET", path)
        if status != 200 or against:
            checks.check(f"GET {path}", False, f"{status} {against}")
            return
        pages.append(len(json.loads(body)))
        link = re.match(r"<([^>]*)>", head.get("Link", ""))
        path = link and link.group(1)
    checks.check(f"pages by Link: {pages}", len(pages) > 1 and all(pages), pages)


def main(arguments):
    build = build_of(arguments)
    checks = Checks("@stoplight/prism-cli 5.16")
    npm = Npm(checks)
    with Service(build, sample=True) as service:
        document, _ = service.get("/openapi.json")
        with Proxy(npm, service, document, "sound") as proxy:
            for method, path, body, fields, expected in steps_of(proxy):
                status, _, said, against = proxy.ask(method, path, body, **fields)
                checks.check(f"{method} {path} {expected}", status == expected and not against,
                             f"{status} {said[:1000]!r}\nPrism: {against}")
            follow_pages(checks, proxy)
            key = json.loads(proxy.ask("POST", "/v1/keys", '{"name":"gone","roles":["viewer"]}',
                                       Content_Type="application/json")[2])
            status, _, said, against = proxy.ask("POST", f"/v1/keys/{key['id']}/revoke")
            checks.check("a key is revoked", status == 200 and not against, f"{status} {said} {against}")
            status, _, said, against = proxy.ask("GET", "/v1/events?limit=none")
            checks.must_fail("a request that is not as described", "limit" in against, f"{status} {said} {against}")
        planted = copy.deepcopy(document)
        planted["components"]["schemas"]["Receipt"]["properties"]["position"] = {"type": "integer"}
        with Proxy(npm, service, planted, "planted") as proxy:
            status, _, said, against = proxy.ask("POST", "/v1/events", json.dumps(event("four")), Content_Type=CLOUDEVENT)
            checks.must_fail("an answer that is not as described", "position" in against, f"{status} {said} {against}")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
