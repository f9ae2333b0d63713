"""What of a page, as it stands in the browser, breaks the accessibility guidelines (WCAG 2.2 AA), in light and in dark.

`vendor/axe.min.js` is that of npm's axe-core, unchanged, so that neither a machine nor CI needs node; the wheels that bundle it
are behind it by releases. To renew it: `npm pack axe-core`, take the file and the licences out, set SHA512.
It comes into a page through the browser's debugger, which no policy of the page binds.
"""

from pathlib import Path

from playwright.sync_api import Page

SHA512 = (  # of 4.14.1
    "e63e659f9806d7ae5bd40899043b0871a5062c5442b01b3f1a3edf5eaf50bf5c"
    "3a7104a72463293b4ad1b77c661a0d4e40e850dec89de9d6ece70a8c13a9af17"
)
FILE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # what a theme can break; the rest does not depend on it
LOOK = """
async ({tags, ofColour}) => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, ::before, ::after { transition: none !important }");
    document.adoptedStyleSheets.push(still);
    const found = [], root = document.documentElement, theme = root.dataset.theme ?? "auto";
    for (const [name, runOnly] of [["light", {type: "tag", values: tags}], ["dark", {type: "rule", values: ofColour}]]) {
        root.dataset.theme = name;
        const {violations} = await axe.run(document, {runOnly, resultTypes: ["violations"], iframes: false, preload: false});
        for (const {id, nodes} of violations)
            for (const {target, failureSummary} of nodes) found.push(`${name}: ${id}: ${target}: ${failureSummary}`);
    }
    root.dataset.theme = theme;
    return found;
}
"""


def faults(page: Page) -> list[str]:
    """Return a sentence for each element that breaks a guideline, in either theme."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(FILE.read_text())
    found: list[str] = page.evaluate(LOOK, {"tags": TAGS, "ofColour": OF_COLOUR})
    return found
