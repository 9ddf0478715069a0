#!/usr/bin/env python3
"""wrk asks for more than a server takes: 429 and 503 with Retry-After, no 2xx that is lost, bounded memory and latency.

Usage: wrk_outside.py BUILD_DIR
DW_OUTSIDE_SECONDS: how long each of its two runs takes, 5 if not set.
"""
import json
import shutil
import sys

import load
from bed import HERE, Checks, Service, build_of, run


def main(arguments):
    build = build_of(arguments)
    checks = Checks("wrk 4.1")
    if shutil.which("wrk") is None:
        checks.skip("the wrk program is not here; deploy/setup --ci installs it")
    for name, settings, expected in load.LIMITS:
        with Service(build, **settings) as service:
            code, said = run(["wrk", "--threads", "2", "--connections", str(load.CONNECTIONS), "--duration",
                              f"{load.seconds()}s", "--timeout", "60s", "--script", HERE / "wrk.lua", service.url],
                             env={"DW_KEY": service.key, "DW_NAME": name, "DW_FOLDER": str(service.folder)},
                             timeout=load.seconds() + 120)
            told = [json.loads(line) for line in said.splitlines() if line.startswith('{"taken"')]
            if code != 0 or not told:
                checks.check(f"{name}: it runs", False, said)
                continue
            told = told[0]
            statuses = {"202": told["taken"], "429": told["rate"], "503": told["busy"], "other": told["other"]}
            load.check_answers(checks, name, expected, {code: n for code, n in statuses.items() if n}, told["without"],
                               told["errors"])
            checks.check(f"{name}: at least ten times as much is asked for as is taken", load.times_of(statuses) >= 10)
            lines = [line.split(" ", 1) for path in sorted(service.folder.glob("places-*"))
                     for line in path.read_text(encoding="utf-8").splitlines()]
            answered = sorted((int(when), json.loads(body)["position"]) for when, body in lines)
            places = [place for _, place in answered]
            checks.check(f"{name}: every place was kept", len(places) == told["taken"], len(places))
            kept = service.events(f"com.example.{name}")
            load.check_log(checks, name, places, [row["position"] for row in kept], service)
            sent = {row["position"]: int(row["event"]["id"].rsplit("-", 1)[1]) for row in kept}
            load.check_latency(checks, name, [(when - sent[place]) / 1000 for when, place in answered if place in sent],
                               told["taken"])
            ids = [row["event"]["id"] for row in kept]
            checks.check(f"{name}: nor is an id there twice", len(set(ids)) == len(ids))
            checks.check(f"{name}: the server ends well", service.stop() == 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
