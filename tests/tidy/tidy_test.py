#!/usr/bin/env python3
"""Runs the tidy test on the repository, and on planted faults that it must find."""
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIDY = ROOT / "tests/tidy/tidy.py"

PLANTED = {
    "engine/domain/a.cc": ['#include "engine/runtime/state.h"', "auto t = std::chrono::system_clock::now();",
                           "std::unordered_map<int, int> m;"],
    "rules/b.cc": ['#include "projections/registry.h"', "std::ifstream in;"],
    "connectors/x/c.cc": ['#include "connectors/y/y.h"', "#include <rocksdb/db.h>"],
    "engine/base/long.h": ["// line"] * 201,
    "tests/d.cc": ["std::this_thread::sleep_" + "for(x);"],
}


def main():
    done = subprocess.run([sys.executable, str(TIDY), str(ROOT)], capture_output=True, text=True)
    print(done.stdout.rstrip())
    if done.returncode != 0:
        return 1
    with tempfile.TemporaryDirectory() as work:
        expected = 0
        for name, lines in PLANTED.items():
            path = Path(work) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
            expected += 1 if name.endswith(".h") else len(lines)
        found = subprocess.run([sys.executable, str(TIDY), work], capture_output=True, text=True)
        faults = [line for line in found.stdout.splitlines() if line.count(":") >= 2 and not line.startswith("tidy:")]
        if found.returncode != 1 or len(faults) != expected:
            print(f"planted {expected} faults, found {len(faults)}:\n" + found.stdout)
            return 1
    print(f"planted faults: {expected} of {expected} found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
