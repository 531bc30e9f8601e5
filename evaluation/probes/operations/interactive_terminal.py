"""Whether somebody can work in a shell inside: a terminal, its size, job control and control-C."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import DETAIL, PROBLEM, functional

ROWS, COLUMNS = 37, 123
"""A size that nobody has by chance."""
TERM = "xterm-256color"


def observe(session: Session) -> None:
    """Start the payload in a terminal of the verifier's, and type control-C."""
    completed = session.launch(
        (f"{session.payload_inside}/{PAYLOAD}", "tell-terminal"),
        before=(str(session.payload / PAYLOAD), "terminal", str(ROWS), str(COLUMNS)),
        host_env={"TERM": TERM},
        terminal=True,
    )
    answer = read_answer(completed)
    if answer.first("terminal") is None:
        session.record(PROBLEM, answer.problem or "nothing was told of a terminal", evidence=(completed,))
        return
    missing = _missing(answer)
    session.record("works", not missing, evidence=(completed,))
    told = answer.all("terminal")[0].text("term")
    session.record(DETAIL, "; ".join([*missing, f"TERM is {told or 'not set'}"]), evidence=(completed,))


def _missing(answer: Answer) -> list[str]:
    """Say what a shell would miss."""
    line, interrupt = answer.all("terminal")[0], answer.first("interrupt")
    size = (line.integer("rows"), line.integer("columns"))
    wanted = {
        "standard input is no terminal": line.fields.get("input") is True,
        "standard output is no terminal": line.fields.get("output") is True,
        "there is no /dev/tty": line.fields.get("device") is True,
        f"the size is {size[0]} x {size[1]}, not {ROWS} x {COLUMNS}": size == (ROWS, COLUMNS),
        f"no job control: {line.reason}": line.ok,
        "control-C did not arrive": interrupt is not None and interrupt.ok,
        "TERM is not handed over": bool(line.text("term")),
    }
    return [what for what, there in wanted.items() if not there]


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where nothing is missing."""
    return functional(
        own,
        others,
        "works",
        works="an interactive shell has its terminal",
        fails="an interactive shell lacks something",
        host="it does bare too",
    )


PROBE = Probe(
    id="interactive_terminal",
    version=1,
    question="Does an interactive shell inside have a terminal, its size, job control and control-C?",
    why=(
        "End users try things out in a shell before they submit anything, and developers live in one. "
        "Without a terminal there is no editing of lines, no control-C, no pager, and editors draw in the "
        "wrong size."
    ),
    method=(
        f"The verifier opens a terminal of {ROWS} rows and {COLUMNS} columns, as a login does, and starts "
        "the client in it (with --tty where that is asked for). The payload tells whether its input and "
        "output are a terminal, its size, whether /dev/tty opens, whether TERM is set, and puts a child in "
        "the foreground as a shell does for every job. Then control-C is typed, which must arrive as an "
        "interrupt. The control is the same done bare."
    ),
    remedy=(
        "Docker and Podman: run --interactive --tty; other runtimes hand the terminal on. Set TERM inside "
        "where the image does not know the terminal's kind."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="pty(7)", url="https://man7.org/linux/man-pages/man7/pty.7.html"),
        Reference(title="credentials(7)", url="https://man7.org/linux/man-pages/man7/credentials.7.html"),
    ),
)
