#!/usr/bin/env python3
"""npm cloudevents: structured, binary, batch; sent, repeated, read back.

Usage: cloudevents_outside.py BUILD_DIR
"""
import sys

from bed import Checks, Npm, Service, build_of, results


def main(arguments):
    build = build_of(arguments)
    checks = Checks("cloudevents 10.0")
    npm = Npm(checks)
    with Service(build) as service:
        code, said = npm.script("cloudevents_sdk.js", service.url, service.key)
        checks.check("the script ends well", results(checks, said) > 0 and code == 0, said)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
