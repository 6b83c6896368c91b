"""Writes the software bill of materials of the device's packages, CycloneDX 1.6 JSON, without the internet.

With a requirements file (pinned, with hashes where it has them) that is what is listed; without one, what is
installed beside this project: `visual-inspector[edge,cpu]` and all that it needs.

    python docs/security/make_sbom.py --requirements edge_app/requirements-jetson.txt --out sbom.cdx.json
"""

import argparse
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PROJECT = "visual-inspector"
EXTRAS = ("edge", "cpu", "sign")
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requirements", type=Path, help="pinned requirements file of the device")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    given = parser.parse_args()
    pins = given.requirements.read_text() if given.requirements else "\n".join(installed_pins()) + "\n"
    num = write_sbom(pins, given.out)
    print(f"{given.out}: {num} packages")


def installed_pins() -> list[str]:
    """Return `name==version` of everything that the project needs here, extras included, sorted."""
    found: dict[str, str] = {}
    waiting = [(PROJECT, extra) for extra in ("", *EXTRAS)]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        package = metadata.distribution(name)
        if name != PROJECT:
            found[name] = package.version
        for needed in needs_of(package, extra):
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def needs_of(package: metadata.Distribution, extra: str) -> list[tuple[str, str]]:
    """Return (name, extra) of what `package[extra]` needs on this platform and is installed."""
    from packaging.requirements import Requirement

    needs = []
    for line in package.requires or ():
        need = Requirement(line)
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        needs += [(name, own) for own in ("", *need.extras)]
    return needs


def write_sbom(pins: str, out: Path) -> int:
    """Write the SBOM of pinned requirements to `out`, the same bytes for the same pins; return the number."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "-", "--output-reproducible", "--sv", "1.6"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "-o", str(out)]
    subprocess.run(command, input=pins, text=True, check=True)
    return len(re.findall(r'"purl"', out.read_text()))


if __name__ == "__main__":
    main()
