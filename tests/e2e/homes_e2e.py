#!/usr/bin/env python3
"""A hook that knows only a deal's id: its facts end where the customer is at home, rules there see account and
contact, and every command tells where a fact went.

Usage: homes_e2e.py BUILD_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FAULTS = []
STAGES = {"stages": [{"id": "demo"}, {"id": "offer"}, {"id": "won", "category": "won"},
                     {"id": "lost", "category": "lost"}]}
RULE = """rule: call-on-offer
name: Call when an offer stage is reached
owner: ops
trigger: deal.stage_changed
when: account.name == "Acme" && contact.name == "Ann"
steps:
  - create_task: { kind: call, title: "Call {{ contact.name }} of {{ account.name }}", due: 1d }
"""


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


class Bed:
    def __init__(self, build, work):
        self.binary = build / "bin" / "dealwright"
        self.work = work
        self.environment = {**os.environ, "DEALWRIGHT_DATA": str(work / "data")}
        self.said = 0

    def run(self, *arguments, stdin=""):
        return subprocess.run([str(self.binary), *arguments, "--json"], cwd=self.work, env=self.environment,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def must(self, *arguments, stdin=""):
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def say(self, type_, subject, data, *more):
        self.said += 1
        return self.run("event", "append", "--type", type_, "--subject", subject, "--data", json.dumps(data),
                        "--id", f"s{self.said}", *more)


def prepare(bed):
    bed.must("init", "--partitions", "4")
    rule = bed.work / "call-on-offer.rule.yaml"
    rule.write_text(RULE)
    bed.say("pipeline.updated", "pipeline/sales", STAGES)
    bed.must("rule", "publish", str(rule))
    for i in range(6):
        key = ("--key", f"account/a{i}")
        bed.say("account.updated", f"account/a{i}", {"set": {"name": "Acme"}}, *key)
        bed.say("contact.updated", f"contact/c{i}", {"set": {"name": "Ann", "account": f"a{i}"}}, *key)
        bed.say("deal.opened", f"deal/d{i}", {"pipeline": "sales", "account": f"a{i}",
                                              "contacts": [{"contact": f"c{i}", "role": "buyer"}]}, *key)


def check_hook(bed):
    travelled = 0
    for i in range(6):
        done = bed.say("deal.stage_changed", f"deal/d{i}", {"to": "offer"})
        said = json.loads(done.stdout)
        check(f"d{i} is accepted", said["verdict"] == "accepted", done.stdout + done.stderr)
        shown = bed.must("record", "show", f"deal/d{i}")[0]
        check(f"d{i} has both facts in one place", shown["facts"] == 2 and "partitions" not in shown and
              shown["stage"] == "offer" and shown["home"] == f"account/a{i}", str(shown))
        told = [row["what"] for row in bed.must("record", "timeline", f"deal/d{i}")]
        check(f"d{i}'s timeline tells it once",
              told.count("deal.stage_changed") == 1 and "enrolment.started" in told, str(told))
        if "forwarded_to" not in said:
            continue
        travelled += 1
        check(f"d{i} went to its account", said["forwarded_to"].startswith(f"{shown['partition']}:"), str(said))
        first = bed.must("event", "show", said["position"])
        check("the first place says where it went", first[1]["home"] == f"account/a{i}" and
              first[1]["there"] == said["forwarded_to"] and first[1]["number"] > 0, str(first))
        then = bed.must("event", "show", said["forwarded_to"])
        check("the second says where from", then[0]["id"] == first[0]["id"] and
              then[1]["sent_by"] == f"partition {said['position'].split(':')[0]}" and
              then[0]["partitionkey"] == f"account/a{i}", str(then))
    check("some of them travelled", travelled >= 2, str(travelled))
    tasks = [row for row in bed.must("record", "list", "task")]
    check("the rule saw account and contact", len(tasks) == 6, str(tasks))
    title = bed.must("record", "show", tasks[0]["record"])[0]["title"]
    check("the rule's task", title == "Call Ann of Acme", title)
    done = bed.say("task.completed", tasks[0]["record"], {})
    shown = bed.must("record", "show", tasks[0]["record"])[0]
    check("a rule's task is found by its id", shown["state"] == "done" and shown["facts"] == 2,
          done.stdout + done.stderr + str(shown))


def check_refusal(bed):
    for i in range(6):
        done = bed.say("deal.stage_changed", f"deal/d{i}", {"to": "nowhere"})
        check("a refusal travels back", done.returncode == 4 and "unknown_stage" in done.stderr,
              done.stdout + done.stderr)
        place = json.loads(done.stdout).get("forwarded_to", json.loads(done.stdout)["position"])
        aside = [row["position"] for row in bed.must("set-aside", "list")]
        check("it is listed where it was judged", place in aside, f"{place} of {aside}")


def check_conflict(bed):
    before = bed.must("view", "show", "board")
    bed.say("deal.assigned", "deal/d0", {"owner": "u1"}, "--key", "account/zz")
    bed.say("deal.assigned", "deal/d0", {"owner": "u2"}, "--key", "account/y")
    shown = bed.must("record", "show", "deal/d0")[0]
    check("two keys are flagged", any("key_conflict" in flag for flag in shown.get("flags", [])), str(shown))
    check("read as one", shown["opened"] and shown["owner"] == "u2" and shown["stage"] == "offer" and
          shown["facts"] == 4, str(shown))
    rows = [row for row in bed.must("record", "list", "deal") if row["record"] == "deal/d0"]
    check("listed once", len(rows) == 1 and rows[0]["owner"] == "u2", str(rows))
    counted = [sum(row["count"] for row in rows) for rows in (before, bed.must("view", "show", "board"))]
    check("counted once", counted[0] == counted[1] == 6, str(counted))


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(build.resolve(), Path(folder))
        prepare(bed)
        check_hook(bed)
        check_refusal(bed)
        check_conflict(bed)
        check("partition verify", bed.run("partition", "verify").returncode == 0, bed.run("partition", "verify").stderr)
        check("log verify", bed.run("log", "verify").returncode == 0, bed.run("log", "verify").stderr)
    for fault in FAULTS:
        print("FAILED", fault)
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
