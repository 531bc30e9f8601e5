"""Container runtime comparison and evaluation."""

__version__ = "0.1.0"
