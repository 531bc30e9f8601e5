"""Whether Qt draws without a screen."""

from collections.abc import Mapping

from evaluation.payload.build import QT_OFFSCREEN
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

PICTURE = "picture.png"
PLUGINS = "/usr/lib/x86_64-linux-gnu/qt5/plugins"
NO_PLUGIN = "Qt platform plugin"
"""What Qt says, and then aborts, where it does not find its way of drawing."""


def observe(session: Session) -> None:
    """Draw a picture."""
    script = f"{session.payload_inside}/{QT_OFFSCREEN}"
    # Qt looks for its plug-ins where it was built to lie; out of the unpacked tree they lie elsewhere.
    env = {"QT_PLUGIN_PATH": session.image_path(PLUGINS)} if session.is_control else {}
    completed = session.launch(("python3", "-B", script, f"{session.work_inside}/{PICTURE}"), env=env)
    answer = read_answer(completed)
    line = answer.first("qt")
    if line is None and NO_PLUGIN in completed.stderr.decode("utf-8", "replace"):
        session.record(UNAVAILABLE, "Qt finds no plug-in to draw with in the image", evidence=(completed,))
    elif line is None:
        session.record(PROBLEM, answer.problem or "nothing was said about Qt", evidence=(completed,))
    elif absent := line.text("absent"):
        session.record(UNAVAILABLE, absent, evidence=(completed,))
    else:
        picture = session.work / PICTURE
        drawn = line.ok and picture.is_file() and picture.stat().st_size > 0
        session.record("draws", drawn, evidence=(completed,))
        session.record(DETAIL, str(line.text("binding")), evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the picture was written."""
    return functional(
        own,
        others,
        "draws",
        works="Qt drew a picture without a screen",
        fails="Qt could not draw",
        host="it cannot on the bare host either",
    )


PROBE = Probe(
    id="qt_offscreen",
    version=2,
    question="Can a Qt program draw inside without any screen?",
    why=(
        "Event displays and plotting programs are Qt programs, and batch jobs use them to write pictures. "
        "They need fonts, shared memory and a platform plug-in, none of which is where a container "
        "expects it."
    ),
    method=(
        "The image's python3 makes a picture with the first Qt binding it finds on the offscreen platform "
        "and writes it as PNG on the bind. It holds where the file is there and not empty. Without a Qt "
        "binding or its platform plug-in in the image it is unavailable. The control is the same out of the "
        "unpacked tree, bare, with Qt told where the tree's plug-ins lie."
    ),
    remedy=(
        "Install the platform plug-ins and a font, set QT_QPA_PLATFORM=offscreen, and give the container "
        "shared memory."
    ),
    observe=observe,
    judge=judge,
    image="med",
    repeat="once",
)
