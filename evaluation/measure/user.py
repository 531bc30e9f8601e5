"""Who measures: an unprivileged user, as site contacts are; never root."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.kit import account_told, typed
from evaluation.measure.environment import altered, decided

__all__ = ["User", "measuring_user", "ourselves"]

MARKER = Path("/var/lib/container-evaluation/user")
"""Where the announced set-up writes the name of the user that it made or prepared."""

_RUNTIME_DIRS = Path("/run/user")
"""Where pam_systemd(8) makes each user's XDG_RUNTIME_DIR, with the socket of the user's bus in it."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account, and the environment its commands get."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    env: Mapping[str, str]
    altered: tuple[str, ...] = ()
    """What of the user's own environment is left out or steers the runtimes; see `environment.altered`."""

    @property
    def cache(self) -> Path:
        """Where images and their forms are kept between runs."""
        chosen = os.environ.get("EVALUATION_CACHE") or self.env.get("XDG_CACHE_HOME")
        return Path(chosen or f"{self.home}/.cache") / "container-evaluation"


def ourselves() -> User:
    """Who runs this process; for compiling, never for measuring."""
    entry = _account(os.getuid())
    return User(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=tuple(os.getgroups()),
        home=entry.pw_dir,
        env=_own_environment(entry, compiling=True),
    )


def _account(uid: int) -> pwd.struct_passwd:
    """Give a user's entry; where there is none, as on a node that knows no names, the number is the name."""
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        if told := account_told(uid):
            return told
        home = os.environ.get("HOME", "")
        home = home if os.access(home, os.W_OK | os.X_OK) else tempfile.gettempdir()
        return pwd.struct_passwd((str(uid), "x", uid, os.getgid(), "", home, "/bin/sh"))


def measuring_user(name: str = "", *, bare_host: bool = False) -> User:
    """Find out who runs the containers.

    Not as root: the user that we are. As root: the one named, the one the set-up prepared, or the one
    behind sudo; for the bare host alone (``bare_host``) any unprivileged one will do, and that is nobody.

    Raises
    ------
    EvaluationError
        We are root and there is nobody else; or a name is unknown or may not be used.
    """
    me = os.getuid()
    if not name and me == 0:
        name = MARKER.read_text().strip() if MARKER.exists() else os.environ.get("SUDO_USER", "")
    if not name and me == 0 and bare_host:
        name = "nobody"
    if not name and me == 0:
        raise EvaluationError(
            "root does not measure: three runtimes refuse it, and site contacts are not root",
            where="measuring user",
            advice=f"Run as an ordinary user, or name one: {typed('report MEASURE_AS=USER', '--as USER')}.",
        )
    try:
        entry = pwd.getpwnam(name) if name and name != str(me) else _account(me)
    except KeyError:
        raise EvaluationError(f"there is no user {name or me}", where="measuring user") from None
    if entry.pw_uid == 0 or me not in {0, entry.pw_uid}:
        raise EvaluationError(
            f"cannot measure as {entry.pw_name}",
            where="measuring user",
            advice="Only root can measure as another user, and nobody measures as root.",
        )
    own = me == entry.pw_uid
    return User(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)) if me == 0 else tuple(os.getgroups()),
        home=entry.pw_dir,
        env=_own_environment(entry) if own else _login(entry) | {"PATH": _PATH},
        altered=altered(os.environ if own else {}),
    )


def _own_environment(entry: pwd.struct_passwd, *, compiling: bool = False) -> dict[str, str]:
    """The user's own environment, less what is left out for everything that is measured."""
    login, kept = _login(entry), decided(os.environ, compiling=compiling)
    home = kept.get("HOME", "")
    return login | kept | {"USER": entry.pw_name, "HOME": home if os.access(home, os.X_OK) else entry.pw_dir}


def _login(entry: pwd.struct_passwd) -> dict[str, str]:
    """What a fresh login has.

    The bus too, where there is one: without its address a rootless engine gets no control groups of the
    user's systemd, and refuses limits that it applies in any login.
    """
    runtime_dir = _RUNTIME_DIRS / str(entry.pw_uid)
    login = {
        "HOME": entry.pw_dir,
        "USER": entry.pw_name,
        "LOGNAME": entry.pw_name,
        "SHELL": entry.pw_shell or "/bin/sh",
        "LANG": "C.UTF-8",
    }
    if runtime_dir.is_dir():
        login["XDG_RUNTIME_DIR"] = str(runtime_dir)
    with suppress(OSError):
        if stat.S_ISSOCK((runtime_dir / "bus").stat().st_mode):
            login["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime_dir}/bus"
    return login
