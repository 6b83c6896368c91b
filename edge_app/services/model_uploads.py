"""Bundles that come in from outside: on the models' disk while they are read, and gone afterwards."""

import shutil
import tempfile
from pathlib import Path
from typing import Callable, ContextManager, Union

from edge_app.services.synced_files import storage_errors
from inspector.bundle import Bundle
from inspector.errors import BundleError

PREFIX = ".upload."


class ModelUploads:
    """Reads uploads in a folder of their own; what a crash left of earlier ones is removed."""

    def __init__(self, folder: Path, open_bundle: Callable[[Path], Bundle]) -> None:
        self._folder, self._open_bundle = folder, open_bundle
        for leftover in folder.glob(f"{PREFIX}*"):
            shutil.rmtree(str(leftover), ignore_errors=True)

    def receiving(self) -> ContextManager[str]:
        """Return a folder for an upload while it comes in."""
        return tempfile.TemporaryDirectory(prefix=PREFIX, dir=str(self._folder))

    def read(self, upload: Union[bytes, Path]) -> Bundle:
        """Verify a zipped bundle, its bytes or its file.

        Raises:
            BundleError: it is damaged or unsafe; the sentence has no path of this device.
            StorageError: there is no space to read it.
        """
        with storage_errors(self._folder), self.receiving() as scratch:
            path = upload if isinstance(upload, Path) else Path(scratch) / "upload.bundle"
            if not isinstance(upload, Path):
                path.write_bytes(upload)
            try:
                return self._open_bundle(path)
            except BundleError as error:
                raise BundleError(str(error).replace(str(path), "the upload")) from error
