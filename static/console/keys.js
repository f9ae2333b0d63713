"use strict";

// Shortcuts of single keys. None while something is typed; all can be turned off in the sheet that lists them (WCAG 2.1.4).
// Places are the page's own links, so nobody is sent where he may not go.
{
    const PLACES = { a: "/ledger/account/", t: "/ledger/action/", o: "/ledger/hold/", p: "/ledger/approval/", l: "/ledger/limit/", e: "/audit/event/", i: "/imports/import/", u: "/backoffice/user/" };
    const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable], [role=combobox], [role=listbox]";
    const SOON = 1500; // milliseconds within which a letter follows `g`
    const button = document.getElementById("keys-button");
    const one = (selector) => document.querySelector(selector);
    let gone = -Infinity; // when `g` was pressed

    // By its name in the lists, where the page has them.
    const place = (key) => key === "h" ? one("#site-name a")
        : PLACES[key] && (one(`th[scope=row] > a[href$="${PLACES[key]}"]`) ?? one(`a[href$="${PLACES[key]}"]`));
    const rows = () => [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a[href]"));
    const step = (by) => {
        const all = rows(), at = all.findIndex((row) => row.contains(document.activeElement));
        all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]?.querySelector("th a[href], a[href]").focus();
    };
    const search = () => {
        one("#find-box")?.focus();
        one("#find-box")?.select();
    };
    const ACTS = {
        "?": () => button?.click(),
        "/": search,
        j: () => step(1),
        k: () => step(-1),
        x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
        n: () => one("main a[rel~=next]")?.click(),
        p: () => one("main a[rel~=prev]")?.click(),
        u: () => [...document.querySelectorAll(".breadcrumbs a")].pop()?.click(),
        c: () => one(".commands :is(a, button)")?.focus(),
    };

    button?.addEventListener("click", async () => {
        const there = ["h", ...Object.keys(PLACES)].filter(place);
        const { show } = await import(button.dataset.sheet);
        show(there.map((key) => [`g ${key}`, key === "h" ? "Home" : place(key).textContent.trim()]));
    });

    window.addEventListener("keydown", (event) => {
        const { key } = event, chord = event.ctrlKey || event.metaKey;
        if (event.isComposing || one("dialog[open]")) return;
        // A preview's too, from its heading. A key held down would go through the preview.
        if (chord && key === "Enter" && !event.repeat) {
            (event.target.closest("form") ?? one("#confirm"))?.querySelector("[type=submit], button:not([type], [formaction], [name=back], .danger)")?.click();
        }
        if (chord && key.toLowerCase() === "k" && !event.altKey && !event.shiftKey) {
            event.preventDefault();
            search();
        }
        if (key.length > 1 || chord || event.altKey || event.target.closest?.(TYPED_IN) || localStorage.getItem("console.keys") === "off") return;
        const act = event.timeStamp - gone < SOON ? () => place(key)?.click() : ACTS[key];
        gone = key === "g" ? event.timeStamp : -Infinity;
        if (!act) return;
        event.preventDefault();
        act();
    }, true);
}
