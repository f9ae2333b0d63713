"use strict";

// Shortcuts of single keys, and the sheet that lists them. None while something is typed; all can be turned off (WCAG 2.1.4).
// Places are the page's own links, so nobody is sent where he may not go.
{
    const PLACES = { a: "/ledger/account/", t: "/ledger/action/", o: "/ledger/hold/", p: "/ledger/approval/", l: "/ledger/limit/", e: "/audit/event/", i: "/imports/import/", u: "/backoffice/user/" };
    const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable], [role=combobox], [role=listbox]";
    const SOON = 1500; // milliseconds within which a letter follows `g`
    const button = document.getElementById("keys-button");
    const one = (selector) => document.querySelector(selector);
    const isOff = () => localStorage.getItem("console.keys") === "off";
    let gone = -Infinity; // when `g` was pressed

    // By its name in the lists, where the page has them.
    const place = (key) => key === "h" ? one("#site-name a")
        : PLACES[key] && (one(`th[scope=row] > a[href$="${PLACES[key]}"]`) ?? one(`a[href$="${PLACES[key]}"]`));
    const rows = () => [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a[href]"));
    const step = (by) => {
        const all = rows(), at = all.findIndex((row) => row.contains(document.activeElement));
        all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]?.querySelector("th a[href], a[href]").focus();
    };
    const ACTS = {
        "?": () => show(),
        j: () => step(1),
        k: () => step(-1),
        x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
        n: () => one("main a[rel~=next]")?.click(),
        p: () => one("main a[rel~=prev]")?.click(),
        u: () => [...document.querySelectorAll(".breadcrumbs a")].pop()?.click(),
        c: () => one(".commands :is(a, button)")?.focus(),
    };

    const made = (tag, also, ...inside) => {
        const element = Object.assign(document.createElement(tag), also);
        element.append(...inside);
        return element;
    };
    const line = ([keys, text]) => {
        const caps = keys.split(" ").flatMap((key) => [made("kbd", {}, key), " "]);
        return made("div", {}, made("dt", {}, ...caps), made("dd", {}, text));
    };
    const part = (heading, lines) => made("section", {}, made("h3", {}, heading), made("dl", {}, ...lines.map(line)));
    const sheet = () => {
        const there = Object.keys({ h: "", ...PLACES }).filter((key) => place(key));
        const on = made("input", { type: "checkbox", id: "keys-on", checked: !isOff() });
        on.addEventListener("change", () => localStorage.setItem("console.keys", on.checked ? "on" : "off"));
        const dialog = made("dialog", { id: "keys" },
            made("form", { method: "dialog" },
                made("h2", { id: "keys-heading" }, "Keyboard shortcuts"), made("button", { className: "button plain" }, "Close")),
            part("Everywhere", [["?", "This sheet"], ["/", "Search; Ctrl K or ⌘ K too"], ["c", "To the commands of the page"], ["u", "Up, to the list it is in"], ["Ctrl Enter", "Press the form's first button"]]),
            part("Go to", there.map((key) => [`g ${key}`, key === "h" ? "Home" : place(key).textContent.trim()])),
            part("Lists", [["j", "Next row"], ["k", "Row before"], ["Enter", "Open it"], ["x", "Select it"], ["n", "Next page, or what is next in line"], ["p", "Page before"]]),
            made("p", {}, on, made("label", { htmlFor: "keys-on" }, " Single keys are shortcuts")));
        dialog.setAttribute("aria-labelledby", "keys-heading");
        dialog.addEventListener("close", () => dialog.remove());
        return dialog;
    };
    // A modal dialog keeps the focus and gives it back by itself.
    const show = () => {
        const dialog = sheet();
        document.body.append(dialog);
        dialog.showModal();
    };
    button?.addEventListener("click", show);

    // First of all listeners, so that turning shortcuts off turns off those of other scripts too.
    window.addEventListener("keydown", (event) => {
        if (event.isComposing || event.target.closest?.("dialog")) return;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.target.closest("form")?.querySelector("[type=submit], button:not([type], [formaction])")?.click();
        }
        if (event.key.length > 1 || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TYPED_IN)) return;
        if (isOff()) {
            event.stopImmediatePropagation();
            return;
        }
        const goes = event.timeStamp - gone < SOON;
        gone = event.key === "g" ? event.timeStamp : -Infinity;
        const act = goes ? () => place(event.key)?.click() : ACTS[event.key];
        if (!act) return;
        event.preventDefault();
        act();
    }, true);
}
