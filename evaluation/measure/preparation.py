"""Getting ready: the payload built, the image in every runtime's form, each form started once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from spython.main import Client

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage, build, without_addresses
from evaluation.images.convert import ConvertedForm, convert
from evaluation.images.recipe import load_recipe
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves
from evaluation.model import CONTROL, Form
from evaluation.payload import build as payload_builder
from evaluation.probes.base import Completed
from evaluation.store import FormFacts, ImageFacts, RuntimeFacts

__all__ = ["build_payload", "built_image", "image_facts", "ready"]


def build_payload(folder: Path) -> Path:
    """Compile the payload with our own hands: the measuring user must not be able to change it."""
    with Launcher(ourselves()) as launcher:

        def run(argv: Sequence[str]) -> tuple[int, str]:
            done = launcher.run(Command(argv=tuple(argv), env=launcher.user.env), timeout_s=120.0)
            return done.evidence.exit_status, (done.stdout + done.stderr).decode(errors="replace")

        payload_builder.build(folder, run)
    return folder


def runner(launcher: Launcher) -> _Run:
    """Give building and converting their way to start processes, as the measuring user."""
    return _Run(launcher)


class _Run:
    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        command = Command(argv=tuple(argv), env=self._launcher.user.env, stdin=stdin)
        return self._launcher.run(command, timeout_s=timeout_s)


def built_image(name: str, images: Path, launcher: Launcher) -> tuple[BuiltImage, str]:
    """Build the image or take the kept one; also its recipe's path.

    Raises
    ------
    EvaluationError
        It cannot be had here; with what to do.
    """
    recipe, sha256 = load_recipe(images, name)
    path = f"images/{name}/image.yaml"
    return build(recipe, name, sha256, launcher.user.cache, runner(launcher)), path


def ready(
    found: FoundRuntime, image: BuiltImage, launcher: Launcher, payload: Path
) -> tuple[FoundRuntime, FormFacts | None]:
    """Make a runtime's form of the image and run it once, if need be with an adaptation.

    A runtime that cannot run the image here becomes absent, with what it said as the reason.
    """
    if not found.facts.present:
        return found, None
    problem = ""
    for variant in (found.runtime, *found.runtime.adaptations()):
        try:
            form = convert(image, variant, runner(launcher), str(payload))
        except EvaluationError as error:
            problem = problem or error.what
            continue
        facts = found.facts.model_copy(
            update={
                "options": variant.options,
                "engine_options": variant.engine_options,
                "adaptation": f"it does not start with its defaults here: {problem}" if problem else "",
            }
        )
        return FoundRuntime(runtime=variant, facts=facts), form_facts(form)
    reason = f"installed, but cannot run the image: {without_addresses(problem)}"
    return (
        FoundRuntime(
            runtime=found.runtime, facts=found.facts.model_copy(update={"present": False, "reason": reason})
        ),
        None,
    )


def form_facts(form: ConvertedForm) -> FormFacts:
    """Put a form as the manifest keeps it: no path of this machine, a SIF with its own labels."""
    return FormFacts(
        runtime=form.runtime,
        form=str(form.form),
        reference=form.reference,
        size_bytes=form.size_bytes,
        convert_s=form.convert_s,
        digest=form.digest,
        details=_sif_labels(form.reference) if form.form is Form.SIF else (),
    )


def _sif_labels(path: str) -> tuple[str, ...]:
    """What a SIF says of its own making, read by spython (which calls ``singularity inspect``)."""
    if not shutil.which("singularity"):
        return ()
    with suppress(Exception):  # spython raises plain exceptions; a label is not worth a run
        labels = Client.inspect(path, quiet=True)["attributes"]["labels"]
        return tuple(f"{key}: {text}" for key, text in sorted(labels.items()) if ".from" not in key)
    return ()


def image_facts(image: BuiltImage, recipe: str, forms: Sequence[FormFacts]) -> ImageFacts:
    """Put the image as the manifest keeps it. Its digest is the control's, which all others equal.

    Raises
    ------
    EvaluationError
        A form is not the same image: its digest from inside differs.
    """
    digest = next((form.digest for form in forms if form.runtime == CONTROL), "")
    if odd := [form.runtime for form in forms if form.digest != digest]:
        raise EvaluationError(
            f"the image is not the same in every form: {', '.join(odd)} differ from the unpacked tree",
            where=f"image {image.name}",
            advice="Remove the forms with 'evaluation image clean' and run again.",
        )
    return ImageFacts(
        name=image.name,
        recipe=recipe,
        recipe_sha256=image.recipe_sha256,
        digest=digest,
        tar_bytes=image.tar_bytes,
        build_s=image.build_s,
        packages=image.packages,
        forms=tuple(forms),
    )


def absent(facts: RuntimeFacts, reason: str) -> RuntimeFacts:
    """Take a runtime out of the run, with the reason."""
    return facts.model_copy(update={"present": False, "reason": reason})
