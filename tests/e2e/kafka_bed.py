"""What the tests on Kafka share: a list of checks, the brokers of deploy/kafka, engines on one log, and a receiver of their
webhooks."""
import base64
import http.client
import http.server
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
CLOUDEVENT = "application/cloudevents+json"
FAULTS = []
CHECKED = []


def check(name, good, shown=""):
    CHECKED.append(name)
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:2000]}")
    return bool(good)


def until(what, holds, patience=PATIENCE):
    """Waits for a condition; what it came to."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"FAILED {what}: not within {patience} s")


def soon(holds, patience=30, pause=0.02):
    """What a condition came to within that time, else what it was last: for a check that is then false."""
    end = time.monotonic() + patience
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(pause)
    return found


class Unavailable(Exception):
    """What is wanted cannot be had here."""


def run_checks(title, body):
    """Runs a test's checks; its exit code, 77 where a program is missing."""
    missing = [program for program in ("java", "kcat") if shutil.which(program) is None]
    if missing:
        print(f"{' and '.join(missing)} not here: deploy/setup --ci installs what Kafka's brokers want")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # so that what was started is ended
    try:
        body()
    except Unavailable as why:
        print(why)
        return 77
    except NoStart as why:
        check("an engine starts", False, f"exit {why.code}: {why.said}")
    finally:
        for fault in FAULTS:
            print("FAILED", fault)
    print(f"{title}: {len(CHECKED) - len(FAULTS)} of {len(CHECKED)} checks")
    return 1 if FAULTS else 0


def run_parts(parts, names):
    """Each part is a function and its arguments. One that breaks off is a fault, and the next one is tried."""
    for name in names:
        begun = time.monotonic()
        body, *arguments = parts[name]
        try:
            body(*arguments)
        except (OSError, http.client.HTTPException, NoStart, SystemExit) as why:
            where = [f"{at.name}:{at.lineno}" for at in traceback.extract_tb(why.__traceback__) if "_e2e" in at.filename or "_bed" in at.filename]
            check(f"{name} goes through to its end", False, f"{why!r} at {' '.join(where)}")
        print(f"-- {name}: {time.monotonic() - begun:.1f} s", flush=True)


class Cluster:
    def __init__(self, folder, *arguments):
        self.folder = folder
        done = self.do("start", "--port", "0", *arguments)
        if done.returncode == 77:
            raise Unavailable(done.stdout.strip())
        if done.returncode != 0:
            self.end()
            sys.exit(f"FAILED start: {done.stdout}{done.stderr}")
        self.servers = dict(line.split(" ", 1) for line in done.stdout.splitlines())

    def do(self, script, *arguments):
        return subprocess.run([ROOT / "deploy/kafka" / script, "--dir", self.folder, *arguments], capture_output=True, text=True)

    def tool(self, *arguments):
        done = self.do("tool", *arguments)
        if done.returncode != 0:
            sys.exit(f"FAILED {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def kcat(self, listener, settings, *arguments, stdin=""):
        flags = [flag for setting in settings for flag in ("-X", setting)]
        return subprocess.run(["kcat", "-b", self.servers[listener], *flags, *arguments], input=stdin, capture_output=True,
                              text=True, timeout=PATIENCE)

    def publish(self, text, listener="PLAINTEXT", settings=(), topic="t"):
        return self.kcat(listener, [*settings, "acks=all"], "-P", "-t", topic, "-p", "0", stdin=text)

    def read(self, listener="PLAINTEXT", settings=()):
        return self.kcat(listener, settings, "-C", "-q", "-e", "-o", "beginning", "-t", "t", "-p", "0").stdout.split()

    def send(self, topic, value, key=None, headers=(), partition=None, partitioner=None):
        """One message, as a program of others writes it."""
        flags = [flag for name, text in dict(headers).items() for flag in ("-H", f"{name}={text}")]
        flags += [] if key is None else ["-k", key]
        flags += [] if partition is None else ["-p", str(partition)]
        settings = [] if partitioner is None else [f"topic.partitioner={partitioner}"]
        done = self.kcat("PLAINTEXT", [*settings, "acks=all"], "-P", "-t", topic, *flags, stdin=value)
        if done.returncode != 0:
            sys.exit(f"FAILED kcat -P: {done.stderr}")

    def records(self, topic):
        """All messages of a topic: partition, offset, time in ms, key, headers; in the order of each partition."""
        said = self.kcat("PLAINTEXT", [], "-C", "-q", "-e", "-o", "beginning", "-t", topic, "-f", "%p\t%o\t%T\t%k\t%h\x1e").stdout
        rows = [line.split("\t") for line in said.split("\x1e") if line]
        return [{"partition": int(row[0]), "offset": int(row[1]), "at": int(row[2]), "key": row[3],
                 "headers": dict(one.split("=", 1) for one in row[4].split(",") if "=" in one)} for row in rows]

    def counts(self, topic):
        out = {}
        for record in self.records(topic):
            out[record["partition"]] = out.get(record["partition"], 0) + 1
        return out

    def signal(self, number, node=1):
        """To a broker; its pid file is of a process that was started here."""
        pid = int((self.folder / f"node-{node}/pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if f"{self.folder}/node-{node}/server.properties" in command:
            os.kill(pid, number)

    def end(self):
        if (self.folder / "cluster").exists():
            self.do("stop", "--kill")


class NoStart(Exception):
    """An engine that did not start: its exit code, and what it said."""

    def __init__(self, code, said):
        super().__init__(said)
        self.code, self.said = code, said


class Engine:
    """A process of ours on a log on Kafka, with a data directory of its own. `kafka`, `more`: settings."""

    def __init__(self, build, work, name, brokers, kafka=None, more=None, environment=None):
        self.binary, self.work, self.name = str(build / "bin/dealwright"), work, name
        self.data, self.log, self.config = work / name, work / f"{name}.log", work / f"{name}.yaml"
        key = work / "cluster.key"
        if not key.exists():
            key.write_bytes(os.urandom(32))
        self.kafka = {"brokers": brokers, "prefix": "p", "replication": 1, **(kafka or {})}
        self.more = more or {}
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")} | (environment or {})
        self.process = self.key = self.address = None
        self.configure()

    def configure(self, **kafka):
        """Settings of another start."""
        self.kafka |= kafka
        text = f"data: {self.data}\ncluster_key_file: {self.work / 'cluster.key'}\n"
        for name, value in {"log": {"kind": "kafka"}, "kafka": self.kafka, "http": {"port": 0}, **self.more}.items():
            text += f"{name}: {json.dumps(value)}\n"
        self.config.write_text(text)

    def start(self, patience=40):
        """Listens; NoStart if it does not."""
        self.process = subprocess.Popen([self.binary, "serve", "--json", "--config", str(self.config)], cwd=self.work,
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=open(self.log, "a"), text=True)
        begun = self.log.stat().st_size
        there, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline() if there else ""
        if not line:
            ended = there and self.process.wait(timeout=30)
            self.kill()
            raise NoStart(ended, self.log.read_text()[begun:] or self.log.read_text())
        said = json.loads(line)
        self.address = said["url"].removeprefix("http://")
        self.key = said.get("key", self.key)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL; one that is stopped too."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Told to end; the exit code, None if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def restart(self):
        self.stop()
        return self.start().lead()

    def open(self, method, path, body=None, timeout=15, **fields):
        """A connection on which this was asked."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        connection.request(method, path, body, {"Authorization": f"Bearer {self.key}", **fields})
        return connection

    def ask(self, method, path, body=None, timeout=15, **fields):
        """(status, what it answered); OSError, HTTPException if it does not."""
        connection = self.open(method, path, body, timeout, **fields)
        try:
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def get(self, path):
        """200, at once or soon: what a start or another leader has not come to yet is asked again."""
        status, said = 0, None
        for _ in range(100):
            status, said = self.ask("GET", path)
            if status != 503:
                break
            time.sleep(0.1)
        if status != 200:
            sys.exit(f"FAILED {self.name}: GET {path}: {status} {said}\n{self.log.read_text()[-3000:]}")
        return said

    def partitions(self):
        return self.get("/v1/partitions")

    def leads(self):
        return [row["partition"] for row in self.partitions() if row["leading"]]

    def lead(self, count=4):
        """Waits until it leads so many partitions."""
        until(f"{self.name} leads {count}", lambda: len(self.leads()) == count)
        return self

    def post(self, event, timeout=15):
        event = {"specversion": "1.0", "source": "test", **event}
        return self.ask("POST", "/v1/events", json.dumps(event), timeout, **{"Content-Type": CLOUDEVENT})

    def append(self, event):
        """Where it is."""
        status, said = self.post(event)
        if status != 202:
            sys.exit(f"FAILED {self.name}: {event}: {status} {said}")
        return said["position"]

    def settled(self):
        """Waits until all that stands in the log is folded here; the partitions then."""
        def holds():
            rows = self.partitions()
            return rows if all(row["events"] == row["events_end"] and row["state"] == "running" for row in rows) else None
        return until(f"{self.name} has folded all", holds, 30)

    def answers(self, kinds=("lead", "deal")):
        """What it says to whoever asks: records, views, events that were set aside, the ledger."""
        out = {}
        paths = [f"/v1/records/{kind}?limit=1000" for kind in kinds]
        paths += [f"/v1/views/{view['view']}?limit=1000" for view in self.get("/v1/views")]
        for path in [*paths, "/v1/set-aside?limit=1000", "/v1/effects?limit=1000", "/v1/enrolments?limit=1000", "/v1/rules"]:
            out[path] = self.get(path)
        return out


def differences(one, other):
    """Of two answers(): the first row in which each path differs."""
    out = []
    for path in one:
        if one[path] == other[path]:
            continue
        rows = [json.loads(text) if isinstance(text, str) else text for text in (one[path], other[path])]
        if not all(isinstance(part, list) for part in rows) or len(rows[0]) != len(rows[1]):
            out.append((path, [len(part) if isinstance(part, list) else part for part in rows]))
        else:
            out.append((path, next((a, b) for a, b in zip(*rows) if a != b)))
    return out


RULE = """rule: tell-crm
name: Tell the CRM of a new deal
owner: ops
trigger: deal.opened
steps:
  - send_webhook: { endpoint: crm, data: { deal: = deal.id } }
"""
PIPELINE = {"id": "pipeline", "type": "pipeline.updated", "subject": "pipeline/sales",
            "data": {"stages": [{"id": "demo"}, {"id": "won", "category": "won"}, {"id": "lost", "category": "lost"}]}}


class Receiver:
    """Takes webhooks; each answer takes `takes` seconds. `got`: (when it came, webhook-id, deal), by Unix time."""

    def __init__(self, takes=0.0):
        outer = self
        self.got, self.lock = [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                data = body.get("data", body)
                with outer.lock:
                    outer.got.append((time.time(), self.headers["webhook-id"], data.get("deal")))
                time.sleep(takes)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):  # who called is gone
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def settings(self, work):
        """Of an engine that sends to it."""
        (work / "ops").mkdir(exist_ok=True)
        (work / "secret").write_text("whsec_" + base64.b64encode(bytes(range(32))).decode() + "\n")
        (work / "ops/endpoints.yaml").write_text(f"endpoints:\n  crm:\n    url: {self.url}\n    secret_file: {work / 'secret'}\n")
        return {"ops": str(work / "ops"), "webhook": {"loopback": True}}

    def stop(self):
        self.server.shutdown()


def publish_rule(engine):
    """A pipeline, and a rule that sends a webhook for each deal."""
    engine.append(PIPELINE)
    for method, path in (("PUT", "/v1/rules/tell-crm"), ("POST", "/v1/rules/tell-crm/publish")):
        status, said = engine.ask(method, path, RULE if method == "PUT" else None, **{"Content-Type": "application/yaml"})
        if status not in (200, 201):
            sys.exit(f"FAILED {method} {path}: {status} {said}")


class Load(threading.Thread):
    """Posts events one by one, made by `event(number)`, until it is told to stop or the server is gone. `taken`: those that
    were answered 202, with the position; `sent`: all."""

    def __init__(self, engine, event, pause=0.0):
        super().__init__(daemon=True)
        self.engine, self.event, self.pause = engine, event, pause
        self.sent, self.taken, self.other, self.ending = [], [], [], threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(self.pause):
            event = self.event(len(self.sent))
            self.sent.append((time.time(), event))
            try:
                status, said = self.engine.post(event)
            except (OSError, http.client.HTTPException):
                return
            if status == 202:
                self.taken.append((event, said["position"]))
            else:
                self.other.append((event, status, said))

    def stop(self):
        self.ending.set()
        self.join(timeout=60)
        return self.taken
