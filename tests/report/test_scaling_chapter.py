"""What the scaling chapter says, with and without sweeps."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.report import chapters


def test_without_a_sweep_the_chapter_says_so_and_how_to_run_one() -> None:
    text = BeautifulSoup(chapters.scaling(make_case()).html, "html.parser").get_text(" ")
    assert "No sweep was run here" in text
    assert re.search(r"evaluation sweep --site \w+", text)
