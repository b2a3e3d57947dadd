// Light or dark before anything is drawn: the choice of the cookie, which the server renders, else what the system has.
"use strict";

(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const next = { auto: "light", light: "dark", dark: "auto" };

  const show = () => {
    const choice = root.dataset.themeChoice;
    const theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    if (root.dataset.bsTheme === theme) return;
    root.dataset.bsTheme = theme;
    document.dispatchEvent(new Event("theme"));
  };

  const choose = (choice) => {
    const secure = window.location.protocol === "https:" ? "; secure" : "";
    const age = choice === "auto" ? 0 : 60 * 60 * 24 * 365;
    document.cookie = `theme=${choice}; path=/; max-age=${age}; samesite=lax${secure}`;
    root.dataset.themeChoice = choice;
    show();
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-toggle]")) choose(next[root.dataset.themeChoice]);
  });
})();
