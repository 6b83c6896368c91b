"""Real defects hidden among the good photos: two data sets that differ in nothing else.

Own design, beside [D] chapter 2, whose noise is that of class labels.

Whole groups (physical parts) of defects leave the test. In the contaminated folder their defects stand in
train/good, in the clean one nowhere: both have the same test, so that their figures can be compared. Files
are links to the photos, which stay where they are.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from inspector.dataset import Dataset, Sample, open_dataset
from inspector.errors import DatasetError, StorageError
from inspector.groups import GROUPS_FILE
from inspector.layouts import GOOD


def write_pair(source: Path, clean: Path, contaminated: Path, *, share: float, seed: int) -> None:
    """Write both data sets in MVTec layout, each complete or not at all; what is there already stays.

    Args:
        share: Of the photos in the contaminated train/good, how many show a defect.

    Raises:
        DatasetError: `source` cannot be used, or has too few defects for the share.
        StorageError: a folder cannot be written.
    """
    dataset = open_dataset(source)
    hidden = hidden_groups(dataset, share=share, seed=seed)
    defects = [sample for sample in dataset.test_defects if sample.group in hidden]
    test = [sample for sample in dataset.test if sample.group not in hidden]
    for root, train in ((clean, dataset.train), (contaminated, (*dataset.train, *defects))):
        if not root.exists():
            _write(root, train, test)


def hidden_groups(dataset: Dataset, *, share: float, seed: int) -> frozenset[str]:
    """Choose groups of defects, in the order of a hash of seed and group, until they make up the share.

    Raises:
        DatasetError: it would take more than half of the defects.
    """
    sizes = Counter(sample.group for sample in dataset.test_defects)
    wanted = round(share / (1.0 - share) * len(dataset.train))
    if wanted > len(dataset.test_defects) // 2:
        raise DatasetError(
            f"{dataset.root} has {len(dataset.test_defects)} defects; hiding {wanted} of them among "
            f"{len(dataset.train)} good photos would leave fewer than half for the test"
        )
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:hidden:{group}".encode()).digest())
    chosen: set[str] = set()
    num_hidden = 0
    for group in order:
        if num_hidden + sizes[group] <= wanted:  # a group that is too large is passed over
            chosen.add(group)
            num_hidden += sizes[group]
    return frozenset(chosen)


def _write(root: Path, train: Collection[Sample], test: Sequence[Sample]) -> None:
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
        try:
            _link_all(staging, train, test)
            staging.chmod(0o755)
            staging.replace(root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"cannot write the photos to {root}: {error}") from error


def _link_all(root: Path, train: Collection[Sample], test: Sequence[Sample]) -> None:
    groups = ["file,group"]
    placed = [(sample, f"train/{GOOD}") for sample in train]
    placed += [(sample, f"test/{sample.kind}") for sample in test]
    for sample, folder in placed:
        stem = sample.name.rpartition(".")[0].replace("/", "_")  # unique, whatever folder it comes from
        name = f"{folder}/{stem}{sample.path.suffix}"
        _link(root / name, sample.path)
        groups.append(f"{name},{sample.group}")
        if sample.mask_path is not None and folder.startswith("test/"):
            mask = f"ground_truth/{sample.kind}/{stem}_mask{sample.mask_path.suffix}"
            _link(root / mask, sample.mask_path)
    (root / GROUPS_FILE).write_text("\n".join(groups) + "\n")


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.resolve())
