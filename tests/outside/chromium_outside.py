#!/usr/bin/env python3
"""Chromium, led by playwright-core, opens what people may open: /health/ready, a stream, and /u/{token} where it is.

Usage: chromium_outside.py BUILD_DIR
"""
import json
import os
import shutil
import sys

from bed import Checks, Npm, Service, build_of, results, skip


def main(arguments):
    build = build_of(arguments)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        skip("chromium is not here; deploy/setup --ci installs it")
    npm = Npm()
    checks = Checks("Chromium by playwright-core 1.65")
    with Service(build) as service:
        paths = list(service.get("/openapi.json")[0]["paths"])
        asked = {"url": service.url, "key": service.key, "program": program, "root": os.geteuid() == 0, "paths": paths}
        code, said = npm.script("chromium.js", json.dumps(asked))
        checks.check("the script ends well", results(checks, said) > 0 and code == 0, said)
        if "/u/{token}" not in paths:
            print("not looked at: /u/{token} is not a route yet")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
