#!/usr/bin/env python3
"""What a server says while it is not sure or not there yet. Where the disk does not say that a write is durable, an event
is answered 503 outcome_unknown, never 2xx; behind a restart the same id counts once, and nothing that was answered 2xx is
missing. While events are folded, a view and the metrics tell how far they are behind, and 0 when they are not.

Usage: unsure_e2e.py BUILD_DIR
"""
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from commands import Commands

FAULTS = []
# Stands in front of the C library: while the file is there, no sync of a log segment succeeds.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int fails(int fd) {
  char link[64], path[4096];
  const char* file = getenv("FAIL_SYNC");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0 || file == NULL || access(file, F_OK) != 0) return 0;
  path[size] = 0;
  return strstr(path, ".seg") != NULL;
}
int fdatasync(int fd) {
  if (fails(fd)) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
int fsync(int fd) {
  if (fails(fd)) { errno = EIO; return -1; }
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
"""


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {str(shown)[:1500]}")


class Bed(Commands):
    def __init__(self, build, work):
        self.binary, self.work, self.key = str(build / "bin/dealwright"), work, None
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        self.environment |= {"DEALWRIGHT_DATA": str(work / "data"), "DEALWRIGHT_HTTP_PORT": "0",
                             "FAIL_SYNC": str(work / "fail-now")}
        self.must("init", "--partitions", "2")

    def serve(self, preload=""):
        self.process = subprocess.Popen([self.binary, "serve", "--json"], cwd=self.work, stdout=subprocess.PIPE, text=True,
                                        env={**self.environment, "LD_PRELOAD": preload}, stderr=open(self.work / "log", "a"))
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"FAILED serve does not start: {(self.work / 'log').read_text()}")
        said = json.loads(line)
        self.address, self.key = said["url"].removeprefix("http://"), said.get("key", self.key)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def ask(self, method, path, body=None, kind="application/cloudevents+json"):
        line = http.client.HTTPConnection(self.address, timeout=30)
        line.request(method, path, body, {"Authorization": f"Bearer {self.key}", "Content-Type": kind})
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer.status, text, dict(answer.getheaders())


def lead(n, note="x"):
    return {"specversion": "1.0", "id": f"lead-{n}", "source": "e2e", "type": "lead.captured", "subject": f"lead/l{n}",
            "data": {"company": f"Company {n}", "note": note}}


def unsure(bed, shim):
    """The same events before, while and after syncs fail."""
    trigger = bed.work / "fail-now"
    bed.serve(str(shim))
    taken = {n for n in range(20) if bed.ask("POST", "/v1/events", json.dumps(lead(n)))[0] == 202}
    check("all is well at first", len(taken) == 20, taken)
    trigger.touch()
    answers = [bed.ask("POST", "/v1/events", json.dumps(lead(n))) for n in range(20, 40)]
    codes = [json.loads(text).get("code") for _, text, _ in answers]
    check("no 2xx while no sync succeeds", all(status == 503 for status, _, _ in answers), [a[:2] for a in answers])
    check("the first of each partition is unsure", codes.count("outcome_unknown") >= 1, codes)
    check("the others meet a partition that stopped", set(codes) <= {"outcome_unknown", "damaged", "io"}, codes)
    check("who is refused hears when to come back", all("Retry-After" in head for _, _, head in answers), answers[0][2])
    ready = bed.ask("GET", "/health/ready")
    check("it is not ready, and says why", ready[0] == 503 and "faults" in ready[1] and json.loads(ready[1])["faults"], ready)
    trigger.unlink()
    bed.stop()
    bed.serve()
    # The same ids again, as the answer said: each counts once.
    positions = [bed.ask("POST", "/v1/events", json.dumps(lead(n))) for n in range(40)]
    check("behind a restart they are taken", all(status == 202 for status, _, _ in positions), positions[:3])
    furthest = dict(json.loads(text)["position"].split(":") for _, text, _ in positions)
    ends = ",".join(":".join(one) for one in furthest.items())
    listed = json.loads(bed.ask("GET", f"/v1/records/lead?limit=1000&wait_for={ends}&timeout=20000")[1])
    check("each of them is there once", len(listed) == 40, len(listed))
    accepted = sum(row["accepted"] for row in json.loads(bed.ask("GET", "/v1/partitions")[1]))
    check("and counted once", accepted == 40, accepted)
    bed.stop()


def behind(bed):
    """Batches come in while a view is asked for, until one answer was behind."""
    bed.serve()
    sent, late, metric = [0], [], []
    end = threading.Event()

    def load():
        while not end.is_set() and sent[0] < 400:
            batch = [lead(1000 + sent[0] * 500 + i) for i in range(500)]
            status, text, _ = bed.ask("POST", "/v1/events", json.dumps(batch), "application/cloudevents-batch+json")
            check("a batch is taken", status in (202, 429, 503), text)
            sent[0] += 1

    loads = [threading.Thread(target=load) for _ in range(4)]
    for one in loads:
        one.start()
    limit = time.monotonic() + 60
    while (not late or not metric) and time.monotonic() < limit:
        status, text, head = bed.ask("GET", "/v1/views/board")
        if status == 200 and int(head["Dealwright-Lag-Ms"]) > 0:
            late.append(int(head["Dealwright-Lag-Ms"]))
        status, text, _ = bed.ask("GET", "/metrics")
        if status == 200 and any(line.startswith("dealwright_lag_events{") and not line.endswith(" 0")
                                 for line in text.splitlines()):
            metric.append(text)
    end.set()
    for one in loads:
        one.join()
    check("some board told that it was behind", late, f"{sent[0]} batches")
    check("and so did the metrics", metric, f"{sent[0]} batches")
    last = json.loads(bed.ask("POST", "/v1/events", json.dumps(lead(999)))[1])["position"]
    limit, folded = time.monotonic() + 60, []
    while time.monotonic() < limit and not (folded and all(folded)):
        bed.ask("GET", f"/v1/views/board?wait_for={last}&timeout=20000")
        rows = json.loads(bed.ask("GET", "/v1/partitions")[1])
        folded = [row["leading"] and row["events"] == row["events_end"] for row in rows]
    check("all is folded in the end", all(folded), folded)
    lag = bed.ask("GET", "/v1/views/board")[2]["Dealwright-Lag-Ms"]
    check("a board that is not behind says so", lag == "0", lag)
    bed.stop()


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "shim.c").write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(work / "shim.so"), str(work / "shim.c"), "-ldl"],
                       check=True)
        for name, scene in (("unsure", lambda bed: unsure(bed, work / "shim.so")), ("behind", behind)):
            (work / name).mkdir()
            bed = Bed(Path(build).resolve(), work / name)
            try:
                scene(bed)
            finally:
                bed.process.kill()
                bed.process.wait()
    for fault in FAULTS:
        print(fault)
    print(f"unsure: outcome unknown, and behind, {len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
