"""Draw a picture with Qt without any screen, and say what came of it.

Run by the image's own interpreter. One JSON object per line; the last is ``{"done": true}``.
"""

import importlib
import json
import os
import sys

BINDINGS = ("PySide6", "PyQt6", "PyQt5")


def draw(binding: str, path: str) -> "dict[str, object]":
    """Fill a picture, write it as PNG, and give what is to be said about it."""
    gui = importlib.import_module(binding + ".QtGui")
    application = gui.QGuiApplication(["offscreen", "-platform", "offscreen"])
    picture = gui.QImage(64, 64, gui.QImage.Format.Format_RGB32)
    picture.fill(gui.QColor("red"))
    saved = picture.save(path, "PNG")
    del application
    return {"what": "qt", "binding": binding, "ok": bool(saved) and os.path.getsize(path) > 0}


def main(path: str) -> "dict[str, object]":
    """Use the first binding there is."""
    for binding in BINDINGS:
        try:
            importlib.import_module(binding)
        except ImportError:
            continue
        return draw(binding, path)
    return {"what": "qt", "absent": "the image has no %s" % " or ".join(BINDINGS)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
    print(json.dumps({"done": True}))
