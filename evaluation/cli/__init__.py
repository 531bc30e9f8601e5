"""The command line: ``evaluation COMMAND``; each module adds its commands to the one group."""

from evaluation.cli import files, images, measuring, reporting, sites
from evaluation.cli.base import main

__all__ = ["files", "images", "main", "measuring", "reporting", "sites"]
