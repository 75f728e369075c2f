"""What is kept of a JVM that has ended, and what the next one is told."""

from pathlib import Path

import pytest

from deploy.local.classes import ClassArchive


def named(options: list[str]) -> tuple[str, Path]:
    option, _, path = options[0].partition("=")
    return option, Path(path)


@pytest.mark.parametrize(
    ("one_step", "make", "use"),
    [
        (True, "-XX:AOTCacheOutput", "-XX:AOTCache"),
        (False, "-XX:ArchiveClassesAtExit", "-XX:SharedArchiveFile"),
    ],
)
def test_the_first_writes_it_and_the_next_one_uses_it(
    one_step: bool, make: str, use: str, tmp_path: Path
) -> None:
    kept = tmp_path / "classes"
    first = ClassArchive(kept, one_step=one_step)
    option, unfinished = named(first.options)
    assert (option, kept.exists(), first.using) == (make, False, [])
    unfinished.write_text("all")
    first.ended(143)
    later = ClassArchive(kept, one_step=one_step)
    assert named(later.options) == named(later.using) == (use, kept)
    assert [one.name for one in tmp_path.iterdir()] == ["classes"]


@pytest.mark.parametrize("code", [-9, 1, None])
def test_what_was_cut_short_does_not_count(code: int | None, tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "classes", one_step=True)
    named(archive.options)[1].write_text("half")
    archive.ended(code)
    assert list(tmp_path.iterdir()) == []


def test_two_do_not_write_the_same_file(tmp_path: Path) -> None:
    first, second = (ClassArchive(tmp_path / "classes", one_step=True) for _ in range(2))
    assert named(first.options) != named(second.options)


def test_a_jvm_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    ClassArchive(tmp_path / "classes", one_step=False).ended(143)
    assert list(tmp_path.iterdir()) == []
