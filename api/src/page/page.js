"use strict";
// Asks for the repositories, with `as_of` and how each is followed, and when that has moved for the page itself; the server
// renders, so there is one place that escapes.
(() => {
  let shown = null;
  const tick = async () => {
    try {
      const moved = await (await fetch("/v1/repos", { cache: "no-cache" })).text();
      if (moved !== shown) {
        const text = await (await fetch("/", { cache: "no-cache" })).text();
        const fresh = new DOMParser().parseFromString(text, "text/html");
        for (const part of ["header", "main"]) {
          document.querySelector(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
        }
        shown = moved;
      }
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale");
    }
    setTimeout(tick, document.hidden ? 30000 : 3000);
  };
  setTimeout(tick, 3000);
})();
