"""Who measures: never root, and with an environment that is the user's own."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure import user as module
from evaluation.measure.user import measuring_user, ourselves

ME = pwd.getpwuid(os.getuid())


@pytest.fixture(autouse=True)
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No set-up was made, and there is no sudo."""
    monkeypatch.setattr(module, "MARKER", tmp_path / "user")
    monkeypatch.delenv("SUDO_USER", raising=False)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)


@pytest.fixture
def as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: pwd.getpwnam("nobody").pw_uid)


@pytest.mark.usefixtures("as_root")
def test_root_does_not_measure() -> None:
    with pytest.raises(EvaluationError, match="root does not measure") as told:
        measuring_user()
    assert "MEASURE_AS=USER" in told.value.advice


@pytest.mark.usefixtures("as_root")
def test_as_root_the_one_the_set_up_prepared_measures_or_the_one_behind_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "daemon")
    assert measuring_user().name == "daemon"
    (tmp_path / "user").write_text("nobody\n")
    assert measuring_user().name == "nobody"
    assert measuring_user("bin").name == "bin"


@pytest.mark.usefixtures("as_root")
def test_the_bare_host_alone_can_be_measured_by_nobody() -> None:
    assert measuring_user(bare_host=True).name == "nobody"


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_who_is_not_an_unprivileged_user_is_refused(name: str) -> None:
    with pytest.raises(EvaluationError, match=r"cannot measure as root|there is no user no-such-user"):
        measuring_user(name)


@pytest.mark.usefixtures("as_root")
def test_sudo_from_root_makes_nobody_unprivileged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "root")
    with pytest.raises(EvaluationError, match="cannot measure as root"):
        measuring_user()


@pytest.mark.usefixtures("as_somebody")
def test_not_as_root_it_is_whoever_we_are() -> None:
    assert measuring_user().name == "nobody"
    assert measuring_user("nobody").name == "nobody"
    with pytest.raises(EvaluationError, match="cannot measure as daemon"):
        measuring_user("daemon")


@pytest.mark.usefixtures("as_root")
def test_another_user_gets_a_fresh_logins_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_ROOT", "x")
    env = measuring_user("nobody").env
    known = {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "PATH",
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
    }
    assert set(env) <= known
    assert (env["USER"], env["LANG"]) == ("nobody", "C.UTF-8")


@pytest.mark.usefixtures("as_root")
def test_another_user_gets_the_bus_of_a_login_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / str(pwd.getpwnam("nobody").pw_uid)
    monkeypatch.setattr(module, "_RUNTIME_DIRS", tmp_path)
    assert not {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"} & {*measuring_user("nobody").env}
    folder.mkdir()
    (folder / "bus").touch()
    assert "DBUS_SESSION_BUS_ADDRESS" not in measuring_user("nobody").env, "it is no socket"
    (folder / "bus").unlink()
    monkeypatch.chdir(folder)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind("bus")
        env = measuring_user("nobody").env
    assert env["XDG_RUNTIME_DIR"] == str(folder)
    assert env["DBUS_SESSION_BUS_ADDRESS"] == f"unix:path={folder}/bus"


@pytest.mark.usefixtures("as_somebody")
def test_ones_own_environment_is_kept_less_what_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere")
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "JPY_PARENT_PID", "MPLBACKEND"):
        monkeypatch.setenv(name, "ours")
    env = measuring_user().env
    assert env["DOCKER_HOST"] == "unix:///somewhere"
    assert "ours" not in env.values()


def test_images_are_kept_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALUATION_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert ourselves().cache == Path(ourselves().home, ".cache/container-evaluation")
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch/me")
    assert ourselves().cache == Path("/scratch/me/container-evaluation")
    monkeypatch.setenv("EVALUATION_CACHE", "/elsewhere")
    assert ourselves().cache == Path("/elsewhere/container-evaluation")


def test_compiling_is_done_by_whoever_we_are() -> None:
    assert (ourselves().name, ourselves().uid) == (ME.pw_name, ME.pw_uid)


def test_a_user_without_an_entry_goes_by_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a job whose node knows no names: ``setpriv --reuid 34567``."""
    monkeypatch.setattr(os, "getuid", lambda: 34567)
    monkeypatch.setenv("HOME", str(tmp_path / "closed"))
    for user in (ourselves(), measuring_user(), measuring_user("34567")):
        assert (user.name, user.uid, user.env["USER"]) == ("34567", 34567, "34567")
        assert os.access(user.env["HOME"], os.W_OK)
