#!/usr/bin/env python3
"""npm eventsource on /v1/views/board/stream: rows, changes, Last-Event-ID after a cut, reset.

Usage: eventsource_outside.py BUILD_DIR
"""
import sys

from bed import Checks, Npm, Service, build_of, results


def main(arguments):
    build = build_of(arguments)
    checks = Checks("eventsource 5.1")
    npm = Npm(checks)
    with Service(build) as service:
        code, said = npm.script("eventsource.js", service.url, service.key)
        checks.check("the script ends well", results(checks, said) > 0 and code == 0, said)
        checks.check("the server ends well", service.stop() == 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
