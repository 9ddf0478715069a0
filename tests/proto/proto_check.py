#!/usr/bin/env python3
"""Lints proto/ and holds it against what was released (proto/released/v1.binpb): nothing that is read or written by
others may change its meaning. Then plants breaking changes, each of which must be found.

Usage: proto_check.py [--release]   (--release takes the present formats as released, if they break nothing)
Exit 77: buf is not to be had here; the last line says why.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELEASED = ROOT / "proto/released/v1.binpb"

# (what, file, text, in place of it): each must fail one of the two checks.
PLANTED = [
    ("a field with another number", "event.proto", "string actor = 12;", "string actor = 25;"),
    ("a field with another type", "event.proto", "uint64 import_row = 14;", "string import_row = 14;"),
    ("a field with another name", "value.proto", "bytes ciphertext = 2;", "bytes cipher = 2;"),
    ("a field taken out", "decision.proto", "  bytes chain = 14;", ""),
    ("a field that became repeated", "decision.proto", "string node = 1;", "repeated string node = 1;"),
    ("another zig-zag", "value.proto", "sint64 minor = 1;", "int64 minor = 1;"),
    ("a kind of change taken out", "decision.proto", "    EventRedriven redriven = 9;", ""),
    ("a field moved into another oneof", "decision.proto", "    Barrier barrier = 5;\n  }", "  }\n  Barrier barrier = 5;"),
    ("a message with another name", "decision.proto", "SendAck", "SendAcknowledgement"),
    ("a name in another style", "event.proto", "string source = 2;", "string source = 2;\n  string newField = 90;"),
]


def checks(buf, folder):
    """The complaints of both checks, empty if none. buf exits 100 for what it found, else it could not read proto/."""
    said = ""
    for command in (["lint", folder], ["breaking", folder, "--against", RELEASED]):
        done = subprocess.run([buf, *command], capture_output=True, text=True)
        if done.returncode == 100:
            said += done.stdout.strip() + "\n"
        elif done.returncode != 0:
            sys.exit(f"buf {command[0]}: {done.stdout}{done.stderr}")
    return said


def planted_are_found(buf):
    missed = 0
    for what, name, before, after in PLANTED:
        with tempfile.TemporaryDirectory() as work:
            copy = Path(work) / "proto"
            shutil.copytree(ROOT / "proto", copy, ignore=shutil.ignore_patterns("released"))
            path = copy / "dealwright/v1" / name
            text = path.read_text()
            if before not in text:
                print(f"planted {what}: {name} has no '{before.strip()}' any more; mend this script")
                missed += 1
                continue
            path.write_text(text.replace(before, after))
            if not checks(buf, copy):
                print(f"planted {what}: not found")
                missed += 1
    print(f"planted breaking changes: {len(PLANTED) - missed} of {len(PLANTED)} found")
    return missed == 0


def main(arguments):
    found = subprocess.run([ROOT / "deploy/buf"], capture_output=True, text=True)
    print_line = found.stdout.strip() or found.stderr.strip()
    if found.returncode != 0:
        print(f"proto: skipped: {print_line}")
        return 77 if found.returncode == 77 else 1
    buf = print_line
    said = checks(buf, ROOT / "proto")
    if said:
        print(said + "proto: a released format may only gain fields; anything else is a new message or format number")
        return 1
    if "--release" in arguments:
        return subprocess.run([buf, "build", ROOT / "proto", "--exclude-source-info", "-o", RELEASED]).returncode
    print("proto: lint and released formats hold")
    return 0 if planted_are_found(buf) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
