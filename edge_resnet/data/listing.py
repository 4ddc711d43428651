"""Folders of pictures as a list of labelled samples: which class, split, camera and clip, and what was skipped."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edge_resnet.data import groups
from edge_resnet.errors import UserError
from edge_resnet.manifest import default_background
from edge_resnet.pictures import find_pictures, is_picture

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
_SPLIT_NAMES: dict[str, Split] = {name: name for name in SPLITS}

# Where a run keeps the table of its pictures.
SPLIT_FILE = "split.csv"
# More unreadable pictures than this share means that something is wrong with the whole folder.
MAX_SKIPPED_SHARE = 0.10
_FEW = 5


@dataclass(frozen=True)
class Sample:
    """One picture: its file, the index of its class, its split (None until it is assigned), its content's SHA-256.

    `group`: the camera or site that it comes from, `clip`: the clip or burst; `` where nothing tells.
    """

    path: Path
    label: int
    split: Split | None = None
    content: str = ""
    group: str = ""
    clip: str = ""


@dataclass(frozen=True)
class Skipped:
    """A picture that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Listing:
    """What lies in a data folder: class names in sorted order, and a sample for each picture."""

    root: Path
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]

    def of(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == split)

    def with_samples(self, samples: Iterable[Sample]) -> Listing:
        """The same folder with other samples."""
        return replace(self, samples=tuple(samples))

    def counts(self, split: Split) -> dict[str, int]:
        """Pictures a class in a split."""
        count = Counter(sample.label for sample in self.of(split))
        return {name: count[index] for index, name in enumerate(self.labels)}

    def table(self) -> str:
        """CSV text, a row a picture: split, class, SHA-256 of the file, camera, clip, path."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("split", "class", "sha256", "group", "clip", "path"))
        rows = ((s.split, self.labels[s.label], s.content, s.group, s.clip, str(s.path)) for s in self.samples)
        writer.writerows(rows)
        return text.getvalue()

    def contents(self) -> str:
        """SHA-256 over the pictures' contents in this order, whatever their classes and splits."""
        return hashlib.sha256("\n".join(sample.content for sample in self.samples).encode()).hexdigest()

    def fingerprint(self) -> str:
        """SHA-256 over every picture's split, class and content: equal for equal data, wherever it lies."""
        lines = sorted(f"{sample.split} {self.labels[sample.label]} {sample.content}" for sample in self.samples)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def scan(root: Path) -> Listing:
    """List a data folder: class folders, or train/ with val/ and/or test/ of class folders. Raises UserError.

    Folders below a class are cameras (CLASS/CAMERA/*.jpg); CAMERA/CLASS/*.jpg is understood too, where a background
    class tells which is which. A groups.csv in `root` has the last word (see groups.from_table). Splits of class
    folders are left open (None). Classes are those of train/, and every split must have all of them, so that no index
    ever changes its meaning.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; name a folder of class folders, or one with train/ and test/ in it")
    folders = {split: root / split for split in SPLITS if (root / split).is_dir()}
    if not folders:
        return _with_origins(_at_least_two(_scan_classes(root)), root)
    if "train" not in folders:
        raise UserError(f"{root}: has {', '.join(folders)} but no train/ folder; add one, or name the class folders")
    listings = {split: _scan_classes(folder, split) for split, folder in folders.items()}
    labels = _at_least_two(listings["train"]).labels
    for split, listing in listings.items():
        if missing := sorted(set(labels) - set(listing.labels)):
            raise UserError(
                f"{folders[split]}: no pictures of class {', '.join(missing)}; add some, so that it can be judged"
            )
        _only_known(folders[split], labels, listing.labels)
    samples = tuple(sample for listing in listings.values() for sample in listing.samples)
    return _with_origins(Listing(root, labels, samples), root)


def scan_labelled(root: Path, labels: Sequence[str], split: Split | None = None) -> Listing:
    """List pictures to evaluate a model of `labels` on: class folders, or a folder with splits (`test` by default).

    Indices are the model's, whatever classes the folder has. One that the model does not know raises UserError.
    """
    with_splits = [name for name in SPLITS if (root / name).is_dir()]
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; name a folder of class folders")
    folder = root
    if with_splits:
        chosen = split or ("test" if "test" in with_splits else with_splits[-1])
        if chosen not in with_splits:
            raise UserError(f"{root}: has no {chosen}/ folder")
        folder = root / chosen
    found = _with_origins(_scan_classes(folder, split or "test"), root)
    _only_known(folder, labels, found.labels)
    index = {name: labels.index(name) for name in found.labels}
    samples = (replace(sample, label=index[found.labels[sample.label]]) for sample in found.samples)
    return Listing(folder, tuple(labels), tuple(samples))


def read_table(path: Path, labels: Sequence[str]) -> Listing:
    """The listing that Listing.table() told, in a run's folder, for a model of `labels`. Raises UserError."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            samples = [
                Sample(
                    *(Path(row["path"]), labels.index(row["class"]), _SPLIT_NAMES[row["split"]], row["sha256"]),
                    *(row.get("group") or "", row.get("clip") or ""),
                )
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name held-out pictures with --data") from error
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: not the table of pictures of this run; name held-out pictures with --data") from error
    if missing := next((sample.path for sample in samples if not sample.path.is_file()), None):
        raise UserError(f"{missing}: the run's picture is not there any more; name held-out pictures with --data")
    return Listing(path.parent, tuple(labels), tuple(samples))


def refuse_if_too_many(skipped: Sequence[Skipped], total: int, root: Path) -> None:
    """Raise UserError when more than a tenth of the pictures (and more than a few) had to be skipped."""
    if len(skipped) > max(_FEW, MAX_SKIPPED_SHARE * total) or (skipped and len(skipped) == total):
        reasons = Counter(item.reason for item in skipped).most_common(3)
        told = ", ".join(f"{count} {reason}" for reason, count in reasons)
        raise UserError(
            f"{root}: {len(skipped)} of {total} pictures cannot be used ({told}; first {skipped[0].path.name}); "
            "mend or remove them"
        )


def _scan_classes(root: Path, split: Split | None = None) -> Listing:
    folders = _subfolders(root)
    if not folders:
        here = "has pictures but no class folders" if any(map(is_picture, root.iterdir())) else "is empty"
        raise UserError(f"{root}: {here}; put the pictures of each class in a folder named as the class")
    if _cameras_come_first(folders):
        homes = [(inner.name, camera.name, inner) for camera in folders for inner in _subfolders(camera)]
    else:
        homes = [(folder.name, "", folder) for folder in folders]
    found = [(name, camera, home, list(find_pictures(home))) for name, camera, home in homes]
    labels = tuple(sorted({name for name, *_ in found}))
    _no_twins(root, labels)
    if empty := set(labels) - {name for name, _camera, _home, pictures in found if pictures}:
        raise UserError(f"{root}: no pictures in {', '.join(sorted(empty))}; add some, or remove the folder")
    samples = [
        Sample(path, labels.index(name), split, group=camera or path.parent.relative_to(home).as_posix().strip("."))
        for name, camera, home, pictures in sorted(found, key=lambda row: row[0])
        for path in pictures
    ]
    return Listing(root, labels, tuple(samples))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _cameras_come_first(folders: Sequence[Path]) -> bool:
    """Whether the folders are cameras with classes in them: each has one that is background by its name, none is."""
    inner = [[path.name for path in _subfolders(folder)] for folder in folders]
    return all(map(default_background, map(tuple, inner))) and not default_background(tuple(f.name for f in folders))


def _no_twins(root: Path, labels: Sequence[str]) -> None:
    """Raise UserError for classes that differ by nothing but case: another disk would make them one."""
    folded: dict[str, str] = {}
    for label in labels:
        if (twin := folded.setdefault(label.casefold(), label)) != label:
            raise UserError(f"{root}: classes {twin} and {label} differ only by case; put their pictures in one folder")


def _with_origins(listing: Listing, root: Path) -> Listing:
    """Tell each sample's group and clip: groups.csv goes before folders; a group that all share is none."""
    paths = [sample.path for sample in listing.samples]
    table = root / groups.FILE
    named = groups.from_table(table, root, paths) if table.is_file() else [sample.group for sample in listing.samples]
    if len(set(named)) == 1:
        named = [""] * len(named)
    clips = groups.clips(paths, [sample.label for sample in listing.samples])
    return listing.with_samples(
        replace(sample, group=group, clip=clip)
        for sample, group, clip in zip(listing.samples, named, clips, strict=True)
    )


def _at_least_two(listing: Listing) -> Listing:
    if len(listing.labels) == 1:
        raise UserError(f"{listing.root}: only one class ({listing.labels[0]}); add another, such as normal")
    return listing


def _only_known(folder: Path, known: Sequence[str], found: Sequence[str]) -> None:
    if unknown := sorted(set(found) - set(known)):
        raise UserError(f"{folder}: class {', '.join(unknown)} was not trained; the classes are {', '.join(known)}")
