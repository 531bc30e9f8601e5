"""B12: whether an image that was changed after it was made is refused."""

from __future__ import annotations

from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.model import Form, Reference, Severity
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.canaries import root_directory
from evaluation.probes.canaryimage import MARK, CanaryImage, made, said, word_in
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

DIGESTS = ("diffid", "digest")
"""What a refusal speaks of, among the other things that an engine has tried."""
_FILES = (Form.SIF, Form.SQUASHFS)


def observe(session: Session) -> None:
    """Give the runtime a changed archive, then the intact one of another image, and change what it made."""
    with root_directory() as folder:
        if folder is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        archive, came_in = _changed_archive(session, folder)
        intact, form, changed, last = _changed_form(session, folder)
    if not intact:
        session.record(PROBLEM, f"the intact image did not start here: {said(last)}")
        return
    session.record(CONTROL_DONE, value=True)
    session.record(EFFECT, came_in or changed)
    session.record(DETAIL, "; ".join(part for part in (archive, form) if part))


def _changed_archive(session: Session, folder: Path) -> tuple[str, bool]:
    """Try the archive: what came of it in words, and whether the changed image ran."""
    image = CanaryImage()
    archives = image.archives(folder, changed=True)
    with made(session, archives, session.work / "changed") as (reference, making):
        if not reference:
            return f"a changed archive was refused: {said(making, *DIGESTS)}", False
        word, last = word_in(session, reference)
        if word == image.other:
            return "a changed archive was taken, and ran", True
        return f"a changed archive was taken, but did not run: {said(last)}", False


def _changed_form(session: Session, folder: Path) -> tuple[bool, str, bool, Completed | None]:
    """Make the runtime's form of an intact image, change it where it is the user's own file, run it again.

    Gives whether the intact one ran, what came of the change, whether it ran, and the last command.
    """
    image = CanaryImage()
    with made(session, image.archives(folder), session.work / "intact") as (reference, making):
        if not reference:
            return False, "", False, making
        word, last = word_in(session, reference)
        if word != image.word:
            return False, "", False, last
        path = Path(session.adapter.prepare(image.archives(folder), str(session.work / "intact")).path)
        if not path.name:
            return True, "", False, last  # the form is the engine's
        what = "image file" if session.adapter.form in _FILES else "directory"
        problem = _change(session, path, image)
        if problem:
            return True, f"a changed {what} was not tried: {problem}", False, last
        word, last = word_in(session, reference)
        if word == image.other:
            return True, f"a changed {what} ran", True, last
        unseen = "ran with what was in it before" if word == image.word else f"did not run: {said(last)}"
        return True, f"a changed {what} {unseen}", False, last


def _change(session: Session, path: Path, image: CanaryImage) -> str:
    """Put the other word in the first one's place, as the measuring user; say why that cannot be done."""
    target, offset = path, 0
    if session.adapter.form in _FILES:
        try:
            with HeldFolder(path.parent) as store, store.open(path.name, owner=session.uid) as stream:
                offset = stream.read().find(image.beginning)
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        if offset < 0:
            return "its content is compressed"
    else:
        target = path / MARK[1:]
    done = session.on_host(
        ("dd", f"of={target}", "bs=1", f"seek={offset}", "conv=notrunc", "status=none"),
        stdin=image.other.encode(),
    )
    return "" if done.ok else said(done)


PROBE = Probe(
    id="tampered_image",
    version=1,
    checklist_id="B12",
    question="Is an image refused that was changed after it was made?",
    why=(
        "Whoever can write where an image lies, or on its way to the node, decides what every job that uses "
        "it runs, with the rights of its user. A runtime that holds an image against its digest before it "
        "runs notices; one that does not leaves that to its users."
    ),
    method=(
        "The verifier makes a small image with a random word in it, so that no store has its layer, changes "
        "the word in the archive but not the digest that the archive states, and gives it to the runtime in "
        "the runtime's own way. Then it gives an intact one, which must run (the control); where that "
        "becomes a file or a directory of the user's, the word is changed there and it is run again. Only a "
        "changed word that the container reads counts. What lies in an engine's own store is not touched. "
        "Everything made is removed."
    ),
    remedy=(
        "Pull by digest. Apptainer and Singularity: sign images, and let job wrappers run 'apptainer verify' "
        "first, which notices a changed signed image; running one checks nothing. Directories: keep the "
        "archive's SHA-256 and make the directory anew, on a file system that only its owner can write."
    ),
    severity=Severity.MEDIUM,
    severity_reason="A changed image acts as the user who runs it; it needs write access to the image first.",
    observe=observe,
    judge=Attempt(
        done="an image that had been changed ran",
        not_done="an image that had been changed did not run",
        control="the intact image ran",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="NIST SP 800-190, 4.1.5: use of untrusted images",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
        Reference(
            title="MITRE ATT&CK T1525, Implant Internal Image",
            url="https://attack.mitre.org/techniques/T1525/",
        ),
    ),
)
