"""Container runtime comparison and evaluation."""

import sys

__version__ = "0.1.0"

# jsonschema, which nbformat imports, would build a grammar of internationalised addresses, in a second of
# computing, only to check a format that no notebook uses; it does without where it finds none.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
