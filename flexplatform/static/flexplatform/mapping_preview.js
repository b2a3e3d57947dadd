"use strict";
// Shows below a mapping's form what its last messages would become: after each change, and as new ones come.
(() => {
  const shown = document.getElementById("mapping-preview");
  const form = shown.closest("form");
  const every = 3000;
  const pause = 300;
  let waiting = 0;

  async function refresh() {
    clearTimeout(waiting);
    if (!document.hidden) {
      try {
        const answer = await fetch(shown.dataset.url, { method: "POST", body: new FormData(form) });
        shown.innerHTML = answer.ok ? await answer.text() : `<p>The server answers ${answer.status}.</p>`;
      } catch {
        shown.innerHTML = "<p>The server does not answer.</p>";
      }
    }
    waiting = setTimeout(refresh, every);
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, pause);
  });
  refresh();
})();
