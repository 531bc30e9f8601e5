"""A host that hides processes (proc mounted with hidepid): a verifier that sees nothing shows nothing."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.probes.base import Completed
from evaluation.probes.registry import find
from evaluation.probes.security import daemon_survival
from evaluation.testing import FakeSession, answered

ROOT = Path(__file__).parents[2]
SOMEBODY = 54_321

NAMESPACE = """
mount -t proc -o hidepid=2 proc /proc || exit 77
while read -r words; do setpriv --reuid={user} --regid={user} --clear-groups $words & done <>{pipe} &
exec setpriv --regid={user} --clear-groups --bounding-set -sys_ptrace --inh-caps -sys_ptrace {python} -c "$0"
"""
"""Process namespace, proc, and an engine: it runs as somebody else what a client writes into its pipe."""

VERIFIER = """
import sys
from pathlib import Path
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.user import ourselves
from evaluation.model import Form
from evaluation.probes.base import Observations
from evaluation.probes.registry import find
from evaluation.runtimes.host import Host

class Client(Host):
    __slots__ = ()
    def argv(self, task):
        script = 'chmod 777 .; echo "$*" >{pipe}; sleep 60'
        return ("sh", "-c", script, "client", *Host.argv(self, task))

scratch = Path({folder!r})
payload = scratch / "payload"
payload.mkdir()
payload.chmod(0o755)
build_payload(payload)
runtime = Client(id="played", family="played", mode="played", form=Form.DIRECTORY, commands=("env",))
arm = Arm(id="played", runtime=runtime, reference="/", image_digest="")
with Launcher(ourselves()) as launcher:
    bench = Bench(launcher=launcher, verifier=launcher, payload=payload, scratch=scratch)
    for name in ("B06", "B14"):
        probe = find(name)
        with work_directory(bench) as work:
            session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
            probe.observe(session)
        judgement = probe.judge(Observations(tuple(session.observations)), {{}})
        print(name, judgement.outcome, judgement.message)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts proc so that processes are hidden")
def test_what_a_host_hides_is_inert_and_never_a_pass(folder: Path) -> None:
    """The client carries the payload's words, and dies: it was taken for the payload, and all was well."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    script = NAMESPACE.format(user=SOMEBODY, pipe=pipe, python=shlex.quote(sys.executable))
    verifier = VERIFIER.format(folder=str(folder), pipe=pipe)
    words = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, verifier)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip(f"proc cannot be mounted here: {done.stderr}")
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for name in ("B06", "B14"):
        assert told[name].startswith("INERT"), done.stdout + done.stderr
        assert "hidepid=" in told[name]
    assert "HOLDS" not in done.stdout, done.stdout


def test_a_daemon_that_would_not_be_seen_is_not_taken_for_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left(argv: tuple[str, ...]) -> Completed:
        (tmp_path / f"{Path(argv[2]).name}.ready").touch()
        return answered({"what": "daemon", "ok": True})

    monkeypatch.setattr(daemon_survival, "hidden", lambda: "/proc is mounted with hidepid=2")
    session = FakeSession(probe=find("B07"), work=tmp_path, on_launch=left)
    find("B07").observe(session)
    judgement = find("B07").judge(session.observations, {"host": session.observations})
    assert (judgement.verdict, "hidepid=2" in judgement.message) == ("INERT", True)
