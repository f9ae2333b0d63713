"use strict";

// A filter by an object: what is typed is looked for, and what is chosen of the offers is shown at once.
document.querySelectorAll("[data-choose]").forEach((form) => {
    const typed = form.querySelector("[list]"), offers = form.querySelector("datalist");
    const key = form.querySelector("[data-key]"), nothing = form.querySelector("[role=status]");
    const keys = new Map();
    let waiting, last = 0;

    const choose = (text) => {
        key.value = keys.get(text);
        form.submit();
    };
    const look = async () => {
        const asked = ++last;
        const answer = await fetch(`${form.dataset.choose}&term=${encodeURIComponent(typed.value)}`);
        if (!answer.ok || asked !== last) return;
        const { results } = await answer.json();
        keys.clear();
        results.forEach(({ id, text }) => keys.set(text, id));
        offers.replaceChildren(...[...keys.keys()].map((text) => new Option(text, text)));
        nothing.hidden = keys.size > 0;
    };
    typed.addEventListener("input", () => {
        clearTimeout(waiting);
        if (keys.has(typed.value)) choose(typed.value);
        else if (typed.value.trim()) waiting = setTimeout(look, 200);
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (keys.size === 1) choose([...keys.keys()][0]);
    });
});
