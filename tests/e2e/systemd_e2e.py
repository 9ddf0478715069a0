#!/usr/bin/env python3
"""The service unit as systemd reads it: sound, and with little of the machine in reach.

Usage: systemd_e2e.py BUILD_DIR
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy/systemd/dealwright.service"
EXPOSURE_MAX = 20  # tenths of systemd's ten: 1.3 was measured, 9.6 is a unit that says nothing
FAULTS = []


def check(name, good, shown=""):
    if not good:
        FAULTS.append(f"{name}: {shown}")


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def main(build):
    if shutil.which("systemd-analyze") is None:
        print("outside: systemd-analyze\nsystemd-analyze is not here: deploy/setup --ci installs it")
        return 77
    program = build.resolve() / "bin/dealwright"
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / UNIT.name

        def verify(text):
            unit.write_text(text.replace("/usr/local/bin/dealwright", str(program)))
            code, said = analyze("verify", "--recursive-errors=no", "--man=no", unit)
            return code, "\n".join(line for line in said.splitlines() if UNIT.name in line)

        text = UNIT.read_text()
        code, said = verify(text)
        check("systemd takes the unit without a word", code == 0 and not said, said)
        _, said = verify(text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
        check("a mistyped key is found", "NoNewPrivilege" in said, said)
        code, said = verify(text.replace("ExecStart=/usr", "ExecStart=/no"))
        check("a program that is not there is found", code != 0, said)

        unit.write_text(text)
        code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
        check("little is exposed", code == 0, said[-400:])
        unit.write_text(re.sub(r"^(Protect|Restrict|System|Private|Dynamic|Capability).*\n", "", text, flags=re.M))
        code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
        check("a unit that is open is refused", code != 0, said[-400:])

    named = re.findall(r"/usr/local/bin/dealwright ([a-z ]+)", text)
    check("the commands that it names exist", named, text)
    for command in named:
        done = subprocess.run([str(program), *command.split(), "--help"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        check(f"dealwright {command}", done.returncode == 0, done.stdout)
    for fault in FAULTS:
        print("FAILED", fault)
    print("outside: systemd-analyze")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
