#!/usr/bin/env python3
"""Commands that ask a server print what they print when they read the data directory themselves; what changes
something there is done by the server; refusals and a server that is not there end with their exit codes.

Usage: remote_e2e.py BUILD_DIR
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS = []
READS = ["view list", "view show board", "view show deals", "view show cycle", "view export board",
         "view show tasks --group-by owner", "record list deal --limit 30", "record show DEAL",
         "record timeline DEAL", "rule list", "rule show offer-silence --version 1", "enrolment list --limit 0",
         "timer list --limit 0", "effect list --limit 300", "set-aside list", "event show 0:40", "event tail -n 7",
         "mail list --limit 20", "mail show"]


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


class Bed:
    def __init__(self, build, work):
        self.binary, self.work = Path(build).resolve() / "bin" / "dealwright", Path(work)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment["DEALWRIGHT_DATA"] = str(self.work / "data")

    def start(self, port="0"):
        self.process = subprocess.Popen([str(self.binary), "--json", "--http-port", port, "dev"], env=self.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.said = json.loads(self.process.stdout.readline())
        self.there = {**self.environment, "DEALWRIGHT_SERVER": self.said["url"],
                      "DEALWRIGHT_KEY": self.said.get("key") or self.there["DEALWRIGHT_KEY"]}

    def restart(self):
        self.stop()
        self.start(self.said["url"].rsplit(":", 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check("the server's end", self.process.wait() == 0)

    def run(self, line, environment, stdin=""):
        return subprocess.run([str(self.binary), *line.split(" ")], env=environment, input=stdin, capture_output=True,
                              text=True, cwd=ROOT)


def rows(text):
    """What was printed, without what two ways of looking may order differently."""
    return sorted(re.sub(r'"(-?\d+\.\d*?)0+"', r'"\1"', line) for line in text.splitlines())


def imports(bed):
    """A file sent to the server: tried, imported, there already; what is bad comes back."""
    table = bed.work / "rows.csv"
    lines = (ROOT / "docs/examples/leads.csv").read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1].replace("L-501", "L-900").replace("2026-02-02 08:15", "some day")]) + "\n")
    line = f"--json import run {table} --mapping docs/examples/leads.mapping.yaml"
    tried = bed.run(line + " --dry-run", bed.there)
    said = [json.loads(row) for row in tried.stdout.splitlines()]
    check("a dry run", tried.returncode == 4 and said[0]["code"] == "bad_time" and said[0]["line"] == len(lines) + 1 and
          said[1]["state"] == "checked", tried.stdout + tried.stderr)
    done = bed.run(line, bed.there)
    said = json.loads(done.stdout or "{}")
    check("import run", done.returncode == 4 and said.get("state") == "whole" and said.get("appended", 0) > 10,
          done.stdout + done.stderr)
    bad = bed.work / "rows.csv.bad.csv"
    bad = bad.read_text() if bad.exists() else "no file"
    check("the bad rows", f"{len(lines)},{len(lines) + 1},Created,bad_time" in bad, bad)
    again = json.loads(bed.run(line, bed.there).stdout)
    check("again", again["appended"] == 0 and again["already_there"] == said.get("appended"), str(again))
    listed = bed.run("--json import list", bed.there).stdout
    check("import list", listed.count("leads-2026-q1") == 3 and said["import"] in listed, listed)
    late = bed.run("import pause leads-2026-q1", bed.there)
    check("import pause of a whole one", late.returncode == 4 and "whole" in late.stderr, late.stderr)


def operators(bed):
    """An enrolment that leaves its rule, a timer that moves."""
    live = [json.loads(row) for row in bed.run("--json timer list --limit 2", bed.there).stdout.splitlines()]
    moved = bed.run(f"--json timer move {live[0]['enrolment']} --due 2099-01-01T00:00:00Z --reason later", bed.there)
    check("timer move", '"due":"2099-01-01' in moved.stdout, moved.stdout + moved.stderr)
    left = bed.run(f"--json enrolment exit {live[1]['enrolment']} --reason settled", bed.there)
    check("enrolment exit", '"ended":true' in left.stdout, left.stdout + left.stderr)
    gone = bed.run(f"enrolment exit {live[1]['enrolment']} --reason settled", bed.there)
    check("exit of one that has left", gone.returncode == 3, gone.stderr)
    mails = bed.run("--json template list", bed.there)
    check("template list", mails.returncode == 0, mails.stderr)


def follows(bed):
    """A tail that goes on: first what is there, then what comes, also behind a break of the connection."""
    process = subprocess.Popen([str(bed.binary), "--json", "event", "tail", "-n", "2", "--follow"], env=bed.there,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = []

    def append(name):
        done = bed.run(f"event append --type lead.captured --subject lead/{name} --data {{}} --id {name}", bed.there)
        check("an event to follow", done.returncode == 0, done.stderr)

    def read_to(name):
        for line in process.stdout:
            seen.append(json.loads(line)["id"])
            if seen[-1] == name:
                return
        check("the tail goes on", False, f"it ended: {process.stderr.read()}")

    append("t1")
    read_to("t1")
    append("t2")
    read_to("t2")
    bed.restart()
    append("t3")
    read_to("t3")
    own = [name for name in seen if name in ("t1", "t2", "t3")]
    check("each came once, also behind a restart of the server", own == ["t1", "t2", "t3"],
          seen)
    process.terminate()
    process.communicate()
    alone = bed.run("event tail --follow", bed.environment)
    check("there is nothing to follow without a server", alone.returncode == 2 and "--server" in alone.stderr, alone.stderr)


def main(build):
    with tempfile.TemporaryDirectory(prefix="dw-remote-") as work:
        bed = Bed(build, work)
        bed.start()
        key = bed.there["DEALWRIGHT_KEY"]
        event = bed.run("event append --type lead.captured --subject lead/r1 --data {\"company\":\"R\"} --id r1", bed.there)
        check("event append", event.returncode == 0 and "position" in event.stdout, event.stdout + event.stderr)
        lines = "".join(json.dumps({"specversion": "1.0", "source": "r", "id": f"f{i % 40}", "type": "lead.captured",
                                    "subject": f"lead/f{i}", "data": {}}) + "\n" for i in range(60)) + "{}\n"
        many = bed.run("--json event append --file -", bed.there, lines)
        said = json.loads(many.stdout or "{}")
        check("event append --file", many.returncode == 4 and said.get("appended") == 60 and said.get("malformed") == 1,
              many.stdout + many.stderr)
        publish = bed.run("rule publish deploy/rules/big-deal.rule.yaml", bed.there)
        check("rule publish", publish.returncode == 0, publish.stdout + publish.stderr)
        for verb, status in (("pause", "paused"), ("resume", "live")):
            done = bed.run(f"rule {verb} big-deal", bed.there)
            check(f"rule {verb}", done.returncode == 0 and status in done.stdout, done.stdout + done.stderr)
        made = bed.run("--json key create --name crm --role publisher", bed.there)
        check("key create", made.returncode == 0, made.stderr)
        crm = json.loads(made.stdout)
        refused = bed.run("view show board", {**bed.there, "DEALWRIGHT_KEY": crm["key"]})
        check("a key without the right", refused.returncode == 4, f"{refused.returncode} {refused.stderr}")
        check("key list", crm["id"] in bed.run("key list", bed.there).stdout)
        check("key revoke", bed.run(f"key revoke {crm['id']}", bed.there).returncode == 0)
        for line, code, hint in (("view show none", 3, "no view"), ("record show deal/none", 3, "no record"),
                                 ("effect list --state lost", 2, "unknown"), ("log verify", 4, "--server"),
                                 ("rule pause none", 3, "no rule"), ("set-aside drop 0:999999", 3, "set aside"),
                                 ("view show board --filter colour=red", 2, "colour")):
            done = bed.run(line, bed.there)
            check(line, done.returncode == code and hint in done.stderr, f"exit {done.returncode}: {done.stderr}")
        wrong = bed.run("view list", {**bed.there, "DEALWRIGHT_KEY": "dw_wrong"})
        check("a wrong key", wrong.returncode == 4 and "DEALWRIGHT_KEY" in wrong.stderr, wrong.stderr)
        check("the key is in no output", key not in wrong.stderr + wrong.stdout)
        imports(bed)
        operators(bed)
        deal = json.loads(bed.run("--json record list deal --limit 1", bed.there).stdout)["record"]
        follows(bed)
        schema = bed.run("schema show", bed.there)
        check("schema show", schema.returncode == 0 and "# revision 1 of 1" in schema.stdout, schema.stdout + schema.stderr)
        reads = [line.replace("DEAL", deal) for line in READS]
        seen = {line: bed.run("--json " + line, bed.there) for line in reads}
        bed.stop()
        nobody = bed.run("view list", bed.there)
        check("no server", nobody.returncode == 5 and "dealwright serve" in nobody.stderr, nobody.stderr)
        for line, there in seen.items():
            here = bed.run("--json " + line, bed.environment)
            check(line, there.returncode == 0 and here.returncode == 0, there.stderr + here.stderr)
            if line.startswith(("view list", "rule show", "event show", "rule list")):
                continue  # the API has more, or other names
            check(line, rows(there.stdout) == rows(here.stdout),
                  f"\nthere: {there.stdout[:600]}\nhere:  {here.stdout[:600]}")
    for fault in FAULTS:
        print(fault)
    print(f"remote: {len(READS)} commands read the same there and here, {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
