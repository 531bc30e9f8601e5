"""An image's bill of materials in CycloneDX 1.6, from its line in the ledger; the same bytes each time."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from importlib.metadata import version

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from evaluation import __version__
from evaluation.ledger import Build, Package

__all__ = ["bill_of_materials"]

_LIBRARY = "cyclonedx-python-lib"


def bill_of_materials(build: Build, epoch: int) -> str:
    """Write the bill of materials of a build, as JSON text.

    Parameters
    ----------
    epoch : int
        Seconds since 1970: the recipe's, or SOURCE_DATE_EPOCH. With the tree's digest it makes the serial
        number too, so that the same build gives the same bill.
    """
    ref = f"image:{build.image}@sha256:{build.tar_sha256}"
    image = Component(
        name=f"container-evaluation/{build.image}",
        version=build.tar_sha256[:12],
        type=ComponentType.CONTAINER,
        bom_ref=ref,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=build.tar_sha256)],
        properties=[
            Property(name=f"container-evaluation:{name}", value=value)
            for name, value in (
                ("recipe_sha256", build.recipe_sha256),
                ("content_digest", build.digest),
                ("base", build.base),
                ("flavour", build.flavour),
                ("parent", build.parent.image if build.parent else ""),
                *((f"layer:{place}", f"sha256:{layer.sha256}") for place, layer in enumerate(build.layers)),
            )
            if value
        ],
    )
    packages = [_component(item, build.base.rpartition(" ")[2]) for item in build.packages]
    bom = Bom(components=packages, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{ref}:{epoch}"))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.metadata.component = image
    made_by = {"container-evaluation": __version__, _LIBRARY: version(_LIBRARY)}
    bom.metadata.tools = ToolRepository(
        components=[
            Component(name=name, version=told, type=ComponentType.APPLICATION)
            for name, told in made_by.items()
        ]
    )
    bom.register_dependency(image, packages)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(item: Package, suite: str) -> Component:
    # PyPI's names are compared without regard to case and separators (PEP 503).
    name = item.name if item.kind == "deb" else re.sub(r"[-_.]+", "-", item.name).lower()
    qualifiers = {"distro": suite, "arch": item.architecture} if item.kind == "deb" else {}
    purl = PackageURL(
        type=item.kind,
        namespace="debian" if item.kind == "deb" else None,
        name=name,
        version=item.version,
        qualifiers={key: value for key, value in qualifiers.items() if value},
    )
    return Component(
        name=item.name,
        version=item.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=item.sha256)] if item.sha256 else [],
    )
