"""CIFAR-10 from each of its forms: a small archive drawn here, .bin files, class folders; and what is none of these."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from edge_resnet.data import cifar10
from edge_resnet.data.cifar10 import ARCHIVE, CLASSES, lay_out
from edge_resnet.errors import UserError
from edge_resnet.pictures import find_pictures, read_picture
from edge_resnet.progress import Narrator
from tests.drawn import class_folders

QUIET = Narrator(quiet=True)
BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
A_BATCH = 20


def batch(seed: int) -> bytes:
    """Records of 20 pictures, two a class, in mixed order."""
    random = np.random.default_rng(seed)
    records = random.integers(0, 256, (A_BATCH, 3073), np.uint8)
    records[:, 0] = random.permutation(A_BATCH) % 10
    return records.tobytes()


def bin_files(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(BATCHES):
        (folder / name).write_bytes(batch(seed))
    return folder


def ten_classes(folder: Path, count: int, first_seed: int = 0) -> None:
    for place, name in enumerate(CLASSES):
        class_folders(folder, {name: count}, first_seed + 1000 * place)


def archive(path: Path, monkeypatch: pytest.MonkeyPatch, leave_out: str = "") -> Path:
    """An archive with the real one's members, and a stranger that would leave the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        contents = {
            f"cifar-10-batches-bin/{name}": batch(seed) for seed, name in enumerate(BATCHES) if name != leave_out
        }
        contents |= {"../../escaped.txt": b"out", "cifar-10-batches-bin/readme.html": b"read me"}
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(cifar10, "MD5", hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest())
    return path


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in find_pictures(folder)}


def test_every_picture_lands_in_its_class_without_loss(tmp_path: Path) -> None:
    layout = lay_out(tmp_path / "out", bin_files(tmp_path / "bin"), QUIET)
    assert layout.pictures == {"train": dict.fromkeys(CLASSES, 10), "test": dict.fromkeys(CLASSES, 2)}
    assert (layout.source, layout.written) == (ARCHIVE, 120)
    for split, first in (("train", 0), ("test", 5)):
        for path in find_pictures(tmp_path / "out" / split):
            number, place = divmod(int(path.stem), A_BATCH)
            record = np.frombuffer(batch(first + number), np.uint8).reshape(A_BATCH, 3073)[place]
            assert path.parent.name == CLASSES[record[0]]
            red_green_blue = read_picture(path)[:, :, ::-1]
            assert np.array_equal(red_green_blue.transpose(2, 0, 1).reshape(-1), record[1:])


def test_an_archive_gives_what_its_files_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(tmp_path / "brought" / ARCHIVE, monkeypatch)
    lay_out(tmp_path / "a", packed.parent, QUIET)
    lay_out(tmp_path / "b", packed, QUIET)
    lay_out(tmp_path / "c", bin_files(tmp_path / "x" / "cifar-10-batches-bin").parent, QUIET)
    assert written(tmp_path / "a") == written(tmp_path / "b") == written(tmp_path / "c")
    assert not list(tmp_path.rglob("escaped.txt"))
    assert not (tmp_path.parent / "escaped.txt").exists()


def test_class_folders_are_copied_as_they_are(tmp_path: Path) -> None:
    part = tmp_path / "part"
    ten_classes(part / "train", 2)
    ten_classes(part / "test", 2, first_seed=50_000)
    (part / "words.txt").write_text("not a picture")
    layout = lay_out(tmp_path / "out", part, QUIET)
    assert layout.written == 40
    assert written(tmp_path / "out") == written(part)
    assert json.loads((tmp_path / "out" / "cifar10.json").read_text())["source"] == str(part)


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    source = bin_files(tmp_path / "bin")
    first = lay_out(tmp_path / "out", source, QUIET)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    shutil.rmtree(source)  # it is not even looked at
    again = lay_out(tmp_path / "out", source, QUIET)
    assert (again.pictures, again.written) == (first.pictures, 0)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out, count = bin_files(tmp_path / "bin"), tmp_path / "out", 0
    encode = cifar10.cv2.imencode

    def encode_with_ctrl_c(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count == 25:  # in the middle of the third class
            raise KeyboardInterrupt
        return encode(*arguments)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(cifar10.cv2, "imencode", encode_with_ctrl_c)
        lay_out(out, source, QUIET)
    assert sorted(path.name for path in (out / "train").iterdir()) == ["airplane", "automobile"]
    assert all(len(list(home.iterdir())) == 10 for home in (out / "train").iterdir())
    assert lay_out(out, source, QUIET).written == 100
    assert lay_out(out, source, QUIET).written == 0


def test_a_class_folder_that_was_lost_is_written_again(tmp_path: Path) -> None:
    source = bin_files(tmp_path / "bin")
    lay_out(tmp_path / "out", source, QUIET)
    shutil.rmtree(tmp_path / "out" / "test" / "cat")
    assert lay_out(tmp_path / "out", source, QUIET).written == 2


def test_other_pictures_are_never_touched(tmp_path: Path) -> None:
    mine = class_folders(tmp_path / "out" / "train", {"cat": 3})
    before = written(mine)
    with pytest.raises(UserError, match=r"train/cat: is there with other content; move it away"):
        lay_out(tmp_path / "out", bin_files(tmp_path / "bin"), QUIET)
    assert written(mine) == before
    assert [path.name for path in mine.iterdir()] == ["cat"]


def test_one_folder_is_not_filled_from_two_sources(tmp_path: Path) -> None:
    lay_out(tmp_path / "out", bin_files(tmp_path / "bin"), QUIET)
    part = tmp_path / "part"
    shutil.copytree(tmp_path / "out", part)
    with pytest.raises(UserError, match=f"holds CIFAR-10 from {ARCHIVE} already"):
        lay_out(tmp_path / "out", part, QUIET)
    with pytest.raises(UserError, match="is the folder of --from too"):
        lay_out(tmp_path / "out", tmp_path / "out", QUIET)


def without(name: str) -> object:
    return lambda folder: (bin_files(folder) / name).unlink()


def with_bytes(name: str, content: bytes) -> object:
    return lambda folder: (bin_files(folder) / name).write_bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.mkdir(), "holds neither cifar-10-binary.tar.gz"),
        (without("data_batch_3.bin"), "data_batch_3.bin is missing"),
        (with_bytes("data_batch_3.bin", batch(2)[:-1]), "data_batch_3.bin is truncated"),
        (with_bytes("test_batch.bin", b""), "test_batch.bin is truncated"),
        (with_bytes("test_batch.bin", b"\x0a" * 3073), "labels are 0 to 9 in test"),
        (lambda folder: (folder / "cifar-10-batches-py").mkdir(parents=True), "pickled and may run code; bring https"),
        (lambda folder: class_folders(folder, {"data_batch_1": 1}), "pickled"),
        (lambda folder: ten_classes(folder / "train", 1), "train/ and test/ of ten classes"),
        (
            lambda folder: (ten_classes(folder / "train", 1), ten_classes(folder / "test", 0)),
            "test/airplane: no pictures",
        ),
    ],
)
def test_what_is_no_cifar10_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "given")
    with pytest.raises(UserError, match=message) as caught:
        lay_out(tmp_path / "out", tmp_path / "given", QUIET)
    assert str(tmp_path / "given") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("cut", ["md5", "gzip", "member"])
def test_a_damaged_archive_is_told(cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(tmp_path / ARCHIVE, monkeypatch, leave_out="test_batch.bin" if cut == "member" else "")
    if cut != "member":
        packed.write_bytes(packed.read_bytes()[:-5000])
    if cut == "gzip":
        monkeypatch.setattr(cifar10, "MD5", hashlib.md5(packed.read_bytes(), usedforsecurity=False).hexdigest())
    message = {"md5": "its MD5 differs", "gzip": "damaged", "member": "test_batch.bin is missing"}[cut]
    with pytest.raises(UserError, match=message):
        lay_out(tmp_path / "out", packed, QUIET)


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10.shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 4096))
    for given in (bin_files(tmp_path / "bin"), None):
        with pytest.raises(UserError, match=r"about \d+ MB are wanted and 0 MB are free"):
            lay_out(tmp_path / "out", given, QUIET)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A web server on this machine in place of the data set's; gives the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(cifar10, "URL", f"http://127.0.0.1:{running.server_address[1]}/{ARCHIVE}")
        yield folder
        running.shutdown()


def test_without_from_it_is_downloaded_once(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(server / ARCHIVE, monkeypatch)
    out = tmp_path / "out"

    def interrupted(*_arguments: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(cifar10, "_write", interrupted)
        lay_out(out, None, QUIET)
    packed.unlink()
    assert lay_out(out, None, QUIET).written == 120
    assert sorted(path.name for path in out.iterdir()) == ["cifar10.json", "test", "train"]
    assert lay_out(out, None, QUIET).written == 0


def test_a_failed_download_tells_what_to_bring(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=rf"cannot download {ARCHIVE} .File not found.; bring http.*--from"):
        lay_out(tmp_path / "out", None, QUIET)
    archive(server / ARCHIVE, monkeypatch)
    monkeypatch.setattr(cifar10, "MD5", "0" * 32)
    with pytest.raises(UserError, match="the download is damaged"):
        lay_out(tmp_path / "out", None, QUIET)
    assert not list((tmp_path / "out").rglob(f"*{ARCHIVE}*"))

    def unreachable(*_arguments: object, **_options: object) -> None:
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setattr(cifar10.urllib.request, "urlopen", unreachable)
    with pytest.raises(UserError, match=rf"cannot download {ARCHIVE} .Name or service not known."):
        lay_out(tmp_path / "out", None, QUIET)
