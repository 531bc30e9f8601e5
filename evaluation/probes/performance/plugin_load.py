"""How long it takes to load a framework's plug-ins."""

from collections.abc import Mapping

from evaluation.machine import this_machine
from evaluation.model import Reference
from evaluation.payload.build import PLUGIN_LOAD
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines

TREE = f"usr/lib/{this_machine().libraries}/gconv"


def observe(session: Session) -> None:
    """Load every library of a directory, in a fresh container."""
    script = f"{session.payload_inside}/{PLUGIN_LOAD}"
    completed = session.launch(("python3", "-B", script, session.image_path("/"), TREE))
    record_lines(
        session,
        completed,
        "plugins",
        name="loading",
        unit="s",
        worth=lambda _, elapsed_s: elapsed_s,
        checks=("loaded",),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the seconds per block, if as many libraries were loaded."""
    return relative(own, others, "loading", same_work=("loaded",))


PROBE = Probe(
    id="plugin_load",
    version=1,
    question="How long does it take to load some 250 small shared libraries of the image?",
    why=(
        "Frameworks such as Gaudi load hundreds of plug-in libraries before the first event. Each one is "
        "looked up, opened, mapped and relocated: many small reads all over the image."
    ),
    method=(
        "The image's own python3 loads (dlopen, by ctypes) every library in gconv, the C library's folder of "
        "character set modules: some 250 of them, a few kB each, the same in every form, and in the image "
        "itself, not on a bind. The value is the time of the loading alone, in a fresh container with a "
        "warm page cache. The control does the same out of the unpacked tree, bare. A turn counts only if "
        "every library loaded and there were as many as the control's."
    ),
    remedy=("Link the plug-ins of a production into fewer libraries, or run from a directory on local disk."),
    observe=observe,
    judge=judge,
    unit="s",
    needs=("image", "payload"),
    quick=False,
    references=(
        Reference(title="Pynamic: the Python dynamic benchmark", url="https://github.com/LLNL/pynamic"),
    ),
)
