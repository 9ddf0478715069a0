#!/usr/bin/env python3
"""A real company's log through the engine: the figures of its truth.json come out of the views, and the
follow-ups equal those that offer_silence.py counts from the file alone.

Usage: bpi2012_e2e.py BUILD_DIR. Exit 77: ../shared/data is not here.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT.parent / "shared" / "data" / "bpi2012-loan-offers"
LOG = DATA / "BPI_Challenge_2012.xes.gz"
EXAMPLES = ROOT / "docs" / "examples"


def main(build):
    if not LOG.exists():
        print("skipped: ../shared/data/bpi2012-loan-offers is not here")
        return 77
    binary = Path(build) / "bin" / "dealwright"
    work = Path(tempfile.mkdtemp(prefix="dw-bpi-"))
    data = work / "data"

    def run(*arguments):
        done = subprocess.run([str(binary), "--data", str(data), "--json", *arguments],
                              capture_output=True, text=True)
        if done.returncode != 0:
            print(f"dealwright {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
            raise SystemExit(1)
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def import_log():
        return run("import", "run", str(LOG), "--mapping", str(EXAMPLES / "bpi2012.mapping.yaml"),
                   "--policy", "fire", "--clock", "event", "--bad", str(work / "bad.csv"))[0]

    run("init", "--clock", "event")
    run("rule", "publish", str(EXAMPLES / "offer-silence-7d.rule.yaml"))
    start = time.monotonic()
    first = import_log()
    print(f"imported and acted on in {time.monotonic() - start:.1f} s: {first}")

    truth = json.loads((DATA / "truth.json").read_text())
    deals = run("view", "show", "deals", "--group-by", "pipeline")[0]
    cycle = {row["outcome"]: row for row in run("view", "show", "cycle")}
    calls = run("view", "show", "tasks", "--filter", "title=W_Nabellen offertes", "--filter", "state=done",
                "--group-by", "title")
    offers = run("view", "show", "automation", "--filter", "rule=offer-silence-7d")
    counters = {row["counter"]: row["value"] for row in offers}
    outcome = truth["outcomes"]
    rows = [("cases", truth["cases"], deals["open"] + deals["won"] + deals["lost"] + deals["no_decision"]),
            ("won", outcome["won"], deals["won"]), ("declined", outcome["lost_declined"], deals["lost"]),
            ("cancelled", outcome["lost_cancelled"], deals["no_decision"]), ("open", outcome["open"], deals["open"]),
            ("offers sent (rule starts)", truth["offers_sent"], counters.get("started")),
            ("follow-up calls completed", truth["follow_up_calls_completed"], calls[0]["count"] if calls else 0),
            ("approval rate of decided", f"{truth['approval_rate_of_decided']:.6f}", deals["win_rate_broad"])]
    for name, key in (("won", "won"), ("lost_declined", "lost"), ("lost_cancelled", "no_decision")):
        for figure, column in (("mean", "mean_days"), ("median", "median_days"), ("p90", "p90_days"),
                               ("min", "min_days"), ("max", "max_days")):
            rows.append((f"cycle {name} {figure}", f"{truth['cycle_days'][name][figure]:.4f}", cycle[key][column]))
    good = True
    print(f"{'figure':32} {'truth':>12} {'dealwright':>12}")
    for name, expected, got in rows:
        same = str(expected) == str(got)
        good = good and same
        print(f"{name:32} {expected!s:>12} {got!s:>12}  {'equal' if same else 'DIFFERS'}")

    script = subprocess.run([sys.executable, str(ROOT / "tests/e2e/offer_silence.py"), str(LOG)],
                            capture_output=True, text=True, check=True)
    expected = sorted(tuple(line.split()) for line in script.stdout.splitlines())
    effects = run("effect", "list", "--rule", "offer-silence-7d", "--channel", "task", "--limit", "0")
    fired = sorted((row["subject"].split("/")[1].rsplit("-", 1)[0], row["subject"].split("/")[1], row["requested"])
                   for row in effects)
    waiting = len(run("timer", "list", "--limit", "100000"))
    print(f"follow-ups: script {len(expected)}, fired {len(fired)}, the same cases at the same instants: "
          f"{'yes' if expected == fired else 'NO'}; still waiting {waiting} (script: {script.stderr.strip()})")
    if expected != fired:
        only = [set(expected) - set(fired), set(fired) - set(expected)]
        print("only in the script:", sorted(only[0])[:5], "only here:", sorted(only[1])[:5])
    good = good and expected == fired and waiting == 25

    before = [run("view", "show", name) for name in ("deals", "cycle", "board", "automation")]
    events = sum(row["events"] for row in run("partition", "list"))
    again = import_log()
    after = [run("view", "show", name) for name in ("deals", "cycle", "board", "automation")]
    unchanged = before == after and sum(row["events"] for row in run("partition", "list")) == events
    print(f"imported again: {again}; nothing changed: {'yes' if unchanged else 'NO'}")
    verified = run("partition", "verify")
    print("partition verify:", [row["chain"] for row in verified])
    shutil.rmtree(work)
    return 0 if good and unchanged else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
