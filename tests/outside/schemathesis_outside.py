#!/usr/bin/env python3
"""Schemathesis makes requests from /openapi.json, sound and unsound, as an admin, and holds every answer against it: no
status, type, header or schema that is not described, no 5xx, 405 for a method that is not there.
Whether an unsound request is refused and a sound one taken is not asked; CHECKS says why.

Usage: schemathesis_outside.py BUILD_DIR
DW_OUTSIDE_EXAMPLES: requests made up per operation, 15 if not set.
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bed import HERE, ROOT, Checks, Service, build_of, run

# A stream does not end, and Schemathesis reads to the end: eventsource and curl look at it. Revoking keys would take the
# key away that it asks with.
LEFT_OUT = "(/stream|/revoke)$"


# What every answer has to be. Not asked are `positive_data_acceptance`, as a schema does not say all that makes a request
# sound (an absolute path, an id that is there, a rule that compiles), and `negative_data_rejection`, which takes a list
# in a path for unsound though it arrives as a text like any other.
CHECKS = ",".join(["not_a_server_error", "status_code_conformance", "content_type_conformance",
                   "response_headers_conformance", "response_schema_conformance", "unsupported_method"])


def find_program(checks):
    code, said = run([ROOT / "deploy" / "python-tools"], timeout=900)
    if code == 77:
        checks.skip(said.strip().splitlines()[-1])
    if code != 0:
        sys.exit(said)
    return f"{said.strip().splitlines()[-1]}/bin/st"


def hold(program, service, where, key):
    env = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [program, "--no-color", "run", where, "--header",
               f"Authorization: Bearer {key}", "--exclude-path-regex", LEFT_OUT, "--checks", CHECKS,
               "--max-examples", os.environ.get("DW_OUTSIDE_EXAMPLES", "15"), "--seed", "1",
               "--phases", "examples,coverage,fuzzing", "--request-timeout", "30"]
    return run(["env", "-C", service.folder, *command], env=env, timeout=1800)


class Liar(BaseHTTPRequestHandler):
    """Describes one route, and answers it with what the description lacks."""

    def do_GET(self):
        document = {"openapi": "3.1.0", "info": {"title": "Liar", "version": "1"},
                    "paths": {"/count": {"get": {"operationId": "count", "responses": {"200": {
                        "description": "Done", "content": {"application/json": {"schema": {
                            "type": "object", "required": ["count"]}}}}}}}}}
        body = json.dumps(document if self.path == "/openapi.json" else {"number": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(arguments):
    build = build_of(arguments)
    checks = Checks("schemathesis 4.32")
    program = find_program(checks)
    with Service(build, sample=True) as service:
        code, said = hold(program, service, service.url + "/openapi.json", service.key)
        checks.check("every answer is as /openapi.json says", code == 0, said[-12000:])
        tested = [line.strip() for line in said.splitlines() if line.strip().startswith("Tested:")]
        checks.check(f"it asked every route it was told to ({tested})", tested and int(tested[0].split()[1]) >= 33, said)
        liar = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        code, said = hold(program, service, f"http://127.0.0.1:{liar.server_port}/openapi.json", "none")
        liar.shutdown()
        checks.must_fail("an answer without a member that is required", code == 1 and "count" in said, said)
        checks.check("the server ends well after all that", service.stop() == 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
