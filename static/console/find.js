// The search box, while somebody types in it: it suggests. A module that console.js fetches once the box has the focus.
// The pattern is a combobox with a list of its own (APG): the focus stays in the box, arrows move along the options.
const PAUSE = 150, SHORTEST = 2; // milliseconds after the last key; characters
const box = document.getElementById("find-box"), form = box.form;

const made = (tag, also, ...inside) => {
    const element = Object.assign(document.createElement(tag), also);
    element.append(...inside);
    return element;
};

const list = made("div", { id: "find-list" });
const said = made("div", { className: "quiet" });
const panel = made("div", { id: "find-panel", hidden: true }, said, list);
const status = made("p", { className: "visually-hidden" });
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "Suggestions");
status.setAttribute("role", "status");
form.append(panel, status);
for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", "find-list"]]) box.setAttribute(name, value);

let timer = 0, asking = null, asked = "";
const options = () => [...list.querySelectorAll("[role=option]")];
const active = () => list.querySelector("[aria-selected=true]");

const open = () => {
    list.hidden = !options().length;
    panel.hidden = list.hidden && !said.children.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
};
const close = () => {
    clearTimeout(timer);
    asking?.abort();
    panel.hidden = true;
    box.setAttribute("aria-expanded", "false");
    choose(null);
};
const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (!option) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
};
const move = (by) => {
    const all = options();
    const at = all.indexOf(active()) + by;
    choose(at < -1 ? all.at(-1) : all[at]);
};
const show = (answer) => {
    let number = 0;
    const option = (hit) => {
        const link = made("a", { href: hit.url, id: `find-${number++}`, tabIndex: -1 }, made("strong", {}, hit.label), " ", made("span", { className: "quiet" }, hit.detail));
        link.setAttribute("role", "option");
        link.setAttribute("aria-selected", "false");
        return link;
    };
    const group = (part) => {
        const heading = made("span", { className: "heading" }, part.heading);
        const element = made("div", {}, heading, ...part.hits.map(option));
        heading.setAttribute("aria-hidden", "true");
        element.setAttribute("role", "group");
        element.setAttribute("aria-label", part.heading);
        return element;
    };
    said.replaceChildren(...[answer.terms.join(" · "), ...answer.said].filter(Boolean).map((text) => made("p", {}, text)));
    list.replaceChildren(...answer.parts.map(group));
    choose(null);
    open();
    status.textContent = number ? `${number} suggestion${number === 1 ? "" : "s"}` : answer.said.join(" ") || "Nothing found";
};
const ask = async () => {
    const text = box.value.trim();
    asking?.abort();
    asked = text;
    if (text.length < SHORTEST) return close();
    asking = new AbortController();
    try {
        const answer = await fetch(`${form.dataset.suggestions}?${new URLSearchParams({ q: text })}`, { signal: asking.signal, headers: { Accept: "application/json" } });
        const isOurs = answer.ok && answer.headers.get("Content-Type")?.startsWith("application/json");
        if (isOurs && document.activeElement === box) show(await answer.json()); // a page where somebody was logged out meanwhile
    } catch (error) {
        if (error.name !== "AbortError") close(); // the form still works
    }
};

box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
});
box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const chosen = active();
    if (event.key === "Escape" && !panel.hidden) close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (panel.hidden && asked === box.value.trim()) open();
        if (panel.hidden || list.hidden) return;
        move(event.key === "ArrowDown" ? 1 : chosen ? -1 : -2);
    } else if (event.key === "Enter" && chosen) chosen.click();
    else return;
    event.preventDefault();
});
// Leaving closes it, but for a press on one of its own options.
form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
panel.addEventListener("mousedown", (event) => event.preventDefault());

// What was typed before this came.
if (box.value !== box.defaultValue) ask();
