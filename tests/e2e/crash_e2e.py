#!/usr/bin/env python3
"""The crash matrix: a process is killed (SIGKILL) at every named point, at several hits, again and again on the
same data, also while it recovers; after each kill all that was acknowledged is there, counts once, and state and
views equal a fold of the logs.

Usage: crash_e2e.py BUILD_DIR [KILLS]
"""
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

POINTS = ["append.queued", "append.written", "append.synced", "append.acknowledged", "decide.begin", "decide.appended",
          "fold.read_back", "flush.begin", "flush.written", "flush.adopted", "rotate.begin", "rotate.created",
          "rotate.synced", "view.swap"]
HITS = [1, 2, 3, 5, 8, 13, 21, 34]


def main(build, wanted=200):
    worker = Path(build) / "tests" / "crash_worker"
    kills, runs, reached = 0, 0, Counter()
    seed = int(os.environ.get("SEED", "1"))
    while kills < wanted:
        work = tempfile.mkdtemp(prefix="dw-crash-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        acknowledged = set()
        before = kills
        for round_number in range(len(POINTS)):  # the same data, killed once at each point
            point = POINTS[(seed + round_number) % len(POINTS)]
            # Rotations and swaps are rare: their first ones have to do.
            rare = point.startswith("rotate") or point == "view.swap"
            hit = 1 + seed % 2 if rare else HITS[(seed * 7 + round_number * 3) % len(HITS)]
            run = subprocess.run([str(worker), work, "run", str(seed), "600", point, str(hit)], capture_output=True, text=True)
            runs += 1
            acknowledged |= set(run.stdout.split())
            if run.returncode == -9:
                kills += 1
                reached[point] += 1
            elif run.returncode != 0:
                print(f"seed {seed} {point} hit {hit}: exit {run.returncode}\n{run.stderr}")
                return 1
            check = subprocess.run([str(worker), work, "check"], input="\n".join(sorted(acknowledged)), capture_output=True, text=True)
            if check.returncode != 0:
                print(f"seed {seed}, after {point} hit {hit}: {check.stderr}")
                return 1
        shutil.rmtree(work)
        if kills == before:
            print("nothing was killed: the points are not reached")
            return 1
        seed += 1
    missed = [point for point in POINTS if not reached[point]]
    print(f"crash matrix: {kills} kills in {runs} runs; by point: " + ", ".join(f"{p} {n}" for p, n in sorted(reached.items())))
    if missed:
        print(f"never reached: {', '.join(missed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
