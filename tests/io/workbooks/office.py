"""LibreOffice, headless: what a workbook says once somebody else has computed it."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
PDFTOTEXT, PDFTOPPM = shutil.which("pdftotext"), shutil.which("pdftoppm")
WHY = "LibreOffice is not here: apt-get install --no-install-recommends libreoffice-calc fonts-noto-cjk poppler-utils"
_FORMULA = re.compile(r"(<f>[^<]*</f>)<v>[^<]*</v>")


def without_cached_values(workbook: Path, target: Path) -> Path:
    """A copy whose formulas carry no value, so that whoever opens it must compute."""
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for item in source.infolist():
            content = source.read(item)
            if item.filename.startswith("xl/worksheets/sheet"):
                content = _FORMULA.sub(r"\1", content.decode()).encode()
            made.writestr(item, content)
    return target


def convert(files: list[Path], kind: str, folder: Path, profile: Path) -> list[Path]:
    """The files as another kind (xlsx, pdf), in one start of LibreOffice."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        SOFFICE,
        "--headless",
        f"-env:UserInstallation=file://{profile}",
        "--convert-to",
        kind,
        "--outdir",
        str(folder),
    ]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=300)
    return [folder / f"{file.stem}.{kind}" for file in files]
