#!/usr/bin/env python3
"""The CloudEvents specification's own features for HTTP, run by @cucumber/cucumber with our server under test.

Usage: cucumber_outside.py BUILD_DIR
"""
import json
import sys

from bed import HERE, ROOT, Checks, Npm, Service, build_of

FEATURE = ROOT.parent / "shared" / "conformance" / "cloudevents" / "http-protocol-binding.feature"


def run_feature(npm, service, name, text):
    """(exit code, scenarios that passed, all that was said)."""
    folder = service.folder / name
    folder.mkdir()
    (folder / "http.feature").write_text(text, encoding="utf-8")
    report = folder / "report.json"
    code, said = npm.bin("cucumber-js", folder / "http.feature", "--require", HERE / "features.js", "--format",
                         f"json:{report}", "--format", "summary")
    passed = 0
    if report.exists():
        for feature in json.loads(report.read_text(encoding="utf-8")):
            for element in feature["elements"]:
                passed += all(step["result"]["status"] == "passed" for step in element["steps"])
    return code, passed, said


def main(arguments):
    build = build_of(arguments)
    checks = Checks("@cucumber/cucumber 13.3")
    if not FEATURE.is_file():
        checks.skip("the specification's features are not here: ../shared/conformance/cloudevents")
    npm = Npm(checks)
    feature = FEATURE.read_text(encoding="utf-8")
    with Service(build) as service:
        npm.environment.update(DW_URL=service.url, DW_KEY=service.key)
        code, passed, said = run_feature(npm, service, "sound", feature)
        checks.check("both modes, both content types: 4 scenarios", code == 0 and passed == 4, said)
        wrong = feature.replace("Hello World!", "Hello Moon!", 1)
        code, passed, said = run_feature(npm, service, "planted", wrong)
        checks.must_fail("data that was not sent", code == 1 and passed < 4, said)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
