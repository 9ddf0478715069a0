#!/usr/bin/env python3
"""Chromium, led by playwright-core, opens what people may open: /health/ready, a stream, and the unsubscribe page of a
mail in the drop, whose button withdraws consent.

Usage: chromium_outside.py BUILD_DIR
"""
import email
import email.policy
import json
import os
import shutil
import sys

from bed import ROOT, Checks, Npm, Service, build_of, free_port, results, run, until

TEMPLATES = ("base", "whats-new")
# At any time of day: what marketing keeps to of itself would hold the mail back overnight.
RULE = """rule: warm-up
name: News for leads that are not there yet
owner: ops
trigger: lead.disqualified
entry: each_time
limits: { quiet_hours: { send: "Mon-Sun 00:00-24:00" } }
steps:
  - send_email: { template: whats-new, to: lead, purpose: nurture }
"""


def publish(service):
    """Templates of the sample as events, which a server takes of an admin."""
    for name in TEMPLATES:
        text = (ROOT / "deploy" / "templates" / f"{name}.liquid").read_text(encoding="utf-8")
        service.append(f"template-{name}", f"template/{name}", "template.published",
                       data={"author": "user/ops", "version": 1, "text": text})
    file = service.folder / "warm-up.rule.yaml"
    file.write_text(RULE, encoding="utf-8")
    there = {"DEALWRIGHT_SERVER": service.url, "DEALWRIGHT_KEY": service.key}
    code, said = run([service.binary, "rule", "publish", file], env=there)
    if code != 0:
        sys.exit(f"rule publish: exit {code}\n{said}")


def mail_to(service, lead):
    """The one mail in the drop that went to the lead's person; none if there are others, or none comes."""
    def found():
        mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                 for file in service.mails.glob("*.eml")]
        return [mail for mail in mails if f"<{lead}@example.com>" in mail["To"]]
    mails = until(found)
    return mails[0] if len(mails) == 1 else None


def capture(service, lead):
    service.append(f"{lead}-1", f"lead/{lead}", "lead.captured",
                   data={"company": "Acme", "person": {"name": "Ada", "emails": [f"{lead}@example.com"]}})
    service.append(f"{lead}-2", f"lead/{lead}", "consent.granted",
                   data={"purpose": "nurture", "channel": "email", "source": "form"})
    service.append(f"{lead}-3", f"lead/{lead}", "lead.disqualified", data={"reason": "not_now"})


def link_of(checks, mail):
    """Where the mail says that one can opt out: in its head, and for people in both of its texts."""
    link = str(mail["List-Unsubscribe"]).strip("<>") if mail else ""
    bodies = [mail.get_body((kind,)).get_content() for kind in ("plain", "html")] if mail else []
    checks.check("a nurture mail is in the drop; its head and both of its texts have one link",
                 link.startswith("http://") and mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and
                 all(link in body for body in bodies), mail)
    return link


def withdrawn_by(checks, service):
    """What the button did, as the API tells it; and the next mail of that purpose does not leave."""
    told = [one["event"] for one in service.events("consent.withdrawn")]
    wanted = {"purpose": "nurture", "channel": "email", "source": "unsubscribe link"}
    checks.check("one consent.withdrawn stands in the log, of that person and purpose",
                 [(one["subject"], one["data"]) for one in told] == [("lead/ada", wanted)], told)
    service.append("ada-4", "lead/ada", "lead.reopened", data={})
    service.append("ada-5", "lead/ada", "lead.disqualified", data={"reason": "not_now"})
    held = until(lambda: service.get("/v1/effects?rule=warm-up&state=suppressed")[0])
    checks.check("the next nurture mail is suppressed for it", len(held) == 1 and held[0]["subject"] == "lead/ada" and
                 "consent_withdrawn" in held[0]["reason"], held)


def main(arguments):
    build = build_of(arguments)
    checks = Checks("Chromium by playwright-core 1.65")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        checks.skip("chromium is not here; deploy/setup --ci installs it")
    npm = Npm(checks)
    with Service(build, http_port=free_port()) as service:
        publish(service)
        capture(service, "ada")
        link = link_of(checks, mail_to(service, "ada"))
        asked = {"url": service.url, "key": service.key, "program": program, "root": os.geteuid() == 0, "link": link}
        code, said = npm.script("chromium.js", json.dumps(asked))
        checks.check("the script ends well", results(checks, said) > 0 and code == 0, said)
        withdrawn_by(checks, service)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
