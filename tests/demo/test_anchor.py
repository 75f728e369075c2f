"""A second run on the same data has the same "now"."""

from pathlib import Path

from processors.demo.anchor import anchor_ms


def test_the_first_now_stays(tmp_path: Path) -> None:
    assert anchor_ms(tmp_path, 1_000) == 1_000
    assert anchor_ms(tmp_path, 2_000) == 1_000


def test_another_directory_another_now(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    anchor_ms(tmp_path, 1_000)
    assert anchor_ms(tmp_path / "other", 2_000) == 2_000


def test_a_damaged_anchor_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "demo-anchor").write_text("")
    assert anchor_ms(tmp_path, 3_000) == 3_000
    assert anchor_ms(tmp_path, 4_000) == 3_000
