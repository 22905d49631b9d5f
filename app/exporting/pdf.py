"""A page as PDF, printed by a Chromium of this machine where there is one."""

import logging
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

LOG = logging.getLogger(__name__)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 90


def print_pdf(page: Path, pdf: Path) -> bool:
    """Print an HTML file of ours to `pdf`; False without a browser or when it fails, which is logged."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        return False
    with TemporaryDirectory() as profile:
        flags = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={profile}"]
        if os.geteuid() == 0:  # Chromium's sandbox refuses root; the page is ours and has no script
            flags.append("--no-sandbox")
        command = [browser, *flags, f"--print-to-pdf={pdf}", page.resolve().as_uri()]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603
        except (OSError, subprocess.SubprocessError) as error:
            LOG.warning("The report was not printed: %s", error)
            pdf.unlink(missing_ok=True)
    return pdf.is_file()
