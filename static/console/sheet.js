// The sheet of shortcuts. A module that keys.js fetches when it is asked for.
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

// `places` are the keys and the names of where the reader may go. A modal dialog keeps the focus and gives it back by itself.
export const show = (places) => {
    const on = made("input", { type: "checkbox", id: "keys-on", checked: localStorage.getItem("console.keys") !== "off" });
    on.addEventListener("change", () => localStorage.setItem("console.keys", on.checked ? "on" : "off"));
    const dialog = made("dialog", { id: "keys" },
        made("form", { method: "dialog" },
            made("h2", { id: "keys-heading" }, "Keyboard shortcuts"), made("button", { className: "button plain" }, "Close")),
        part("Everywhere", [["?", "This sheet"], ["/", "Search; Ctrl K or ⌘ K too"], ["c", "To the commands of the page"], ["u", "Up, to the list it is in"], ["Ctrl Enter", "Press the first button of a form or a preview, unless it is red or decides on a request"]]),
        part("Go to", places),
        part("Lists", [["j", "Next row"], ["k", "Row before"], ["Enter", "Open it"], ["x", "Select it"], ["n", "Next page, or what is next in line"], ["p", "Page before"]]),
        made("p", {}, on, made("label", { htmlFor: "keys-on" }, " Single keys are shortcuts")));
    dialog.setAttribute("aria-labelledby", "keys-heading");
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
};
