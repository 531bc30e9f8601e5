"""How each family of runtimes can be asked to refuse what is not signed, with a key that is thrown away.

A policy is asked for as a site would ask, without touching the site's own: podman is given a policy file,
Apptainer an execution control list that is bound over the site's in a mount namespace of the attempt's own,
Docker's client its content trust. What a runtime has no way for is refused by design, in words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from evaluation.model import PAYLOAD, Bind, Form, Task
from evaluation.payload.build import PROBE
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Completed, Session
from evaluation.probes.canaryimage import MARK, CanaryImage, forget, made, said, without_cache, word_in

__all__ = ["WAYS", "Tried", "Way"]

_WHO: Final = "throwaway@example.invalid"
_KEY_S: Final = 120.0
"""Patience with a key: a machine may be short of randomness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of images under a policy. ``problem`` says why nothing can be said.

    ``signed`` and ``unasked`` are the controls: a signed image ran under the policy, and the unsigned one
    ran without it. ``told`` is what the runtime said of the unsigned one.
    """

    unsigned: bool = False
    signed: bool = False
    unasked: bool = False
    told: str = ""
    problem: str = ""


Way = Callable[[Session, Path], Tried]
"""Try a runtime's policy; the directory is the verifier's own, and everybody may read it."""


def _podman(session: Session, folder: Path) -> Tried:
    """Simple signing (containers-policy.json(5)) of images in the ``dir:`` form."""
    home = session.work / "gnupg"
    gpg = ("env", f"GNUPGHOME={home}", "gpg", "--batch", "--quiet")
    session.on_host(("mkdir", "--mode=700", str(home)))
    unsigned, signed = CanaryImage(), CanaryImage()
    try:
        new = session.on_host(
            (
                *gpg,
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
                "--quick-generate-key",
                _WHO,
                "rsa2048",
            ),
            timeout_s=_KEY_S,
        )
        key = session.on_host((*gpg, "--export", _WHO))
        unsigned.directory(folder / "unsigned")
        manifest = signed.directory(folder / "signed")
        claim = {
            "critical": {
                "type": "atomic container signature",
                "image": {"docker-manifest-digest": f"sha256:{hashlib.sha256(manifest).hexdigest()}"},
                "identity": {"docker-reference": "example.invalid/canary:1"},
            },
            "optional": {},
        }
        signature = session.on_host((*gpg, "--sign"), stdin=json.dumps(claim).encode())
    finally:
        session.on_host(("env", f"GNUPGHOME={home}", "gpgconf", "--kill", "all"))
    if not (new.ok and key.ok and signature.ok):
        return Tried(problem=f"no key could be made to sign with: {said(signature)}")
    (folder / "signed" / "signature-1").write_bytes(signature.stdout)
    (folder / "key.gpg").write_bytes(key.stdout)
    asks = folder / "asks.json"
    asks.write_text(json.dumps(_simple_signing(folder / "key.gpg")))
    (folder / "accepts.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    refused, told = _pulled(session, folder / "unsigned", asks, unsigned)
    accepted, _ = _pulled(session, folder / "signed", asks, signed)
    unasked, _ = _pulled(session, folder / "unsigned", folder / "accepts.json", unsigned)
    return Tried(unsigned=refused, signed=accepted, unasked=unasked, told=told)


def _simple_signing(key: Path) -> Mapping[str, object]:
    identity = {"type": "exactReference", "dockerReference": "example.invalid/canary:1"}
    rule = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(key), "signedIdentity": identity}
    return {"default": [{"type": "reject"}], "transports": {"dir": {"": [rule]}}}


def _pulled(session: Session, source: Path, policy: Path, image: CanaryImage) -> tuple[bool, str]:
    """Pull an image under a policy, run it, and remove it; whether it ran, and what was said."""
    adapter = session.adapter
    pull = ("pull", "--quiet", "--signature-policy", str(policy), f"dir:{source}")
    try:
        done = session.on_host((adapter.command, *adapter.engine_options, *pull), timeout_s=120.0)
        if not done.ok:
            return False, said(done, "reject", "signature")
        word, done = word_in(session, done.stdout.decode().split()[-1])
        return word == image.word, said(done)
    finally:
        forget(session, image.id.partition(":")[2])


def _docker(session: Session, folder: Path) -> Tried:
    """Docker Content Trust: a setting of the client, which asks a registry's trust server when it pulls."""
    trust = {"DOCKER_CONTENT_TRUST": "1"}
    image = CanaryImage()
    with made(session, image.archives(folder), session.work / "unsigned", env=trust) as (reference, making):
        if not reference:
            return Tried(told=said(making))
        # By its id: by its name the client would ask a server on the Internet about it.
        word, last = word_in(session, image.id, env=trust)
        if word == image.word:
            return Tried(unsigned=True, told="it was loaded from an archive and run by its id")
        return Tried(told=said(last), unasked=word_in(session, image.id)[0] == image.word)


def _apptainer(session: Session, folder: Path) -> Tried:
    """The execution control list, which an administrator keeps; it knows image files alone."""
    adapter = session.adapter
    printed = session.on_host((adapter.command, "buildcfg")).stdout.decode("utf-8", "replace")
    places = [line.partition("=")[2] for line in printed.splitlines() if "_CONFDIR=" in line]
    if not places:
        return Tried(problem="the command does not tell where its configuration is")
    with made(session, CanaryImage().archives(folder), session.work / "unsigned") as (unsigned, last):
        if not unsigned:
            return Tried(problem=f"the image could not be made: {said(last)}")
        return _listed(session, folder, Path(places[0]), unsigned)


def _listed(session: Session, folder: Path, site: Path, unsigned: str) -> Tried:
    keys = session.work / "keys"
    adapter = session.adapter
    client = (
        *("env", f"APPTAINER_KEYSDIR={keys}", f"SINGULARITY_KEYSDIR={keys}"),
        *(adapter.command, *adapter.engine_options),
    )
    name = ("--name", "throwaway", "--email", _WHO, "--comment", "none", "--password", "")
    # The default, 4096 bits, takes seconds of computing in every mode, for a key that signs one image.
    short = ("--bit-length", "2048", "--push=false")
    session.on_host((*client, "key", "newpair", *name, *short), timeout_s=_KEY_S)
    listed = session.on_host((*client, "key", "list")).stdout.decode("utf-8", "replace")
    prints = [line.split()[-1] for line in listed.splitlines() if "ingerprint:" in line]
    public = keys / "pgp-public"
    if not prints or not public.is_file() or public.is_symlink():
        return Tried(problem="no key could be made to sign with")
    rules = folder / "ecl.toml"
    rules.write_text(
        f'activated = true\n[[execgroup]]\ntagname = "probe"\nmode = "whitelist"\ndirpath = ""\n'
        f'keyfp = ["{prints[0]}"]\n'
    )
    binds = ((rules, site / "ecl.toml"), (public, site / "global-pgp-public"))
    ran, last = _under(session, unsigned, binds)
    unasked, without = _under(session, unsigned, ())
    if adapter.form is not Form.SIF:
        return Tried(unsigned=ran, unasked=unasked, told=said(last, "ecl", "fatal"))
    signed = str(session.work / "signed.sif")
    session.on_host(("cp", unsigned, signed))
    session.on_host((*client, "sign", "--keyidx", "0", signed), timeout_s=_KEY_S)
    accepted, _ = _under(session, signed, binds)
    problem = (
        "" if unasked else f"the image does not start in a mount namespace of one's own: {said(without)}"
    )
    return Tried(
        unsigned=ran, signed=accepted, unasked=unasked, told=said(last, "ecl", "fatal"), problem=problem
    )


_BOUND: Final = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done; shift; exec "$@"'
"""A script without any word of ours in it: what to bind, and what to run, are its arguments."""


def _under(session: Session, image: str, binds: tuple[tuple[Path, Path], ...]) -> tuple[bool, Completed]:
    """Run an image in a user and mount namespace of its own with other files over some of the site's."""
    adapter = session.adapter
    payload = Bind(source=str(session.payload), target=PAYLOAD, read_only=adapter.read_only_binds)
    command = adapter.argv(Task(image=image, argv=(f"{PAYLOAD}/{PROBE}", "read", MARK), binds=(payload,)))
    words = (word for pair in binds for word in map(str, pair))
    alone = ("unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c", _BOUND, "sh", *words, "--")
    done = session.on_host(without_cache((*alone, *command)), timeout_s=60.0)
    return read_answer(done).first("read") is not None, done


def _bare(session: Session, folder: Path) -> Tried:  # noqa: ARG001 - as every way
    raise session.adapter.refuse("a plain process has no image, and no policy about one")


WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "podman": _podman,
        "docker": _docker,
        "apptainer": _apptainer,
        "host": _bare,
    }
)
"""By family. A family that is not here was never tried: nothing is claimed of it."""
