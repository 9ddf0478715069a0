#!/usr/bin/env python3
"""Imports through the command line: policies act as they are named, a rate is kept on the virtual clock, a run
that was killed is gone on with and comes to the same end, twice adds nothing, bad rows are told.

Usage: import_e2e.py BUILD_DIR
"""
import datetime
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = 8_000
MAPPING = """mapping: deals
format: csv
policy: fire
emit:
  - type: deal.opened
    subject: deal/{Id}
    time: "{Opened}"
    data: { pipeline: sales, amount: "{Amount}", owner: "{Owner}" }
  - type: deal.won
    when: { Won: { filled: true } }
    subject: deal/{Id}
    time: "{Won}"
before:
  - type: pipeline.updated
    subject: pipeline/sales
    time: 2026-01-01T00:00:00Z
    data:
      stages:
        - { id: talk }
        - { id: won, category: won }
        - { id: lost, category: lost }
"""
RULE = """rule: %s
name: Thank the winner
owner: ops
trigger: deal.won
import: %s
steps:
  - create_task: { kind: call, title: thanks, due: 1d }
"""
WAIT_RULE = """rule: waits
name: Ask a day after opening, unless it is won
owner: ops
trigger: deal.opened
import: fire
exit: [{ event: deal.won }]
steps:
  - wait: 30d
  - create_task: { kind: call, title: still open, due: 1d }
"""
FAULTS = []


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


class Bed:
    def __init__(self, build, work):
        self.binary, self.work = build / "bin" / "dealwright", work
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.count = 0

    def start(self, *arguments):
        return subprocess.Popen([str(self.binary), *map(str, arguments)], cwd=self.work, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, code=0):
        process = self.start("--json", *arguments)
        out, err = process.communicate()
        if process.returncode != code:
            sys.exit(f"{' '.join(map(str, arguments))}: exit {process.returncode}, not {code}\n{out}{err}")
        return [json.loads(line) for line in (out + err).splitlines() if line]

    def log(self, *rules):
        """A new data directory on the clock of its events, with these rules."""
        self.count += 1
        data = self.work / f"data{self.count}"
        data.mkdir()
        (data / "dealwright.yaml").write_text("log: { segment: 64 KiB }\nimport: { append: 64 KiB }\n")
        self.run("init", "--data", data, "--clock", "event", "--partitions", "3")
        for number, text in enumerate(rules):
            path = self.work / f"r{number}.rule.yaml"
            path.write_text(text)
            self.run("rule", "publish", path, "--data", data)
        return data

    def dump(self, data):
        """All that came of a log, but who led when."""
        at = ("--data", data)
        # What is sent to another partition may come twice; a rule is published at some instant.
        facts = self.run("event", "tail", "-n", 10**6, *at)
        out = {"events": sorted({(e["subject"], e["type"], e["id"]) for e in facts if "deal/" in e["subject"]})}
        for view in ("board", "deals", "cycle", "tasks", "automation"):
            out[view] = self.run("view", "export", view, *at)
        for noun in ("timer", "effect", "enrolment"):
            out[noun] = self.run(noun, "list", "--limit", 0, *at)
        out["deal"] = self.run("record", "list", "deal", "--limit", 10**6, *at)
        return out


def write_rows(work):
    start = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    lines = ["Id,Opened,Won,Amount,Owner"]
    for i in range(ROWS):
        opened = start + datetime.timedelta(minutes=3 * i)
        won = (opened + datetime.timedelta(days=i % 60)).isoformat() if i % 3 == 0 else ""
        lines.append(f"d{i},{opened.isoformat()},{won},{1000 + i} EUR,u{i % 5}")
    (work / "deals.csv").write_text("\n".join(lines) + "\n")
    (work / "deals.mapping.yaml").write_text(MAPPING)


def import_into(bed, data, *more, code=0):
    return bed.run("import", "run", "deals.csv", "--mapping", "deals.mapping.yaml", "--data", data, *more, code=code)


def segments(data):
    """How far the logs have come, in files."""
    return sum(len(list((data / "log" / str(p)).glob("*.seg"))) for p in range(3))


def killed_anywhere(bed):
    rules = (RULE % ("thanks", "fire"), WAIT_RULE)
    whole = bed.log(*rules)
    first = import_into(bed, whole)[0]
    check("all rows", first["appended"] == first["already_there"] + first["appended"] and first["bad_rows"] == 0 and
          first["state"] == "closed", str(first))
    expected = bed.dump(whole)
    won = len(range(0, ROWS, 3))
    check("fires", len(expected["effect"]) > won, f"{len(expected['effect'])} effects")
    again = import_into(bed, whole)[0]
    check("twice", again["appended"] == 0 and again["already_there"] == first["appended"], str(again))
    check("twice changes nothing", bed.dump(whole) == expected)
    dice, killed, partly = random.Random(7), 0, 0
    for trial in range(4):
        data = bed.log(*rules)
        for _ in range(2):  # killed twice, then to the end
            enough = segments(data) + dice.randint(0, 8)
            process = bed.start("import", "run", "deals.csv", "--mapping", "deals.mapping.yaml", "--data", data)
            while process.poll() is None and segments(data) < enough:
                pass
            killed += 1 if process.poll() is None else 0
            process.kill()
            process.communicate()
            listed = bed.run("import", "list", "--data", data)
            partly += 1 if listed and listed[0]["state"] == "open" and listed[0]["events"] > 1 else 0
        last = import_into(bed, data)[0]
        check("resumed", last["state"] == "closed", str(last))
        got = bed.dump(data)
        for part in expected:
            check(f"trial {trial}: {part} after kills", got[part] == expected[part],
                  f"{len(got[part])} rows, {len(expected[part])} expected")
    check("kills in the middle of a batch", partly >= 3, f"{partly} of {killed}")
    print(f"import: {killed} kills, {partly} left a batch in its middle")


def policies(bed):
    """What rules do by policy of batch and rule: states of the ledger."""
    won = len(range(0, ROWS, 3))
    table = [("fire", "fire", {"delivered": won}), ("fire", "shadow", {"suppressed": won}),
             ("shadow", "fire", {"suppressed": won}), ("suppress", "fire", {}), ("fire", "suppress", {}),
             ("shadow", "suppress", {})]
    for batch, rule, expected in table:
        data = bed.log(RULE % ("thanks", rule))
        import_into(bed, data, "--policy", batch)
        states = {}
        for effect in bed.run("effect", "list", "--limit", 0, "--data", data):
            states[effect["state"]] = states.get(effect["state"], 0) + 1
            check("reason", effect["state"] != "suppressed" or effect["reason"] == "shadow", str(effect))
        check(f"batch {batch}, rule {rule}", states == expected, f"{states}, not {expected}")
        tasks = bed.run("record", "list", "task", "--limit", 10**6, "--data", data)
        check(f"tasks of batch {batch}, rule {rule}", len(tasks) == expected.get("delivered", 0), str(len(tasks)))
    # Exits see a suppressed import: a live enrolment of deal.opened ends by an imported deal.won.
    done = import_into(bed, data, "--policy", "fire", code=4)
    check("another policy", "was opened with policy shadow" in done[-1]["detail"], str(done))


def ledger(bed, data):
    out = []
    for effect in bed.run("effect", "list", "--limit", 0, "--data", data):
        out.append((datetime.datetime.fromisoformat(effect["requested"].replace("Z", "+00:00")), effect["rule"]))
    return sorted(out)


def most_in_an_hour(instants):
    best, first = 0, 0
    for last, at in enumerate(instants):
        while at - instants[first] >= datetime.timedelta(hours=1):
            first += 1
        best = max(best, last - first + 1)
    return best


def rates(bed):
    """10 an hour of the batch, 4 an hour of one rule: counted in every hour, from the ledger."""
    data = bed.log(RULE % ("free", "fire"), RULE % ("slow", "{ drip: 4/h }"))
    import_into(bed, data, "--policy", "drip", "--rate", "10")
    won = len(range(0, ROWS, 3))
    waiting = bed.run("enrolment", "list", "--limit", 0, "--data", data)
    check("entries wait for their turn", waiting and all(e["state"] == "waits to be released" for e in waiting))
    # Time runs by the facts: one far ahead, that all partitions get.
    path = bed.work / "ahead.ndjson"
    path.write_text(json.dumps({"specversion": "1.0", "source": "x", "id": "ahead", "type": "pipeline.updated",
                                "subject": "pipeline/other", "time": "2027-06-01T00:00:00Z",
                                "data": {"stages": [{"id": "a"}, {"id": "w", "category": "won"},
                                                    {"id": "l", "category": "lost"}]}}) + "\n")
    bed.run("--data", data, "event", "append", "--file", path)
    all_of_it = ledger(bed, data)
    slow = [at for at, rule in all_of_it if rule == "slow"]
    check("all were let in", len(all_of_it) == 2 * won and len(slow) == won, f"{len(all_of_it)} of {2 * won}")
    check("the batch's rate", 8 <= most_in_an_hour([at for at, _ in all_of_it]) <= 10,
          f"{most_in_an_hour([at for at, _ in all_of_it])} in an hour")
    check("the rule's rate", 2 <= most_in_an_hour(slow) <= 5, f"{most_in_an_hour(slow)} in an hour")


def bad_rows(bed):
    path = bed.work / "bad.csv"
    path.write_text("Id,Opened,Won,Amount,Owner\n"
                    "d1,2026-01-02T00:00:00Z,,10 EUR,u1\n"
                    "d2,never,,10 EUR,u1\n"
                    "d3,2026-01-03T00:00:00Z,,ten euros,u1\n")
    dry = bed.run("import", "run", path, "--mapping", "deals.mapping.yaml", "--dry-run", code=4)
    check("dry run shows the bad rows", [r.get("line") for r in dry] == [3, 4, None, None] and
          dry[0]["column"] == "Opened" and dry[2]["would_append"] > 0 and dry[2]["bad_rows"] == 2, str(dry))
    data = bed.log()
    done = bed.run("import", "run", path, "--mapping", "deals.mapping.yaml", "--data", data, "--bad",
                   bed.work / "bad.out.csv", code=4)
    check("bad rows", done[0]["bad_rows"] == 2 and done[0]["state"] == "closed", str(done))
    lines = (bed.work / "bad.out.csv").read_text().splitlines()
    check("the file of bad rows", len(lines) == 3 and lines[1].startswith("2,3,Opened,bad_time,") and
          lines[2].startswith("3,4,Amount,bad_money,"), str(lines))
    check("the sound row is in", bed.run("record", "show", "deal/d1", "--data", data)[0]["opened"])


def clock_refused(bed):
    data = bed.log()
    at = ("--data", data)
    path = bed.work / "later.ndjson"
    path.write_text(json.dumps({"specversion": "1.0", "source": "x", "id": "1", "type": "note.added",
                                "subject": "deal/later", "time": "2026-02-01T00:00:00Z", "data": {"text": "x"}}) + "\n")
    bed.run(*at, "event", "append", "--file", path)
    done = import_into(bed, data, "--clock", "event", code=4)
    check("--clock event behind the first event", "has passed the first event (2026-01-01T00:00:00" in
          done[-1]["detail"] and "2026-02-01T00:00:00" in done[-1]["detail"], str(done))
    check("nothing was appended", not bed.run("import", "list", *at))
    other = bed.work / "wall"
    bed.run("init", "--data", other)
    done = import_into(bed, other, "--clock", "event", code=4)
    check("--clock event on the wall clock", "runs on the wall clock" in done[-1]["detail"], str(done))


def another_file(bed):
    data = bed.log()
    import_into(bed, data)
    (bed.work / "more.csv").write_text((bed.work / "deals.csv").read_text() +
                                       "x1,2026-09-01T00:00:00Z,,1 EUR,u1\n")
    done = bed.run("import", "run", "more.csv", "--mapping", "deals.mapping.yaml", "--data", data, code=4)
    check("another file under the same batch", "another file" in done[-1]["detail"] and "--batch" in
          done[-1]["detail"], str(done))
    done = bed.run("import", "run", "more.csv", "--mapping", "deals.mapping.yaml", "--data", data, "--batch", "more")
    check("as its own batch", done[0]["appended"] > ROWS, str(done))


def paused_and_resumed(bed):
    rules = (RULE % ("thanks", "fire"), WAIT_RULE)
    whole = bed.log(*rules)
    import_into(bed, whole)
    data = bed.log(*rules)
    process = bed.start("import", "run", "deals.csv", "--mapping", "deals.mapping.yaml", "--data", data)
    while process.poll() is None and (data / "LOCK").read_text() != f"{process.pid}\n":
        pass
    bed.run("import", "pause", "deals", "--data", data)
    out, err = process.communicate()
    check("paused by another process", process.returncode == 0 and "state: paused" in out, out + err)
    bed.run("import", "resume", "deals", "--data", data)
    a, b = bed.dump(whole), bed.dump(data)
    for part in ("board", "deals", "cycle", "tasks", "automation", "timer", "effect", "enrolment", "deal"):
        check(f"{part} behind pause and resume", a[part] == b[part])
    done = bed.run("import", "resume", "deals", "--data", data, code=4)
    check("nothing left to resume", "whole" in done[0]["detail"], str(done))


def bounded(bed):
    """import.rows really bounds what is held: a file that needs more is refused before anything is in."""
    data = bed.log()
    done = import_into(bed, data, "--import-rows", "1 MiB", code=1)
    check("import.rows", "MiB to put in order of time" in done[-1]["detail"], str(done))
    check("nothing of it is in", not bed.run("import", "list", "--data", data))


def documented(bed):
    """The example and the commands of docs/mapping.md."""
    page = (ROOT / "docs/mapping.md").read_text()
    block = {kind: re.search(rf"```{kind}\n(.*?)```", page, re.S)[1] for kind in ("yaml", "csv", "text", "sh")}
    (bed.work / "page.mapping.yaml").write_text(block["yaml"])
    (bed.work / "page.csv").write_text(block["csv"])
    data = bed.log()
    done = bed.run("import", "run", "page.csv", "--mapping", "page.mapping.yaml", "--data", data, code=4)
    check("docs/mapping.md: bad rows", done[0]["bad_rows"] == 1, str(done))
    rows = [f"{e['id']} {e['time']} {e['type']} {e['subject']}" for e in bed.run("event", "tail", "-n", 99, "--data", data)
            if e["type"].startswith("deal.")]
    wanted = block["text"].replace("Z ", ".000Z ").splitlines() if ".000Z" in "".join(rows) else block["text"].splitlines()
    check("docs/mapping.md: events", sorted(rows) == sorted(wanted), str(rows))
    (bed.work / "docs").mkdir()
    shutil.copytree(ROOT / "docs/examples", bed.work / "docs/examples")
    wall = bed.work / "documented"
    bed.run("init", "--data", wall)
    outcomes = []
    for line in (line for line in block["sh"].splitlines() if " import run " in line):
        outcomes.append(bed.run(*line.split()[1:], "--data", wall))
    check("docs/mapping.md: twice", outcomes[1][0]["appended"] > 0 and outcomes[2][0]["appended"] == 0 and
          outcomes[0][0]["would_append"] == outcomes[1][0]["appended"], str(outcomes))
    for stem in ("leads", "opportunities"):
        check(f"docs/examples/{stem}", bed.run("import", "run", f"docs/examples/{stem}.csv", "--mapping",
                                               f"docs/examples/{stem}.mapping.yaml", "--dry-run")[0]["bad_rows"] == 0)


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(Path(build).resolve(), Path(folder).resolve())
        write_rows(bed.work)
        killed_anywhere(bed)
        policies(bed)
        rates(bed)
        bad_rows(bed)
        clock_refused(bed)
        another_file(bed)
        paused_and_resumed(bed)
        documented(bed)
        bounded(bed)
    for fault in FAULTS:
        print(fault)
    print(f"import: {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
