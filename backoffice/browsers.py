"""What a browser is called: `Firefox 128 on Windows`, of the line that it sends with each request.

The line is the browser's own word and nothing is decided by it. What is not known here is shown as it came.
"""

import re

# In this order: most call themselves by the name of an older one too.
BROWSERS = {
    "Edge": r"\bEdg(?:A|iOS)?/(\d+)",
    "Opera": r"\bOPR/(\d+)",
    "Samsung Internet": r"\bSamsungBrowser/(\d+)",
    "Firefox": r"\b(?:Firefox|FxiOS)/(\d+)",
    "Chrome": r"\b(?:Chrome|CriOS)/(\d+)",
    "Safari": r"\bVersion/(\d+)\S* (?:Mobile/\S+ )?Safari/",
}
SYSTEMS = {
    "Windows": "Windows NT", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "ChromeOS": "CrOS",
    "macOS": "Mac OS X", "Linux": "Linux",
}  # fmt: skip


def short(line: str) -> str:
    """Return what browser, of which version, on what system a line speaks of; the line itself where that is not known."""
    known = ((name, re.search(pattern, line)) for name, pattern in BROWSERS.items())
    name = next((f"{name} {found[1]}" for name, found in known if found), "")
    system = next((name for name, mark in SYSTEMS.items() if mark in line), "")
    return f"{name} on {system}" if name and system else line
