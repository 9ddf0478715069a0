"""Commands of Dealwright in a folder and an environment of a test's own."""
import subprocess
import sys


class Commands:
    """`binary`, `work`, `environment` are set by who derives from it."""

    def run(self, *arguments):
        return subprocess.run([self.binary, *arguments], cwd=self.work, env=self.environment, capture_output=True,
                              text=True)

    def must(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            sys.exit(f"FAILED {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout
