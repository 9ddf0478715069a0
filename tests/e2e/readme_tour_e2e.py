#!/usr/bin/env python3
"""Runs the README's tour as it stands. Lines that begin with `#>` must occur in what was printed so far.

Usage: readme_tour_e2e.py BUILD_DIR
"""
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main(build):
    text = (ROOT / "README.md").read_text()
    block = text[text.index("<!-- tour:"):]
    lines = block[block.index("```sh\n") + 6:]
    lines = lines[:lines.index("```")].splitlines()
    with tempfile.TemporaryDirectory(prefix="dw-tour-") as work:
        for name in ("deploy", "docs"):
            os.symlink(ROOT / name, Path(work) / name)
        with socket.socket() as free:  # the port that the README names may be taken here
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        lines = [line.replace("dealwright dev ", f"dealwright dev --http-port {port} ").replace(":7380", f":{port}")
                 for line in lines]
        environment = dict(os.environ, PATH=f"{Path(build).resolve() / 'bin'}:{os.environ['PATH']}")
        script = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
        for line in lines:
            script.append(f"echo '#> {line[2:].strip()}'" if line.startswith("#>") else line)
        done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=work, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode != 0:
        print(done.stdout + f"the tour stopped with exit {done.returncode}")
        return 1
    seen, good, checks = "", True, 0
    for line in done.stdout.splitlines():
        if line.startswith("#> "):
            checks += 1
            if line[3:] not in seen:
                print(f"'{line[3:]}' does not occur in:\n{seen}")
                good = False
            seen = ""
        else:
            seen += line + "\n"
    if checks < 4:
        print("the tour checks nothing")
        good = False
    print(f"tour: {len([l for l in lines if l and not l.startswith('#')])} commands, {checks} checks")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
