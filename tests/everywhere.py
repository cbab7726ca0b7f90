"""The whole suite in other systems: `make test-everywhere ROOTS=DIR`, as root.

Each folder below DIR is the root of a system, for chroot(8): what debootstrap makes. The checkout is copied into it,
tested with the Python and the QEMU that the system has, and the copy is removed: nothing else is left there. Such a
root needs Python 3.11 and no more: no network, no pip, no make, no compiler, no /proc, no terminals. What is pinned in
requirements/dev.txt is downloaded out here, as wheels for that Python.

A system without such a Python is not run, and the table at the end says why. If it has a QEMU, the tests that talk to
a real one are run with it from out here, by this Python, for all such systems together.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[1]
QEMU = "qemu-system-x86_64"
OLDEST = (3, 11)
NO_TESTS = 5  # pytest's exit status
PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
# What an environment marker may ask for (packaging.python.org, "Dependency specifiers").
FACTS = """
import json, os, platform, sys
import venv
v = sys.version_info
print(json.dumps({
    "implementation_name": sys.implementation.name, "implementation_version": platform.python_version(),
    "os_name": os.name, "platform_machine": platform.machine(), "platform_release": "", "platform_version": "",
    "platform_system": platform.system(), "platform_python_implementation": platform.python_implementation(),
    "python_full_version": platform.python_version(), "python_version": "%d.%d" % v[:2],
    "sys_platform": sys.platform,
}))
"""
# Made by a run, or not ours to copy.
LEFT = (
    *(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__"),
    *("build", "dist", "*.so", "*.egg-info", "*.mig"),
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
CLOSING = re.compile(
    r"^=* *(\d+ (?:passed|failed|skipped|error|deselected|warning).*?) *=*$|^=* *(no tests ran.*?) *=*$"
)


class NotRunError(Exception):
    """Why the suite cannot be run in a root."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a system, what it has, what became of it; `passed` is None where nothing was run."""

    name: str
    python: str
    qemu: str
    result: str
    passed: bool | None = None


@dataclass(frozen=True)
class Root:
    """The root of a system."""

    path: Path

    def command(self, *words: str) -> list[str]:
        return ["chroot", str(self.path), *words]

    def say(self, *words: str) -> str | None:
        """Return what a command in there prints, None where it cannot be run or fails."""
        done = subprocess.run(
            self.command(*words), env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else None

    def qemu(self) -> str:
        """Return the version of its QEMU, "" without."""
        found = re.search(r"version (\d[\d.]*)", self.say(QEMU, "--version") or "")
        return found[1] if found else ""

    def python(self) -> tuple[str, dict[str, str]]:
        """Return its Python's name and the facts for environment markers, or raise NotRunError."""
        found = {}
        for name in PYTHONS:
            said = self.say(name, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
            if said is None:
                continue
            version = said.strip()
            found[name] = version
            if tuple(map(int, version.split("."))) >= OLDEST:
                facts = self.say(name, "-c", FACTS)
                if facts is None:
                    raise NotRunError(f"Python {version} without its venv module")
                return name, json.loads(facts)
        raise NotRunError(f"Python {next(iter(found.values()))}" if found else "no Python")


def chosen(pinned: str, facts: dict[str, str]) -> list[str]:
    """Return the lines of a file of pinned requirements that a Python with these facts takes."""
    lines = []
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", pinned).strip()):
        words, *hashes = entry.replace("\\\n", " ").split("--hash=")
        requirement = Requirement(words.strip())
        if requirement.marker is None or requirement.marker.evaluate(facts):
            requirement.marker = None
            lines.append(" ".join([str(requirement), *(f"--hash={h.strip()}" for h in hashes)]))
    return lines


def download(facts: dict[str, str], folder: Path) -> None:
    """Download what requirements/dev.txt pins for a Python with these facts, hashes checked."""
    pinned = (CHECKOUT / "requirements" / "dev.txt").read_text()
    lines = folder / "requirements.txt"
    lines.write_text("\n".join(chosen(pinned, facts)) + "\n")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary", ":all:", "--python-version", facts["python_version"],
        "--dest", str(folder), "--requirement", str(lines),
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise NotRunError(f"no wheels for Python {facts['python_version']}, see above")


@contextlib.contextmanager
def copy(root: Root) -> Iterator[Path]:
    """Copy the checkout into a root, as a path of this system; it is gone afterwards."""
    (root.path / "tmp").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="migstream-", dir=root.path / "tmp"))
    try:
        shutil.copytree(
            CHECKOUT, folder / "checkout", symlinks=True, ignore=shutil.ignore_patterns(*LEFT)
        )
        for name in ("home", "wheels", "scratch"):
            (folder / name).mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_tests(
    command: Sequence[str], environment: dict[str, str], cwd: Path | None = None
) -> tuple[str, bool | None]:
    """Run pytest, show what it prints; return its closing line, and whether it passed, None if no test ran."""
    closing = "it did not come to an end"
    with subprocess.Popen(
        command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                if found := CLOSING.match(line.rstrip()):
                    closing = found[1] or found[2]
        except BaseException:
            process.terminate()
            raise
    return closing, None if process.returncode == NO_TESTS else process.returncode == 0


def suite(
    root: Root, folder: Path, python: str, qemu: str, words: Sequence[str]
) -> tuple[str, bool | None]:
    """Install what was downloaded to `folder`, and run the suite there."""
    here = f"/{folder.relative_to(root.path)}"
    environment = {**ENVIRONMENT, "HOME": f"{here}/home", "TMPDIR": f"{here}/scratch"}
    if qemu:
        environment["MIGSTREAM_REQUIRE_QEMU"] = "1"
    [pip] = (folder / "wheels").glob("pip-*.whl")  # pip runs out of its own wheel
    install = f"{here}/venv/bin/python {here}/wheels/{pip.name}/pip install --quiet --no-index"
    script = f"""
        cd {here}/checkout && {python} -m venv --without-pip {here}/venv &&
        {install} --find-links {here}/wheels --require-hashes -r requirements/dev.txt &&
        {install} --no-deps --no-build-isolation -e . && {here}/venv/bin/migstream --version"""
    if subprocess.run(root.command("sh", "-c", script), env=environment, check=False).returncode:
        return "FAILED: not installed, see above", False
    test = f'cd {here}/checkout && exec {here}/venv/bin/python -m pytest "$@"'
    return run_tests(root.command("sh", "-c", test, "sh", *words), environment)


def inside(root: Root, words: Sequence[str]) -> Row:
    """Run the suite in a root with its own Python and QEMU."""
    qemu, version = root.qemu(), ""
    passed: bool | None = None
    try:
        python, facts = root.python()
        version = facts["python_full_version"]
        with copy(root) as folder:
            download(facts, folder / "wheels")
            result, passed = suite(root, folder, python, qemu, words)
    except (NotRunError, OSError) as why:
        result = f"not run: {why}"
    return Row(root.path.name, version, qemu, result, passed)


def outside(rows: Sequence[Row], roots: Path, words: Sequence[str]) -> Row:
    """Run the tests of a real QEMU by this Python, with the QEMUs of systems that have no Python to run them."""
    with tempfile.TemporaryDirectory(prefix="migstream-") as folder:
        for row in rows:
            (Path(folder) / row.name).symlink_to((roots / row.name).resolve())
        said, passed = run_tests(
            [sys.executable, "-m", "pytest", "-m", "qemu", *words],
            {**os.environ, "MIGSTREAM_QEMUS": folder},
            CHECKOUT,
        )
    qemus = ", ".join(row.qemu for row in rows)
    return Row("from outside", sys.version.split()[0], qemus, said, passed)


def table(rows: Sequence[Row]) -> str:
    """The table, in columns."""
    lines = [("root", "Python", "QEMU", "result")]
    lines += [(row.name, row.python or "-", row.qemu or "-", row.result) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    form = "  ".join(f"{{:{width}}}" for width in widths) + "  {}"
    return "\n".join(form.format(*line) for line in lines)


def main(folder: str, words: Sequence[str]) -> int:
    """Run the suite in each root; return the exit status: 0 passed, 1 not, 2 nothing to do it with."""
    roots = Path(folder)
    if not folder or not roots.is_dir():
        print(f"no such folder: {folder!r}; say where the roots are: ROOTS=DIR", file=sys.stderr)
        return 2
    found = [Root(path) for path in sorted(roots.iterdir()) if (path / "usr" / "bin").is_dir()]
    if not found:
        print(f"no folder in {folder} is the root of a system (none has usr/bin)", file=sys.stderr)
        return 2
    if os.geteuid():
        print("only root may use chroot: sudo make test-everywhere ROOTS=...", file=sys.stderr)
        return 2
    rows = []
    for root in found:
        print(f"\n== {root.path}", flush=True)
        rows.append(inside(root, words))
        if rows[-1].passed is None:
            print(rows[-1].result, flush=True)
    if left := [row for row in rows if row.qemu and not row.python]:
        print(f"\n== the QEMUs of {', '.join(row.name for row in left)}, from outside", flush=True)
        rows.append(outside(left, roots, words))
    print(f"\n{table(rows)}")
    ran = [row for row in rows if row.passed is not None]
    return 0 if ran and all(row.passed for row in ran) else 1


if __name__ == "__main__":
    # Ended from outside, it takes the copy with it all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
