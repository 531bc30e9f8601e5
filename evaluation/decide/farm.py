"""What scaling.yaml says: figures that the calculated farm takes for granted, each with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from evaluation.documents import StrictModel, Text, load

__all__ = ["Enough", "Farm", "Figure", "Operations", "Published", "Scaling", "load_scaling"]

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Figure(StrictModel):
    """One figure and where it comes from."""

    value: Positive
    source: Text


class Enough(StrictModel):
    """Which share of its highest rate is as good as all of it."""

    share: Annotated[float, Field(gt=0, le=1)]
    source: Text


class Operations(StrictModel):
    """How many metadata operations one start asks of a shared file system."""

    directory: Positive
    """Where the image is a directory of files."""
    file: Positive
    """Where it is one file."""
    source: Text


class Farm(StrictModel):
    """A farm whose nodes are all like the one that was measured."""

    nodes: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)]
    starts_per_node: Figure
    image_bytes: Figure
    node_bytes_per_s: Figure
    storage_bytes_per_s: Figure
    storage_operations_per_s: Figure
    operations_per_start: Operations
    cached: Annotated[tuple[Share, ...], Field(min_length=1, max_length=2)]
    """Shares of nodes that hold the image already."""
    cached_source: Text


class Published(StrictModel):
    """What others have measured at a scale that this site has not."""

    claim: Text
    shape: Text
    """What of it can be compared with the calculation."""
    source: Text


class Scaling(StrictModel):
    """Everything `scaling.yaml` says."""

    enough: Enough
    farm: Farm
    published: tuple[Published, ...] = ()


def load_scaling(path: Path) -> Scaling:
    """Read the file.

    Raises
    ------
    FaultyDocumentError
        It is not as it should be; every fault with its line and column.
    """
    return load(path, Scaling)
