#!/usr/bin/env python3
"""Holds tests/run.py, and .ci/run with it, against test programs made up here: what they print and how they end is
given, what run.py makes of it is looked for. Each rule has a case that must fail.

Usage: run_test.py BUILD_DIR (not read)
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OK = "[ RUN      ] A.b\n{}[       OK ] A.b (1 ms)\n"
BAD = "[ RUN      ] A.b\n{}[  FAILED  ] A.b (1 ms)\n"
SKIP = "[ RUN      ] A.b\nouter noise\n{}x_test.cc:2: Skipped\n{}\n\n[  SKIPPED ] A.b (1 ms)\n"
NPM = "npm-tools: npm could not fetch what tests/npm/package-lock.json names: cannot write /root/.npm/x"
SHARED = "no reference data at /home/x/a/../shared/conformance/liquid"

# what, test program or script, what it prints, its exit code, DW_NO_SKIP, what run.py has to print, its exit code
CASES = [
    ("a test passes", "a_tests", OK.format(""), 0, "1", ["1 passed, 0 failed, 0 skipped"], 0),
    ("a test fails", "a_tests", BAD.format(""), 1, "", ["FAILED A.b", "0 passed, 1 failed, 0 skipped"], 1),
    ("a test crashes", "a_tests", "[ RUN      ] A.b\noutside: x\nhelp\n", 134, "",
     ["FAILED a_tests (exit 134, in A.b): ", "  x: 0 of 1 tests (a_tests)", "0 passed, 1 failed, 0 skipped"], 1),
    ("a program by name, once a test", "a_tests", OK.format("outside: liquidjs\noutside: liquidjs\n") + OK.format(
        "outside: liquidjs\n"), 0, "1", ["held against programs of others (1):", "  liquidjs: 2 of 2 tests (a_tests)"], 0),
    ("a program of a test that failed", "a_tests", BAD.format("outside: liquidjs\n"), 1, "",
     ["  liquidjs: 0 of 1 tests (a_tests)", "0 passed, 1 failed, 0 skipped"], 1),
    ("cases are counted", "a_tests", OK.format("outside: golden: 9 of 9 cases, 2 left out\n"), 0, "1",
     ["  golden: 9 of 9 cases, 2 left out (a_tests)", "1 passed, 0 failed, 0 skipped"], 0),
    ("a wrong case in a green test", "a_tests", OK.format("outside: golden: 8 of 9 cases\n"), 0, "",
     ["FAILED a_tests: golden: 8 of 9 cases", "1 passed, 1 failed, 0 skipped"], 1),
    ("no case in a green test", "a_tests", OK.format("outside: golden: 0 of 0 cases\n"), 0, "",
     ["FAILED a_tests: golden: 0 of 0 cases", "1 passed, 1 failed, 0 skipped"], 1),
    ("a wrong case in a green script", "x_outside.py", "outside: wrk 4.1: 3 of 4 checks\n", 0, "",
     ["FAILED tests/outside/x_outside.py: wrk 4.1: 3 of 4 checks", "2 passed, 1 failed, 0 skipped"], 1),
    ("a script by name", "x_outside.py", "outside: @a/b 1.2: 4 of 4 checks\n", 0, "1",
     ["  @a/b 1.2: 4 of 4 checks (tests/outside/x_outside.py)", "2 passed, 0 failed, 0 skipped"], 0),
    ("without npm", "a_tests", SKIP.format("outside: liquidjs\n", NPM), 0, "",
     ["programs of others that were not asked (1):", f"  liquidjs: {NPM}", "skipped (1):", f"  A.b: {NPM}",
      "0 passed, 0 failed, 1 skipped"], 0),
    ("without npm where nothing may be skipped", "a_tests", SKIP.format("outside: liquidjs\n", NPM), 0, "1",
     [f"  liquidjs: {NPM}", f"FAILED A.b (skipped, and DW_NO_SKIP is set): {NPM}", "0 passed, 1 failed, 0 skipped"], 1),
    ("without pip", "x_outside.py", "outside: st 4\npython-tools: pip could not fetch it\n", 77, "",
     ["  st 4: python-tools: pip could not fetch it", "1 passed, 0 failed, 1 skipped"], 0),
    ("without pip where nothing may be skipped", "x_outside.py", "outside: st 4\npython-tools: pip could not fetch it\n", 77,
     "1", ["FAILED tests/outside/x_outside.py (skipped, and DW_NO_SKIP is set): python-tools: pip could not fetch it",
           "1 passed, 1 failed, 0 skipped"], 1),
    ("without reference data", "a_tests", SKIP.format("outside: golden\n", SHARED), 0, "1",
     [f"  golden: {SHARED}", f"  A.b: {SHARED}", "0 passed, 0 failed, 1 skipped"], 0),
    ("a script without reference data", "x_outside.py", "../shared/conformance is not here\n", 77, "1",
     ["  tests/outside/x_outside.py: ../shared/conformance is not here", "1 passed, 0 failed, 1 skipped"], 0),
    ("without rights", "a_tests", SKIP.format("", "a disk of its own needs root: mount: no"), 0, "1",
     ["0 passed, 0 failed, 1 skipped"], 0),
    ("a skip without a reason", "x_outside.py", "", 77, "1", ["1 passed, 1 failed, 0 skipped"], 1),
    ("a skip that names something shared elsewhere", "a_tests", SKIP.format("", "no /lib/shared/x.so"), 0, "1",
     ["0 passed, 1 failed, 0 skipped"], 1),
]
# stage of .ci/run, DW_NO_SKIP as given to it, what it has to print, its exit code: npm is missing everywhere
STAGES = [
    ("tests", None, ["FAILED A.b (skipped, and DW_NO_SKIP is set): " + NPM, "0 passed, 1 failed, 0 skipped"], 1),
    ("tests", "0", [f"  A.b: {NPM}", "0 passed, 0 failed, 1 skipped"], 0),
    ("proto", None, ["FAILED proto: buf: npm is not here", "0 passed, 1 failed, 0 skipped"], 1),
    ("proto", "0", ["SKIPPED proto: buf: npm is not here", "0 passed, 0 failed, 1 skipped"], 0),
]


def program(path, text, code):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env python3\nimport sys\nprint({text!r}, end='')\nsys.exit({code})\n")
    path.chmod(0o755)


def run(folder, command, no_skip):
    environment = {name: value for name, value in os.environ.items() if name != "DW_NO_SKIP"}
    if no_skip is not None:
        environment["DW_NO_SKIP"] = no_skip
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def tree(work):
    folder = Path(work).resolve()
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests/run.py", folder / "tests")
    return folder


def case(name, text, code, no_skip):
    with tempfile.TemporaryDirectory() as work:
        folder = tree(work)
        script = name.endswith(".py")
        program(folder / "tests/outside" / name if script else folder / "build/tests" / name, text, code)
        if script:
            program(folder / "build/tests/a_tests", OK.format(""), 0)
        return run(folder, [sys.executable, "tests/run.py", "build"], no_skip)


def stage(name, no_skip):
    with tempfile.TemporaryDirectory() as work:
        folder = tree(work)
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/run", folder / ".ci")
        program(folder / "build/tests/a_tests", SKIP.format("", NPM), 0)
        program(folder / "tests/proto/proto_check.py", "buf: npm is not here\n", 77)
        program(folder / "deploy/setup", "", 0)
        (folder / "deploy/test").write_text('#!/bin/sh\nexec python3 tests/run.py build "$@"\n')
        (folder / "deploy/test").chmod(0o755)
        return run(folder, [".ci/run", name], no_skip)


def main():
    faults = 0
    for what, said, expected, code in (
            [(what, case(name, text, ends, no_skip), expected, code)
             for what, name, text, ends, no_skip, expected, code in CASES] +
            [(f".ci/run {name}, DW_NO_SKIP={no_skip}", stage(name, no_skip), expected, code)
             for name, no_skip, expected, code in STAGES]):
        missing = [line for line in expected if not any(
            one == line or (line.endswith(": ") and one.startswith(line)) for one in said[1].splitlines())]
        if missing or said[0] != code:
            print(f"{what}: exit {said[0]}, not {code}; not printed: {missing}\n  " + said[1].replace("\n", "\n  "))
            faults += 1
    of = len(CASES) + len(STAGES)
    print(f"run.py: {of - faults} of {of} made-up runs are told right")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
