"""Which images show the same physical part: groups.csv, or the capture numbers of the magnetic tiles.

Source: the notes of the magnetic tile set: each tile is shot under about six exposures with neighbouring
numbers, and a new tile begins where the number jumps by more than 400.
"""

import csv
import re
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from inspector.errors import DatasetError

GROUPS_FILE, TILE_GROUPS_FILE = "groups.csv", "capture_groups.csv"
MAX_NUM_GAP = 400
_TILE_NUM = re.compile(r"_num_(\d+)\.")


def read_groups(root: Path) -> Tuple[Dict[str, str], List[str]]:
    """Read groups.csv (columns file, group); empty where there is none.

    Returns:
        file (posix path relative to `root`) -> group, and the listed files that are not there.

    Raises:
        DatasetError: no such columns, an empty cell, not UTF-8, or a file in two groups.
    """
    path = root / GROUPS_FILE
    if not path.is_file():
        return {}, []
    groups: Dict[str, str] = {}
    for row in _rows(path, ("file", "group")):
        name = row["file"].replace("\\", "/")
        if groups.setdefault(name, row["group"]) != row["group"]:
            raise DatasetError(f"{path} puts {name} into two groups, {groups[name]!r} and {row['group']!r}")
    return groups, [name for name in groups if not (root / name).is_file()]


def tile_groups(root: Path, names: Sequence[str]) -> Tuple[Dict[str, str], List[str]]:
    """Group magnetic tiles by capture_groups.csv, or by their numbers where that file is missing.

    Args:
        names: Posix paths relative to `root`, such as MT_Free/Imgs/exp0_num_743.jpg.

    Returns:
        name -> group, and the names that have no group.
    """
    path = root / TILE_GROUPS_FILE
    if not path.is_file():
        return _groups_by_number(names)
    rows = _rows(path, ("class", "name", "group"))
    listed = {f"{row['class']}/Imgs/{row['name']}": row["group"] for row in rows}
    groups = {
        name: listed[stem] for name, stem in ((n, n.rpartition(".")[0]) for n in names) if stem in listed
    }
    return groups, [name for name in names if name not in groups]


def _groups_by_number(names: Sequence[str]) -> Tuple[Dict[str, str], List[str]]:
    found = ((_TILE_NUM.search(name), name) for name in names)
    numbered = sorted((int(match.group(1)), name) for match, name in found if match)
    groups: Dict[str, str] = {}
    group, last = 0, None
    for num, name in numbered:
        group += last is not None and num - last > MAX_NUM_GAP
        groups[name], last = str(group), num
    return groups, [name for name in names if name not in groups]


def _rows(path: Path, columns: Sequence[str]) -> List[Dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(
                    f"{path} has no column {missing[0]!r}; its first line must hold {','.join(columns)}"
                )
            rows = [{name: (row[name] or "").strip() for name in columns} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is not a CSV file in UTF-8: {error}") from error
    for number, row in enumerate(rows, start=2):
        if not all(row.values()):
            raise DatasetError(f"{path}, line {number}: a cell is empty; each row needs {','.join(columns)}")
    return rows
