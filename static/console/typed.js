// What is typed in one form of a page is there again after another of its forms was sent. A module that console.js fetches.
const fields = [...document.querySelectorAll("main [data-script] :is(textarea, input)")];
const shown = fields.filter((field) => field.type !== "hidden");
const page = `${location.pathname} ${document.querySelector("#user-tools strong")?.textContent}`; // another person's is not put back
const isOther = (field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
const isTyped = (field) => Boolean(field.form.querySelector(".errorlist")) || isOther(field); // a form that was refused shows what was typed

const kept = JSON.parse(sessionStorage.typed ?? "{}");
delete sessionStorage.typed;
for (const [id, value, checked] of kept.page === page ? kept.fields : []) {
    const field = fields.find((one) => (one.id || one.name) === id);
    if (!field || (field.type !== "hidden" && isTyped(field))) continue;
    field.value = value;
    field.checked = checked;
}

document.addEventListener("submit", ({ target }) => {
    if (target.method !== "post" || !target.closest("main")) return;
    const typed = shown.filter((field) => field.form !== target && isTyped(field));
    // With what the form had shown, so that what a colleague has changed meanwhile is not overwritten unseen.
    const seen = fields.filter((field) => field.name === "seen" && typed.some((one) => one.form === field.form));
    const what = [...typed, ...seen].map(({ id, name, value, checked }) => [id || name, value, checked]);
    if (typed.length) sessionStorage.typed = JSON.stringify({ page, fields: what });
});
