"""Import a broad, fixed list of standard library modules once, and say how long it took.

Run by the image's own interpreter (``python3 -B``), so it uses nothing but the standard library.
One JSON object per line; the last is ``{"done": true}``. The modules are those that a Debian
``python3`` brings; those that need a screen, a database or a terminal library are left out, because
a slim host control might not have them and would then do less work.
"""

import importlib
import json
import os
import sys
import time

MODULES = (  # noqa: SIM905 - a hundred quoted names in a column would be harder to read
    "argparse ast asyncio base64 bdb bisect calendar cgi cmd code codecs collections.abc "
    "compileall concurrent.futures configparser contextvars copy cProfile csv ctypes datetime "
    "decimal difflib dis doctest email.message email.mime.multipart email.policy enum "
    "filecmp fileinput fractions ftplib functools getopt glob graphlib gzip heapq hmac "
    "html.parser http.client http.cookiejar http.server imaplib inspect ipaddress json.tool "
    "linecache locale logging.config logging.handlers mailbox mimetypes multiprocessing.pool "
    "multiprocessing.shared_memory netrc optparse pathlib pdb pickletools pkgutil platform plistlib "
    "poplib pprint profile pstats pyclbr pydoc queue quopri random runpy sched secrets selectors "
    "shelve shlex shutil smtplib socketserver statistics string stringprep subprocess symtable "
    "tarfile tempfile textwrap timeit tokenize trace traceback tracemalloc types typing unittest.mock "
    "urllib.request urllib.robotparser uuid wave weakref webbrowser wsgiref.simple_server "
    "xml.dom.minidom xml.etree.ElementTree xml.sax.expatreader xmlrpc.server zipapp zipfile zipimport"
).split()


def import_all() -> "dict[str, object]":
    """Import every module of the list and count what that loaded.

    Returns
    -------
    dict
        ``elapsed_ns`` of the imports alone; ``modules`` and ``files`` newly loaded; ``compiled``, how
        many of those had their bytecode beside them; ``failed``, the names that would not import;
        ``started_with``, how many modules the interpreter had loaded by itself.
    """
    before = set(sys.modules)
    failed = []
    start = time.perf_counter_ns()
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - whatever a broken image raises is an answer, not our crash
            failed.append(name)
    elapsed_ns = time.perf_counter_ns() - start
    loaded = [sys.modules[name] for name in sorted(set(sys.modules) - before)]
    cached = [getattr(module, "__cached__", None) for module in loaded]
    compiled = [path for path in cached if path and os.path.exists(path)]
    return {
        "what": "imports",
        "elapsed_ns": elapsed_ns,
        "modules": len(loaded),
        "files": len([module for module in loaded if getattr(module, "__file__", None)]),
        "compiled": len(compiled),
        "failed": failed,
        "started_with": len(before),
        "python": sys.version.split()[0],
    }


def main() -> None:
    """Print the counts, then the sentinel that shows that the payload ran to its end.

    With the argument ``start``, the kernel's monotonic clock is told first, before anything is imported. With
    ``then PROGRAM ARGUMENT ...`` that program takes this process's place, and the sentinel is its to print.
    """
    if sys.argv[1:] == ["start"]:
        sys.stdout.write(json.dumps({"what": "start", "monotonic_ns": time.monotonic_ns()}) + "\n")
        sys.stdout.flush()
    sys.stdout.write(json.dumps(import_all()) + "\n")
    if sys.argv[1:2] == ["then"]:
        sys.stdout.flush()
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is what is wanted
    sys.stdout.write(json.dumps({"done": True}) + "\n")


if __name__ == "__main__":
    main()
