"""The list of what no test reaches: each place is there, and says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import PACKAGE, Place, functions, listed, main


def test_every_place_in_the_list_exists() -> None:
    places = listed()
    assert places
    gone = [place for place in places if not (PACKAGE / place.file).is_file()]
    assert not gone
    names = {file: {name for name, _, _ in functions(file)} for file in {place.file for place in places}}
    assert [place for place in places if place.function not in names[place.file]] == []


def test_the_list_is_in_order() -> None:
    files = [place.file for place in listed()]
    assert files == sorted(files)


def test_what_a_report_has_beyond_the_list_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((first, last),) = [each[1:] for each in functions("ownership.py") if each[0] == "Owner.check"]
    report = tmp_path / "report.json"
    file = {"missing_lines": [last], "missing_branches": [[first + 6, -1]]}
    report.write_text(json.dumps({"files": {str(PACKAGE / "ownership.py"): file}}), encoding="utf-8")
    assert Place("ownership.py", "Owner.check") not in listed()
    assert main(report) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("not listed: ownership.py: Owner.check: lines ")
    assert len(told) == 1 + len(listed())
    report.write_text(json.dumps({"files": {}}), encoding="utf-8")
    assert main(report) == 0
