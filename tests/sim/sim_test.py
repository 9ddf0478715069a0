#!/usr/bin/env python3
"""The simulator, as long as CI has time for it: 2,000 seeds, each planted bug, some seeds twice.

Usage: sim_test.py BUILD_DIR

Two processes share the work. Exit 77: it was not built (sanitizers have no build of it).
"""
import os
import subprocess
import sys
import time
from pathlib import Path

SEEDS = 2000  # a half each; from the first on
TWICE = 40    # seeds that are run twice and have to come to the same
BUG_SEEDS = 2000  # within so many each planted bug is found


def main(build):
    sim = Path(build) / "sim" / "sim"
    if not sim.exists():
        print(f"{sim} is not built")
        return 77
    scale = max(1, int(os.environ.get("DW_ONE_IN", "1")))
    half = SEEDS // 2 // scale
    begun = time.monotonic()
    commands = []
    for share in (0, 1):
        first = 1 + share * half
        # A short campaign need not meet everything.
        campaign = ["--campaign", half, "--from", first] if scale == 1 else ["--seeds", f"{first}..{first + half - 1}"]
        commands.append([sim, *campaign, "--planted", "--seeds-max", BUG_SEEDS, "--share", f"{share}/2"])
    runs = [subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
            for command in commands]
    outputs = [run.communicate()[0] for run in runs]
    twice = subprocess.run([str(sim), "--seeds", f"1..{TWICE}", "--twice"], capture_output=True, text=True)
    failed = twice.returncode != 0
    print(twice.stdout[-4000:].strip().splitlines()[-1] + ", each run twice")
    for run, output in zip(runs, outputs):
        failed = failed or run.returncode != 0
        for line in output.splitlines():
            if run.returncode != 0 or "seeds," in line:
                print(line)
    bugs = [line for output in outputs for line in output.splitlines()
            if line[:2].strip().isdigit() and line[2:4] == "  " and "never met" not in line]
    print("\n".join(sorted(bugs, key=lambda line: int(line[:2]))))
    print(f"{sum('MISSED' not in bug for bug in bugs)} of {len(bugs)} planted bugs found, "
          f"{time.monotonic() - begun:.0f} s")
    return 1 if failed or len(bugs) != 20 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
