#!/usr/bin/env python3
"""Runs the commands of the README and of docs/*.md as they stand, in order, a bash and an empty folder for each page, against
a server that the page itself starts; the port that it names is replaced by a free one.

Usage: docs_e2e.py BUILD_DIR [PAGE ...]      pages as docs/quickstart.md; all if none is named

What a page says to this test:
- A fence ```sh is run, and each of its commands has to succeed.
- A fence ```text right behind it is all that it prints. `...` stands for any part of a line, or alone for any lines; how many
  blanks stand between two words does not count. Behind a block that does nothing
  but start a server, it is what the server prints.
- In a block, a line `#> words` has to occur in what was printed since the last such line.
- `<!-- not run: why -->` on the line before a fence leaves it out. All of these are listed.
- Every fence names its language, so that no command is overlooked. docs/cli.md is made from helps whose examples cli_e2e runs.
Every page has to be reached by links from the README, and every link to lead to a file and a heading of it.
"""
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120  # for one block
MADE = {"docs/cli.md"}
MUST_RUN = {"README.md", "docs/quickstart.md", "docs/concepts.md", "docs/operations.md", "docs/security.md"}
DONE = "\001done"
# Servers print to a pipe of their own, so that what a block prints is told apart from it.
WRAPPER = """#!/bin/bash
ignored=$(sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/$$/status)
if (( 16#${ignored: -1} & 2 )); then  # SIGINT is: a job of the background
  [ "$(readlink /proc/$$/fd/2)" = "$DOCS_PIPE" ] && exec 2>> "$DOCS_SERVER_LOG"
  [ "$(readlink /proc/$$/fd/1)" = "$DOCS_PIPE" ] && exec 1> "$DOCS_SERVER_OUT"
fi
exec "$DOCS_PROGRAM" "$@"
"""


@dataclass
class Block:
    line: int  # of its first command
    commands: list
    not_run: str = ""
    expected: list = None  # what it prints, line by line; None: not said

    def is_server(self):
        """It does nothing but start one."""
        return all(re.search(r"\bdealwright\b.* ?(dev|serve)\b.*&\s*(#.*)?$", line) for line in self.commands if line.strip())


@dataclass
class Page:
    name: str
    blocks: list = field(default_factory=list)
    faults: list = field(default_factory=list)


@dataclass
class Ran:
    commands: int = 0
    checks: int = 0
    faults: list = field(default_factory=list)


# ---- reading


def read_page(name, text):
    page = Page(name)
    lines = text.splitlines()
    at, above, last = 0, "", None
    while at < len(lines):
        fence = re.match(r"^( *)(`{3,}|~{3,})\s*(.*)$", lines[at])
        if not fence:
            if lines[at].strip():
                above, last = lines[at], None
            at += 1
            continue
        begin = at + 1
        at = begin
        while at < len(lines) and lines[at].strip() != fence[2]:
            at += 1
        body = [line.removeprefix(fence[1]) for line in lines[begin:at]]
        language = fence[3].strip()
        at += 1
        if at > len(lines):
            page.faults.append(f"{name}:{begin}: this fence is not closed")
        elif not language or language in ("bash", "shell", "console", "shell-session"):
            page.faults.append(f"{name}:{begin}: a fence has to name its language: sh for commands (they are run), text for the rest")
        elif language == "sh":
            reason = re.match(r"^\s*<!-- not run: (.+) -->\s*$", above)
            last = Block(begin + 1, body, reason[1] if reason else "")
            page.blocks.append(last)
        else:
            if language == "text" and last:
                last.expected = body
                if any(line.startswith("#>") for line in last.commands):
                    page.faults.append(f"{name}:{begin}: the block above has #> lines and cannot be compared as a whole too")
            last = None
        above = ""
    return page


def headings(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    slug = lambda title: re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)).strip().lower().replace(" ", "-")
    return {slug(title) for title in re.findall(r"^#+ (.*)$", text, re.M)}


def check_links(root):
    faults, seen, left = [], set(), [root / "README.md"]
    while left:
        file = left.pop()
        if file in seen:
            continue
        seen.add(file)
        text = file.read_text()
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, heading = target.partition("#")
            to = (file.parent / path).resolve() if path else file
            where = f"{file.relative_to(root)}: the link {target}"
            if not to.exists():
                faults.append(f"{where} leads to no file")
            elif heading and to.suffix == ".md" and heading not in headings(to.read_text()):
                faults.append(f"{where} leads to no heading")
            elif to.suffix == ".md":
                left.append(to)
    return faults + [f"{page.relative_to(root)}: no link leads to it" for page in sorted((root / "docs").glob("*.md"))
                     if page.resolve() not in seen]


def check_sample_rules(root):
    """The page of the sample rules names those that are there, and no others."""
    there = {file.name.removesuffix(".rule.yaml") for file in (root / "deploy/rules").glob("*.rule.yaml")}
    page = (root / "docs/sample-rules.md").read_text()
    rows = re.findall(r"^\|.*$", page, re.M)[2:]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[4])}
    beside = set(re.findall(r"`([a-z-]+)`", page[page.rindex("|"):]))
    faults = [f"docs/sample-rules.md names {name}, and deploy/rules has no such file" for name in sorted(named - there)]
    return faults + [f"docs/sample-rules.md does not name {name}" for name in sorted(there - named - beside)]


# ---- comparing


def pattern_of(expected):
    """A regular expression over the lines printed, each with its end."""
    out = ""
    for line in expected:
        words = line.split()
        out += r"(?:.*\n)*?" if words == ["..."] else \
            ".*".join(r"\s+".join(re.escape(word) for word in part.split()) for part in with_gaps(words)) + "\n"
    return re.compile(out)


def with_gaps(words):
    """The line's text between its `...`; blanks beside a gap belong to it."""
    return " ".join(words).split("...")


def same(expected, printed):
    squeezed = [" ".join(line.split()) for line in printed]
    while squeezed and not squeezed[-1]:
        squeezed.pop()
    return pattern_of(expected).fullmatch("".join(line + "\n" for line in squeezed)) is not None


# ---- running


class Lines:
    """The lines that come out of a file descriptor, for whoever waits for them."""

    def __init__(self, descriptor):
        self.lines, self.ended, self.changed = [], False, threading.Condition()
        threading.Thread(target=self.read, args=(descriptor,), daemon=True).start()

    def read(self, descriptor):
        with os.fdopen(descriptor, errors="replace") as source:
            for line in source:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, since, holds):
        """The lines behind `since` as soon as that holds; None: it never did."""
        with self.changed:
            met = self.changed.wait_for(lambda: holds(self.lines[since:]) or self.ended, PATIENCE_S)
            found = self.lines[since:]
            return found if met and holds(found) else None


class Shell:
    """One bash for a page: blocks share its folder, its variables and its jobs."""

    def __init__(self, build, page, work):
        self.page, self.work, self.own = page, work / "page", work / "own"
        self.own.mkdir()
        self.work.mkdir()
        for folder in ("deploy", "docs"):
            shutil.copytree(ROOT / folder, self.work / folder)
        with socket.socket() as free:  # the port that pages name may be taken here
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        (self.own / "bin").mkdir()
        (self.own / "bin/dealwright").write_text(WRAPPER)
        (self.own / "bin/dealwright").chmod(0o755)
        os.mkfifo(self.own / "server-out")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DEALWRIGHT_")}
        environment |= {"PATH": f"{self.own / 'bin'}:{environment['PATH']}", "HOME": str(self.work), "LC_ALL": "C.UTF-8",
                        "NO_PROXY": "*", "no_proxy": "*", "DEALWRIGHT_HTTP_PORT": self.port,
                        "DOCS_PROGRAM": str(build / "bin/dealwright"), "DOCS_SERVER_OUT": str(self.own / "server-out"),
                        "DOCS_SERVER_LOG": str(self.own / "server-log")}
        ours, theirs = os.pipe()
        self.bash = subprocess.Popen(["bash", "--norc"], cwd=self.work, env=environment, stdin=subprocess.PIPE, stdout=theirs,
                                     stderr=theirs, text=True, start_new_session=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        os.close(theirs)
        self.out = Lines(ours)
        self.server = Lines(os.open(self.own / "server-out", os.O_RDWR))
        self.tell("export DOCS_PIPE=$(readlink /proc/$$/fd/1); set -eE; "
                  f"trap 'echo \"{DONE} failed in line $LINENO: $BASH_COMMAND\"' ERR")

    def tell(self, line):
        try:
            self.bash.stdin.write(line + "\n")
            self.bash.stdin.flush()
        except BrokenPipeError:
            pass  # a block failed, and with it the shell: what it printed tells

    def here(self, text):
        return re.sub(r"\b7380\b", self.port, text)

    def run(self, block):
        """(what the block printed, why it failed or None)."""
        file = self.own / self.page.name
        file.parent.mkdir(exist_ok=True)
        # Line numbers in bash's own words are those of the page.
        file.write_text("\n" * (block.line - 1) + "".join(self.here(line) + "\n" for line in spoken(block.commands)))
        since = len(self.out.lines)
        self.tell(f"source {file} < /dev/null; printf '\\n{DONE}\\n'")
        ended = lambda lines: any(line.startswith(DONE) for line in lines)
        printed = self.out.wait(since, ended)
        if printed is None:
            return self.out.lines[since:], "it does not end"
        at = next(i for i, line in enumerate(printed) if line.startswith(DONE))
        if printed[at] != DONE:
            return printed[:at], printed[at].removeprefix(DONE).strip()
        return printed[:at - 1] if at and not printed[at - 1] else printed[:at], None

    def end(self):
        """Ends it and all that it started; what the server said on stderr."""
        self.tell("trap - ERR; set +e; kill $(jobs -p) 2> /dev/null; wait; exit 0")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.bash.communicate(timeout=PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.bash.pid, signal.SIGKILL)  # what is left of it
        log = self.own / "server-log"
        return log.read_text() if log.exists() else ""


def spoken(commands):
    """Checks in a block, as lines that tell where they stand in what is printed."""
    return [f"printf '\\n%s\\n' {shlex.quote('#> ' + line[2:].strip())}" if line.startswith("#>") else line for line in commands]


def check_words(where, printed):
    """(number of checks, faults) of `#>` lines."""
    seen, checks, faults = "", 0, []
    for line in printed:
        if not line.startswith("#> "):
            seen += line + "\n"
            continue
        checks += 1
        if line[3:] not in seen:
            faults.append(f"{where}: '{line[3:]}' does not occur in:\n{seen}")
        seen = ""
    return checks, faults


def run_block(shell, block, ran):
    where = f"{shell.page.name}:{block.line}"
    server_since = len(shell.server.lines)
    printed, failed = shell.run(block)
    ran.commands += sum(bool(line.strip()) and not line.startswith("#") for line in block.commands)
    if failed:
        ran.faults.append(f"{where}: {failed}, having printed:\n" + "\n".join(printed))
        return False
    checks, faults = check_words(where, printed)
    ran.checks += checks
    ran.faults += faults
    if block.expected is None:
        return True
    ran.checks += 1
    expected = [shell.here(line) for line in block.expected]
    if block.is_server():
        if shell.server.wait(server_since, lambda lines: same(expected, lines)) is not None:
            return True
        printed = shell.server.lines[server_since:]
    elif same(expected, printed):
        return True
    ran.faults.append(f"{where}: the page shows\n" + "\n".join(expected) + "\n--- and this came\n" + "\n".join(printed))
    return True


def run_page(build, page):
    ran = Ran(faults=list(page.faults))
    blocks = [block for block in page.blocks if not block.not_run]
    if not blocks:
        return ran
    with tempfile.TemporaryDirectory(prefix="dw-docs-") as work:
        shell = Shell(build, page, Path(work))
        for block in blocks:
            if not run_block(shell, block, ran):
                break
        log = shell.end()
        if ran.faults and log:
            ran.faults.append(f"{page.name}: the end of the server's log:\n{log[-3000:]}")
    return ran


# ---- this test itself

PLANTED = [  # (what is on the page, words of the fault that has to be found; none: it is sound)
    ("```sh\necho a   b; echo x1y; echo c; echo d\n```\n```text\na b\nx...y\n...\n```\n", None),
    ("```sh\nexport A=1\n```\nwords\n```sh\necho $A\n#> 1\n```\n", None),
    ("<!-- not run: needs another machine -->\n```sh\nfalse\n```\n", None),
    ("```sh\nsleep 1000 &\necho $!\n```\n", None),
    ("```sh\necho a\n```\n\n```text\nb\n```\n", "the page shows"),
    ("```sh\necho a; echo b\n```\n```text\na\n```\n", "the page shows"),
    ("```sh\necho a\n```\n```text\na\n...\nb\n```\n", "the page shows"),
    ("```sh\ntrue\n```\n```text\nwords\n```\n", "the page shows"),
    ("```sh\necho one\nfalse\necho two\n```\n", "failed in line 3: false"),
    ("```sh\nno-such-command\n```\n", "no-such-command"),
    ("```sh\necho \"$(exit 3)\"; cat none\n```\n", "none"),
    ("```sh\necho yes\n#> no\n```\n", "'no' does not occur"),
    ("words\n```\ndealwright dev\n```\n", "has to name its language"),
    ("```console\n$ dealwright dev\n```\n", "has to name its language"),
    ("```sh\necho a\n", "not closed"),
    ("```sh\nexit 0\n```\n", "does not end"),
    ("```sh\ndealwright event apend\n```\n", "apend"),
]


def check_itself(build):
    faults = []
    for text, wanted in PLANTED:
        found = run_page(build, read_page("planted.md", text)).faults
        good = not found if wanted is None else any(wanted in fault for fault in found)
        if not good:
            faults.append(f"this test takes a page wrongly; it should find {wanted!r}, found {found}, in:\n{text}")
    with tempfile.TemporaryDirectory(prefix="dw-docs-") as work:
        root = Path(work)
        (root / "docs").mkdir()
        (root / "README.md").write_text("# A\n[b](docs/b.md#there) [c](docs/none.md) [d](docs/b.md#not-there)")
        (root / "docs/b.md").write_text("# B\n## There\n")
        (root / "docs/lone.md").write_text("# Lone\n")
        if len(check_links(root)) != 3:
            faults.append(f"this test takes links wrongly: {check_links(root)}")
    return faults


def main(build, only):
    begun = time.monotonic()
    faults = check_itself(build)
    print(f"{len(PLANTED)} planted pages, {len(faults)} taken wrongly")
    faults += check_links(ROOT) + check_sample_rules(ROOT)
    names = [str(file.relative_to(ROOT)) for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]]
    faults += [f"there is no page {name}" for name in sorted(MUST_RUN - set(names))]
    total = Ran()
    for name in names:
        if name in MADE or only and name not in only:
            continue
        page = read_page(name, (ROOT / name).read_text())
        ran = run_page(build, page)
        if name in MUST_RUN and (ran.commands == 0 or ran.checks == 0):
            ran.faults.append(f"{name}: nothing on it is run and compared")
        if page.blocks or ran.faults:
            print(f"{name}: {ran.commands} commands, {ran.checks} outputs compared, {len(ran.faults)} faults")
        for block in page.blocks:
            if block.not_run:
                print(f"  not run, line {block.line}: {block.not_run}")
        total.commands, total.checks = total.commands + ran.commands, total.checks + ran.checks
        faults += ran.faults
    print(f"docs: {total.commands} commands, {total.checks} outputs compared, {len(faults)} faults, "
          f"{time.monotonic() - begun:.0f} s")
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), set(sys.argv[2:])))
