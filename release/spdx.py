"""The SPDX document: what was made, from which commit, under which licence, and what it needs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fproc import __version__
from release.build import Build

DOCUMENT = "SPDXRef-DOCUMENT"
PACKAGE = "SPDXRef-fproc"
PYTHON = "SPDXRef-python"


def write_spdx(build: Build, folder: Path) -> None:
    """Write the document about all files of a folder into it."""
    paths = sorted(folder.iterdir())
    files = [_file(path) for path in paths]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": f"fproc-{__version__}",
        "documentNamespace": f"https://example.org/spdx/fproc-{__version__}-{digest}",
        "creationInfo": {
            "created": build.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Organization: the fproc maintainers", "Tool: fproc release"],
        },
        "packages": [
            _package(PACKAGE, "fproc", __version__, "MIT", f"built from commit {build.commit}"),
            _package(PYTHON, "python", ">=3.10", "PSF-2.0", "all that fproc needs to run; not contained"),
        ],
        "files": files,
        "relationships": [
            _relationship(DOCUMENT, "DESCRIBES", PACKAGE),
            _relationship(PACKAGE, "DEPENDS_ON", PYTHON),
            *(_relationship(PACKAGE, "CONTAINS", file["SPDXID"]) for file in files),
        ],
    }
    path = folder / f"fproc-{__version__}.spdx.json"
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _file(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    digests = {
        "SHA1": hashlib.sha1(data, usedforsecurity=False),  # SPDX requires it
        "SHA256": hashlib.sha256(data),
    }
    return {
        "fileName": f"./{path.name}",
        "SPDXID": f"SPDXRef-file-{hashlib.sha256(path.name.encode()).hexdigest()[:16]}",
        "checksums": [{"algorithm": name, "checksumValue": one.hexdigest()} for name, one in digests.items()],
        "licenseConcluded": "MIT",
        "copyrightText": "the fproc maintainers",
    }


def _package(identifier: str, name: str, version: str, licence: str, comment: str) -> dict[str, Any]:
    return {
        "SPDXID": identifier,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "comment": comment,
    }


def _relationship(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
