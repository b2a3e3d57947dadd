// What every page does: the CSRF header of htmx, questions before what cannot be undone, words for what failed.
"use strict";

(() => {
  const dialog = document.querySelector("#confirm");
  const toast = document.querySelector("#toast");

  const ask = (question, action, agreed) => {
    const yes = dialog.querySelector("[data-confirm-yes]");
    dialog.querySelector("#confirm-question").textContent = question;
    yes.textContent = action || yes.dataset.default;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") agreed(); }, { once: true });
    dialog.showModal();
  };

  // <form data-confirm="Remove Ann?" data-confirm-action="Remove">
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    const { submitter } = event;
    ask(form.dataset.confirm, form.dataset.confirmAction, () => {
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter);
      delete form.dataset.confirmed;
    });
  });

  // The arrow keys turn the days of a page: <nav data-arrow-keys> with links rel=prev and rel=next.
  document.addEventListener("keydown", (event) => {
    const days = document.querySelector("[data-arrow-keys]");
    const direction = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!days || !direction || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, select, textarea, [role=tab], .leaflet-container")) return;
    days.querySelector(`[rel=${direction}]`)?.click();
  });

  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.question, event.detail.elt.dataset.confirmAction, () => event.detail.issueRequest(true));
  });

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
  });

  // What a question is about stays as it is until it is answered.
  document.addEventListener("htmx:beforeSwap", (event) => { if (dialog.open) event.detail.shouldSwap = false; });

  // A table that is wider than its place can be moved by the arrow keys.
  const reach = () => document.querySelectorAll(".table-responsive").forEach((place) => {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
  });
  reach();
  window.addEventListener("resize", reach);
  document.addEventListener("htmx:afterSettle", reach);

  const complain = (text) => { toast.textContent = text; toast.hidden = false; };
  document.addEventListener("htmx:sendError", () => complain(toast.dataset.offline));
  document.addEventListener("htmx:responseError", () => complain(toast.dataset.failed));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) toast.hidden = true; });
})();
