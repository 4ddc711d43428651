"""Files are whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge_resnet import files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    files.write_text(target, "old")
    with pytest.raises(RuntimeError, match="stop"), files.whole_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_is_swapped_whole(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with files.whole_folder(target) as temporary:
        (temporary / "first").write_text("1")
    with files.whole_folder(target) as temporary:
        (temporary / "second").write_text("2")
    assert [path.name for path in target.iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with files.whole_folder(target) as temporary:
        (temporary / "first").write_text("1")
    with pytest.raises(RuntimeError, match="stop"), files.whole_folder(target) as temporary:
        (temporary / "second").write_text("2")
        raise RuntimeError("stop")
    assert [path.name for path in target.iterdir()] == ["first"]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_the_umask_holds_and_is_never_set_while_others_make_files(tmp_path: Path) -> None:
    program = """
import os, sys
os.umask(0o027)
from pathlib import Path
from edge_resnet import files
def refuse(mask):
    raise AssertionError("set for all threads")
os.umask = refuse
folder = Path(sys.argv[1])
files.write_text(folder / "file", "x")
with files.whole_folder(folder / "folder"):
    pass
files.write_text(folder / "other", "x")
print(*(oct((folder / name).stat().st_mode & 0o777) for name in ("file", "folder", "other")))
"""
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0o640", "0o750", "0o640"]


def test_json_refuses_what_json_has_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
