"use strict";

// Shows how far a bulk run or an import has come. It asks more and more rarely, not while nobody looks, and for ten minutes at
// most, so that an open page alone keeps no session alive; at the end it loads the page anew, with what became of the rows.
const shown = document.querySelector("[data-progress]");
const until = Date.now() + 600_000;
let pause = 1_000;

const ask = async () => {
    if (document.hidden) {
        document.addEventListener("visibilitychange", ask, { once: true });
        return;
    }
    const answer = await fetch(shown.dataset.progress, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.redirected) return; // the session is over
    if (answer?.ok) {
        const run = await answer.json();
        shown.querySelector("progress").value = run.settled;
        shown.querySelector("[data-settled]").textContent = run.settled.toLocaleString(document.documentElement.lang);
        if (!run.running) {
            location.reload();
            return;
        }
    }
    pause = Math.min(pause * 1.3, 15_000);
    if (Date.now() < until) setTimeout(ask, pause);
};

if (shown) setTimeout(ask, pause);
