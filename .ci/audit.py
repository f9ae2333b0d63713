"""Ask the advisory service about the pinned packages, with pip-audit; say so where it cannot be reached.

Exits with 1 for a package with a known vulnerability only: a check has to pass without a network. `make check` runs it.
"""

import json
import subprocess
import sys
from typing import Any

FILES = ("requirements.txt", "requirements-dev.txt")
OPTIONS = ("--disable-pip", "--no-deps", "--timeout=10", "--progress-spinner=off", "--format=json")


def verdict(report: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code and the sentences for what pip-audit found."""
    packages = report["dependencies"]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):  # a mirror that has the packages and none of the advisories
        return 0, "SKIPPED: the advisory service cannot be reached, no package was compared with its advisories."
    faults = [f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}."
              for package in packages for fault in package.get("vulns", ())]  # fmt: skip
    compared = f"Packages compared with their advisories: {len(packages) - len(unknown)}. Known faults: {len(faults)}."
    skipped = [f"Not compared: {', '.join(unknown)}."] if unknown else []
    return min(len(faults), 1), "\n".join([*faults, compared, *skipped])


def main(cache: str) -> int:
    """Ask, and say what was found."""
    files = [part for file in FILES for part in ("--requirement", file)]
    command = [sys.executable, "-m", "pip_audit", *files, *OPTIONS, "--cache-dir", cache]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    try:
        code, said = verdict(json.loads(done.stdout))
    except ValueError:  # it answers with a traceback where there is no network
        why = (done.stderr.strip() or "no answer").splitlines()[-1]
        code, said = 0, f"SKIPPED: the advisory service cannot be reached: {why[:200]}"
    sys.stdout.write(f"{said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
