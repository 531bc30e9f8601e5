"""The command line: ``evaluation COMMAND``; each module adds its commands to the one group."""

from evaluation.cli import files, guide, images, measuring, reporting, sites
from evaluation.cli.base import main

__all__ = ["files", "guide", "images", "main", "measuring", "reporting", "sites"]
