#!/usr/bin/env python3
"""curl: what HTTP/1.1 asks of a server (100-continue, keep-alive, chunked bodies, framing), and `curl -N` on a stream.

Usage: curl_outside.py BUILD_DIR
"""
import json
import shutil
import socket
import subprocess
import sys

from bed import CLOUDEVENT, Checks, Service, build_of, run


class Curl:
    def __init__(self, service):
        self.service = service
        self.common = ["curl", "-sS", "--max-time", "60", "-H", f"Authorization: Bearer {service.key}"]

    def __call__(self, *arguments, stdin=None):
        """(exit code, what it said); a path stands for the server's URL of it."""
        placed = [self.service.url + part if part.startswith("/v1/") or part.startswith("/health") else part
                  for part in arguments]
        return run([*self.common, *placed], stdin=stdin)

    def raw(self, text):
        """What the server says to bytes that curl would not send, until it closes: by a bare socket."""
        with socket.create_connection((self.service.host, self.service.port), timeout=60) as line:
            line.sendall(text.encode("latin-1"))
            said = b""
            while more := line.recv(65536):
                said += more
        return said.decode("latin-1")


def event(id_, data=None):
    return json.dumps({"specversion": "1.0", "id": id_, "source": "curl", "type": "com.example.said",
                       "subject": "com.example/1", "data": data or {}})


def check_bodies(checks, curl):
    typed = ["-H", f"Content-Type: {CLOUDEVENT}", "--data-binary", "@-"]
    code, said = curl("-v", "-H", "Expect: 100-continue", *typed, "/v1/events", stdin=event("e1"))
    checks.check("100 Continue, then 202", code == 0 and "HTTP/1.1 100 Continue" in said and "HTTP/1.1 202" in said, said)
    code, said = curl("-v", "-H", "Expect: 100-continue", *typed, "-w", "sent %{size_upload}", "/v1/events",
                      stdin=event("big", {"text": "x" * (9 << 20)}))
    checks.check("a body too large is refused before it is sent",
                 "HTTP/1.1 413" in said and "100 Continue" not in said and "sent 0" in said, said[-1500:])
    code, said = curl("-v", "-H", "Expect: the-unexpected", *typed, "/v1/events", stdin=event("e2"))
    checks.check("another expectation: 417", "HTTP/1.1 417" in said, said)
    code, said = curl("-v", "-H", "Transfer-Encoding: chunked", *typed, "/v1/events",
                      stdin=event("e3", {"text": "y" * 100_000}))
    checks.check("a chunked body", code == 0 and "HTTP/1.1 202" in said and "Content-Length: 1" not in
                 said.split("HTTP/1.1 202")[0], said[-1500:])
    code, said = curl("-H", "Transfer-Encoding: chunked", "-H", "Content-Length: 5", *typed, "/v1/events",
                      stdin=event("e4"))
    checks.check("Content-Length beside Transfer-Encoding is refused", '"bad_framing"' in said, said)
    code, said = curl("-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", "/v1/views",
                      "/v1/rules", "/health/live")
    checks.check("keep-alive: three requests, one connection", said == "1 0 0 ", said)
    code, said = curl("-0", "-o", "/dev/null", "-w", "%{http_code}", "/v1/views")
    checks.check("HTTP/1.0", said == "200", said)
    code, said = curl("-I", "/v1/views")
    checks.check("HEAD: a length, no body", "HTTP/1.1 200" in said and "Content-Length: " in said, said)
    tag = str(curl.service.folder / "tag")
    curl("--etag-save", tag, "-o", "/dev/null", "/v1/views/board")
    code, said = curl("--etag-compare", tag, "-o", "/dev/null", "-w", "%{http_code}", "/v1/views/board")
    checks.check("--etag-compare: 304", said == "304", said)
    code, said = curl("--http2-prior-knowledge", "/v1/views")
    checks.must_fail("HTTP/2 without asking", code != 0, said)
    code, said = curl("--fail", "-H", "Authorization: Bearer dw_none", "/v1/views")
    checks.must_fail("--fail with a key that is none", code == 22, said)


FRAMES = [  # name, head without its first lines, body
    ("Content-Length beside Transfer-Encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding beside Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    ("two lengths that differ", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
    ("the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    ("a length with a sign", "Content-Length: +5\r\n", "hello"),
    ("a list of lengths", "Content-Length: 5, 5\r\n", "hello"),
    ("chunked is not last", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
    ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("a chunk whose size is none", "Transfer-Encoding: chunked\r\n", "5x\r\nhello\r\n0\r\n\r\n"),
    ("a chunk longer than it says", "Transfer-Encoding: chunked\r\n", "3\r\nhello\r\n0\r\n\r\n"),
    ("a folded line", "X-Long: a\r\n b\r\nContent-Length: 2\r\n", "{}"),
    ("a blank before the colon", "Content-Length : 2\r\n", "{}"),
    ("a second Host", "Host: other\r\nContent-Length: 2\r\n", "{}"),
    ("NUL in a field", "X-Nul: a\x00b\r\nContent-Length: 2\r\n", "{}"),
]


def check_framing(checks, curl):
    def post(fields, body):
        return (f"POST /v1/events HTTP/1.1\r\nHost: {curl.service.host}\r\nAuthorization: Bearer {curl.service.key}\r\n"
                f"Content-Type: {CLOUDEVENT}\r\n{fields}\r\n{body}")

    hidden = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for name, fields, body in FRAMES:
        said = curl.raw(post(fields, body + hidden))
        checks.check(f"framing: {name}: 400 and closed", said.startswith("HTTP/1.1 400 ") and
                     said.count("HTTP/1.1 ") == 1 and "Connection: close" in said, said)
    said = curl.raw(f"GET /health/live HTTP/1.1\r\n\r\n{hidden}")
    checks.check("framing: no Host: 400 and closed", said.startswith("HTTP/1.1 400 ") and said.count("HTTP/1.1 ") == 1, said)
    body = event("whole")
    said = curl.raw(post(f"Content-Length: {len(body)}\r\n", body + hidden))
    checks.must_fail("a sound frame is not refused, so the request behind it is answered",
                     said.startswith("HTTP/1.1 202 ") and said.count("HTTP/1.1 200 ") == 1, said)
    kept = [row["event"]["id"] for row in curl.service.events("com.example.said")]
    checks.check("of all these, only sound ones are in the log", sorted(kept) == ["e1", "e3", "whole"], kept)


class Stream:
    """`curl -N` on a stream."""

    def __init__(self, curl, *arguments):
        self.process = subprocess.Popen([*curl.common[:-2], "--max-time", "90", "-N", *curl.common[-2:], *arguments,
                                         curl.service.url + "/v1/views/board/stream"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def block(self):
        """The next lines up to an empty one."""
        out = []
        for line in self.process.stdout:
            if line == "\n":
                break
            out.append(line.rstrip("\n"))
        return out

    def close(self):
        self.process.kill()
        self.process.communicate()


def check_stream(checks, curl):
    stages = {"stages": [{"id": "new"}, {"id": "won", "category": "won"}, {"id": "lost", "category": "lost"}]}
    curl.service.append("pipeline", "pipeline/p", "pipeline.updated", data=stages)
    quiet = Stream(curl)
    first = quiet.block()
    checks.check("-N: it begins with id, name, retry and rows", any(line.startswith("id: ") for line in first) and
                 "event: rows" in first and "retry: 1000" in first and "data: []" in first, first)
    old = next(line for line in first if line.startswith("id: "))[4:]
    checks.check("-N: a comment when nothing happens", quiet.block()[0].startswith(":"), first)
    position = curl.service.append("deal", "deal/d1", "deal.opened", data={"pipeline": "p"})
    change = quiet.block()
    while change and change[0].startswith(":"):
        change = quiet.block()
    quiet.close()
    checks.check("-N: a change", "event: change" in change, change)
    curl.service.get(f"/v1/views/board?wait_for={position}&timeout=30000")
    late = Stream(curl, "-H", f"Last-Event-ID: {old}")
    blocks = [late.block(), late.block()]
    late.close()
    checks.check("-N: Last-Event-ID of before: reset, then rows", "event: reset" in blocks[0] and
                 "event: rows" in blocks[1], blocks)
    code, said = curl("-N", "-H", "Accept: text/event-stream", "/v1/views/none/stream")
    checks.must_fail("-N: no stream of a view that is not there", '"not_found"' in said, said)


def main(arguments):
    build = build_of(arguments)
    if shutil.which("curl") is None:
        Checks("curl").skip("the curl program is not here; deploy/setup installs it")
    checks = Checks(run(["curl", "--version"])[1].split(" (")[0])
    with Service(build) as service:
        curl = Curl(service)
        check_bodies(checks, curl)
        check_framing(checks, curl)
        check_stream(checks, curl)
        checks.check("the server ends well", service.stop() == 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
