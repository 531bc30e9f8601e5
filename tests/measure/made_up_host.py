"""A made-up host: folders that stand in for /proc and /sys. Nothing of the machine is changed or believed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FIRST_PID", "FIRST_USER", "Host"]

FIRST_PID, FIRST_USER = 4026531836, 4026531837


class Host:
    """Writes what a kernel would tell."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.proc = self.root / "proc"
        self.sys = self.root / "sys"
        (self.proc / "self/ns").mkdir(parents=True)
        self.sys.mkdir()
        self.namespaces()
        self.write("proc/self/cgroup", "0::/\n")
        self.mounted()

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def namespaces(self, pid: int = FIRST_PID, user: int = FIRST_USER) -> None:
        for kind, number in (("pid", pid), ("user", user)):
            link = self.proc / "self/ns" / kind
            link.unlink(missing_ok=True)
            link.symlink_to(f"{kind}:[{number}]")

    def mounted(self, *lines: tuple[str, str, str, str]) -> None:
        """Each line: the folder of the file system, where it is seen, its kind, its settings."""
        rows = [("/", "/", "ext4", "rw"), *lines]
        self.write(
            "proc/self/mountinfo",
            "".join(
                f"{number} 1 0:{number} {root} {point} rw,nosuid shared:1 - {kind} {kind} {settings}\n"
                for number, (root, point, kind, settings) in enumerate(rows, 20)
            ),
        )
