"""What every job of ours begins with, whoever submits it: the environment, and the directives."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from evaluation.batch import Batch
from evaluation.kit import kit_folder
from evaluation.measure.environment import INIT_FAILED, INIT_SAID
from evaluation.project import root

__all__ = ["SUBMISSION", "WORKING", "directives", "environment", "pilot_script", "preamble"]

WORKING = "EVALUATION_WORKING"
"""The variable that names a folder in which each command that is under way has a file."""

SUBMISSION = "EVALUATION_SUBMISSION"
"""The variable by which work knows that it runs in a job of ours, and of which submission."""

# A job that its scheduler would start anew after a node's failure would measure a second time, in silence.
# Grid Engine kills at once, unless it is asked to give notice, by SIGUSR2 (``qsub -notify``).
_OURS = {
    "slurm": ("#SBATCH --no-requeue",),
    "gridengine": ("#$ -r n", "#$ -S /bin/bash", "#$ -notify"),
}


def environment(batch: Batch) -> Path:
    """Tell in which folder the Python environment is on the nodes."""
    return Path(batch.environment or sys.prefix)


def preamble(batch: Batch, submission: str) -> tuple[str, ...]:
    """Give the lines of shell that a job's script begins with: the site's own, then what we need."""
    exports = {
        **{name: os.environ.get(name, value) for name, value in batch.env.items()},
        SUBMISSION: submission,
        "PYTHONPATH": str(root()),
        # Arithmetic libraries take all cores they see, also those of others.
        "OMP_NUM_THREADS": "1",
    }
    return (
        *_watched(batch.worker_init),
        *_isolated(),  # what it loaded is for others' Python
        f"export PATH={shlex.quote(str(environment(batch) / 'bin'))}:$PATH",
        *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
    )


def _isolated() -> tuple[str, ...]:
    """Forget what redirects Python; a kit on a node writes in its folder, and builds nothing there either."""
    if kit := kit_folder():
        return f"kit={shlex.quote(str(kit))}", f". {shlex.quote(str(kit / 'python' / 'environment.sh'))}"
    return (f". {shlex.quote(str(root() / 'setup' / 'isolated.sh'))}",)


def _watched(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Have the site's own lines note which of them failed first, and what they said: the work tells it.

    The command is the one before: on the trap's own, in bash, the last one of a function that failed counts.
    What a module command says is on standard error, and old ones end with success whatever happens. What is
    said is shown as ever, also where a line ends the script.
    """
    if not lines:
        return ()
    before = "evaluation_line=${evaluation_at-}; evaluation_at=$BASH_COMMAND"
    noted = f"{INIT_FAILED}=${{{INIT_FAILED}:-$evaluation_line, exit status $?}}"
    return (
        "evaluation_said=$(mktemp 2>/dev/null || mktemp -p /tmp)",  # TMPDIR may not be there
        'exec 3>&2 2>"$evaluation_said"',
        "trap 'cat \"$evaluation_said\" >&3' EXIT",
        f"[ -z \"${{BASH_VERSION-}}\" ] || {{ trap '{before}' DEBUG; trap '{noted}' ERR; }}",
        *lines,
        '[ -z "${BASH_VERSION-}" ] || trap - ERR DEBUG; trap - EXIT',
        'exec 2>&3 3>&-; cat "$evaluation_said" >&2',
        f'{INIT_SAID}=$(head -c 4000 "$evaluation_said"); rm -f "$evaluation_said"',
        f"export {INIT_FAILED} {INIT_SAID}",
    )


def pilot_script(command: str, folder: Path) -> str:
    """Give the lines that start a pilot, pass a scheduler's notice on, and stay while commands are ending.

    Slurm gives its notice to the script alone, Grid Engine to all of the job. With the end of its script the
    rest of a job is killed at once, and a container of an engine would stay. So the script waits for what
    `run_here` has under way, a minute at most: the scheduler's own patience is shorter.
    """
    return "\n".join(
        (
            f"export {WORKING}={shlex.quote(str(folder))}/working-$$",
            f'mkdir -p "${WORKING}"',
            "trap \"trap '' TERM USR2; kill -TERM 0\" TERM USR2",
            f"{command} &",
            "wait $!",
            f'for _ in $(seq 600); do ls "${WORKING}"/* >/dev/null 2>&1 || break; sleep 0.1; done',
        )
    )


def directives(batch: Batch) -> tuple[str, ...]:
    """Give the job's directives: the site's own, and that it is never started twice."""
    return (*batch.directives, *_OURS.get(batch.engine, ()))
