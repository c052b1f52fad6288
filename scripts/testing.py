"""The tests of a crate, found by their names, in whichever test program they are. For scripts/prove and scripts/canaries."""

import json
import pathlib
import subprocess


class NotBuilt(Exception):
    """The crate or its tests do not compile."""


class NotFound(Exception):
    """No test has this name."""


class Tests:
    """The optimised test programs of one crate, built in `root` with `features`: all, or those of these names."""

    def __init__(self, crate, features, root, environment, only=()):
        command = ["cargo", "test", "--release", "--quiet", "-p", crate, "--no-run", "--message-format=json"]
        command += [word for name in only for word in ("--test", name)] or ["--tests"]
        command += ["--features", ",".join(features)] if features else []
        built = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        if built.returncode != 0:
            messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
            rendered = [message["message"]["rendered"] for message in messages if message["reason"] == "compiler-message"]
            errors = [text for text in rendered if text.startswith("error")]
            raise NotBuilt("\n".join(errors)[:3000] or built.stderr[-3000:])
        self.programs = {}
        for line in built.stdout.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("executable") and message["profile"]["test"]:
                home = pathlib.Path(message["manifest_path"]).parent
                self.programs[message["target"]["name"]] = (message["executable"], home)

    def find(self, wanted):
        """Programs and their tests of this name: `module`, `module::how_a_test_begins`, or the same with the program before it."""
        found = {}
        for name, (program, home) in self.programs.items():
            listed = subprocess.run([program, "--list", "--format=terse"], cwd=home, capture_output=True, text=True, check=True)
            tests = [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]
            chosen = [test for test in tests if is_named([name, *test.split("::")], wanted.split("::"))]
            if chosen:
                found[name] = chosen
        if not found:
            raise NotFound(f"no test is named {wanted}")
        return found

    def commands(self, wanted):
        """What runs these tests: commands, each with its directory."""
        for name, tests in self.find(wanted).items():
            program, home = self.programs[name]
            yield [program, "--exact", *tests, "--nocapture"], home


def is_named(path, wanted):
    """Do these parts of a path follow one another in it, the last one of several perhaps as a test's beginning?"""
    for at in range(len(path) - len(wanted) + 1):
        part = path[at : at + len(wanted)]
        begins = len(wanted) > 1 and at + len(wanted) == len(path) and part[-1].startswith(wanted[-1])
        if part[:-1] == wanted[:-1] and (part[-1] == wanted[-1] or begins):
            return True
    return False
