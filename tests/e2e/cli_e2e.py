#!/usr/bin/env python3
"""The command line: each help's example runs as written on a prepared data directory, docs/cli.md lists
them all, and misuse ends with the right exit code and a hint.

Usage: cli_e2e.py BUILD_DIR   (UPDATE_GOLDEN=1 writes the commands into docs/cli.md anew)
"""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "<!-- commands: tests/e2e/cli_e2e.py writes what follows from the helps -->\n"
FAULTS = []
# On the prepared data these are refused, with why: the effect that the help names is a task, and nothing is unknown.
REFUSED = [("effect", "retry"), ("effect", "resolve"), ("effect", "cancel")]
SERVERS = [("serve",), ("dev",)]  # they run until they are told to stop


class Bed:
    """A working folder with the repository's deploy and docs, and a data directory that has something of all."""

    def __init__(self, build, work):
        self.binary = build / "bin" / "dealwright"
        self.work = work
        self.data = work / "prepared"
        (work / "deploy").symlink_to(ROOT / "deploy")
        shutil.copytree(ROOT / "docs", work / "docs")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment |= {"PATH": f"{build / 'bin'}:{os.environ['PATH']}", "DEALWRIGHT_DATA": str(self.data)}

    def run(self, *arguments, stdin="", **more):
        environment = {**self.environment, **more}
        return subprocess.run([str(self.binary), *arguments], cwd=self.work, env=environment, input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def must(self, *arguments, **more):
        done = self.run(*arguments, **more)
        if done.returncode != 0:
            sys.exit(f"preparing: {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def shell(self, line):
        return subprocess.run(["bash", "-c", line], cwd=self.work, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)

    def serving(self, line):
        """A server: told to stop once it has said where it listens."""
        environment = {**self.environment, "DEALWRIGHT_HTTP_PORT": "0"}
        process = subprocess.Popen(["bash", "-c", "exec " + line], cwd=self.work, env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = ""
        for shown in process.stdout:
            said += shown
            if "http://" in shown:
                break
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate()
        return subprocess.CompletedProcess(line, process.returncode, said + rest, errors)

    def holding(self, *arguments):
        """A process that has the data directory: it waits for its standard input."""
        process = subprocess.Popen([str(self.binary), *arguments], cwd=self.work, env=self.environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lock = self.data / "LOCK"
        while process.poll() is None and not (lock.exists() and lock.read_text() == f"{process.pid}\n"):
            pass
        return process


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


def event(type_, subject, data, **more):
    return json.dumps({"specversion": "1.0", "source": "prepared", "id": f"{type_}-{subject}", "type": type_,
                       "subject": subject, "data": data, **more})


def stages(*names):
    return [{"id": n} for n in names] + [{"id": "won", "category": "won"}, {"id": "lost", "category": "lost"}]


def prepare(bed):
    bed.data.mkdir()
    (bed.data / "dealwright.yaml").write_text("log: { segment: 64 KiB }\nstate: { memory: 32 MiB }\n")
    bed.must("init", "--partitions", "1")
    digest = "0a1b2c3d4e5f" + "0" * 52  # of no key: the help of `key revoke` names it
    (bed.data / "keys" / "api-keys.json").write_text(json.dumps({"format": 1, "keys": [
        {"created": "2026-01-01T00:00:00.000Z", "digest": digest, "id": "k_0a1b2c3d4e5f", "name": "crm",
         "roles": ["publisher"], "scopes": [], "workspace": "default"}]}))
    bed.must("event", "append", "--type", "pipeline.updated", "--subject", "pipeline/sales", "--data",
             json.dumps({"stages": stages("demo", "offer")}))
    bed.must("rule", "publish", "deploy/rules/offer-silence.rule.yaml", "deploy/rules/new-lead-call.rule.yaml")
    facts = [
        event("deal.opened", "deal/d9", {"pipeline": "partners", "amount": "100 EUR"}),  # 0:3, refused: unknown yet
        event("pipeline.updated", "pipeline/partners", {"stages": stages("talk")}),
        event("deal.opened", "deal/d1", {"pipeline": "sales", "amount": "2500 EUR", "owner": "u1"}),
        event("offer.sent", "offer/o1", {"deal": "d1", "total": "2500 EUR"}, partitionkey="deal/d1"),
        event("lead.captured", "lead/l1", {"company": "Acme", "owner": "u1"}),
    ]
    bed.must("event", "append", "--file", "-", stdin="\n".join(facts) + "\n")
    bed.must("schema", "publish", "deploy/schema/custom.schema.yaml")
    bed.must("template", "publish", "deploy/templates/base.liquid", "deploy/templates/offer-nudge.liquid")
    (bed.work / "broken-ops").mkdir()
    (bed.work / "broken-ops" / "endpoints.yaml").write_text("endpoints:\n  crm:\n    url: https://crm.example/hook\n")
    (bed.work / "broken-ops.yaml").write_text("ops: broken-ops\n")
    (bed.work / "private-ops").mkdir()
    (bed.work / "private-ops" / "secret").write_text("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n")
    (bed.work / "private-ops" / "endpoints.yaml").write_text(
        "endpoints:\n  crm:\n    url: https://10.0.0.1/hook\n    secret_file: private-ops/secret\n")
    (bed.data / "mail").mkdir()
    (bed.data / "mail" / f"20260302T090000.000Z-{'ab' * 32}.eml").write_text("Subject: Your offer\r\n\r\nHello\r\n")
    pause_an_import(bed)
    bed.must("backup", "create", "--to", "nightly")


def opportunities(path, count):
    head, first = (ROOT / "docs/examples/opportunities.csv").read_text().splitlines()[:2]
    rows = [first.replace("OP-1001", f"OP-{10_000 + i}") for i in range(count)]
    path.write_text("\n".join([head, *rows]) + "\n")


def pause_an_import(bed):
    """Stopped by another process in the middle: its batch stays open, paused."""
    path = bed.work / "many.csv"
    opportunities(path, 4000)
    process = bed.holding("import", "run", str(path), "--mapping", "docs/examples/opportunities.mapping.yaml")
    process.send_signal(signal.SIGSTOP)
    asked = bed.run("import", "pause", "opportunities-2026", "--json")
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate()
    check("import pause of a running import", "asked to pause" in asked.stdout, asked.stdout + asked.stderr)
    check("the running import pauses", process.returncode == 0 and "state: paused" in out, out + err)
    listed = json.loads(bed.must("import", "list", "--json"))
    check("import list", listed["state"] == "paused" and 0 < listed["events"] < 4000, str(listed))
    again = bed.run("import", "run", str(path), "--mapping", "docs/examples/opportunities.mapping.yaml")
    check("a paused import does not run", again.returncode == 4 and "import resume" in again.stderr, again.stderr)


def leaves(bed, path=()):
    """(path, help) of every command."""
    shown = bed.must(*path, "--help")
    below = re.search(r"^Subcommands:\n((?:  .*\n?)+)", shown, re.M)
    if not below:
        yield path, shown
        return
    for name in re.findall(r"^  (\S+)", below[1], re.M):
        yield from leaves(bed, (*path, name))


def run_examples(bed):
    docs = []
    kept = bed.work / "kept"
    shutil.copytree(bed.data, kept)
    for path, shown in leaves(bed):
        name = "dealwright " + " ".join(path)
        example = re.search(r"^Example:\n  (dealwright .*)$", shown, re.M)
        if not example:
            check(name, False, "its help has no example")
            continue
        check(name, example[1].startswith(name), f"the example is of another command: {example[1]}")
        for json_flag in ("", " --json"):
            shutil.rmtree(bed.data)
            shutil.rmtree(bed.work / "restored", ignore_errors=True)
            shutil.copytree(kept, bed.data)
            line = example[1].replace(" > ", json_flag + " > ") if " > " in example[1] else example[1] + json_flag
            done = bed.serving(line) if path in SERVERS else bed.shell(line)
            check(line, done.returncode == (4 if path in REFUSED else 0),
                  f"exit {done.returncode}: {done.stdout}{done.stderr}")
            if not json_flag:
                continue
            for output in [*done.stdout.splitlines(), *done.stderr.splitlines()]:
                try:
                    check(line, isinstance(json.loads(output), dict), f"no object: {output}")
                except ValueError:
                    check(line, False, f"no JSON: {output}")
        about = shown.splitlines()[0]
        docs.append(f"### {name}\n{about}.\n```\n{example[1]}\n```\n{options_of(shown)}")
    shutil.rmtree(bed.data)
    shutil.copytree(kept, bed.data)
    return docs


def options_of(shown):
    """The options of a help as lines of a list, without those that every command has."""
    found = []
    for block in re.findall(r"^(?:Positionals|Options):\n((?:  .*\n|\n(?=  ))+)", shown, re.M):
        joined = re.sub(r"\n {10,}", "  ", block)
        for line in joined.splitlines():
            parts = re.split(r"\s{2,}", line.strip(), maxsplit=1)
            if len(parts) < 2:
                parts = line.strip().rsplit(" ", 1) if "REQUIRED" not in line else [line.strip(), ""]
            if parts[0] and not parts[0].startswith("-h,"):
                found.append(f"- `{parts[0]}` {parts[1]}".rstrip().replace(" <", " \\<"))
    return "".join(line + "\n" for line in found)


def check_docs(docs):
    page = ROOT / "docs/cli.md"
    head, found, rest = page.read_text().partition(MARK)
    written = "\n".join(docs)
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(head + MARK + written)
    else:
        check("docs/cli.md", found and rest == written,
              "is not what the helps say; UPDATE_GOLDEN=1 python3 tests/e2e/cli_e2e.py BUILD_DIR")


MISUSE = [
    # arguments, exit, what the message says
    ("event append --tpye offer.sent", 2, "Did you mean '--type'?"),
    ("veiw list", 2, "Did you mean 'view'?"),
    ("view lst", 2, "Did you mean 'list'?"),
    ("view show", 2, "name is required"),
    ("record show", 2, "record is required"),
    ("view show bord", 3, "board"),
    ("view show board --filter stage", 2, "column=value"),
    ("view show board --filter nonsense=1", 2, "nonsense"),
    ("view show board --as-of yesterday", 2, "yesterday"),
    ("view rebuild bord", 3, "no view"),
    ("record show deal/none", 3, "deal/none"),
    ("record timeline deal/none", 3, "deal/none"),
    ("record list deel", 2, "Did you mean 'deal'?"),
    ("event show 0:99999", 3, "0:99999"),
    ("event show 7:0", 3, "partition 7"),
    ("event show here", 2, "partition:position"),
    ("event append --type lead.scored --subject lead/l1 --data {}", 4, "score"),
    ("event append --file - --type lead.scored", 2, "--file"),
    ("event append --type offer.sent --subject offer/o2 --data {", 2, "JSON"),
    ("event append --type deal.opened --subject deal/d7 --data {\"pipeline\":\"none\"}", 4, "unknown_pipeline"),
    ("event append", 2, "--type"),
    ("event append --file none.ndjson", 3, "none.ndjson"),
    ("rule show none", 3, "none"),
    ("rule show offer-silense", 3, "Did you mean 'offer-silence'?"),
    ("rule show offer-silence --version 9", 3, "version 9"),
    ("rule pause none", 3, "none"),
    ("rule check none.rule.yaml", 3, "none.rule.yaml"),
    ("rule check docs/examples/leads.mapping.yaml", 4, "have errors"),
    ("rule publish docs/examples/leads.mapping.yaml", 4, "nothing was published"),
    ("rule check deploy/rules/big-deal.rule.yaml", 4, "have errors"),
    ("rule check deploy/rules/big-deal.rule.yaml --schema none.yaml", 3, "none.yaml"),
    ("rule check deploy/rules/big-deal.rule.yaml --schema deploy/rules/big-deal.rule.yaml", 4, "has errors"),
    ("rule check deploy/rules/big-deal.rule.yaml --schema deploy/rules", 2, "holds 0 files"),
    ("hook check none.hook.yaml", 3, "none.hook.yaml"),
    ("hook check docs/examples/leads.mapping.yaml", 4, "error HK1005 key 'connector' is missing"),
    ("hook test docs/examples/hubspot.hook.yaml --payload docs/examples/leads.csv", 4, "400 bad_payload"),
    ("hook test docs/examples/hubspot.hook.yaml --payload none.json", 3, "none.json"),
    ("hook test docs/examples/hubspot.hook.yaml --payload docs/examples/hubspot.payload.json --verify", 3, "HUBSPOT_SECRET"),
    ("hook test docs/examples/hubspot.hook.yaml --payload docs/examples/hubspot.payload.json --header x", 2, "has no colon"),
    ("template check none.liquid", 3, "none.liquid"),
    ("template check docs/examples/leads.mapping.yaml", 2, "NAME.liquid"),
    ("template publish docs/examples/leads.mapping.yaml", 2, "NAME.liquid"),
    ("template show offer-nugde", 3, "Did you mean 'offer-nudge'?"),
    ("template retire none", 3, "none"),
    ("template preview offer-nudge --record offer/none", 3, "no record offer/none"),
    ("template preview offer-nudge --record nothing", 2, "deal/d1"),
    ("template preview win-back --record deal/d1", 3, "template win-back is not published"),
    ("schema check none.schema.yaml", 3, "none.schema.yaml"),
    ("schema check docs/examples/leads.mapping.yaml", 4, "has errors"),
    ("schema publish docs/examples/leads.mapping.yaml", 4, "nothing was published"),
    ("schema show --revision 7", 3, "revisions 1 to 1"),
    ("effect show 0000", 3, "0000"),
    ("effect show xyz", 2, "xyz"),
    ("effect list --state gone", 2, "gone"),
    ("enrolment show 0000", 3, "0000"),
    ("set-aside redrive 0:0", 3, "0:0"),
    ("set-aside drop 0:0", 3, "0:0"),
    ("set-aside redrive x", 2, "partition:position"),
    ("import run none.csv --mapping docs/examples/leads.mapping.yaml", 3, "none.csv"),
    ("import run docs/examples/leads.csv --mapping deploy/rules/big-deal.rule.yaml", 4, "error IM"),
    ("import run docs/examples/leads.csv --mapping docs/examples/leads.mapping.yaml --policy fier", 2, "fier"),
    ("import run docs/examples/leads.csv --mapping docs/examples/leads.mapping.yaml --policy drip", 4, "rate"),
    ("import run docs/examples/leads.csv --mapping docs/examples/leads.mapping.yaml --clock event", 4, "wall clock"),
    ("import pause opportunities-2025", 3, "Did you mean 'opportunities-2026'?"),
    ("import resume none", 3, "none"),
    ("log dump --partition 9", 3, "partition 9"),
    ("init --partitions 2", 4, "partitions"),
    ("init --partitions 0", 2, "partitions"),
    ("init --clock lunar", 2, "lunar"),
    ("config check none.yaml", 3, "none.yaml"),
    ("config check docs/examples/leads.mapping.yaml", 4, "unknown key 'mapping'"),
    ("config check broken-ops.yaml", 4, "endpoint 'crm' lacks url or secret_file"),
    ("config check --ops broken-ops", 4, "endpoint 'crm' lacks url or secret_file"),
    ("config check --ops private-ops", 4, "endpoint crm: 10.0.0.1 leads to 10.0.0.1, which is private"),
    ("config check --mail-send smtp --mail-from nobody", 4, "'nobody' is no address"),
    ("config check --mail-send smtp --mail-dkim-selector s", 4, "belong together"),
    ("config check --mail-send smtp --mail-password-file none", 4, "mail.password_file"),
    ("config print --state-memory 1", 2, "16 MiB to"),
    ("config print --state-memroy 1", 2, "Did you mean '--state-memory'?"),
    ("config print --log-segment lots", 2, "64 KiB to 1 GiB"),
    ("config print --config none.yaml", 3, "none.yaml"),
    ("view list --data nowhere record list deal", 2, ""),
    ("record list deal --data nowhere", 3, "dealwright init --data nowhere"),
    ("log verify --data nowhere", 3, "dealwright init --data nowhere"),
]


def check_misuse(bed):
    for line, code, says in MISUSE:
        for more in ([], ["--json"]):
            done = bed.run(*line.split(), *more)
            check(line, done.returncode == code, f"exit {done.returncode}, not {code}: {done.stderr}")
            check(line, says in done.stderr.replace('\\"', '"'), f"does not say '{says}': {done.stderr}")
            if more:
                try:
                    last = json.loads(done.stderr.strip().splitlines()[-1])
                    check(line, last["exit"] == code and last["code"] and last["detail"], str(last))
                except (ValueError, IndexError):
                    check(line, False, f"the error is no JSON: {done.stderr}")


def check_configuration(bed):
    def value(key, *arguments, **more):
        rows = [json.loads(r) for r in bed.must("config", "print", "--json", *arguments, **more).splitlines()]
        return next((r["value"], r["from"]) for r in rows if r["key"] == key)

    check("the data directory's file", value("log.segment") == ("64 KiB", f"{bed.data}/dealwright.yaml:1"))
    own = bed.work / "own.yaml"
    own.write_text("# mine\nstate:\n  memory: 64 MiB\n")
    at = ("--config", str(own))
    check("a file", value("state.memory", *at) == ("64 MiB", f"{own}:3"), value("state.memory", *at))
    check("a file by name", value("state.memory", DEALWRIGHT_CONFIG=str(own)) == ("64 MiB", f"{own}:3"))
    env = {"DEALWRIGHT_STATE_MEMORY": "128MiB"}
    check("the environment wins", value("state.memory", *at, **env) == ("128 MiB", "DEALWRIGHT_STATE_MEMORY"))
    check("a flag wins", value("state.memory", *at, "--state-memory", "1 GiB", **env) == ("1 GiB", "--state-memory"))
    check("a default", value("log.open_files") == ("64", "default"))
    done = bed.run("config", "print", DEALWRIGHT_STATE_MEMROY="1")
    check("unknown variable", done.returncode == 2 and "Did you mean 'DEALWRIGHT_STATE_MEMORY'?" in done.stderr,
          done.stderr)
    own.write_text("state:\n  memmory: 64 MiB\nlog:\n  segment: 3\n  partitions: [1]\n")
    done = bed.run("view", "list", *at)
    check("all faults of a file", done.returncode == 2 and "own.yaml:2:3 error DW1004" in done.stderr and
          "Did you mean 'state.memory'?" in done.stderr and "own.yaml:4:3 error DW1006" in done.stderr and
          "own.yaml:5:15 error DW1006" in done.stderr, done.stderr)
    check("what is in force is sound", bed.run("config", "check", "--ops", "ops-of-nobody").returncode == 0)
    done = bed.run("config", "check", "--json", DEALWRIGHT_STATE_MEMORY="128MiB")
    check("config check counts what is set", json.loads(done.stdout)["keys_set"] >= 3, done.stdout + done.stderr)
    # Segments really close at the size that is set.
    for size, least, most in (("64 KiB", 3, 99), ("64 MiB", 1, 1)):
        data = bed.work / "sized"
        bed.must("init", "--data", str(data), "--partitions", "1", "--log-segment", size)
        facts = "\n".join(event("note.added", f"deal/n{i}", {"text": "x" * 900}) for i in range(1000))
        bed.must("--data", str(data), "event", "append", "--file", "-", "--log-segment", size, stdin=facts)
        count = len(list((data / "log" / "0").glob("*.seg")))
        check(f"log.segment {size}", least <= count <= most, f"{count} segments")
        shutil.rmtree(data)
    # Decision records really cover as many events as is set, and no more.
    for most, least in ((1, 40), (1000, 1)):
        data = bed.work / "recorded"
        bed.must("init", "--data", str(data), "--partitions", "1", "--log-segment", "64 KiB")
        facts = "\n".join(event("note.added", f"deal/n{i}", {"text": "x"}) for i in range(40))
        at = ("--data", str(data), "--decide-events-per-record", str(most), "--json")
        before = json.loads(bed.must("partition", "list", *at))["decisions"]
        bed.must(*at, "event", "append", "--file", "-", stdin=facts)
        # One claim of the lead at each start.
        more = json.loads(bed.must("partition", "list", *at))["decisions"] - before - 2
        check(f"decide.events_per_record {most}", more >= least and (most == 1 or more < 40), f"{more} records")
        shutil.rmtree(data)


def check_custom_fields(bed):
    """From the file to the record: typed, beside, flagged; a second version; what it may not take back."""
    at = {"DEALWRIGHT_DATA": str(bed.work / "fields")}
    file = bed.work / "my.schema.yaml"
    rule = "deploy/rules/big-deal.rule.yaml"
    bed.must("init", "--partitions", "2", **at)
    none = bed.run("schema", "show", **at)
    check("no schema yet", none.returncode == 3 and "schema publish" in none.stderr, none.stderr)
    done = bed.run("rule", "publish", rule, **at)
    check("a rule about an undeclared field", done.returncode == 4 and "DW2001" in done.stdout and
          "deal.custom.tier" in done.stdout, done.stdout + done.stderr)
    file.write_text("custom:\n  deal:\n    tier: { type: enum, values: [small, large], required: true }\n    seats: int\n"
                    "purposes: { news: marketing }\n")
    check("publish", "revision: 1" in bed.must("schema", "publish", str(file), **at))
    check("publish again", "unchanged" in bed.must("schema", "publish", str(file), **at))
    bed.must("rule", "publish", rule, **at)
    check("rule check --schema", "sound" in bed.must("rule", "check", rule, "--schema", str(file)))
    check("rule test --schema", "1 passed" in bed.must("rule", "test", rule, "--schema", "deploy/schema"))
    facts = [
        event("pipeline.updated", "pipeline/sales", {"stages": stages("demo")}),
        event("deal.opened", "deal/d1", {"pipeline": "sales", "custom": {"tier": "small", "seats": "7", "x": [1]}}),
        event("deal.opened", "deal/d2", {"pipeline": "sales", "custom": {"tier": "huge"}}),
        event("deal.opened", "deal/d3", {"pipeline": "sales", "amount": "60000 EUR"}),
        event("deal.amount_changed", "deal/d3", {"amount": "70000 EUR"}),
        event("consent.granted", "contact/c1", {"purpose": "news", "channel": "email", "source": "web"}),
        event("consent.granted", "contact/c2", {"purpose": "nws", "channel": "email", "source": "web"}),
    ]
    done = bed.run("event", "append", "--file", "-", stdin="\n".join(facts) + "\n", **at)
    check("one is refused", done.returncode == 0 and "refused: 1" in done.stdout, done.stdout + done.stderr)

    def shown(record):
        return json.loads(bed.must("record", "show", record, "--json", **at))

    check("typed", shown("deal/d1")["custom"] == {"seats": 7, "tier": "small"}, str(shown("deal/d1")))
    check("beside", shown("deal/d1")["extra"] == {"x": [1]} and "flags" not in shown("deal/d1"), str(shown("deal/d1")))
    flags = shown("deal/d2")["flags"]
    check("flagged", flags == ['bad_custom_value tier: "huge" is no value of tier; write one of small, large'], str(flags))
    check("set by a rule", shown("deal/d3")["custom"] == {"tier": "large"}, str(shown("deal/d3")))
    timeline = [json.loads(row) for row in bed.must("record", "timeline", "deal/d2", "--json", **at).splitlines()]
    check("the mark of the fact", timeline[0]["mark"].startswith("bad_custom_value tier"), str(timeline[0]))
    aside = bed.must("set-aside", "list", **at)
    check("bad_purpose", aside.count("bad_purpose") == 1 and "contact/c2" in aside, aside)
    file.write_text("custom:\n  deal:\n    tier: { type: enum, values: [small] }\n    seats: text\n")
    done = bed.run("schema", "publish", str(file), **at)
    check("what is in force stands", done.returncode == 4 and done.stdout.count("DW9002") == 2, done.stdout + done.stderr)
    file.write_text("custom:\n  deal: { seats: int }\n")
    done = bed.run("schema", "publish", str(file), **at)
    check("a field left out", done.returncode == 0 and "warning DW2001" in done.stdout and "revision: 2" in done.stdout,
          done.stdout + done.stderr)
    bed.must("event", "append", "--type", "deal.updated", "--subject", "deal/d1", "--data",
             json.dumps({"set": {"custom": {"tier": "large", "seats": 8}}}), **at)
    check("after it", shown("deal/d1")["custom"] == {"seats": 8, "tier": "small"} and
          shown("deal/d1")["extra"]["tier"] == "large", str(shown("deal/d1")))
    first = json.loads(bed.must("schema", "show", "--revision", "1", "--json", **at))
    check("an older revision", "values: [small, large]" in first["text"] and first["revision"] == 1, str(first))
    check("replay agrees", bed.run("partition", "verify", **at).returncode == 0, bed.run("partition", "verify", **at).stdout)


def on_terminal(bed, stream, *arguments, **more):
    """What a command writes to `stream` if that is a terminal."""
    master, slave = pty.openpty()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: slave}
    process = subprocess.Popen([str(bed.binary), *arguments], cwd=bed.work, stdin=subprocess.DEVNULL, **pipes,
                               env={**bed.environment, "TERM": "xterm", **more})
    process.communicate()
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:  # the other end is closed: that was all
        pass
    os.close(master)
    return shown.decode()


def check_terminal(bed):
    dry = ("import", "run", "docs/examples/leads.csv", "--mapping", "docs/examples/leads.mapping.yaml", "--dry-run")
    check("a bar on a terminal", "[##" in on_terminal(bed, "stderr", *dry))
    check("no bar with --json", "[##" not in on_terminal(bed, "stderr", *dry, "--json"))
    check("no bar in a file", "[##" not in bed.run(*dry).stderr)
    check("headings stand out", "\x1b[1m" in on_terminal(bed, "stdout", "view", "list"))
    check("NO_COLOR", "\x1b" not in on_terminal(bed, "stdout", "view", "list", NO_COLOR="1"))
    check("no escapes in a file", "\x1b" not in bed.run("view", "list").stdout)


def check_hooks(bed):
    """What a hook makes is taken by an engine, and a request that comes again counts once."""
    data = ("--json", "--data", str(bed.work / "hooked"))
    bed.must(*data, "init", "--partitions", "2")
    names = ["qualified", "demo", "offer", "Negotiation"]
    bed.must(*data, "event", "append", "--type", "pipeline.updated", "--subject", "pipeline/sales", "--data",
             json.dumps({"stages": stages(*names)}))
    for name, kind, subject, field, value in [
            ("hubspot", "json", "deal/77", "stage", "demo"), ("shop", "json", "lead/v-7", "source", "shop"),
            ("salesforce-outbound", "xml", "deal/006000000000001AAA", "stage", "qualified")]:
        events = bed.must("--json", "hook", "test", f"docs/examples/{name}.hook.yaml", "--payload",
                          f"docs/examples/{name}.payload.{kind}")
        for duplicates in (0, events.count("\n")):
            done = json.loads(bed.must(*data, "event", "append", "--file", "-", stdin=events))
            check(f"hook {name}", done["duplicates"] == duplicates and done["set_aside"] == done["refused"] == 0,
                  str(done))
        record = bed.must(*data, "record", "show", subject)
        check(f"hook {name}: record", json.loads(record).get(field) == value, record)


def check_locked(bed):
    process = bed.holding("event", "append", "--file", "-")
    done = bed.run("record", "list", "deal")
    process.communicate("")
    check("locked data directory", done.returncode == 4 and f"process {process.pid}" in done.stderr, done.stderr)


def check_damage(bed):
    data = bed.work / "torn"
    bed.must("init", "--data", str(data), "--partitions", "2", "--log-segment", "64 KiB")
    facts = "\n".join(event("note.added", f"deal/n{i}", {"text": "x" * 200}) for i in range(200))
    bed.must("--data", str(data), "event", "append", "--file", "-", "--log-segment", "64 KiB", stdin=facts)
    segment = sorted((data / "log" / "0").glob("*.seg"))[0]
    body = bytearray(segment.read_bytes())
    body[6000] ^= 1
    segment.write_bytes(body)
    for line in ("log verify", "partition list", "partition verify", "record list deal"):
        done = bed.run(*line.split(), "--data", str(data))
        check(f"{line} on a damaged log", done.returncode == 6 and "log/0/" in done.stdout + done.stderr,
              f"exit {done.returncode}: {done.stdout}{done.stderr}")
    rows = [json.loads(r) for r in bed.run("partition", "list", "--json", "--data", str(data)).stdout.splitlines()]
    served = [json.loads(r) for r in bed.run("record", "list", "deal", "--json", "--limit", "500", "--data",
                                             str(data)).stdout.splitlines()]
    check("the other partition is read", 50 < len(served) < 150, f"{len(served)} records")
    verdicts = [json.loads(done.stdout).get("verdict") if done.stdout else "" for done in
                (bed.run("--json", "--data", str(data), "event", "append", "--type", "note.added", "--subject",
                         f"deal/m{i}", "--data", '{"text":"x"}') for i in range(8))]
    check("the other partition takes facts", "accepted" in verdicts and "" in verdicts, str(verdicts))
    check("the other partition goes on", len(rows) == 2 and not rows[1]["stopped"] and rows[0]["stopped"], str(rows))


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(Path(build).resolve(), Path(folder).resolve())
        prepare(bed)
        docs = run_examples(bed)
        check_docs(docs)
        check_misuse(bed)
        check_configuration(bed)
        check_custom_fields(bed)
        check_terminal(bed)
        check_hooks(bed)
        check_locked(bed)
        check_damage(bed)
    for fault in FAULTS:
        print(fault)
    print(f"cli: {len(docs)} examples, {len(MISUSE)} misuses, {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
