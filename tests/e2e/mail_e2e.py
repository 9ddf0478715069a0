#!/usr/bin/env python3
"""Mails go out to a real mail server and come back through `dealwright mail receive`, as a mail server pipes them in: a
bounce that Python's email package built suppresses the person, an answer ends the wait, a complaint stops everything,
what is forged or no mail at all does nothing and is not tried again; while no server is there, the mail server is told
to try again.

Usage: mail_e2e.py BUILD_DIR
"""
import json
import os
import re
import sys
import tempfile
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

from mail_bed import MailBed, Sink, check, npm_modules, told, until

RULE = """rule: NAME
name: A mail, then a wait
owner: ops
trigger: meeting.TRIGGER
entry: each_time
exit:
  - { event: email.replied, when: event.auto == false, reason: replied }
steps:
  - send_email: { template: NAME, to: contact, purpose: service }
  - wait: 30d
"""


class Bed(MailBed):
    def __init__(self, build, work, sink):
        super().__init__(build, work, sink, {"mail.bounce_domain": "bounce.example.com"}, partitions=2)
        for name, trigger in (("first", "no_show"), ("second", "held")):
            self.publish(name, f"---\nsubject: The {name}\n---\n<p>Hello</p>\n",
                         RULE.replace("NAME", name).replace("TRIGGER", trigger))

    def serve(self):
        super().serve()
        # A key of its own, as docs/mail.md says.
        made = self.must("--json", "key", "create", "--name", "mta", "--role", "publisher", "--scope", "hooks",
                         DEALWRIGHT_SERVER=self.url, DEALWRIGHT_KEY=self.key)
        (self.work / "mta.key").write_text(json.loads(made)["key"])

    def pipe(self, mail, *arguments, **more):
        """As postfix does: the mail on standard input, the exit code says what becomes of it."""
        text = mail if isinstance(mail, str) else mail.as_string()
        return self.run("--json", "mail", "receive", "--server", self.url, "--server-key-file", str(self.work / "mta.key"),
                        "--name", "postfix", *arguments, stdin=text, **more)

    def taken(self, what, mail, *arguments):
        done = self.pipe(mail, *arguments)
        check(f"{what}: exit 0", done.returncode == 0, f"{done.returncode} {done.stdout}{done.stderr}")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}

    def sent(self, who):
        """The mail that went to that person: (return path, Message-ID)."""
        def found():
            return [m for m in self.sink.mails() if m["to"] == [f"{who}@example.org"]]
        mail = until(f"a mail for {who}", found)[0]
        until(f"{who}'s mail is delivered", lambda: [e for e in self.ask("/v1/effects?state=delivered&limit=1000")
                                                     if e["effect"] in mail["message_id"]])
        return mail["from"], mail["message_id"]


def dsn(to, recipient, status, action="failed"):
    out = MIMEMultipart("report", **{"report-type": "delivery-status"})
    out["From"], out["To"], out["Subject"] = "MAILER-DAEMON@mx.example.org", to, "Undelivered Mail"
    out["Auto-Submitted"] = "auto-replied"
    out.attach(MIMEText("I'm sorry.\n"))
    parts = [Message(), Message()]
    parts[0]["Reporting-MTA"] = "dns; mx.example.org"
    parts[1]["Final-Recipient"] = f"rfc822; {recipient}"
    parts[1]["Action"], parts[1]["Status"] = action, status
    parts[1]["Diagnostic-Code"] = "smtp; 550 no such user"
    status_part = Message()
    status_part["Content-Type"] = "message/delivery-status"
    status_part.set_payload(parts)
    out.attach(status_part)
    back = EmailMessage()
    back["From"], back["To"] = "sales@example.com", recipient
    back.set_content("...")
    out.attach(MIMEMessage(back))
    return out


def complaint(message_id):
    out = MIMEMultipart("report", **{"report-type": "feedback-report"})
    out["From"], out["To"], out["Subject"] = "fbl@isp.example", "abuse@example.com", "FW: a mail"
    out.attach(MIMEText("A complaint.\n"))
    report = Message()
    report["Content-Type"] = "message/feedback-report"
    report.set_payload("Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\n")
    out.attach(report)
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "sales@example.com", message_id
    mail.set_content("...")
    out.attach(MIMEMessage(mail))
    return out


def answer(who, message_id, **fields):
    out = EmailMessage()
    out["From"], out["To"], out["Subject"] = f"{who}@example.org", "sales@example.com", "Re: The first"
    out["Message-ID"] = f"<{who}-{len(fields)}@example.org>"
    out["In-Reply-To"] = message_id
    for name, value in fields.items():
        out[name.replace("_", "-")] = value
    out.set_content("Yes.\n")
    # Larger than what is read of it, as with pictures.
    out.add_attachment(os.urandom(3 << 20), maintype="image", subtype="png", filename="it.png")
    return out


def run(bed):
    people = ("ada", "ben", "cleo")
    for who in people:
        bed.say("contact.updated", f"contact/{who}", {"set": {"emails": [f"{who}@example.org"]}})
        bed.say("meeting.no_show", f"contact/{who}", {"meeting": f"m-{who}", "kind": "demo"})
    (ada, ada_id), (_, ben_id), (_, cleo_id) = [bed.sent(who) for who in people]
    check("the return path is of the bounce domain", re.fullmatch(r"b\+[a-z2-7]{32}\.[a-z2-7]{16}@bounce\.example\.com", ada), ada)

    # Ada's address is not there.
    forged = ada[:34] + "." + ("a" if ada[35] != "a" else "b") + ada[36:]
    said = bed.taken("a forged bounce", dsn(forged, "ada@example.org", "5.1.1"), "--to", forged)
    check("a forged bounce is ignored", said.get("ignored") == "wrong_mac", said)
    bounce = dsn(ada, "ada@example.org", "5.1.1")
    said = bed.taken("a bounce", bounce, "--to", ada)
    check("a bounce is taken", said.get("event") == "email.bounced" and said.get("hard") is True and
          said.get("effect", "-") in ada_id, said)
    again = bed.taken("the same bounce", bounce)  # without --to: as its head says
    check("the same bounce is a duplicate", again.get("duplicates") == 1, again)
    record = bed.ask(f"/v1/records/contact/ada?timeout=20000&wait_for={said.get('position')}")
    check("the address is suppressed", "hard_bounce" in json.dumps(record), record)
    at = bed.say("meeting.held", "contact/ada", {"meeting": "m-next", "kind": "demo"})
    bed.ask(f"/v1/effects?timeout=20000&wait_for={at}")
    next_mail = until("the next mail is suppressed", lambda: bed.ask("/v1/effects?state=suppressed"))
    check("the next mail says why", "hard_bounce: of contact/ada" in next_mail[0]["reason"], next_mail)

    # Ben answers: first his machine, then he.
    def waits(position):
        rows = bed.ask(f"/v1/enrolments?record=contact/ben&timeout=20000&wait_for={position}")
        return len(rows)
    said = bed.taken("out of office", answer("ben", ben_id, Auto_Submitted="auto-replied"))
    check("out of office", said.get("auto") is True and waits(said.get("position")) == 1, said)
    said = bed.taken("an answer", answer("ben", ben_id))
    check("an answer ends the wait", said.get("auto") is False and waits(said.get("position")) == 0, said)

    # Cleo complains.
    said = bed.taken("a complaint", complaint(cleo_id))
    check("a complaint is taken", said.get("event") == "email.complained", said)
    record = bed.ask(f"/v1/records/contact/cleo?timeout=20000&wait_for={said.get('position')}")
    check("a complaint stops all mails", '"complaint"' in json.dumps(record), record)

    for what, mail in (("nothing", ""), ("noise", "\x01\x02 noise \n" * 1000), ("a stranger's mail", answer("eve", "<x@y>"))):
        said = bed.taken(what, mail)
        check(f"{what} is ignored", said.get("ignored") in ("no_mail", "no_mail_of_ours"), said)
    check("three mails and no more went out", len(bed.sink.mails()) == 3, len(bed.sink.mails()))
    return bounce


def run_trouble(bed, bounce):
    wrong = bed.pipe(bounce, DEALWRIGHT_KEY="dw_wrong")
    check("a wrong key loses no mail", wrong.returncode == 75 and '"exit":75' in wrong.stderr, f"{wrong.returncode} {wrong.stderr}")
    lost = bed.run("mail", "receive", "--server", bed.url, "--server-key-file", "none", stdin=bounce.as_string())
    check("nor does a key that is not there", lost.returncode == 75, f"{lost.returncode} {lost.stderr}")
    held = bed.run("mail", "receive", stdin=bounce.as_string())
    check("nor a data directory that a server holds", held.returncode == 75, f"{held.returncode} {held.stderr}")
    misused = bed.run("mail", "receive", "--name", "Post_Fix", stdin=bounce.as_string())
    check("a name that is none", misused.returncode == 2 and "--name" in misused.stderr, misused.stderr)
    bed.stop()
    nobody = bed.pipe(bounce)
    check("no server: try again", nobody.returncode == 75 and "no server answers" in nobody.stderr, nobody.stderr)
    here = bed.run("--json", "mail", "receive", stdin=bounce.as_string())
    check("without a server, into the data directory", here.returncode == 0 and "email.bounced" in here.stdout,
          f"{here.returncode} {here.stdout}{here.stderr}")


def main(build):
    with Sink(npm_modules()) as sink, tempfile.TemporaryDirectory(prefix="dw-mail-") as folder, \
            Bed(Path(build).resolve(), Path(folder), sink) as bed:
        bed.serve()
        bounce = run(bed)
        run_trouble(bed, bounce)
    return told("mail: 3 mails out, their bounce, answers and complaint back in")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
