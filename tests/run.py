#!/usr/bin/env python3
"""Runs the test binaries of a build folder and the Python checks, and prints the totals.

Usage: run.py BUILD_DIR [--no-python] [--until SECONDS] [--only NAME ...]

What has not ended by that second of the epoch is ended and has failed; what it printed last is
shown. Skipped tests are listed by name, with their reason where they give one. The last line reads
`N passed, N failed, N skipped`.

A test that holds us against a program of others says so in a line of its own, and these lines make
a table before the totals, by program:
  outside: PROGRAM                    this test, or this script, is held against it
  outside: PROGRAM: 4 of 5 WORDS      that many of its cases are good
Those of the same program and words are added up. If some are not good, or there are none, the check
has failed, whatever it says itself. DW_NO_SKIP=1, which .ci/run sets: what is skipped for want of a
program has failed. It may be skipped for want of reference data (the reason names ../shared) or of
rights (the reason says `needs root` or `wants root`).
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = re.compile(r"outside: (.+?)(?:: (\d+) of (\d+) (.+))?$")
WITH_BROKER = {"contract_tests"}
MAY_BE_SKIPPED = re.compile(r"(?:^|[\s/])\.\./shared\b|\b(?:needs|wants) root\b")


class Results:
    """What binaries and scripts came to."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []  # skipped: (name, reason)
        self.outside = {}  # (program, words): [good, all, who said so]
        self.without = {}  # program that was not asked: why

    def tell(self, who, result, said, reason=""):
        """Takes the lines about programs of others that a test or script printed."""
        found = dict.fromkeys(match.groups() for line in said if (match := OUTSIDE.match(line)))
        for program, good, of, words in found:
            if result == "SKIPPED":
                self.without.setdefault(program, reason)
                continue
            row = self.outside.setdefault((program, words or "tests"), [0, 0, {}])
            row[0] += int(good) if of else int(result == "OK")
            row[1] += int(of) if of else 1
            row[2][who] = True

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        for key, (good, of, who) in other.outside.items():
            row = self.outside.setdefault(key, [0, 0, {}])
            row[0], row[1] = row[0] + good, row[1] + of
            row[2].update(who)
        for program, reason in other.without.items():
            self.without.setdefault(program, reason)

    def judge(self):
        """What a binary or script does not count as failed itself."""
        for (program, words), (good, of, who) in self.outside.items():
            if (good != of or of == 0) and not self.failed:
                self.failed.append(f"{', '.join(who)}: {program}: {good} of {of} {words}")
        if os.environ.get("DW_NO_SKIP") == "1":
            lacking = [one for one in self.skipped if not MAY_BE_SKIPPED.search(one[1])]
            self.failed += [f"{name} (skipped, and DW_NO_SKIP is set): {reason}" for name, reason in lacking]
            self.skipped = [one for one in self.skipped if one not in lacking]

    def show(self):
        if self.outside:
            print(f"held against programs of others ({len({program for program, _ in self.outside})}):")
            for (program, words), (good, of, who) in sorted(self.outside.items()):
                print(f"  {program}: {good} of {of} {words} ({', '.join(who)})")
        if self.without:
            print(f"programs of others that were not asked ({len(self.without)}):")
            for program, reason in sorted(self.without.items()):
                print(f"  {program}: {reason}")
        for name in self.failed:
            print(f"FAILED {name}")
        if self.skipped:
            print(f"skipped ({len(self.skipped)}):")
            for name, reason in self.skipped:
                print(f"  {name}" + (f": {reason}" if reason else ""))
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped", flush=True)


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


def reason_of(said):
    """Why a test was skipped: what stands below `FILE:LINE: Skipped`."""
    at = next((i for i, line in enumerate(said) if line.endswith(": Skipped")), len(said))
    return " ".join(line.strip() for line in said[at + 1:] if line.strip() and not OUTSIDE.match(line))


def run_gtest(binary, deadline):
    """The results of one gtest binary."""
    code, output = output_of([binary, "--gtest_brief=0"], deadline)
    out, begun, said = Results(), "no test", []
    for line in output.splitlines():
        if match := re.match(r"\[ RUN      \] ([\w./]+)", line):
            begun, said = match[1], []
        elif match := re.match(r"\[ +(OK|FAILED|SKIPPED) +\] ([\w./]+)(?:, where .*)? \(\d+ ms\)$", line):
            result, name = match.groups()
            reason = reason_of(said) if result == "SKIPPED" else ""
            out.tell(binary.name, result, said, reason)
            out.passed += result == "OK"
            if result == "FAILED":
                out.failed.append(name)
            elif result == "SKIPPED":
                out.skipped.append((name, reason))
            said = []
        else:
            said.append(line)
    out.tell(binary.name, "FAILED", said)  # of a test that did not end
    if code is None:
        out.failed.append(f"{binary.name} (did not end in time, in {begun})")
    elif code != 0 and not out.failed:
        out.failed = [f"{binary.name} (exit {code}, in {begun}): " + " | ".join(output.strip().splitlines()[-8:])]
    if out.failed:
        print(output[-20000:])
    return out


def run_python(script, build, deadline):
    """The results of one script."""
    code, output = output_of([sys.executable, script, build], deadline)
    name, lines, out = str(script.relative_to(ROOT)), output.strip().splitlines(), Results()
    if code == 77:
        reason = lines[-1] if lines and not OUTSIDE.match(lines[-1]) else ""
        out.tell(name, "SKIPPED", lines, reason)
        out.skipped.append((name, reason))
        return out
    if output.strip():
        print(f"--- {name}\n{output.rstrip()}")
    out.tell(name, "OK" if code == 0 else "FAILED", lines)
    if code == 0:
        out.passed = 1
    else:
        out.failed.append(name if code is not None else f"{name} (did not end in time)")
    return out


class Broker:
    """A Kafka broker for the binaries that are held to a real one (DW_KAFKA_BROKERS names it); its folder is gone behind it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="kafka-")
        if os.environ.get("DW_KAFKA_BROKERS"):
            return self
        done = subprocess.run([ROOT / "deploy/kafka/start", "--dir", self.folder, "--port", "0"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        servers = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        if done.returncode == 0 and "PLAINTEXT" in servers:
            os.environ["DW_KAFKA_BROKERS"] = servers["PLAINTEXT"]
        else:
            said = (done.stdout + done.stderr).strip().splitlines()
            os.environ["DW_KAFKA_WHY_NOT"] = said[-1] if said else f"exit {done.returncode}"
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "deploy/kafka/stop", "--dir", self.folder], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def main(arguments):
    build = Path(arguments[0]).resolve()
    deadline = None
    if "--until" in arguments:
        at = arguments.index("--until")
        deadline = float(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    only = arguments[arguments.index("--only") + 1:] if "--only" in arguments else []
    total = Results()

    def take(name, out, took=""):
        out.judge()
        print(f"{name}: {out.passed} passed, {len(out.failed)} failed, {len(out.skipped)} skipped{took}", flush=True)
        total.add(out)

    binaries = sorted(p for p in (build / "tests").glob("*_tests") if p.is_file())
    wanted = [p for p in binaries if not only or p.name in only]
    with Broker() if any(p.name in WITH_BROKER for p in wanted) else contextlib.nullcontext():
        for binary in wanted:
            begun = time.monotonic()
            out = run_gtest(binary, deadline)
            take(binary.name, out, f", {time.monotonic() - begun:.0f} s")
    if not only and "--no-python" not in arguments:
        for pattern in ("tidy/*_test.py", "sim/*_test.py", "e2e/*_e2e.py", "outside/*_outside.py"):
            for script in sorted((ROOT / "tests").glob(pattern)):
                take(script.relative_to(ROOT), run_python(script, build, deadline))
    if not binaries:
        total.failed.append(f"no test binary below {build}/tests")
    total.show()
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
