"""Which file of a folder is what: finds images, masks and groups, and collects what does not fit.

Layouts: `mvtec` (train/good, test/good, test/<defect>, ground_truth/<defect>/<stem>_mask.png),
`plain` (images directly inside, all good), `magnetic_tile` (MT_Free and other MT_* folders).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from inspector.errors import DatasetError
from inspector.groups import read_groups, tile_groups
from inspector.image_file import IMAGE_SUFFIXES, read_mask_any_size

LAYOUTS = ("mvtec", "plain", "magnetic_tile")
GOOD = "good"
TEST_EVERY = 6  # every 6th tile group without a defect is tested too


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    name: its posix path relative to the root, its id.  kind: "good" or the defect's name.
    mask_path: the ground truth of a defect, None for a good image.
    group: the physical part it shows; its own name where nothing is known.
    """

    name: str
    path: Path
    kind: str
    mask_path: Optional[Path]
    group: str

    @property
    def is_good(self) -> bool:
        return self.kind == GOOD


@dataclass(frozen=True)
class Problem:
    """Something in a folder that does not fit: which files, and what to do about them."""

    kind: str
    files: Tuple[str, ...]
    advice: str

    def sentence(self) -> str:
        more = f" and {len(self.files) - 3} more" if len(self.files) > 3 else ""
        count = f" ({len(self.files)})" if len(self.files) > 1 else ""
        return f"{self.kind}{count}: {', '.join(self.files[:3])}{more}; {self.advice}"


@dataclass
class Survey:
    """All that was found in a folder; `fatal` problems stop `open_dataset`, `notes` do not."""

    root: Path
    layout: str
    train: List[Sample] = field(default_factory=list)
    test: List[Sample] = field(default_factory=list)
    fatal: List[Problem] = field(default_factory=list)
    notes: List[Problem] = field(default_factory=list)


def survey(root: Path, *, layout: str = "auto") -> Survey:
    """Look through a folder without opening its images (the masks of magnetic_tile excepted).

    Raises:
        DatasetError: no folder, an unknown layout, or no images where the layout has them.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the folder that holds the images")
    if layout not in ("auto", *LAYOUTS):
        raise DatasetError(f"layout {layout!r} is unknown; choose auto, {', '.join(LAYOUTS)}")
    layout = _detect(root) if layout == "auto" else layout
    found = {"mvtec": _survey_mvtec, "plain": _survey_plain, "magnetic_tile": _survey_tiles}[layout](root)
    _keep_defect_groups_out_of_training(found)
    return found


def list_images(folder: Path) -> List[Path]:
    """Return the image files directly inside, sorted by name; hidden ones are skipped."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _detect(root: Path) -> str:
    if (root / "MT_Free").is_dir():
        return "magnetic_tile"
    if (root / "train").is_dir() or (root / "test").is_dir():
        return "mvtec"
    if list_images(root):
        return "plain"
    inner = sorted(path for path in root.iterdir() if path.is_dir() and _looks_like_data(path))
    advice = f"did you mean {inner[0]}?" if inner else "put photos of good parts directly into it"
    raise DatasetError(
        f"{root} holds no images ({' '.join(sorted(IMAGE_SUFFIXES))}) and no folder train/good or MT_Free; "
        f"{advice}"
    )


def _looks_like_data(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in ("train", "MT_Free")) or bool(list_images(folder))


def _survey_plain(root: Path) -> Survey:
    found = Survey(root, "plain")
    groups = _groups(found)
    found.train = [_sample(root, path, GOOD, None, groups) for path in list_images(root)]
    if not found.train:
        raise DatasetError(f"{root} holds no images directly inside; put photos of good parts into it")
    return found


def _survey_mvtec(root: Path) -> Survey:
    found = Survey(root, "mvtec")
    groups = _groups(found)
    found.train = [_sample(root, path, GOOD, None, groups) for path in list_images(root / "train" / GOOD)]
    if not found.train:
        raise DatasetError(f"{root / 'train' / GOOD} holds no images; put photos of good parts there")
    test, truth = root / "test", root / "ground_truth"
    found.test = [_sample(root, path, GOOD, None, groups) for path in list_images(test / GOOD)]
    folders = _folders(test) | _folders(truth)
    for kind in sorted(folders - {GOOD}):
        masks = {path.stem: path for path in list_images(truth / kind)}
        images = list_images(test / kind)
        pairs = [(path, masks.get(f"{path.stem}_mask")) for path in images]
        _pair_up(found, kind, pairs, list(masks.values()), groups)
    return found


def _survey_tiles(root: Path) -> Survey:
    found = Survey(root, "magnetic_tile")
    tiles: Dict[str, List[Path]] = {}
    for folder in sorted(root.glob("MT_*/Imgs")):
        tiles[folder.parent.name] = [p for p in list_images(folder) if p.suffix.lower() in (".jpg", ".jpeg")]
    if not tiles.get("MT_Free"):
        raise DatasetError(f"{root / 'MT_Free' / 'Imgs'} holds no .jpg images of good tiles")
    names = [path.relative_to(root).as_posix() for paths in tiles.values() for path in paths]
    groups, unlisted = tile_groups(root, names)
    if unlisted:
        found.fatal.append(
            Problem("tile without a row in capture_groups.csv", tuple(unlisted), "add it or remove the file")
        )
    for name, paths in tiles.items():
        if name != "MT_Free":
            masks = [path for path in list_images(root / name / "Imgs") if path.suffix.lower() == ".png"]
            by_stem = {path.stem: path for path in masks}
            pairs = [(path, by_stem.get(path.stem)) for path in paths]
            _pair_up(found, name[len("MT_") :].lower(), pairs, masks, groups)
    _drop_empty_masks(found)
    good = [_sample(root, path, GOOD, None, groups) for path in tiles["MT_Free"]]
    tested = _tested_groups(good, {sample.group for sample in found.test})
    found.train = [sample for sample in good if sample.group not in tested]
    found.test = [sample for sample in good if sample.group in tested] + found.test
    return found


def _tested_groups(good: List[Sample], defective: Set[str]) -> Set[str]:
    """All groups with a defect, and every 6th of the others so that unrelated good parts are tested too."""
    clean = sorted({sample.group for sample in good} - defective, key=lambda group: (len(group), group))
    return defective | set(clean[TEST_EVERY - 1 :: TEST_EVERY])


def _drop_empty_masks(found: Survey) -> None:
    """Upstream, four MT_Uneven tiles have a mask without a defect: neither good nor defective."""
    empty = [s for s in found.test if s.mask_path is not None and not read_mask_any_size(s.mask_path).any()]
    if empty:
        names = tuple(sample.name for sample in empty)
        found.notes.append(Problem("defect with an empty mask", names, "it is left out of the test"))
        found.test = [sample for sample in found.test if sample not in empty]


def _pair_up(
    found: Survey,
    kind: str,
    pairs: List[Tuple[Path, Optional[Path]]],
    masks: List[Path],
    groups: Dict[str, str],
) -> None:
    """Add the defects of one kind to the test; images without mask and masks without image are fatal."""
    used = {mask for _, mask in pairs}
    bare = tuple(path.relative_to(found.root).as_posix() for path, mask in pairs if mask is None)
    lonely = tuple(path.relative_to(found.root).as_posix() for path in masks if path not in used)
    if bare:
        found.fatal.append(Problem("defect image without a mask", bare, "add the mask or remove the image"))
    if lonely:
        found.fatal.append(Problem("mask without an image", lonely, "add the image or remove the mask"))
    found.test += [_sample(found.root, path, kind, mask, groups) for path, mask in pairs if mask is not None]


def _keep_defect_groups_out_of_training(found: Survey) -> None:
    defective = {sample.group for sample in found.test if not sample.is_good}
    dropped = [sample.name for sample in found.train if sample.group in defective]
    if dropped:
        advice = "its group also holds a defect of the test, so it is left out of training"
        found.notes.append(Problem("training image of a tested part", tuple(dropped), advice))
        found.train = [sample for sample in found.train if sample.group not in defective]
    if not found.train:
        raise DatasetError(
            f"every good image of {found.root} is in a group with a test defect; nothing is left to train on"
        )


def _groups(found: Survey) -> Dict[str, str]:
    groups, missing = read_groups(found.root)
    if missing:
        advice = "correct the path, it is relative to the folder of groups.csv"
        found.fatal.append(Problem("groups.csv names a file that is not there", tuple(missing), advice))
    return groups


def _folders(folder: Path) -> Set[str]:
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}


def _sample(root: Path, path: Path, kind: str, mask: Optional[Path], groups: Dict[str, str]) -> Sample:
    name = path.relative_to(root).as_posix()
    return Sample(name=name, path=path, kind=kind, mask_path=mask, group=groups.get(name, name))
