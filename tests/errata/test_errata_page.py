"""The page of errata and its tests name each other."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_erratum_has_its_test_and_every_test_its_place_on_the_page():
    page = (HERE.parents[1] / "docs" / "errata.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    written = [
        name
        for file in sorted(HERE.glob("test_chapter_*.py"))
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.M)
    ]
    assert sorted(named) == sorted(written)


def test_every_entry_of_the_page_names_a_test():
    page = (HERE.parents[1] / "docs" / "errata.md").read_text(encoding="utf-8")
    entries = re.split(r"^### ", page.split("\n## Slips")[0], flags=re.M)[1:]
    assert entries
    assert [e.splitlines()[0] for e in entries if "`test_" not in e] == []
