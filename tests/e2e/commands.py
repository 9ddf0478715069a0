"""Commands of Dealwright in a folder and an environment of a test's own."""
import subprocess
import sys


class Commands:
    """`binary`, `work`, `environment` are set by who derives from it."""

    def run(self, *arguments, stdin="", **more):
        """`more`: variables of the environment."""
        return subprocess.run([self.binary, *arguments], cwd=self.work, env={**self.environment, **more}, input=stdin,
                              capture_output=True, text=True)

    def must(self, *arguments, **more):
        done = self.run(*arguments, **more)
        if done.returncode != 0:
            sys.exit(f"FAILED {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout
