// One form of a page takes what is typed in its others along: so it asks before. A module that console.js fetches.
const LOST = "What is typed in another form of this page is not saved, and is lost when this one is sent. Send it all the same?";
const isOther = (field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.defaultValue !== undefined && field.value !== field.defaultValue;
const isTyped = (form) => Boolean(form.querySelector(".errorlist")) || [...form.elements].some((field) => field.type !== "hidden" && isOther(field)); // refused, a form shows what was typed

// Before what lets a form be sent once, which it is not where somebody stays.
document.addEventListener("submit", (event) => {
    const others = [...document.querySelectorAll("main form[method=post]")].filter((form) => form !== event.target && isTyped(form));
    if (event.target.method !== "post" || !others.length || confirm(LOST)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
}, true);
