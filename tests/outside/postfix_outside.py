#!/usr/bin/env python3
"""Postfix, set up by the words of docs/mail.md: a mail of ours goes out through it, the bounce that it makes itself comes
back by its pipe; who writes to an address of no mail of ours is told so; while no server runs the mail waits in its queue.

It runs in namespaces of its own (network, mounts), with a configuration and a queue of its own, so it wants root and an
installed Postfix: else it is skipped.

Usage: postfix_outside.py BUILD_DIR
"""
import os
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bed import ROOT, Checks, Service, build_of, run, until

RULE = """rule: no-show
name: A missed meeting
owner: ops
trigger: meeting.no_show
entry: each_time
steps:
  - send_email: { template: rebook, to: contact, purpose: service }
"""
TEMPLATE = "---\nsubject: We missed you\n---\n<p>Hello</p>\n"
# The world outside: whoever is at example.org is not there.
NOBODY = "nobody-there unix - n n - - pipe\n  user=nobody argv={folder}/no-user\n"


def tool(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def blocks():
    """What docs/mail.md says: master.cf, main.cf, recipients."""
    text = (ROOT / "docs/mail.md").read_text(encoding="utf-8").partition("### Postfix\n")[2].partition("\n### ")[0]
    found = re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)
    if len(found) != 3:
        sys.exit(f"docs/mail.md has {len(found)} blocks below Postfix, not 3")
    return found


class Postfix:
    def __init__(self, folder, binary, key):
        self.folder = folder
        master, main, recipients = blocks()
        shutil.copy(binary, folder / "dealwright")  # where the pipe's user may read it
        (folder / "mta.key").write_text(key)
        (folder / "no-user").write_text("#!/bin/sh\ncat >/dev/null\nexit 67\n")
        for name in ("dealwright", "no-user"):
            (folder / name).chmod(0o755)
        shutil.chown(folder / "mta.key", "nobody")
        (folder / "mta.key").chmod(0o400)
        self.conf = folder / "conf"
        self.conf.mkdir()
        given = next(p for p in ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf") if Path(p).exists())
        services = re.sub(r"^([^#\s]\S*\s+\S+\s+\S+\s+\S+\s+)\S+", r"\1n", Path(given).read_text(), flags=re.M)  # no chroot
        master = (master.replace("dealwright-mta", "nobody").replace("/usr/local/bin/dealwright", f"{folder}/dealwright")
                  .replace("/etc/dealwright/mta.key", f"{folder}/mta.key"))
        (self.conf / "master.cf").write_text(services + NOBODY.format(folder=folder) + master)
        main = main.replace("/etc/postfix/", f"{self.conf}/").replace("=dealwright:", "=dealwright:, example.org=nobody-there:")
        (self.conf / "main.cf").write_text(
            main + f"queue_directory = {folder}/spool\ndata_directory = {folder}/data\nmaillog_file = /dev/stdout\n"
            "myhostname = mail.example.com\nmydestination = localhost\nmynetworks = 127.0.0.0/8\n"
            "inet_interfaces = loopback-only\ninet_protocols = ipv4\ncompatibility_level = 3.6\nalias_maps =\n")
        (self.conf / "dealwright_recipients").write_text(recipients)
        for name in ("spool", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        self.command = [tool("postfix"), "-c", self.conf]
        checked = run([*self.command, "check"])
        if checked[0] != 0:
            sys.exit(f"postfix check: {checked[1]}")
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([*map(str, self.command), "start-fg"], stdout=self.log, stderr=self.log)

    def connect(self):
        for _ in range(300):
            try:
                return smtplib.SMTP("127.0.0.1", 25, timeout=30)
            except OSError:
                time.sleep(0.1)
        sys.exit(f"Postfix does not listen: {self.said()}")

    def said(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def queue(self):
        return run([tool("postqueue"), "-c", self.conf, "-p"])[1]

    def flush(self):
        run([tool("postqueue"), "-c", self.conf, "-f"])

    def stop(self):
        run([*self.command, "stop"])
        self.process.wait()
        self.log.close()


def prepare(service):
    service.ask("PUT", "/v1/rules/no-show", RULE, {"Content-Type": "application/yaml"})
    service.append("template", "template/rebook", "template.published", data={"text": TEMPLATE, "version": 1})
    status, _, said = service.ask("POST", "/v1/rules/no-show/publish")
    if status != 200:
        sys.exit(f"the rule is not published: {said.decode()}")
    _, _, made = service.ask("POST", "/v1/keys", '{"name":"mta","roles":["publisher"],"scopes":["hooks"]}',
                             {"Content-Type": "application/json"})
    return re.search(r'"key":"(dw_[^"]+)"', made.decode())[1]


def look(service, postfix, checks):
    postfix.connect().quit()
    service.append("c1", "contact/c1", "contact.updated", data={"set": {"emails": ["ada@example.org"]}})
    service.append("m1", "contact/c1", "meeting.no_show", data={"meeting": "m1", "kind": "demo"})
    bounced = until(lambda: service.events("email.bounced"))
    checks.check("its own bounce of a mail of ours comes back by its pipe", bool(bounced), postfix.said())
    data = bounced[0]["event"]["data"] if bounced else {}
    checks.check("the bounce is hard, with its status", data.get("hard") is True and data.get("status") == "5.1.1", data)
    checks.check("the pipe's user said who hands in", bounced and bounced[0]["event"]["source"] == "mail/postfix", bounced)
    record = until(lambda: [r for r in [service.get("/v1/records/contact/c1")[0]] if "hard_bounce" in str(r)])
    checks.check("the person gets no more mail", bool(record))
    with postfix.connect() as line:
        line.ehlo()
        path = re.search(r"from=<(b\+[^>]+)>", postfix.said())[1]
        forged = path[:35] + ("a" if path[35] != "a" else "b") + path[36:]
        said = []
        for to in ("x@bounce.example.com", "replies@bounce.example.com", forged):
            line.mail("a@example.net")
            said.append(line.rcpt(to)[0])
            line.rset()
        checks.must_fail("an address of no mail of ours", said[0] == 550, said)
        checks.check("answers and forged return paths get as far as the pipe", said[1:] == [250, 250], said)
        line.sendmail("a@example.net", [forged], "From: MAILER-DAEMON@example.net\r\nSubject: no\r\n\r\nno such user\r\n")
    checks.check("a forged bounce is taken, and named as ignored", bool(until(lambda: "wrong_mac" in postfix.said())),
                 postfix.said())
    checks.check("nothing came of it", len(service.events("email.bounced")) == 1)


def look_without_server(service, postfix, checks):
    service.stop()
    with postfix.connect() as line:
        line.sendmail("a@example.net", ["replies@bounce.example.com"], "From: a@example.net\r\nSubject: later\r\n\r\nyes\r\n")
    waits = until(lambda: "status=deferred" in postfix.said() and "no server answers" in postfix.queue())
    checks.check("while no server runs the mail waits in the queue", bool(waits), postfix.queue())
    service.start()
    until(lambda: service.ask("GET", "/health/ready")[0] == 200)
    postfix.flush()
    checks.check("and then it is handed in", bool(until(lambda: "no_mail_of_ours" in postfix.said())), postfix.said())
    checks.check("the queue is empty", bool(until(lambda: "empty" in postfix.queue())), postfix.queue())


def main(arguments):
    build = build_of(arguments)
    if tool("postfix") is None or tool("ip") is None:
        Checks("postfix").skip("Postfix is not here; deploy/setup --ci installs it")
    if os.geteuid() != 0 or run(["unshare", "-m", "-n", "true"])[0] != 0:
        Checks("postfix").skip("Postfix wants root, and namespaces of its own")
    if "DW_POSTFIX_INSIDE" not in os.environ:
        return subprocess.run(["unshare", "-m", "-n", sys.executable, __file__, str(build)],
                              env={**os.environ, "DW_POSTFIX_INSIDE": "1"}, check=False).returncode
    run([tool("ip"), "link", "set", "lo", "up"])
    checks = Checks("postfix " + run([tool("postconf"), "-dh", "mail_version"])[1].strip())
    with Service(build, http_port=7380, mail_send="smtp", mail_server="127.0.0.1", mail_port=25, mail_security="loopback",
                 mail_bounce_domain="bounce.example.com") as service, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        postfix = Postfix(Path(folder), service.binary, prepare(service))
        try:
            look(service, postfix, checks)
            look_without_server(service, postfix, checks)
        finally:
            postfix.stop()
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
