#!/usr/bin/env python3
"""The crash matrix: a process is killed (SIGKILL) at every named point, at several hits, again and again on the
same data, also while it recovers; afterwards all that was acknowledged is there, counts once, state and views equal
a fold of the logs, each effect that was decided stands in the ledger once, each send was taken once, and reference
data is equal in all partitions.

Usage: crash_e2e.py BUILD_DIR [KILLS]; SEED=N starts there
"""
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

POINTS = ["append.queued", "append.written", "append.synced", "append.acknowledged", "claim.begin", "claim.appended",
          "claim.confirmed", "decide.begin", "decide.appended", "fold.read_back", "timer.decided", "timer.recorded",
          "send.begin", "send.durable", "publish.begin", "publish.durable", "import.added", "import.durable",
          "flush.begin", "flush.durable", "flush.written", "flush.adopted", "rotate.begin", "rotate.created",
          "rotate.synced", "view.swap", "view.swapped",
          "backup.begin", "backup.cut", "backup.file", "backup.copied", "backup.manifest"]
HITS = [1, 2, 3, 5, 8, 13, 21, 34]
# These come a few times a run, so their first hits have to do.
RARE = ("claim.", "rotate.", "view.", "send.", "publish.", "backup.")


def acknowledged_in(output):
    return set(output.split("\n")[:-1])  # whole lines only


def main(build, wanted=300):
    worker = Path(build) / "tests" / "crash_worker"
    kills, runs, checks, reached = 0, 0, 0, Counter()
    seed = int(os.environ.get("SEED", "1"))
    while kills < wanted:
        work = tempfile.mkdtemp(prefix="dw-crash-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        acknowledged, history, before = set(), [], kills
        # The same data, killed once at each point; each run repeats most of what the one before sent.
        for number in range(len(POINTS)):
            which = (seed * 5 + number) % len(POINTS)
            point = POINTS[which]
            # Another hit of the same point with each seed, however many points there are.
            hit = 1 + seed // 2 % 2 if point.startswith(RARE) else HITS[(seed + which * 3) % len(HITS)]
            history.append(f"{point} {hit}")
            run = subprocess.run([str(worker), work, "run", str(seed), str(number * 60), point, str(hit)], capture_output=True,
                                 text=True)
            runs += 1
            acknowledged |= acknowledged_in(run.stdout)
            if run.returncode == -9:
                kills += 1
                reached[point] += 1
            elif run.returncode != 0:
                print(f"seed {seed}, {', '.join(history)}: exit {run.returncode}\n{run.stderr}")
                return 1
            # Every other seed goes on from the crash itself, without a clean stop between.
            if seed % 2 == 0 and number % 3 != 2 and number + 1 < len(POINTS):
                continue
            check = subprocess.run([str(worker), work, "check"], input="\n".join(sorted(acknowledged)),
                                   capture_output=True, text=True)
            checks += 1
            if check.returncode != 0:
                print(f"seed {seed}, after {', '.join(history)}: exit {check.returncode}: {check.stderr}\nkept: {work}")
                return 1
        shutil.rmtree(work)
        if kills == before:
            print("nothing was killed: the points are not reached")
            return 1
        seed += 1
    missed = [point for point in POINTS if not reached[point]]
    print(f"crash matrix: {kills} kills in {runs} runs, {checks} checks; by point: "
          + ", ".join(f"{p} {n}" for p, n in sorted(reached.items())))
    if missed:
        print(f"never reached: {', '.join(missed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
