"""Build and run the two ranks of mpi_pingpong.c with the image's own MPI.

What they say on standard error is reported, because an MPI that falls back to another path says so
there and goes on. One JSON object per line; the last is ``{"done": true}``.
"""

import json
import os
import shutil
import subprocess
import sys
from typing import List, Tuple

NEEDED = ("mpicc", "mpirun")
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",  # root inside is nobody special outside
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_plm_rsh_agent": "",  # one node: nothing is started elsewhere
}


def start(argv: "List[str]") -> "Tuple[int, str, str]":
    """Run a command and give its exit status, what it printed, and what it said."""
    done = subprocess.run(  # noqa: S603 - the programs of the image, and the one it built
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
        env=dict(os.environ, **SETTINGS),
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()[:2000]


def main(work: str, size: str, rounds: str) -> None:
    """Print what was measured, and what MPI said about it."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        print(json.dumps({"what": "mpi", "absent": ", ".join(missing)}))
        return
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mpi_pingpong.c")
    program = os.path.join(work, "pingpong")
    status, _, said = start(["mpicc", "-O2", "-o", program, source])
    if status == 0:
        argv = ["mpirun", "--oversubscribe", "-n", "2", program, size, rounds]
        status, printed, said = start(argv)
        print(printed)
    print(json.dumps({"what": "mpi", "exit_status": status, "said": said}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
    print(json.dumps({"done": True}))
