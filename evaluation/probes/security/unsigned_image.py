"""B13: whether an unsigned image is refused where a policy asks for a signature."""

from __future__ import annotations

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import root_directory
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.signing import WAYS


def observe(session: Session) -> None:
    """Ask for signatures in the runtime's own way, and give it an image without one."""
    if not session.adapter.knows_signatures:
        raise session.adapter.refuse(
            "it knows no signatures, so that no policy can ask for one: check an archive's before "
            "unpacking it"
        )
    way = WAYS.get(session.adapter.dialect)
    if way is None:
        session.record(PROBLEM, "no way is known to this probe by which a policy is asked for here")
        return
    with root_directory() as folder:
        if folder is None:
            session.record(NOT_PLANTED, "this host has no temporary directory")
            return
        tried = way(session, folder)
    if tried.problem:
        session.record(NOT_PLANTED, tried.problem)
        return
    session.record(EFFECT, tried.unsigned)
    session.record(CONTROL_DONE, tried.signed and tried.unasked)
    session.record(DETAIL, tried.told)


PROBE = Probe(
    id="unsigned_image",
    version=1,
    checklist_id="B13",
    question="Is an unsigned image refused where the policy in force asks for a signature?",
    why=(
        "A centre that vouches for its images signs them, and wants a forgotten check to end in a refusal, "
        "not in a job. Such a policy guards users against others' images. It does not hold back users who "
        "may give a policy of their own or make a user namespace."
    ),
    method=(
        "The verifier makes a key, to be thrown away, and small images with random words in them, one signed "
        "and one not. Podman pulls both under a policy of simple signing; Apptainer and Singularity run both "
        "under an execution control list, bound over the site's in a mount namespace of the attempt's own; "
        "Docker's client is asked for content trust, and the unsigned image is loaded from an archive and "
        "run by its id. A refusal counts only where the controls succeed: the signed image under the same "
        "policy, and the unsigned one without it. The site's own policy is neither read nor changed; all "
        "that was made is removed."
    ),
    remedy=(
        "Podman: /etc/containers/policy.json with signedBy, default reject. Apptainer and Singularity: "
        "ecl.toml with mode whitelist, the setuid installation, no unprivileged user namespaces, and no "
        "directories as images. Docker: nothing in the engine asks; let an authorization plug-in or wrapper "
        "allow digests by a list. Charliecloud: check the archive before unpacking it."
    ),
    severity=Severity.MEDIUM,
    severity_reason=(
        "Without it an image from anywhere runs with the rights of its user; somebody must choose it first."
    ),
    observe=observe,
    judge=Attempt(
        done="an unsigned image ran although a signature was asked for",
        not_done="an unsigned image was refused",
        control="the signed image ran under the same policy, and the unsigned one without it",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="containers-policy.json(5)",
            url="https://github.com/containers/image/blob/main/docs/containers-policy.json.5.md",
        ),
        Reference(
            title="NIST SP 800-190, 4.1.5: use of untrusted images",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
        Reference(
            title="Apptainer, etc/ecl.toml: the comment on what the list cannot do",
            url="https://github.com/apptainer/apptainer/blob/main/internal/pkg/syecl/syecl.toml.example",
        ),
    ),
)
