#!/usr/bin/env python3
"""@redocly/cli lints /openapi.json with all rules of its strict set; what is off stands in redocly.yaml with its reason.

Usage: redocly_outside.py BUILD_DIR
"""
import json
import sys

from bed import HERE, Checks, Npm, Service, build_of


def lint(npm, path):
    return npm.bin("redocly", "lint", path, "--config", HERE / "redocly.yaml", "--format", "stylish")


def main(arguments):
    build = build_of(arguments)
    checks = Checks("@redocly/cli 2.77")
    npm = Npm(checks)
    with Service(build) as service:
        document, _ = service.get("/openapi.json")
        path = service.folder / "openapi.json"
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        code, said = lint(npm, path)
        checks.check("/openapi.json has no fault", code == 0, said)
        document["paths"]["/v1/events"]["post"]["responses"]["202"]["content"]["application/json"]["schema"] = {
            "$ref": "#/components/schemas/Nothing"}
        path.write_text(json.dumps(document), encoding="utf-8")
        code, said = lint(npm, path)
        checks.must_fail("a schema that is not there", code != 0 and "no-unresolved-refs" in said, said)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
