"use strict";

// A form marked `data-once` is sent once; its buttons wait for the answer. (The ledger posts once in any case.)
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) {
        event.preventDefault();
        return;
    }
    form.dataset.sent = "yes";
    // Whoever goes back from what follows gets the page anew, and not the browser's offer to send the last form again.
    history.replaceState(null, "", location.href);
    // Later, because a disabled button would not send its name.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});

// The browser's back button may show the page as it was left.
window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-sent]").forEach((form) => {
        delete form.dataset.sent;
        form.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    });
});

// Buttons that copy a reference; they show where the browser lets a page write to the clipboard.
for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
    button.hidden = false;
    button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
    });
}

// What is more than a plain form is fetched once somebody goes to it.
document.addEventListener("focusin", ({ target }) => {
    const { script } = (target.form && target.closest("[data-script]"))?.dataset ?? {};
    if (script) import(script);
});

// To the first field that needs mending; at the door to the first of all.
(document.querySelector("[aria-invalid=true]") ?? document.querySelector(".login input:not([type=hidden])"))?.focus();
