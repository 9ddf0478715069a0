"""What the tests of mails share: a real mail server, and a server of ours that sends to it."""
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from commands import Commands

ROOT = Path(__file__).resolve().parents[2]
FAULTS = []


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:2000]}")


def fail(what):
    """Ends the test: there is nothing to go on with."""
    sys.exit("\n".join(f"FAILED {one}" for one in [*FAULTS, what]))


def told(line):
    """Prints the faults and a line that sums up; the exit code."""
    for fault in FAULTS:
        print("FAILED", fault)
    print(f"{line}; {len(FAULTS)} faults")
    return 1 if FAULTS else 0


def npm_modules():
    """The folder of the mail server's packages; without it the test is skipped by name."""
    print("outside: smtp-server with mailparser", flush=True)
    found = subprocess.run([str(ROOT / "deploy/npm-tools")], capture_output=True, text=True)
    if found.returncode != 0:
        print(found.stdout.strip())
        sys.exit(found.returncode)
    return found.stdout.strip()


def until(what, holds, shown=lambda: ""):
    """What `holds` gives as soon as that is true."""
    end = time.monotonic() + 30
    while not (found := holds()):
        if time.monotonic() > end:
            fail(f"{what}: not within 30 s {shown()}")
        time.sleep(0.02)
    return found


class Sink:
    """npm smtp-server; its book says who wrote to whom. `options`: see tests/npm/smtp_sink.js."""

    def __init__(self, modules, **options):
        self.process = subprocess.Popen(["node", str(ROOT / "tests/npm/smtp_sink.js"), json.dumps(options)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "DW_NODE_MODULES": modules})
        self.port = json.loads(self.process.stdout.readline())["port"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def book(self):
        return self.ask("book")

    def mails(self):
        return self.book()["mails"]


class MailBed(Commands):
    """A data directory and a server on it, by settings such as {"mail.port": 25}; they go to the sink in clear, if no
    other are given."""

    def __init__(self, build, work, sink, settings, partitions=1):
        self.binary, self.work, self.sink = str(build / "bin/dealwright"), work, sink
        self.process, self.key, self.said = None, "", 0
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        settings = {"data": work / "data", "http.port": 0, "mail.send": "smtp", "mail.server": "127.0.0.1",
                    "mail.port": sink.port, "mail.security": "loopback", **settings}
        for key, value in settings.items():
            self.environment[f"DEALWRIGHT_{key.replace('.', '_').upper()}"] = str(value)
        work.mkdir(exist_ok=True)
        self.must("init", "--partitions", str(partitions))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def publish(self, name, template, rule):
        (self.work / f"{name}.liquid").write_text(template)
        (self.work / f"{name}.rule.yaml").write_text(rule)
        self.must("template", "publish", str(self.work / f"{name}.liquid"))
        self.must("rule", "publish", str(self.work / f"{name}.rule.yaml"))

    def serve(self):
        with open(self.work / "log", "a") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--json"], cwd=self.work, env=self.environment,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line:
            fail(f"serve does not start: {(self.work / 'log').read_text()}")
        said = json.loads(line)
        self.url, self.key = said["url"], said.get("key", self.key)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check("the server ends in order", self.process.wait() == 0)
        self.process.stdout.close()

    def ask(self, path, body=None, type_="application/cloudevents-batch+json"):
        request = urllib.request.Request(self.url + path, data=body and json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {self.key}", "Content-Type": type_})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def say(self, type_, subject, data):
        self.said += 1
        return self.ask("/v1/events", [{"specversion": "1.0", "source": "e2e", "id": str(self.said), "type": type_,
                                        "subject": subject, "data": data}])["position"]

    def effects(self):
        """The ledger, as an operator asks for it."""
        listed = self.must("--json", "effect", "list", DEALWRIGHT_SERVER=self.url, DEALWRIGHT_KEY=self.key)
        return [json.loads(line) for line in listed.splitlines()]
