"""From the executed decision notebook to one HTML file.

nbconvert assembles it with the template in ``template/page``. Its stock templates fetch scripts from
elsewhere; this one carries a single script of our own, and shows no code.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.report.lean import lean_script, lean_style, unmarked
from evaluation.report.markup import TEMPLATES, anchor
from evaluation.report.offline import assert_self_contained, policy
from evaluation.report.packing import pack

if TYPE_CHECKING:
    from nbconvert.exporters import TemplateExporter
    from nbformat import NotebookNode

__all__ = ["page", "render", "script"]

BROWSER: Final = Path(__file__).parent / "browser"
_HEADING: Final = re.compile(r"\A\s*##[ \t]+(?P<title>\S[^\n]*?)[ \t]*(?:\n|\Z)")
_TITLE: Final = re.compile(r"^#[ \t]+(?P<title>\S[^\n]*?)[ \t]*$", re.MULTILINE)
_PART: Final = re.compile(r"\A\s*#[ \t]+(?P<title>\S[^\n]*?)\s*\Z")
_UNFOLDED: Final = frozenset({"The answer", "What if"})
"""Chapters that stand open: the first page, and where weights are moved."""
_FORMER: Final = {
    "The answer": "1-the-answer",
    "First by use case and site": "2-first-by-use-case-and-site",
    "Why": "3-why",
    "Pros and cons": "4-pros-and-cons",
    "The evidence": "5-the-evidence",
    "What if": "6-what-if",
    "How far the answers hold": "7-how-far-the-answers-hold",
    "The sites": "8-the-sites",
    "Scaling and the batch farm": "9-scaling-and-the-batch-farm",
    "Security attempts": "10-security-attempts",
    "Packages and images": "11-packages-and-images",
    "The method": "12-the-method",
    "Provenance": "13-provenance",
    "Run it again": "14-run-it-again",
}
"""The ids of chapters that had numbers once: links to them stand in mails and minutes."""


def script() -> str:
    """Return the page's one script: everything in the folder ``browser``."""
    return "\n".join(lean_script(path.read_text(encoding="utf-8")) for path in sorted(BROWSER.glob("*.js")))


def heading(source: str) -> str:
    """Return the chapter's title, where a prose cell begins with one; otherwise an empty text."""
    found = _HEADING.match(source)
    return found["title"] if found else ""


def part(source: str) -> str:
    """Return the title of a part, where a prose cell is nothing but one; otherwise an empty text."""
    found = _PART.match(source)
    return found["title"] if found else ""


def slug(title: str) -> str:
    """Return the id of a chapter or a part."""
    return _FORMER.get(title) or anchor(title)


def unfolded(title: str) -> bool:
    """Whether a chapter stands open when the page is opened."""
    return title in _UNFOLDED


def prose(source: str) -> Markup:
    """Turn the prose of a cell into HTML; a leading chapter title is left to the template.

    HTML in the prose is shown as text: a notebook may have been edited by anyone.
    """
    from nbconvert.filters.markdown_mistune import (  # noqa: PLC0415 - as in `exporter`
        IPythonRenderer,
        MarkdownWithMath,
    )

    renderer = IPythonRenderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(_HEADING.sub("", source, count=1))
    return Markup(html)  # noqa: S704 - the renderer escapes


def as_made(html: str) -> Markup:
    """Give a chapter as its template made it, which escapes."""
    return Markup(html)  # noqa: S704 - see above; and the page is looked through before it is written


def exporter() -> TemplateExporter:
    """Return nbconvert with this project's page template and filters, and with escaping on.

    Of what the page is put together from, only prose, chapters, style and script are markup.
    """
    from nbconvert.exporters import TemplateExporter  # noqa: PLC0415 - half a second, for which no other command has to wait

    made = TemplateExporter(
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="page",
        template_file="index.html.j2",
        filters={
            "as_made": as_made,
            "heading": heading,
            "part": part,
            "prose": prose,
            "slug": slug,
            "unfolded": unfolded,
        },
    )
    made.environment.autoescape = True
    return made


def page(notebook: NotebookNode) -> str:
    """Turn an executed notebook into a page.

    Raises
    ------
    EvaluationError
        A cell failed, no cell has anything to show, or the page would load something.
    """
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                raise EvaluationError(
                    f"cell {number} failed: {output.ename}: {output.evalue}",
                    where="decision notebook",
                    advice="run the notebook by hand to see the traceback",
                )
    style = lean_style((TEMPLATES / "page" / "report.css").read_text(encoding="utf-8"))
    own = script()
    titles = [
        found["title"]
        for cell in notebook.cells
        for found in _TITLE.finditer(cell.source)
        if cell.cell_type == "markdown"
    ]
    resources: dict[str, Any] = {
        "policy": policy(style, own),
        "script": Markup(own),  # noqa: S704 - a file of ours
        "style": Markup(style),  # noqa: S704 - a file of ours
        "title": titles[0] if titles else "Report",
        "version": __version__,
    }
    html, _ = exporter().from_notebook_node(notebook, resources=resources)
    if "<article" not in html:
        raise EvaluationError(
            "the notebook has no chapters: it was not executed",
            where="decision notebook",
            advice="execute it first (evaluation report does)",
        )
    assert_self_contained(html, script=own)
    packed = pack(unmarked(html))
    assert_self_contained(packed, script=own)
    return packed


def render(executed_notebook: Path, output: Path) -> Path:
    """Write the report of an executed notebook, whole or not at all.

    Parameters
    ----------
    executed_notebook : Path
        ``90_decision.ipynb`` after papermill has run it.
    output : Path
        The HTML file; its folder is made where it is missing, and an older file is replaced.

    Raises
    ------
    EvaluationError
        The notebook cannot be read, was not run to its end, or the page would load something.
    """
    import nbformat  # noqa: PLC0415 - as in `exporter`

    try:
        notebook = nbformat.read(executed_notebook, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise EvaluationError(
            f"cannot be read as a notebook: {error}", where=str(executed_notebook), advice="execute it again"
        ) from error
    html = page(notebook)
    output.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=output.parent, prefix=f".{output.name}-", delete=False
    ) as file:
        file.write(html)
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(output)
    return output
