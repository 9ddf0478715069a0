#!/usr/bin/env python3
"""Runs the test binaries of a build folder and the Python checks, and prints the totals.

Usage: run.py BUILD_DIR [--no-python] [--until SECONDS] [--only NAME ...]

What has not ended by that second of the epoch is ended and has failed; what it printed last is
shown. Skipped tests are listed by name, with their reason where they give one. The last line reads
`N passed, N failed, N skipped`.
"""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(command, deadline):
    """(exit code, output) of a command; None for the code of one that had to be ended."""
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", cwd=ROOT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=deadline and max(1, deadline - time.time()))
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it started
        output, _ = process.communicate()
        return None, output


def run_gtest(binary, deadline):
    """(passed, failed names, skipped names) of one gtest binary."""
    code, output = output_of([binary, "--gtest_brief=0"], deadline)
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([\w./]+)(?:, where .*)?(?: \(\d+ ms\))$",
                                   output, re.M)))
    skipped = sorted(set(re.findall(r"^\[  SKIPPED \] ([\w./]+) \(\d+ ms\)$", output, re.M)))
    begun = re.findall(r"^\[ RUN      \] ([\w./]+)", output, re.M)
    if code is None:
        failed.append(f"{binary.name} (did not end in time, in {begun[-1] if begun else 'no test'})")
    elif code != 0 and not failed:
        failed = [f"{binary.name} (exit {code}, in {begun[-1] if begun else 'no test'}): " +
                  " | ".join(output.strip().splitlines()[-8:])]
    if failed:
        print(output[-20000:])
    return passed, failed, skipped


def run_python(script, build, deadline):
    code, output = output_of([sys.executable, script, build], deadline)
    name = script.relative_to(ROOT)
    if code == 77:
        return 0, [], [f"{name}: {output.strip().splitlines()[-1] if output.strip() else ''}"]
    if output.strip():
        print(f"--- {name}\n{output.rstrip()}")
    if code is None:
        return 0, [f"{name} (did not end in time)"], []
    return (1, [], []) if code == 0 else (0, [str(name)], [])


def main(arguments):
    build = Path(arguments[0]).resolve()
    deadline = None
    if "--until" in arguments:
        at = arguments.index("--until")
        deadline = float(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    only = arguments[arguments.index("--only") + 1:] if "--only" in arguments else []
    passed, failed, skipped = 0, [], []
    binaries = sorted(p for p in (build / "tests").glob("*_tests") if p.is_file())
    for binary in binaries:
        if only and binary.name not in only:
            continue
        begun = time.monotonic()
        p, f, s = run_gtest(binary, deadline)
        print(f"{binary.name}: {p} passed, {len(f)} failed, {len(s)} skipped, "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    if not only and "--no-python" not in arguments:
        scripts = [path for pattern in ("tidy/*_test.py", "e2e/*_e2e.py", "outside/*_outside.py")
                   for path in sorted((ROOT / "tests").glob(pattern))]
        for script in scripts:
            p, f, s = run_python(script, build, deadline)
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
