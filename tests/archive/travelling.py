"""A made-up run with something private in every field that can hold text. Nothing was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from made_up_run import LABEL, evidence, observation

from evaluation.archive.hiding import Hider, Private
from evaluation.archive.packing import pack
from evaluation.manifest import (
    BatchFacts,
    CheckFacts,
    FormFacts,
    HostFacts,
    ImageFacts,
    JobFacts,
    KnobFacts,
    Manifest,
    ProgramFacts,
    RuntimeFacts,
)
from evaluation.model import CheckState, Effect, Evidence, Role
from evaluation.store import Run, Turn

NODE = "ccwsge0042"
USER, HOST, DOMAIN = "zoe-quark", "wn0815", "farm.example.edu"
SECRETS = (
    USER,
    HOST,
    DOMAIN,
    "Zoe Quark",
    "/home/zoe-quark",
    "/gpfs/zq-group/data",
    "private-folder",
    "192.0.2.77",
    "2001:db8::77",
    "52:54:00:ab:cd:ef",
    "zoe@",
    "projectx",
    NODE,
)
"""What must not be found in an archive, however it is written there."""

PLANTED = (
    "seen by zoe-quark (Zoe Quark, zoe@farm.example.edu) on wn0815.farm.example.edu, WN0815, slurm_wn0815: "
    "/home/zoe-quark/private-folder/x source=/gpfs/zq-group/data,target=/work "
    "/proc/1/root/gpfs/zq-group/data "
    "unix:///run/user/1001/private-folder.sock 192.0.2.77:22 [2001:db8::77] 52:54:00:ab:cd:ef "
    "/usr/lib/zoe-quark /tmp/zoe-quark-1/out ~/private-folder projectx ccwsge0042"
)
PRIVATE = Private(
    hosts=frozenset({HOST, f"{HOST}.{DOMAIN}"}),
    users=frozenset({USER, "Zoe Quark"}),
    others=frozenset({"projectx"}),
)
KEY = b"the key of a site that is not there"
DIGEST = hashlib.sha256(b"an image").hexdigest()


def hider(key: bytes = KEY) -> Hider:
    return Hider(key=key, private=PRIVATE)


def planted_manifest(
    said: str = PLANTED, *, site: str = "local", run: str = "20260101T000000Z-made-up"
) -> Manifest:
    form = FormFacts(
        runtime="docker",
        form="docker-store",
        reference=said,
        size_bytes=1,
        convert_s=0.5,
        digest=DIGEST,
        details=(said,),
        problem=said,
    )
    image = ImageFacts(
        name="small",
        recipe=said,
        recipe_sha256=DIGEST,
        digest=DIGEST,
        tar_bytes=1,
        build_s=1.0,
        packages=(said,),
        wheels=(said,),
        forms=(form,),
    )
    runtimes = tuple(
        RuntimeFacts(
            id=id_,
            family=id_,
            mode=said,
            present=True,
            version=said,
            reason=said,
            advice=said,
            command=said,
            options=(said,),
            engine_options=(said,),
            adaptation=said,
            impairment=said,
            security=(said,),
            role=role,
            knob=KnobFacts(of="docker", options=(said,), effect=Effect.NOTHING, expected=said),
        )
        for id_, role in (("host", Role.BASELINE), ("docker", Role.ALTERNATIVE))
    )
    texts = {field: said for field in HostFacts.model_fields if field not in {"cores", "memory_bytes"}}
    return Manifest(
        site=site,
        run=run,
        profile="quick",
        seed=1,
        plan=DIGEST,
        tool_version=said,
        started_at="2026-01-01T00:00:00.000+00:00",
        measured_as=said,
        as_root=False,
        label=f"{LABEL} {said}",
        host=HostFacts(**texts, cores=1, memory_bytes=1),
        checks=(CheckFacts(what=said, state=CheckState.LOST, sentence=said, costs=said, remedy=said),),
        runtimes=runtimes,
        image=image,
        ladder=(image.model_copy(update={"name": "xs"}),),
        programs=(ProgramFacts(component=said, version=said, package=said, mentioned=(said,)),),
        batch=BatchFacts(
            engine="slurm",
            version=said,
            submitted_by="parsl",
            jobs=(JobFacts(id=said, node=NODE),),
            remark=said,
        ),
        unavailable={"cold_start": said},
    )


def planted_run(results: Path, said: str = PLANTED, *, blocks: int = 3) -> Run:
    """A finished run, with ``said`` wherever text can stand and in every transcript."""
    run = Run.create(results, planted_manifest(said))
    for block in range(blocks):
        for runtime in ("host", "docker"):
            out, err = f"{said}\nblock {block} of {runtime}".encode(), b"\xff\x00" + said.encode()
            item = evidence(out, err, argv=(said, f"--{runtime}", str(block)))
            item = identified(replace(item, cwd=said, survivors=(said,)))
            observations = [
                observation(block, runtime, value=0.25 + block, evidence=(item.id,)),
                observation(block, runtime, name="detail", unit="", value=said, evidence=(item.id,)),
            ]
            turn = Turn(probe="cold_start", runtime=runtime, block=block)
            run.append(turn, observations, [(item, out, err)])
    run.note_residue("2026-01-01T00:00:01.000+00:00", [said])
    (run.path / "executed").mkdir()
    (run.path / "executed" / "00_site.ipynb").write_text(said)
    run.finish("2026-01-01T00:01:00.000+00:00")
    return run


def identified(item: Evidence) -> Evidence:
    record = {field.name: getattr(item, field.name) for field in fields(item) if field.name != "id"}
    return replace(item, id=hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest())


def packed(results: Path, path: Path, said: str = PLANTED, *, blocks: int = 3) -> Path:
    pack(planted_run(results, said, blocks=blocks), hider()).write(path)
    return path


def secrets_in(text: str, secrets: Sequence[str] = SECRETS) -> list[str]:
    return [secret for secret in secrets if secret.lower() in text.lower()]
