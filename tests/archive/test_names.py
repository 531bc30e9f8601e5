"""What a machine looks up or prints while it measures stays there, whether its directory lists it or not."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from made_up_run import evidence, manifest, observation
from travelling import KEY, identified

from evaluation.archive.hiding import Hider, Private
from evaluation.archive.names import domains_of, seen_in
from evaluation.archive.packing import pack
from evaluation.measure.names import note_names
from evaluation.measure.user import User
from evaluation.store import Run, Turn

QACCT = """\
==============================================================
qname        all.q
hostname     wn0815.grid.elte.hu
group        zq-group
owner        zoe-quark
project      NONE
department   defaultdepartment
account      sge
cpu          2.290s
"""
SCONTROL = """\
JobId=7 JobName=job-1
   UserId=max-muon(4711) GroupId=atlas-x(1300) MCS_label=N/A
   Priority=1 Account=cms-prod QOS=normal
   NodeList=farm[07-08,11],bignode3 BatchHost=farm07
"""
SBATCH = (
    "sbatch: error: Batch job submission failed on node chip-node44: Requested node configuration is gone"
)
FACTS = "==> job-1.facts <==\nnode=slurmnode9\nhost=othernode5\n11:memory:/slurm/uid_1000/job_7\n"
ID = "uid=4711(max-muon) gid=1300(atlas-x) groups=1300(atlas-x),4(adm),24001(lhc.users)"
ACCOUNT = (
    "root:x:0:0:root:/root:/bin/bash\nlea-lepton:x:23456:100:Lea Lepton,Room 1:/afs/home/l/lea:/bin/zsh\n"
)
WORDS = (
    *("wn0815", "elte", "zq-group", "zoe-quark", "max-muon", "atlas-x", "cms-prod", "farm07", "farm08"),
    *("farm11", "bignode3", "chip-node44", "slurmnode9", "othernode5", "lhc.users", "lea-lepton", "Lepton"),
    *("unlisted-user", "Una Unlisted", "her-group", "wn4711", "burstnode6", "somebody-else"),
)
"""What must not be found, however it is written."""

WHOLE = [*WORDS[:1], "grid.elte.hu", *WORDS[2:16], "Lea Lepton", *WORDS[17:]]
SAID = f"about {' and '.join(WHOLE)} (slurm_{WORDS[3]}, {WORDS[0].upper()}, x.grid.elte.hu)"
"""All of it, in a transcript that gives no hint of what is a name."""

PRINTED = {
    ("timeout", "20", "qacct", "-j", "7"): QACCT,
    ("timeout", "20", "scontrol", "show", "job", "7"): SCONTROL,
    ("timeout", "20", "sbatch", "job.sh"): SBATCH,
    ("tail", "-n", "+1", "--", "job-1.sh", "job-1.facts", "job-1.err"): FACTS,
    ("id",): ID,
    ("getent", "passwd", "lea-lepton"): ACCOUNT,
}


def measured(results: Path, printed: dict[tuple[str, ...], str]) -> Run:
    """A run that was made up: nothing was measured."""
    run = Run.create(results, manifest().model_copy(update={"plan": "", "label": ""}))
    run.note_names({"wn4711"}, {"unlisted-user", "Una Unlisted", "her-group"})
    for block, (argv, text) in enumerate({**printed, ("cat", "free-text"): SAID}.items()):
        item = identified(evidence(text.encode(), argv=argv))
        rows = [
            observation(block, evidence=(item.id,)),
            observation(block, name="detail", unit="", value=SAID),
            observation(block, name="node", unit="", value="burstnode6"),
        ]
        run.append(Turn(probe="cold_start", runtime="host", block=block), rows, [(item, text.encode(), b"")])
    run.note_residue(
        "2026-01-01T00:00:01.000+00:00", ["/var/x of somebody-else", "conmon (process 1 of uid 5)"]
    )
    run.finish("2026-01-01T00:01:00.000+00:00")
    return run


def packed(run: Run, **names: frozenset[str]) -> dict[str, str]:
    package = pack(run, Hider(key=KEY, private=Private(**names)))
    assert "names.jsonl" in package.listing()
    return {name: data.decode() for name, data in package.files.items()}


def test_no_byte_of_an_archive_names_what_was_printed_or_looked_up(tmp_path: Path) -> None:
    files = packed(measured(tmp_path, PRINTED))
    for name, text in files.items():
        assert [word for word in WORDS if word.lower() in text.lower()] == [], name
    assert "names.jsonl" not in files


def test_words_that_are_no_names_stay(tmp_path: Path) -> None:
    text = packed(measured(tmp_path, PRINTED))["outputs.jsonl"]
    words = ("NONE", "defaultdepartment", "all.q", "adm", "normal", "Requested node configuration", "memory")
    assert [word for word in words if word not in text] == []


def test_what_may_leave_is_not_taken_for_private_again(tmp_path: Path) -> None:
    text = packed(measured(tmp_path, PRINTED), public=frozenset({"Atlas-X", "farm07"}))["outputs.jsonl"]
    assert "atlas-x" in text
    assert "farm07" in text
    assert "farm08" not in text


@pytest.mark.parametrize(
    ("listed", "names", "word"),
    [
        ("node[07-09,11]", ["node08", "node11"], "node"),
        ("run[1-2],run7", ["run2", "run7"], "run"),
        ("r[1-2]n[09-10]", ["r1n09", "r2n10"], "n"),
        ("wn[1-2]-ib.farm.example.zz", ["wn2-ib.farm.example.zz", "wn1-ib"], "ib"),
    ],
)
def test_every_node_of_a_list_is_known_and_what_their_names_begin_with_is_none(
    tmp_path: Path, listed: str, names: list[str], word: str
) -> None:
    """A site whose nodes are called node01 to node99 can pack, and every other word stays readable."""
    job = SCONTROL.replace("farm[07-08,11],bignode3", listed)
    printed = {
        ("scontrol", "show", "job", "7"): job,
        ("sinfo",): f"idle {listed.replace('1', '3')}",
        ("cat",): f"a {word} or {' or '.join(names)} or {listed} was {word}",
    }
    text = packed(measured(tmp_path, printed))["outputs.jsonl"]
    assert f"a {word} or host-" in text
    assert [name for name in (*names, listed, listed.replace("1", "3")) if name in text] == []


def test_a_list_of_nodes_of_any_length_ends(tmp_path: Path) -> None:
    endless = "a" * 200_000
    printed: dict[tuple[str, ...], str] = {
        ("scontrol",): f"NodeList=x[1-{'9' * 30},1-{'9' * 30}]y[1-999999]",
        ("cat",): endless,
    }
    assert "x1y1" in seen_in(measured(tmp_path, printed))[0]


def test_a_bare_name_is_known_by_the_full_one_below_a_domain_of_this_site(tmp_path: Path) -> None:
    said = "wn5.farm.example.zz; wn5 is down"
    run = measured(tmp_path, {("hostname", "-f"): "head.farm.example.zz", ("cat",): said})
    assert "wn5.farm.example.zz" in seen_in(run)[0]
    assert "wn5" not in packed(run)["outputs.jsonl"]
    assert domains_of({"a.b.c", "a.b", "a"}) == {"b.c"}


def test_the_measuring_user_is_known_though_no_directory_lists_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with SSSD, which gives an account by its name or number, and lists none."""
    entry = pwd.struct_passwd(("zoe-quark", "x", 54321, 54321, "Zoe Quark,1-234", "/afs/z/zquark", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwall", list)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    user = User(name="zoe-quark", uid=54321, gid=54321, groups=(), home="/afs/z/zquark", env={})
    run = Run.create(tmp_path, manifest())
    note_names(run, user)
    note_names(run, user)  # it was resumed
    hosts, users = run.names()
    assert {"zoe-quark", "Zoe Quark", "zquark"} <= users
    assert hosts
    run.verify()


def test_a_file_of_names_is_no_result_and_a_torn_end_of_it_is_no_damage(tmp_path: Path) -> None:
    run = measured(tmp_path, {})
    run.verify()
    with (run.path / "names.jsonl").open("a") as stream:
        stream.write('{"hosts": ["torn')
    run.verify()
    assert run.names()[0] == {"wn4711"}
    (run.path / "names.jsonl").unlink()
    assert run.names() == (frozenset(), frozenset())
