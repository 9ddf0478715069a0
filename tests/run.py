#!/usr/bin/env python3
"""Runs the test binaries of a build folder and the Python checks, and prints the totals.

Usage: run.py BUILD_DIR [--only NAME ...] [--no-python]

Skipped tests are listed by name, with their reason where they give one. The last line reads
`N passed, N failed, N skipped`.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_gtest(binary):
    """(passed, failed names, skipped names) of one gtest binary."""
    done = subprocess.run([str(binary), "--gtest_brief=0"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT)
    passed = len(re.findall(r"^\[       OK \] ", done.stdout, re.M))
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([\w./]+)(?:, where .*)?(?: \(\d+ ms\))$",
                                   done.stdout, re.M)))
    skipped = sorted(set(re.findall(r"^\[  SKIPPED \] ([\w./]+) \(\d+ ms\)$", done.stdout, re.M)))
    if done.returncode != 0 and not failed:
        failed = [f"{binary.name} (exit {done.returncode})"]
    if failed:
        print(done.stdout[-20000:])
    return passed, failed, skipped


def run_python(script, build):
    done = subprocess.run([sys.executable, str(script), str(build)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT)
    name = script.relative_to(ROOT)
    if done.returncode == 77:
        return 0, [], [f"{name}: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ''}"]
    if done.stdout.strip():
        print(f"--- {name}\n{done.stdout.rstrip()}")
    return (1, [], []) if done.returncode == 0 else (0, [str(name)], [])


def main(arguments):
    build = Path(arguments[0]).resolve()
    only = arguments[arguments.index("--only") + 1:] if "--only" in arguments else []
    passed, failed, skipped = 0, [], []
    binaries = sorted(p for p in (build / "tests").glob("*_tests") if p.is_file())
    for binary in binaries:
        if only and binary.name not in only:
            continue
        p, f, s = run_gtest(binary)
        print(f"{binary.name}: {p} passed, {len(f)} failed, {len(s)} skipped", flush=True)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    if not only and "--no-python" not in arguments:
        scripts = sorted(ROOT.glob("tests/tidy/*_test.py")) + sorted(ROOT.glob("tests/e2e/*_e2e.py"))
        for script in scripts:
            p, f, s = run_python(script, build)
            print(f"{script.relative_to(ROOT)}: {p} passed, {len(f)} failed, {len(s)} skipped", flush=True)
            passed, failed, skipped = passed + p, failed + f, skipped + s
    if not binaries:
        failed.append(f"no test binary below {build}/tests")
    for name in failed:
        print(f"FAILED {name}")
    if skipped:
        print(f"skipped ({len(skipped)}):")
        for name in skipped:
            print(f"  {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
