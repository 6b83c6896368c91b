"""`inspector sign`: make a key, sign a bundle, check who signed one."""

from pathlib import Path
from typing import List

import typer

from inspector.bundle import Bundle
from inspector.bundle_archive import SIGNATURE, SUMS
from inspector.bundle_output import write_files
from inspector.console import Console
from inspector.signature import new_key_pair, read_trusted_keys, sign

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Sign bundles (Ed25519), so that a device takes only those of the people it trusts.",
)

_JSON = typer.Option(False, "--json", help="Print one JSON object on stdout.")


@app.command(epilog="Example: inspector sign keygen keys/line7")
def keygen(
    name: Path = typer.Argument(
        ..., help="Writes NAME.key, to be kept secret, and NAME.pub, for the devices."
    ),
    json_output: bool = _JSON,
) -> None:
    """Make a key pair. An existing key is never replaced."""
    console = Console(json_output=json_output)
    private, public = new_key_pair(name)
    (key,) = read_trusted_keys([public])
    console.say(f"{private} signs bundles: keep it secret. {public} ({key.fingerprint}) goes to the devices.")
    console.result({"private": str(private), "public": str(public), "fingerprint": key.fingerprint})


@app.command(epilog="Example: inspector sign bundle part.bundle --key keys/line7.key")
def bundle(
    bundle: Path = typer.Argument(
        ..., help="The bundle: a folder or a NAME.bundle file; it is changed in place."
    ),
    key: Path = typer.Option(..., help="The private key, NAME.key."),
    json_output: bool = _JSON,
) -> None:
    """Verify BUNDLE and put a signature into it, in place of an older one. Nothing else of it changes."""
    console = Console(json_output=json_output)
    opened = Bundle.open(bundle)
    signature = sign(opened.files[SUMS], key)
    write_files(bundle, {**opened.files, SIGNATURE: signature})
    console.say(f"{bundle} is signed with {key}")
    console.result({"bundle": str(bundle), "digest": opened.digest, "signature": signature.hex()})


@app.command(epilog="Example: inspector sign check part.bundle --trusted-key keys/line7.pub")
def check(
    bundle: Path = typer.Argument(..., help="The bundle to check."),
    trusted_key: List[Path] = typer.Option(
        ..., help="A public key file, or a folder of NAME.pub files; can be given several times."
    ),
    json_output: bool = _JSON,
) -> None:
    """Say which trusted key signed BUNDLE; exit with status 2 when none did."""
    console = Console(json_output=json_output)
    opened = Bundle.open(bundle, trusted_keys=read_trusted_keys(trusted_key))
    assert opened.signed_by is not None  # `open` refuses a bundle that no trusted key signed
    signer = opened.signed_by
    console.say(f"{bundle} is whole and signed by {signer.name} (fingerprint {signer.fingerprint})")
    console.result({"bundle": str(bundle), "signed_by": signer.name, "fingerprint": signer.fingerprint})
