"""Run inside a container: one SHA-256 over the image's files, the same in every form of the image.

Counted are kinds, paths, permissions of files, targets of links and contents below the directories that
belong to the image. Left out: owners and directories' modes (id maps and unprivileged unpacking change
them), times, and the few files that runtimes mount over.
"""

import hashlib
import os
import stat
import sys
from typing import Iterator

BELOW = ("bin", "etc", "lib", "lib64", "opt", "sbin", "usr")
MOUNTED_OVER = {
    "etc/group", "etc/hostname", "etc/hosts", "etc/localtime", "etc/mtab", "etc/passwd", "etc/resolv.conf",
    "etc/nsswitch.conf", "etc/.pwd.lock",
}  # fmt: skip


def entries(root: str, path: str) -> Iterator[str]:
    """Every path below, links not followed, in byte order."""
    yield path
    full = os.path.join(root, path)
    if os.path.isdir(full) and not os.path.islink(full):
        for name in sorted(os.listdir(full)):
            yield from entries(root, f"{path}/{name}")


def main(root: str) -> None:
    """Print the digest."""
    whole = hashlib.sha256()
    for top in BELOW:
        if not os.path.lexists(os.path.join(root, top)):
            continue
        for path in entries(root, top):
            if path in MOUNTED_OVER:
                continue
            full = os.path.join(root, path)
            status = os.lstat(full)
            line = f"{stat.S_IFMT(status.st_mode):o} {path}"
            if stat.S_ISLNK(status.st_mode):
                line += f" -> {os.readlink(full)}"
            elif stat.S_ISREG(status.st_mode):
                with open(full, "rb") as stream:
                    content = hashlib.sha256(stream.read()).hexdigest()
                line += f" {stat.S_IMODE(status.st_mode):o} {status.st_size} {content}"
            whole.update(line.encode("utf-8", "surrogateescape") + b"\n")
    print(whole.hexdigest())


if __name__ == "__main__":
    main(sys.argv[1])
