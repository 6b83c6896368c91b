"""One server a state folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_app.store.state_folder import StateFolder
from inspector.errors import StorageError

HOLD = """
import sys
from pathlib import Path
from edge_app.store.state_folder import StateFolder
StateFolder(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_is_told_who_has_the_folder_until_that_one_dies(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        message = rf"state folder {re.escape(str(tmp_path))} is in use by process {process.pid} \(-c\)"
        with pytest.raises(StorageError, match=message):
            StateFolder(tmp_path)
        process.kill()
    StateFolder(tmp_path).close()


def test_the_folder_is_free_again_after_closing(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "new" / "folder")
    with pytest.raises(StorageError, match=f"in use by process {os.getpid()}"):
        StateFolder(first.path)
    first.close()
    StateFolder(first.path).close()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot use the state folder .* choose another --state"):
        StateFolder(tmp_path / "file" / "state")
