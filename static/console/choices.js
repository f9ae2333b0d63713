"use strict";

// Names, roles and the focus that the widgets of fields that search, and of choices of many, lack.
const labelChoices = () => {
    document.querySelectorAll(".select2-selection__rendered:not([aria-labelledby])").forEach((value) => {
        const field = value.id.replace(/^select2-|-container$/g, ""), label = document.querySelector(`label[for="${field}"]`);
        if (!label) return;
        label.id ||= `${field}_label`;
        value.setAttribute("aria-labelledby", label.id);
        value.closest(".select2-selection").setAttribute("aria-labelledby", `${label.id} ${value.id}`);
    });
    document.querySelectorAll(".help-tooltip[aria-label]").forEach((icon) => icon.setAttribute("role", "img"));
};
// What stands in place of a hidden field gets its focus: at the start, where the field asks for it, and by its label.
const lead = (field) => field?.nextElementSibling?.querySelector(".select2-selection")?.focus();
window.django?.jQuery?.(() => lead(document.querySelector(".select2-hidden-accessible:focus")));
window.django?.jQuery?.(labelChoices); // behind what makes the fields that search
window.addEventListener("load", labelChoices); // and behind what makes the choices of many
// What is typed on it opens it and stands in its search box, which has to have the focus at once.
document.addEventListener("keydown", ({ target, key, ctrlKey, metaKey, altKey, isComposing }) => {
    if (!target.matches(".select2-selection--single") || key.length > 1 || key === " " || ctrlKey || metaKey || altKey || isComposing) return;
    window.django.jQuery(target.closest(".select2-container").previousElementSibling).select2("open");
    document.querySelector(".select2-container--open .select2-search__field")?.focus();
});
document.addEventListener("formset:added", () => setTimeout(labelChoices));
document.addEventListener("focusin", ({ target }) => {
    if (target.matches(".select2-hidden-accessible")) lead(target);
    if (!target.matches(".select2-search__field")) return;
    target.setAttribute("aria-label", "Search");
    document.querySelectorAll(".select2-selection[aria-owns]").forEach((choice) => choice.setAttribute("aria-controls", choice.getAttribute("aria-owns")));
    document.querySelector(".select2-results__options")?.setAttribute("aria-label", "Found");
});
