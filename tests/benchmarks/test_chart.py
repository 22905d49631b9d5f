import json
import xml.etree.ElementTree as ET
from pathlib import Path

from benchmarks import chart

SVG = "{http://www.w3.org/2000/svg}"


def test_each_row_is_a_bar_as_high_as_its_mean(tmp_path: Path) -> None:
    shares = {
        "biased": [0.5, 0.5],
        "labels": [0.6, 0.8],
        "placebo_random": [0.7],
        "free_guess": [0.25],
        "guided": [0.9],
    }
    forms = {name: {"worst_group": values} for name, values in shares.items()}
    source = tmp_path / "a.json"
    source.write_text(json.dumps({"dataset": "boats", "split": "test", "seeds": 2, "forms": forms}))
    chart.main([str(source), "--out", str(tmp_path / "a.svg")])
    drawn = ET.parse(tmp_path / "a.svg").getroot()
    bars = [
        float(one.attrib["height"])
        for one in drawn.iter(f"{SVG}rect")
        if one.attrib["width"] == str(chart.BAR - 4)
    ]
    assert bars == [
        0.5 * chart.HEIGHT,
        0.7 * chart.HEIGHT,
        0.7 * chart.HEIGHT,
        0.25 * chart.HEIGHT,
        0.9 * chart.HEIGHT,
    ]
    texts = [one.text for one in drawn.iter(f"{SVG}text")]
    assert "boats, test, 2 seeds" in texts
    assert {name for name, _ in chart.ROWS.values()} <= set(texts)
