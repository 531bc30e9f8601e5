"""The chapters of the report, in the order in which it has them."""

from evaluation.report.chapters.answer import answer
from evaluation.report.chapters.batch import batch
from evaluation.report.chapters.costs import costs
from evaluation.report.chapters.evidence import evidence
from evaluation.report.chapters.images import images
from evaluation.report.chapters.losses import losses
from evaluation.report.chapters.machine import machine
from evaluation.report.chapters.method import method
from evaluation.report.chapters.packages import packages
from evaluation.report.chapters.pros_and_cons import pros_and_cons
from evaluation.report.chapters.provenance import provenance
from evaluation.report.chapters.rerun import rerun
from evaluation.report.chapters.robustness import robustness
from evaluation.report.chapters.scaling import scaling
from evaluation.report.chapters.scores import scores
from evaluation.report.chapters.security import security
from evaluation.report.chapters.sites import sites
from evaluation.report.chapters.what_if import what_if
from evaluation.report.chapters.winners import winners

__all__ = [
    "answer",
    "batch",
    "costs",
    "evidence",
    "images",
    "losses",
    "machine",
    "method",
    "packages",
    "pros_and_cons",
    "provenance",
    "rerun",
    "robustness",
    "scaling",
    "scores",
    "security",
    "sites",
    "what_if",
    "winners",
]
