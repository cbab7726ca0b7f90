"""A libvirt of one's own: a session daemon of an unprivileged user, in a folder, gone with the test.

with Libvirt(folder) as libvirt:
    libvirt.virsh("create", xml)
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from support.lacking import lacks

__all__ = ["Libvirt", "domain_xml"]

USER = "nobody"  # as root: a session of root's would be the system's own daemon
PATIENCE = 60


def domain_xml(name: str, machine: str, *, vcpus: int = 1, emulator: str) -> str:
    """A small domain without disks."""
    return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>{vcpus}</vcpu>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os><features><acpi/></features>
<devices><emulator>{emulator}</emulator><graphics type='vnc' port='-1' autoport='yes' passwd='sekret'/>
<video><model type='vga' vram='4096'/></video><memballoon model='virtio'/><rng model='virtio'>
<backend model='random'>/dev/urandom</backend></rng></devices></domain>"""


class Libvirt:
    """A daemon that `virsh` starts by itself, and its settings.

    Parameters
    ----------
    settings : lines of ``qemu.conf``, such as ``save_image_format = "gzip"``
    """

    def __init__(self, settings: str = "") -> None:
        for tool in ("virsh", "libvirtd", "qemu-system-x86_64"):
            if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
                lacks(f"no {tool} here")
        self._settings = settings

    def __enter__(self) -> Self:
        # short: the path of a socket has 107 characters at most
        self.folder = Path(tempfile.mkdtemp(prefix="lv-", dir="/tmp"))
        for part in ("run", "config/libvirt", "cache"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "config/libvirt/qemu.conf").write_text(self._settings)
        if os.getuid() == 0:
            user = pwd.getpwnam(USER)
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
        done = self._run("list")
        if done.returncode:
            self.__exit__()
            lacks(f"libvirt does not start here: {done.stderr.strip().splitlines()[-1]}")
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.folder.rglob("libvirtd.pid"):
            os.kill(int(pid.read_text()), signal.SIGTERM)
        mark = str(self.folder).encode()
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    if mark in (process / "environ").read_bytes():
                        os.kill(int(process.name), signal.SIGKILL)
                except OSError:
                    continue
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        places = {
            f"XDG_{part.upper()}_HOME": str(self.folder / part) for part in ("config", "cache")
        }
        environment = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "LC_ALL": "C",
            **places,
        }
        user: dict[str, Any] = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam(USER)
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["virsh", "-q", "-c", "qemu:///session", *words],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **user,
        )
        return done

    def virsh(self, *words: str) -> str:
        """Run virsh, and return what it prints."""
        done = self._run(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def hmp(self, name: str, words: str) -> str:
        """What the monitor of a domain says."""
        return self.virsh("qemu-monitor-command", name, "--hmp", words)

    def create(self, xml: str) -> None:
        """Start a domain, paused."""
        path = self.folder / "domain.xml"
        path.write_text(xml)
        path.chmod(0o644)
        done = self._run("create", str(path), "--paused")
        if done.returncode:
            lacks(f"libvirt starts no guest here: {done.stderr.strip().splitlines()[-1]}")

    def arguments(self) -> list[str]:
        """The words behind the name of the only QEMU that runs."""
        mark = str(self.folder).encode()
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    words = (process / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"qemu-system" in words[0] and any(mark in word for word in words):
                    return [word.decode() for word in words[1:-1]]
        raise AssertionError("no QEMU of this daemon runs")

    def file(self, name: str, size: int) -> Path:
        """An empty disk that its QEMU can write."""
        path = self.folder / name
        path.write_bytes(bytes(size))
        path.chmod(0o666)
        return path

    def lend(self, path: Path) -> Path:
        """A copy that the daemon can read."""
        there = self.folder / path.name
        shutil.copyfile(path, there)
        if os.getuid() == 0:
            nobody = pwd.getpwnam(USER)
            os.chown(there, nobody.pw_uid, nobody.pw_gid)
        return there
