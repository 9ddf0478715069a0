#!/usr/bin/env python3
"""autocannon asks for more than a server takes: 429 and 503 with Retry-After, no 2xx that is lost, bounded memory and latency.

Usage: autocannon_outside.py BUILD_DIR
DW_OUTSIDE_SECONDS: how long each of its two runs takes, 5 if not set.
"""
import json
import sys

import load
from bed import Checks, Npm, Service, build_of


def main(arguments):
    build = build_of(arguments)
    checks = Checks("autocannon 9.0")
    npm = Npm(checks)
    for name, settings, expected in load.LIMITS:
        with Service(build, **settings) as service:
            asked = {"url": service.url, "key": service.key, "connections": load.CONNECTIONS,
                     "seconds": load.seconds(), "name": name}
            code, said = npm.script("autocannon.js", json.dumps(asked), timeout=load.seconds() + 120)
            if code != 0:
                checks.check(f"{name}: it runs", False, said)
                continue
            told = json.loads(said.splitlines()[-1])
            load.check_answers(checks, name, expected, told["statuses"], told["withoutRetryAfter"], told["errors"])
            kept = [row["event"]["id"] for row in service.events(f"com.example.{name}")]
            load.check_latency(checks, name, told["milliseconds"], told["statuses"].get("202", 0))
            load.check_log(checks, name, told["acknowledged"], kept, service)
            checks.check(f"{name}: the server ends well", service.stop() == 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
