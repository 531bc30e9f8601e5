"""Each runtime's form of each image: made once, looked into, and shared by the modes of a runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from spython.main.inspect import parse_labels

from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.images.build import BuiltImage
from evaluation.images.contents import first_difference, place_contents, place_without
from evaluation.images.convert import (
    ConvertedForm,
    UnseenFolderError,
    content_inside,
    contents_seen,
    convert,
    shared_form,
)
from evaluation.images.process import Run, UnreadableCacheError, without_addresses
from evaluation.measure import apptainerhere, podmanhere
from evaluation.measure.discovery import FoundRuntime, as_own_mode
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Launcher, LauncherGoneError
from evaluation.measure.premises import user_namespaces
from evaluation.model import CONTROL, Form
from evaluation.probes.registry import discover as discover_probes
from evaluation.probes.roles import takes_part
from evaluation.runtimes.base import Runtime
from evaluation.store import FormFacts, ImageFacts, RuntimeFacts

__all__ = ["Shelf", "absent", "first_forms", "further_forms", "ready", "sif_labels"]

_OTHER_CONTENT = "its form of the image is not the same image as the control's"


def ready(
    found: FoundRuntime,
    image: BuiltImage,
    launcher: Launcher,
    payload: Path,
    base: ConvertedForm | None = None,
) -> tuple[FoundRuntime, ConvertedForm | None]:
    """Make a runtime's form of the image and run it once, if need be with an adaptation.

    A runtime that cannot run the image here becomes absent, with what it said as the reason. With ``base``,
    the form of the runtime of which this one is a mode, that one is run and nothing is made.
    """
    if not found.facts.present:
        return found, None
    problem = ""
    run, bound = runner(launcher), str(payload)
    place_contents(image, payload)
    for variant in (found.runtime, *found.runtime.adaptations()):
        try:
            if base:
                form = shared_form(base, variant, run, bound, image.name)
            else:
                form = convert(image, variant, run, bound)
        except LauncherGoneError:
            raise
        except UnseenFolderError as error:
            problem = error.what
            break  # no option of the runtime's would help
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
        if facts.family == "apptainer":
            facts = apptainerhere.with_what_is_seen(facts, variant, form.reference, launcher)
        elif variant.dialect == "podman" and problem:  # another manager of control groups, it may be
            facts = facts.model_copy(update={"security": podmanhere.confinement(variant, launcher)})
        return FoundRuntime(runtime=variant, facts=facts), form
    reason = f"installed, but cannot run the image: {without_addresses(problem)}"
    if found.runtime.user_namespaces and (refused := user_namespaces(launcher)):
        reason = f"{reason}; {refused.why}"
    return (
        FoundRuntime(
            runtime=found.runtime, facts=found.facts.model_copy(update={"present": False, "reason": reason})
        ),
        None,
    )


def form_facts(form: ConvertedForm, runtime: Runtime, run: Run, made_by: str = "") -> FormFacts:
    """Put a form as the manifest keeps it: no path of this machine, a SIF with its own labels."""
    labels = sif_labels(runtime.command, form.reference, run) if form.form is Form.SIF else ()
    return FormFacts(
        runtime=form.runtime,
        form=str(form.form),
        reference=form.reference,
        size_bytes=form.size_bytes,
        convert_s=form.convert_s,
        digest=form.digest,
        first_start_s=form.first_start_s,
        details=(*_additions(form), *labels),
        made_by=made_by,
    )


def _additions(form: ConvertedForm) -> tuple[str, ...]:
    if not form.added:
        return ()
    return (f"paths inside that are not the image's: {form.added}, the first /{form.first_added}",)


def sif_labels(command: str, path: str, run: Run) -> tuple[str, ...]:
    """What a SIF says of its own making, put in order by spython.

    The measuring user asks: ``inspect`` may run the image, and the file is that user's.
    """
    told = run((command, "inspect", "--labels", "--json", path), b"", 60.0)
    with suppress(ValueError, KeyError, TypeError, AttributeError):  # a label is not worth a run
        labels = parse_labels(json.loads(told.stdout)["data"])["attributes"]["labels"]
        return tuple(f"{key}: {text}" for key, text in sorted(labels.items()) if ".from" not in key)
    return ()


class Shelf:
    """Every runtime that was made ready, with its form of the first image; each is made ready once.

    A mode runs the form of its base, which is made ready for it even where the run leaves the base out.
    """

    def __init__(self, *, everything: Sequence[FoundRuntime], launcher: Launcher, payload: Path) -> None:
        self._everything = {item.facts.id: item for item in everything}
        self.launcher = launcher
        self._payload = payload
        self._ready: dict[str, tuple[FoundRuntime, ConvertedForm | None]] = {}

    def ready(self, id_: str, built: BuiltImage) -> tuple[FoundRuntime, ConvertedForm | None]:
        """Make a runtime ready to run the first image, after its base."""
        if id_ not in self._ready:
            item, base = self._everything[id_], None
            if item.runtime.base and item.facts.present:
                its, base = self.ready(item.runtime.base, built)
                if base is None:
                    reason = f"{item.runtime.base} is not here: {its.facts.reason}"
                    item = FoundRuntime(runtime=item.runtime, facts=absent(item.facts, reason))
                item = as_own_mode(item, its.facts)
            if item.facts.present:
                what = f"looking into {item.runtime.base}'s" if base else "making its"
                print(f"  ... {id_}: {what} form of the image {built.name}", flush=True)  # noqa: T201
            self._ready[id_] = ready(item, built, self.launcher, self._payload, base)
        return self._ready[id_]

    def convert(self, id_: str, built: BuiltImage) -> ConvertedForm:
        """Make the form of a further image, of a runtime that was made ready."""
        print(f"  ... {id_}: making or taking its form of the image {built.name}", flush=True)  # noqa: T201
        place_contents(built, self._payload)
        return convert(built, self._ready[id_][0].runtime, runner(self.launcher), str(self._payload))

    def compared(
        self, id_: str, form: FormFacts, control: FormFacts, built: BuiltImage
    ) -> tuple[FormFacts, str]:
        """Hold a form against the control's; say in what it is not the same image, empty where it is.

        What the runtime or the site puts in the place of some of the image's files is no fault of the form:
        where nothing else differs it counts as the same image, and its details name what was left out.
        """
        if not form.digest or form.digest == control.digest:
            return form, ""

        run, payload, listed = runner(self.launcher), str(self._payload), built.name
        both = [
            (self._ready[of][0].runtime, each.reference)
            for of, each in ((control.runtime, control), (id_, form))
        ]
        if replaced := both[1][0].replaced():
            listed = place_without(built.name, self._payload, replaced)
            digests = {content_inside(at, adapter, run, payload, listed).sha256 for adapter, at in both}
            if len(digests) == 1:
                told = f"not the image's own inside: /{', /'.join(replaced)}, as far as it has them"
                details = (*form.details, told)
                return form.model_copy(update={"digest": control.digest, "details": details}), ""
        path = first_difference(*(contents_seen(at, adapter, run, payload, listed) for adapter, at in both))
        return form, f"{_OTHER_CONTENT}: /{path} differs" if path else _OTHER_CONTENT


def first_forms(
    found: Sequence[FoundRuntime], built: BuiltImage, shelf: Shelf
) -> tuple[list[FoundRuntime], ImageFacts]:
    """Make every form of the first image; the bare host's tree first: all are compared with it."""
    kept: list[FoundRuntime] = []
    forms: list[FormFacts] = []
    for item in found:
        if not item.facts.present:
            kept.append(item)
            continue
        readied, form = shelf.ready(item.facts.id, built)
        # What this run does with it is said by what was chosen, not by what was found.
        facts = readied.facts.model_copy(update={"timed": item.facts.timed})
        if item.facts.id == CONTROL and not form:
            raise EvaluationError(facts.reason)
        if form:
            made = form_facts(form, readied.runtime, runner(shelf.launcher), item.runtime.base)
            made, why = shelf.compared(item.facts.id, made, forms[0], built) if forms else (made, "")
            facts = absent(facts, why) if why else facts
            forms += [] if why else [made]
        kept.append(FoundRuntime(runtime=readied.runtime, facts=facts))
    return kept, image_facts(built, forms)


def further_forms(
    found: Sequence[FoundRuntime], names: Sequence[str], images: Path, shelf: Shelf
) -> tuple[list[ImageFacts], dict[str, str]]:
    """Make every form of the other images; also, by name, why one could not be had at all."""
    ladder: list[ImageFacts] = []
    missing: dict[str, str] = {}
    for name in names:
        print(f"  ... the image {name}: building it or taking the kept one", flush=True)  # noqa: T201
        asked_in_it = [probe for probe in discover_probes().values() if probe.image == name]
        meant = [
            item
            for item in found
            if item.facts.present
            and (
                item.facts.timed
                or any(takes_part(item.facts.role, probe, timed=False) for probe in asked_in_it)
            )
        ]
        try:
            built = built_image(name, images, shelf.launcher)
            ladder.append(image_facts(built, _forms_of(built, meant, shelf)))
        except (LauncherGoneError, FaultyDocumentError, UnreadableCacheError):
            raise
        except EvaluationError as error:
            missing[name] = f"there is no image {name}: {error.what}"
    return ladder, missing


def _forms_of(built: BuiltImage, found: Sequence[FoundRuntime], shelf: Shelf) -> list[FormFacts]:
    """Give every runtime's form; where one cannot make it, what it said, and the others go on."""
    forms: dict[str, FormFacts] = {}
    for item in found:
        base = item.runtime.base
        if base in forms:  # it was just made, and looked into
            forms[item.facts.id] = forms[base].model_copy(
                update={"runtime": item.facts.id, "made_by": base, "first_start_s": None}
            )
            continue
        try:
            converted = shelf.convert(item.runtime.form_of, built)
            form = form_facts(converted, item.runtime, runner(shelf.launcher), base)
            form = form.model_copy(update={"runtime": item.facts.id})
        except LauncherGoneError:
            raise
        except EvaluationError as error:
            if item.facts.id == CONTROL:
                raise
            form = _no_form(item, without_addresses(error.what))
        if first := forms.get(CONTROL):
            form, why = shelf.compared(item.runtime.form_of, form, first, built)
            form = _no_form(item, why) if why else form
        forms[item.facts.id] = form
    return list(forms.values())


def _no_form(item: FoundRuntime, problem: str) -> FormFacts:
    return FormFacts(
        runtime=item.facts.id,
        form=str(item.runtime.form),
        reference="",
        size_bytes=None,
        convert_s=0.0,
        digest="",
        problem=problem,
    )


def image_facts(image: BuiltImage, forms: Sequence[FormFacts]) -> ImageFacts:
    """Put an image as the manifest keeps it; its digest is that of all of its forms."""
    return ImageFacts(
        name=image.name,
        recipe=f"images/{image.name}/image.yaml",
        recipe_sha256=image.recipe_sha256,
        digest=forms[0].digest,
        tar_bytes=image.tar_bytes,
        build_s=image.build_s,
        packages=image.packages,
        wheels=image.wheels,
        forms=tuple(forms),
    )


def absent(facts: RuntimeFacts, reason: str) -> RuntimeFacts:
    """Take a runtime out of the run, with the reason."""
    return facts.model_copy(update={"present": False, "reason": reason})
