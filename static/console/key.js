"use strict";

// Says on the page that a security key was not used, where the library would only tell the browser's console.
document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    document.getElementById("key-problem").hidden = false;
});
