"""What of the host is seen inside, and what is written back: binds, working directory, owner."""

from __future__ import annotations

import json

from evaluation.folders import HeldFolder
from evaluation.images.convert import content_inside
from evaluation.measure.conformance.trial import DeviationError, Trial, UnsupportedError, ending, expect
from evaluation.measure.images import runner
from evaluation.model import DEFAULT_IMAGE, WORK, Bind

__all__ = ["CHECKS"]

_NAMES = {
    "/work": "plain",
    "/mnt": "two words",
    "/srv": "comma,",
    "/media": "co:lon",
    "/payload": "quo\"t'e",
    "/host": "$HOME\\n%s ☃",
}
"""By target: directories that the image has, because two runtimes cannot make them."""


@expect("A read-only bind can be read and not written")
def bind_read_only(trial: Trial) -> str:
    """Whoever the program is inside."""
    if not trial.runtime.read_only_binds:
        raise UnsupportedError("it has no read-only bind")
    with HeldFolder(trial.work) as work:
        work.write("planted", b"before", mode=0o666)
    program = """
import sys
path = sys.argv[1] + "/planted"
print(open(path).read())
for target in (path, sys.argv[1] + "/new"):
    try:
        open(target, "w").write("after")
    except OSError as error:
        print(error.strerror)
"""
    bind = Bind(source=str(trial.work), target=WORK, read_only=True)
    said = trial.output(trial.task(trial.python(program, trial.runtime.sees(bind)), binds=(bind,))).decode()
    if not said.startswith("before\n"):
        raise DeviationError(f"the file was read as {said!r}")
    with HeldFolder(trial.work) as work:
        written = work.read("planted") != b"before" or work.has("new")
    if written:
        raise DeviationError("a read-only bind was written")
    if len(said.splitlines()) != 3:
        raise DeviationError("the program was let believe that it wrote on a read-only bind")
    return " and ".join(sorted(set(said.splitlines()[1:])))


@expect("What is written on a bind is on the host")
def bind_read_write(trial: Trial) -> str:
    """Read one file, write another, in bytes."""
    given = bytes(range(256))
    with HeldFolder(trial.work) as work:
        work.write("given", given, mode=0o644)
    program = "import sys; d = sys.argv[1]; open(d + '/taken', 'wb').write(open(d + '/given', 'rb').read())"
    trial.output(trial.task(trial.python(program, trial.work_inside), binds=(trial.work_bind,)))
    with HeldFolder(trial.work) as work:
        taken = work.read("taken") if work.has("taken") else b""
    if taken != given:
        raise DeviationError("what the program wrote is not on the host")
    return "256 bytes were copied"


@expect("A directory with an awkward name is bound as it is called, or the adapter refuses it")
def bind_names(trial: Trial) -> str:
    """Binds are written as fields: commas, colons and quotes could end one."""
    binds, refused = [], []
    for target, name in _NAMES.items():
        with HeldFolder(trial.work) as work, work.make(name, mode=0o755) as folder:
            folder.write("name", name, mode=0o644)
        bind = Bind(source=str(trial.work / name), target=target)
        if trial.refused(trial.task(("true",), binds=(bind,))):
            refused.append(name)
        else:
            binds.append(bind)
    if not binds:
        raise DeviationError("every name is refused")
    program = (
        "import json, sys;"
        "print(json.dumps([open(d + '/name', encoding='utf-8').read() for d in sys.argv[1:]]))"
    )
    seen = [trial.runtime.sees(bind) for bind in binds]
    came = json.loads(trial.output(trial.task(trial.python(program, *seen), binds=binds)))
    wanted = [name for name in _NAMES.values() if name not in refused]
    if came != wanted:
        raise DeviationError(f"directories {wanted} were bound, {came} were seen")
    listed = f"; refused: {', '.join(map(repr, refused))}" if refused else ""
    return f"{len(came)} of {len(_NAMES)} names{listed}"


@expect("A bind whose source does not exist is an error, and is not made on the host")
def bind_source_missing(trial: Trial) -> str:
    """An engine run by root would make it, and make it root's."""
    source = trial.work / "missing"
    if trial.runtime.sees(Bind(source=str(source), target=WORK)) == str(source):
        raise UnsupportedError("it binds nothing")
    done = trial.run(trial.task(trial.python("print('ran')"), binds=(Bind(source=str(source), target=WORK),)))
    if source.exists():
        raise DeviationError("the missing source was made on the host")
    if done.ok or done.stdout:
        raise DeviationError("the program was run without its bind")
    if not done.failure:
        raise DeviationError(f"it is not recognised as the runtime's own failure: it {ending(done)}")
    return done.failure


@expect("The program starts in the working directory asked for")
def working_directory(trial: Trial) -> str:
    """Shown by a file that it makes there. Also recorded: where it starts when none is asked for."""
    make = trial.python("open('here', 'w').close()")
    trial.output(trial.task(make, binds=(trial.work_bind,), workdir=trial.work_inside))
    if not (trial.work / "here").exists():
        raise DeviationError(f"the program was not in {trial.work_inside}")
    tell = trial.python("import os; os.write(1, os.fsencode(os.getcwd()))")
    return f"by default it is {_named(trial, trial.output(trial.task(tell)).decode())}"


@expect("A working directory that does not exist is never another one in silence")
def working_directory_missing(trial: Trial) -> str:
    """It may be made, or be an error; the program must not run elsewhere."""
    asked = "/does/not/exist"
    done = trial.run(
        trial.task(trial.python("import os; os.write(1, os.fsencode(os.getcwd()))"), workdir=asked)
    )
    came = done.stdout.decode(errors="replace")
    if came == asked and done.ok:
        return "it is made"
    if came and asked not in done.stderr.decode(errors="replace"):
        raise DeviationError(f"the program ran in {_named(trial, came)} instead, and nothing was said")
    if came:
        return f"the program runs in {_named(trial, came)} instead, with a warning"
    if done.ok:
        raise DeviationError("nothing was run, and nothing was said")
    return done.failure or ending(done)


@expect("The owner of a file written on a bind, and who the program is inside, are recorded")
def output_owner(trial: Trial) -> str:
    """A daemon's default is root, in both places."""
    program = "import os, sys; open(sys.argv[1] + '/made', 'w').close(); print(os.getuid(), os.getgid())"
    inside = trial.output(
        trial.task(trial.python(program, trial.work_inside), binds=(trial.work_bind,))
    ).split()
    made = trial.work / "made"
    if not made.exists():
        raise DeviationError("the file is not on the host")
    user = trial.bench.launcher.user
    names = {user.uid: "the user", 0: "root"}
    owner = names.get(made.stat().st_uid, "somebody else")
    return f"{names.get(int(inside[0]), 'somebody else')} inside, {owner} outside"


@expect("The image's own files are seen inside as they are in the control's tree")
def image_content(trial: Trial) -> str:
    """What the runtime adds is told; the digest was the control's when the form was made ready."""
    run, payload = runner(trial.bench.launcher), str(trial.bench.payload)
    seen = content_inside(trial.arm.reference, trial.runtime, run, payload, DEFAULT_IMAGE)
    if seen.sha256 != trial.arm.image_digest:
        raise DeviationError(f"digest {seen.sha256[:12]}, the control's is {trial.arm.image_digest[:12]}")
    return f"{seen.added} added, the first /{seen.first_added}" if seen.added else "nothing is added"


def _named(trial: Trial, path: str) -> str:
    """Say what a path is, without the random name of a directory of ours."""
    if path == str(trial.work):
        return "where the client was started"
    return "the user's home" if path == trial.bench.launcher.user.home else path


CHECKS = (
    bind_read_only,
    bind_read_write,
    bind_names,
    bind_source_missing,
    working_directory,
    working_directory_missing,
    output_owner,
    image_content,
)
