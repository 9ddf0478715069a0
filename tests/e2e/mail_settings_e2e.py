#!/usr/bin/env python3
"""What the settings say of mails holds for those that a running server sends. STARTTLS with a login: to a server
whose certificate is in order, and to no other; nothing leaves in clear. DKIM by two keys, checked by python3-dkim,
which takes no change. Budgets: as many mails leave as they allow, and the ledger says what the others wait for.

Usage: mail_settings_e2e.py BUILD_DIR
"""
import base64
import email
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from mail_bed import MailBed, Sink, check, fail, npm_modules, told, until

DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-dkim and python3-nacl are for
TEMPLATE = "---\nsubject: News of the day\n---\n<p>Hello</p>\n<p>All is well.</p>\n"
# At any time of day: what marketing keeps to of itself would hold the mail back overnight.
RULE = """rule: NAME
name: A mail
owner: ops
trigger: meeting.no_show
entry: each_time
limits: { quiet_hours: { send: "Mon-Sun 00:00-24:00" } }
steps:
  - send_email: { template: NAME, to: contact, purpose: NAME }
"""
LOGIN = {"user": "dealwright", "password": "a password, with blanks"}
# Whether signature 0 and 1 of each mail are good.
VERIFY = """
import base64, json, sys
import dkim, nacl
asked = json.load(sys.stdin)
def txt(name, timeout=5):
    return asked["records"].get(name.decode().rstrip("."), "").encode()
def good(mail, index):
    try:
        return dkim.DKIM(mail).verify(idx=index, dnsfunc=txt)
    except (dkim.DKIMException, ValueError):  # the latter by PyNaCl, for a signature of another length
        return False
print(json.dumps([[good(base64.b64decode(mail), i) for i in (0, 1)] for mail in asked["mails"]]))
"""


def openssl(*arguments, cwd=None, stdin=None):
    done = subprocess.run(["openssl", *arguments], cwd=cwd, input=stdin, capture_output=True)
    if done.returncode != 0:
        fail(f"openssl {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout


def meet(bed, address):
    """A person with that address missed a meeting, and is sent a mail."""
    who = "contact/" + address.replace("@", ".")
    bed.say("contact.updated", who, {"set": {"emails": [address]}})
    bed.say("consent.granted", who, {"purpose": "news", "channel": "email", "source": "form"})
    bed.say("meeting.no_show", who, {"meeting": f"m-{address}", "kind": "demo"})


def in_state(bed, what, count, holds):
    """The ledger once there are that many effects and all are as they are to be."""
    def found():
        effects = bed.effects()
        return effects if len(effects) == count and holds(effects) else None
    return until(what, found, bed.effects)


# ---- STARTTLS


def make_certificates(folder):
    """Two authorities; of the first a certificate for this machine and one for another."""
    for ca in ("ca", "other_ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
                "-days", "2", "-subj", f"/CN={ca}", cwd=folder)
    for name, names in (("server", "DNS:localhost,IP:127.0.0.1"), ("elsewhere", "DNS:mail.example.com,IP:192.0.2.7")):
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", "/CN=mail", cwd=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem", cwd=folder)
    (folder / "password").write_text(LOGIN["password"] + "\n")
    (folder / "wrong_password").write_text("another password\n")


def one_mail(build, folder, sink, name, **more):
    """(its effect once the first attempt is over, verbs that the sink heard, mails that it took)"""
    settings = {"mail.security": "starttls", "mail.server": "localhost", "mail.ca_file": folder / "ca.pem",
                "mail.user": LOGIN["user"], "mail.password_file": folder / "password",
                **{f"mail.{key}": value for key, value in more.items()}}
    before = sink.book()
    with MailBed(build, folder / name.replace(" ", "_"), sink, settings) as bed:
        bed.publish("service", TEMPLATE, RULE.replace("NAME", "service"))
        bed.serve()
        meet(bed, "ada@example.org")
        effect = in_state(bed, f"{name}: the first attempt", 1, lambda all_: all_[0]["state"] not in
                          ("requested", "attempt_started"))[0]
        bed.stop()
    after = sink.book()
    return effect, after["seen"][len(before["seen"]):], after["mails"][len(before["mails"]):]


def run_starttls(build, folder, modules):
    make_certificates(folder)

    def tls(name):
        return {"tls": {"key": str(folder / f"{name}.key"), "cert": str(folder / f"{name}.pem")}, "auth": LOGIN}

    def fails(sink, name, words, verbs, **more):
        effect, seen, mails = one_mail(build, folder, sink, name, **more)
        seen = {verb for verb in seen if verb != "quit"}  # by then it may have tried again
        check(f"{name}: it is to be tried again", effect["state"] == "retry_at", effect)
        check(f"{name}: the reason", re.search(words, effect["reason"]), effect)
        check(f"{name}: what the mail server was told", seen == verbs and mails == [], (seen, mails))

    with Sink(modules, **tls("server")) as sink:
        fails(sink, "without an authority", "certificate", set(), ca_file="")
        fails(sink, "another authority", "certificate", set(), ca_file=folder / "other_ca.pem")
        fails(sink, "a wrong password", "535|[Ll]ogin", {"auth"}, password_file=folder / "wrong_password")
        for server in ("localhost", "127.0.0.1"):
            effect, seen, mails = one_mail(build, folder, sink, f"all in order by {server}", server=server)
            check(f"{server}: delivered", effect["state"] == "delivered", effect)
            check(f"{server}: it logged in and sent one mail", seen == ["auth", "mail", "rcpt", "dot"] and
                  len(mails) == 1, (seen, mails))
            mail = mails[0] if mails else {}
            check(f"{server}: by TLS, as that user", mail.get("tls") is True and mail.get("user") == LOGIN["user"] and
                  mail.get("to") == ["ada@example.org"], mail)
    with Sink(modules, **tls("elsewhere")) as sink:
        fails(sink, "a certificate for another name", "certificate", set())
    with Sink(modules, raw="clear") as sink:
        fails(sink, "no STARTTLS", "STARTTLS", {"ehlo"})
        effect, seen, mails = one_mail(build, folder, sink, "told to go in clear", security="loopback", user="")
        check("its book tells what comes in clear", effect["state"] == "delivered" and len(mails) == 1 and
              seen[:4] == ["ehlo", "mail", "rcpt", "data"], (effect, seen))


# ---- DKIM


def make_keys(folder):
    """The records of both public keys, by their names."""
    records = {}
    for selector, kind, how in (("r1", "rsa", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048")),
                                ("e1", "ed25519", ("ed25519",))):
        key = openssl("genpkey", "-algorithm", *how)
        (folder / f"{selector}.pem").write_bytes(key)
        public = openssl("pkey", "-pubout", "-outform", "DER", stdin=key)
        public = public if kind == "rsa" else public[-32:]  # RFC 8463: the bare key
        records[f"{selector}._domainkey.example.com"] = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"
    return records


def verify(records, mails):
    asked = {"records": records, "mails": [base64.b64encode(mail).decode() for mail in mails]}
    done = subprocess.run([DEBIAN_PYTHON, "-c", VERIFY], input=json.dumps(asked), capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"python3-dkim: {done.stderr}")
    return json.loads(done.stdout)


def changed(mail, old, new):
    check(f"there is {old} to be changed", mail.count(old) == 1, mail.decode(errors="replace"))
    return mail.replace(old, new)


def tags_of(mail):
    """Of each signature: {tag: value}."""
    fields = email.message_from_bytes(mail).get_all("DKIM-Signature", [])
    return [dict(re.sub(r"\s", "", tag).split("=", 1) for tag in field.split(";") if tag.strip()) for field in fields]


def signed_mails(build, folder, sink, settings):
    """(of service, of marketing), as they came to the mail server."""
    with MailBed(build, folder / "dkim", sink, settings) as bed:
        bed.publish("service", TEMPLATE, RULE.replace("NAME", "service"))
        bed.publish("news", TEMPLATE, RULE.replace("NAME", "news"))
        lone = bed.run("config", "check", DEALWRIGHT_MAIL_DKIM_KEY=str(folder / "r1.pem"))
        said = lone.stdout + lone.stderr
        check("two selectors with one key are refused", lone.returncode != 0 and "mail.dkim" in said, said)
        bed.serve()
        meet(bed, "ada@example.org")
        in_state(bed, "both mails are delivered", 2, lambda all_: all(one["state"] == "delivered" for one in all_))
        mails = sorted(sink.mails(), key=lambda mail: bool(mail["unsubscribe"]))
        check("one of them can be unsubscribed from", [bool(m["unsubscribe"]) for m in mails] == [False, True], mails)
        bed.stop()
    return [base64.b64decode(mail["raw"]) for mail in mails]


def run_dkim(build, folder, modules):
    records = make_keys(folder)
    settings = {"http.public_url": "https://sales.example.com", "mail.dkim_selector": "r1 e1",
                "mail.dkim_key": f"{folder / 'r1.pem'} {folder / 'e1.pem'}"}
    with Sink(modules) as sink:
        service, news = signed_mails(build, folder, sink, settings)
    for what, mail in (("service", service), ("marketing", news)):
        tags = tags_of(mail)
        made = {(one["s"], one["a"], one["d"]) for one in tags}
        wanted = {("r1", "rsa-sha256", "example.com"), ("e1", "ed25519-sha256", "example.com")}
        check(f"{what}: a signature of each key", len(tags) == 2 and made == wanted, tags)
        signed = [one["h"].lower().split(":") for one in tags]
        check(f"{what}: Subject is signed", all("subject" in one for one in signed), signed)
        headers = [name.lower() for name in email.message_from_bytes(mail).keys()]
        for name in ("list-unsubscribe", "list-unsubscribe-post"):
            check(f"{what}: {name}", headers.count(name) == (what == "marketing"), headers)
            # Once for what is there, and once more, so that none can be added.
            count = headers.count(name) + 1
            check(f"{what}: {name} is signed", all(one.count(name) == count for one in signed), signed)
    both, none = [True, True], [False, False]
    cases = [("as it came", news, both), ("of service, as it came", service, both),
             ("a relay's header above it", b"Received: from a by b\r\n" + news, both),
             ("another subject", changed(news, b"Subject: News of the day", b"Subject: News of the night"), none),
             ("a second subject", b"Subject: News\r\n" + news, none),
             ("another body", changed(news, b"<p>All is well.", b"<p>All is lost."), none),
             ("another address to unsubscribe at",
              re.sub(rb"(?m)^(List-Unsubscribe:\s*<https://)", rb"\1x", news), none),
             ("another way to unsubscribe", changed(news, b"=One-Click", b"=Two-Click"), none),
             ("an address to unsubscribe at where there was none",
              b"List-Unsubscribe: <https://example.net/>\r\n" + service, none)]
    for (what, mail, wanted), seen in zip(cases, verify(records, [mail for _, mail, _ in cases])):
        check(f"signatures of a mail, {what}", seen == wanted, f"{seen}\n{mail.decode(errors='replace')}")
    (folder / "others").mkdir()
    others = verify(make_keys(folder / "others"), [news])
    check("signatures, by keys of somebody else", others == [none], others)


# ---- a place to opt out


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def run_no_address(build, folder, modules):
    """Without a name for this server marketing has no place to opt out: it waits, and service mail goes."""
    with Sink(modules) as sink, MailBed(build, folder / "no-address", sink, {"http.port": free_port()}) as bed:
        bed.publish("service", TEMPLATE, RULE.replace("NAME", "service"))
        bed.publish("news", TEMPLATE, RULE.replace("NAME", "news"))
        bed.serve()
        meet(bed, "ada@example.org")
        effects = in_state(bed, "one goes and one waits", 2, lambda all_: {one["state"] for one in all_} ==
                           {"delivered", "retry_at"})
        waits = [one["reason"] for one in effects if one["state"] == "retry_at"]
        check("marketing waits for a place to opt out", len(waits) == 1 and waits[0].startswith("incomplete: ") and
              "unsubscribe" in waits[0], waits)
        bed.stop()
        check("the other one came alone", [bool(mail["unsubscribe"]) for mail in sink.mails()] == [False], sink.mails())


# ---- budgets


def run_budget(build, folder, modules, name, settings, addresses, bucket, leave):
    """Of the mails to these addresses as many leave as `leave` says by the bucket of their domain; the others wait."""
    def settled(effects):
        states = Counter(one["state"] for one in effects)
        return states["delivered"] > 0 and states["delivered"] + states["retry_at"] == len(addresses)
    with Sink(modules) as sink, MailBed(build, folder / name, sink, settings) as bed:
        bed.publish("service", TEMPLATE, RULE.replace("NAME", "service"))
        bed.serve()
        for address in addresses:
            meet(bed, address)
        effects = in_state(bed, f"budget of {name}: each left or waits", len(addresses), settled)
        bed.stop()  # what is still on its way arrives
        left = Counter(bucket(mail["to"][0].split("@")[1].lower()) for mail in sink.mails())
        check(f"budget of {name}: what left at once", left == leave, f"{left}, not {leave}")
        waits = [one for one in effects if one["state"] == "retry_at"]
        check(f"budget of {name}: the others wait", len(waits) == len(addresses) - sum(leave.values()), effects)
        reasons = [one["reason"] for one in waits]
        check(f"budget of {name}: what for", all(one.startswith(f"budget_{name}: 60/h") for one in reasons), reasons)


def run_budgets(build, folder, modules):
    """60 an hour: a minute's worth of them, one, at once."""
    run_budget(build, folder, modules, "workspace", {"effects.mails_per_hour": 60},
               [f"{who}@{who}.example" for who in ("ada", "ben", "cleo", "dan", "eve")], lambda _: "all", {"all": 1})
    run_budget(build, folder, modules, "domain", {"effects.mails_per_domain_per_hour": 60},
               ["ada@a.example", "ben@a.example", "cleo@b.example", "dan@B.Example", "eve@b.example"],
               lambda domain: domain, {"a.example": 1, "b.example": 1})
    # The domains of one name share a budget; one that is in no list has none.
    google, microsoft, others = ("gmail.com", "googlemail.com"), ("outlook.com", "hotmail.com"), ("example.org",)
    providers = {domain: name for name, domains in (("google", google), ("microsoft", microsoft)) for domain in domains}
    run_budget(build, folder, modules, "provider",
               {"effects.mails_per_provider_per_hour": 60,
                "effects.providers": f"google={','.join(google)} microsoft={','.join(microsoft)}"},
               [f"{who}@{domain}" for who in ("ada", "ben") for domain in google + microsoft + others],
               lambda domain: providers.get(domain, "others"), {"google": 1, "microsoft": 1, "others": 2})


def main(build):
    modules = npm_modules()
    print("outside: python3-dkim", flush=True)
    if shutil.which("openssl") is None:
        print("openssl is not here; deploy/setup --ci installs it")
        return 77
    if subprocess.run([DEBIAN_PYTHON, "-c", "import dkim, nacl"], capture_output=True).returncode != 0:
        print("python3-dkim or python3-nacl is not here; deploy/setup --ci installs them")
        return 77
    with tempfile.TemporaryDirectory(prefix="dw-mail-settings-") as folder:
        for part in (run_starttls, run_dkim, run_no_address, run_budgets):
            part(Path(build).resolve(), Path(folder), modules)
    return told("mail settings: STARTTLS with a login, two DKIM keys, a link with no address, budgets of workspace, domain and "
                "provider")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
