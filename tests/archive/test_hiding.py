"""What must not leave is replaced, what everybody may see stays, and nobody can try guesses."""

from __future__ import annotations

import grp
import os
import pwd
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from travelling import KEY, NODE, PLANTED, PRIVATE, SECRETS, hider, secrets_in

from evaluation.archive.hiding import Hider, Private, here, site_key
from evaluation.archive.names import pattern_of
from evaluation.errors import EvaluationError
from evaluation.runtimes import known_runtimes


def test_the_planted_sentence_has_every_secret_and_none_of_them_afterwards() -> None:
    assert secrets_in(PLANTED) == list(SECRETS)
    assert secrets_in(hider().text(PLANTED)) == [NODE]  # whose name is known only from the run
    assert secrets_in(hider().knowing([NODE], []).text(PLANTED)) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "at 08:47:06 on 2026-11-23T08:47:06.010+00:00",
        "Docker 20.10.24+dfsg1, 1.6.20~ds1-1+deb12u3, Python 3.11.2, 5:20.10.24~3-0~debian",
        "127.0.0.1:80 and ::1 and 0.0.0.0 and std::string",
        "/usr/bin/docker run --mount type=bind,readonly /payload/probe /work /proc/1/status /dev/null",
        "a/b and linux/amd64 and 1/s and usr/lib/python3.11",
        "sha256:1a0a2636e3954416e91cca85c057f64c71650c03adf50d15c3debd608f6952e2",
        "alpine@sha256:1a0a2636e3954416e91cca85c057f64c71650c03adf50d15c3debd608f6952e2",
        "refused: mount (Operation not permitted); uid 1001; 512 MiB of 256 MiB",
        '{"what": "read", "ok": true, "text": "b2a9f188b5ecba5f294646e09a40e55a\\u000a"}',
        "/run/docker.sock, /var/run/docker.sock, /run/user/1001/docker.sock",
        "into /tmp and /home/ and / and //",
        "opening /root: Permission denied; /lost+found, /var/cache/ldconfig, /var/lib/private",
        "/var/lib/container-evaluation-canaries/root-only, /tmp/container-evaluation-canaries/helper",
        "this host is itself a container (/run/systemd/container, /run/.containerenv, /.dockerenv)",
        "'evaluation plant' (kit: './evaluate plant') as root",
        "configure.in, Makefile.am, libc.so, probe.py, run.sh, docker.io 20.10, ghcr.io, e.g. this",
        "ld-linux-x86-64.so.2, libpython3.11.so.1.0, image.tar.gz, 6.1.0-18-amd64, 1.6.20~ds1",
    ],
)
def test_what_everybody_may_see_stays_as_it_is(text: str) -> None:
    assert hider().text(text) == text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("from 10.1.2.3.", "10.1.2.3"),
        ("from 10.1.2.3:80/tcp", "10.1.2.3"),
        ("fe80::5054:ff:feab:cdef%eth0", "5054"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("52-54-00-AB-CD-EF", "AB-CD"),
        ("80:00:02:08:fe:80:00:00:00:00:00:00:24:8a:07:03:00:ad:44:52", "24:8a"),
        ("see login.cc.example.fr, please", "example"),
        ("/scratch/GROUP/x.dat", "GROUP"),
        ("file:///scratch/GROUP/x.dat", "GROUP"),
        ("source=/scratch/GROUP,target=/work", "GROUP"),
        ("a:/scratch/GROUP:/b", "GROUP"),
        ("('/scratch/GROUP')", "GROUP"),
        ("~/GROUP/x", "GROUP"),
        ("/work/../scratch/GROUP", "GROUP"),
        ("/proc/self/cwd/GROUP", "GROUP"),
        ("ZOE-QUARK", "ZOE"),
        ("user=zoe-quark;", "zoe"),
        ("home_zoe-quark_1", "zoe"),
        ("on wn7.grid.elte.hu", "elte"),
        ("ce.ijs.si: refused", "ijs"),
        ("at savba.sk", "savba"),
        ("wn-01.nipne.ro;", "nipne"),
        ("cms-42.tifr.res.in", "tifr"),
        ("ut.ee", "ut"),
        ("lxplus9.cern", "lxplus9"),
        ("NODE4.SOMEWHERE.EXAMPLE.LK", "SOMEWHERE"),
    ],
)
def test_addresses_paths_and_names_go_in_whatever_company_they_stand(text: str, gone: str) -> None:
    assert gone in text
    assert gone not in hider().text(text)


def test_what_ends_a_sentence_is_no_part_of_a_path() -> None:
    known = "no answer at unix:///var/run/docker.sock. Is it running?"
    assert hider().text(known) == known
    one = hider()
    assert one.text("/scratch/GROUP. Is it?") == f"{one.text('/scratch/GROUP')}. Is it?"


def test_a_name_within_a_longer_word_is_another_word() -> None:
    short = Hider(key=KEY, private=Private(users=frozenset({"bob", "b"}), hosts=frozenset({"vm"})))
    assert short.text("bobbin vmlinuz a b c") == "bobbin vmlinuz a b c"
    assert short.text("bob on vm").startswith("user-")


def test_the_same_thing_has_the_same_stand_in_at_one_site_and_another_elsewhere() -> None:
    one, again, elsewhere = hider(), hider(), hider(b"the key of another site altogether")
    assert one.text("zoe-quark") == one.text("ZOE-QUARK") == again.text("zoe-quark")
    assert one.text("zoe-quark") != elsewhere.text("zoe-quark")
    assert one.keyed("digest", "x") != elsewhere.keyed("digest", "x")


def test_what_was_replaced_is_counted_by_kind() -> None:
    counting = hider()
    counting.text("zoe-quark wn0815 192.0.2.77 /gpfs/zq 52:54:00:ab:cd:ef z@farm.example.edu projectx")
    kinds = {"user": 1, "host": 1, "address": 1, "path": 2, "mac": 1, "mail": 1, "name": 1}
    assert dict(counting.counts) == kinds


def test_without_any_name_nothing_but_patterns_is_replaced() -> None:
    assert Hider(key=KEY, private=Private()).text("zoe-quark on wn0815") == "zoe-quark on wn0815"
    assert Hider(key=KEY, private=Private()).found_in("anything") == ""


def test_this_machine_knows_its_own_name_and_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "zoe-quark")
    monkeypatch.setattr("os.uname", lambda: type("Name", (), {"nodename": "wn0815.farm.example.edu"}))
    found = here(also=["projectx"])
    assert {"wn0815.farm.example.edu", "wn0815"} <= found.hosts
    assert "zoe-quark" in found.users
    assert "projectx" in found.others
    assert "root" not in found.users
    assert "localhost" not in found.hosts
    assert "zoe-quark" not in here(public=["Zoe-Quark"]).users


def account(name: str, uid: int, gecos: str = "") -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, gecos, f"/home/{name}", "/bin/sh"))


def test_of_however_many_accounts_each_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{one}{two}{number:03}" for one in "abcdefgh" for two in "qwertyui" for number in range(900)]
    many = [account(name, 1000 + index, f"Person {name}") for index, name in enumerate(names)]
    monkeypatch.setattr(pwd, "getpwall", lambda: many)
    found = Hider(key=KEY, private=here())
    last = names[-1]
    for text in (f"{last}: refused", f"slurm_{last}", f"by Person {last}.", last.upper()):
        assert last not in found.text(text).lower()
    assert found.text(f"{last}x and x{last}") == f"{last}x and x{last}"


def test_a_home_folder_of_no_telling_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [account("zoe-quark", 1000), account("service", 1001)]
    homes = ["/home/zq", "/home"]
    listed = [
        pwd.struct_passwd((*entry[:5], home, entry[6])) for entry, home in zip(there, homes, strict=True)
    ]
    monkeypatch.setattr(pwd, "getpwall", lambda: listed)
    assert {"zq", "service"} <= here().users
    assert "home" not in here().users


def test_a_group_of_the_site_is_a_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [grp.struct_group(("zq-group", "x", 5000, [])), grp.struct_group(("audio", "x", 29, []))]
    monkeypatch.setattr(grp, "getgrall", lambda: groups)
    found = here()
    assert "zq-group" in found.users
    assert "audio" not in found.users


@given(st.lists(st.text("ab.-1", min_size=1, max_size=5), max_size=12), st.text("ab.-1 ", max_size=30))
def test_one_pattern_finds_what_all_words_find(words: list[str], text: str) -> None:
    plain = "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))
    found, expected = (re.findall(pattern, text) for pattern in (pattern_of(words), plain or r"(?!)"))
    assert found == expected


def test_a_key_is_made_once_and_only_its_owner_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = site_key()
    assert site_key() == first
    assert len(first) == 64
    assert (tmp_path / "container-evaluation" / "archive.key").stat().st_mode & 0o077 == 0
    assert site_key(tmp_path / "other.key") != first


def test_a_key_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abc")
    with pytest.raises(EvaluationError, match="too short"):
        site_key(tmp_path / "short")
    with pytest.raises(EvaluationError, match="cannot be kept") as caught:
        site_key(tmp_path / "short" / "below")
    assert "--key FILE" in caught.value.advice


def test_a_name_that_is_left_is_found() -> None:
    assert hider().found_in("a slurm_wn0815 b") == "wn0815"
    assert PRIVATE.hosts


@pytest.mark.parametrize("family", sorted({runtime.family for runtime in known_runtimes().values()}))
def test_a_host_that_is_called_like_a_runtime_can_pack_what_names_it(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = os.uname_result(("Linux", family, "6.1", "#1", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: machine)
    assert family not in here().hosts
