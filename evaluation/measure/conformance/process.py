"""What goes into the program and what comes out: arguments, environment, streams, exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping

from evaluation.measure.conformance.trial import DeviationError, Trial, UnsupportedError, ending, expect
from evaluation.measure.launcher_main import OUTPUT_CAP

__all__ = ["CHECKS"]

ALL_BYTES = bytes(range(256))

_AWKWARD = (
    "",
    " two  words ",
    "a,b=c:d;e",
    "it's",
    "'single'",
    'a "double" b',
    '"double"',
    'ends with a "',
    "$HOME ${HOME} $(id) `id`",
    "back\\slash \\n \\",
    "first line\nsecond line\n",
    "with a return\r\n",
    "tab\there",
    "* ? [a-z] ~ # %s !",
    "naïve ☃ 容器",
    "--help",
)
"""Texts that a shell, a list of fields or a careless encoding would change."""


@expect("The program's exit status comes back, and is not taken for a failure of the runtime")
def exit_status(trial: Trial) -> str:
    """0 and 42; 1 and 127 too, which runtimes use for failures of their own."""
    for status in (0, 1, 42, 127):
        done = trial.run(trial.task(trial.python("import sys; sys.exit(int(sys.argv[1]))", str(status))))
        if done.evidence.exit_status != status:
            raise DeviationError(f"a program's exit status {status} {ending(done)}")
        if done.failure:
            raise DeviationError(f"a program's exit status {status} is taken for: {done.failure}")
    return "0, 1, 42 and 127 came back"


@expect("A program's death by a signal is told from an exit")
def death_by_signal(trial: Trial) -> str:
    """A real fault, because the first process of a namespace ignores signals that it sends itself."""
    program = """
import ctypes, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
ctypes.string_at(0)
"""
    done = trial.run(trial.task(trial.python(program)))
    status = done.evidence.exit_status
    if status not in {-11, 128 + 11}:
        fault = UnsupportedError if not trial.runtime.tells_signals and status else DeviationError
        raise fault(f"a program that died of SIGSEGV {ending(done)}")
    return "as the signal itself" if status < 0 else f"as exit status {status}"


@expect("Standard output and standard error stay apart")
def streams_apart(trial: Trial) -> str:
    """The runtime may warn on stderr; nothing but the program writes on stdout."""
    done = trial.run(trial.task(trial.python("import os; os.write(1, b'out'); os.write(2, b'err')")))
    if done.stdout != b"out" or not done.stderr.endswith(b"err") or not done.ok:
        raise DeviationError(f"stdout was {done.stdout!r}, stderr {done.stderr!r}")
    return f"the runtime adds on stderr: {text}" if (text := _words(done.stderr[:-3])) else "nothing is added"


@expect("Every byte comes out as it went in")
def binary_output(trial: Trial) -> str:
    """All 256 of them, on both streams."""
    program = "import os; data = bytes(range(256)); os.write(1, data); os.write(2, data)"
    done = trial.run(trial.task(trial.python(program)))
    for name, stream in (("stdout", done.stdout), ("stderr", done.stderr[-256:])):
        if stream != ALL_BYTES:
            raise DeviationError(f"{name} was altered: {len(stream)} bytes, {stream[:40]!r}...")
    return "256 byte values on both streams"


@expect("Standard input reaches the program unaltered, and is at its end when nothing is sent")
def standard_input(trial: Trial) -> str:
    """More than a pipe holds."""
    copy = trial.python("import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)")
    sent = ALL_BYTES * 512
    came = trial.output(trial.task(copy, stdin=True), stdin=sent)
    if came != sent:
        raise DeviationError(f"{len(sent)} bytes were sent, {len(came)} came back, {came[:40]!r}...")
    if came := trial.output(trial.task(copy)):
        raise DeviationError(f"nothing was sent, {came[:40]!r} came back")
    return f"{len(sent)} bytes"


@expect("Arguments reach the program unaltered")
def arguments(trial: Trial) -> str:
    """No shell and no option parser has a say in them."""
    program = (
        "import json, os, sys; print(json.dumps([os.fsencode(a).decode('latin-1') for a in sys.argv[1:]]))"
    )
    came = json.loads(trial.output(trial.task(trial.python(program, *_AWKWARD))))
    for sent, got in zip(_AWKWARD, came, strict=False):
        if _latin(sent) != got:
            raise DeviationError(f"the argument {sent!r} became {got!r}")
    if len(came) != len(_AWKWARD):
        raise DeviationError(f"{len(_AWKWARD)} arguments became {len(came)}")
    return f"{len(came)} awkward ones"


@expect("Variables reach the program unaltered, or the adapter refuses them")
def environment_in(trial: Trial) -> str:
    """One variable for each awkward text; those that the adapter refuses are left out and named."""
    wanted = {f"CHECK_{number}": text for number, text in enumerate(_AWKWARD)}
    refused = {
        name: why
        for name, text in wanted.items()
        if (why := trial.refused(trial.task(("true",), env={name: text})))
    }
    sent = {name: text for name, text in wanted.items() if name not in refused}
    if not sent:
        raise DeviationError(f"every variable is refused: {next(iter(refused.values()))}")
    came = _environment(trial, env=sent)
    for name, text in sent.items():
        if came.get(name) != _latin(text):
            raise DeviationError(f"the value {text!r} became {came.get(name)!r}")
    listed = "; ".join(f"{wanted[name]!r} is refused" for name in refused)
    return f"{len(sent)} awkward values" + (f"; {listed}" if refused else "")


@expect("Whether the host's environment is seen inside is recorded")
def environment_out(trial: Trial) -> str:
    """Neither way is wrong; a site must know which it is."""
    came = _environment(trial, host_env={"CHECK_HOST": "seen"})
    if "PATH" not in came:
        raise DeviationError("the program has no PATH")
    return "the host's variables are seen inside" if "CHECK_HOST" in came else "they are not seen inside"


@expect("A large output is counted in full, and its beginning kept")
def large_output(trial: Trial) -> str:
    """Eight times what is kept."""
    program = "import sys; [sys.stdout.buffer.write(bytes(range(256)) * 4096) for _ in range(8)]"
    done = trial.run(trial.task(trial.python(program)))
    wanted = 8 << 20
    if not done.ok or done.evidence.stdout_bytes != wanted:
        raise DeviationError(f"of {wanted} bytes {done.evidence.stdout_bytes} came, and it {ending(done)}")
    if done.stdout != ALL_BYTES * (OUTPUT_CAP // 256):
        raise DeviationError(f"the {len(done.stdout)} bytes kept are not the beginning of what was printed")
    return f"{wanted} bytes"


def _environment(
    trial: Trial, *, env: Mapping[str, str] | None = None, host_env: Mapping[str, str] | None = None
) -> dict[str, str]:
    program = (
        "import json, os;"
        "print(json.dumps({k.decode('latin-1'): v.decode('latin-1') for k, v in os.environb.items()}))"
    )
    came: dict[str, str] = json.loads(
        trial.output(trial.task(trial.python(program), env=env), host_env=host_env)
    )
    return came


def _latin(text: str) -> str:
    """Its bytes as the programs above print them, whatever the locale inside."""
    return text.encode().decode("latin-1")


def _words(data: bytes) -> str:
    return " ".join(data.decode(errors="replace").split())


CHECKS = (
    exit_status,
    death_by_signal,
    streams_apart,
    binary_output,
    standard_input,
    arguments,
    environment_in,
    environment_out,
    large_output,
)
