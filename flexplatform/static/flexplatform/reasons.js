// Shows why a plan does what it does in the step that a chart, or the slider, points at: <section data-reasons="address">.
"use strict";

(() => {
  const place = document.querySelector("[data-reasons]");
  if (!place) return;
  const slider = place.querySelector("input[type=range]");
  const moment = place.querySelector("[data-reasons-moment]");
  const list = place.querySelector("[data-reasons-list]");
  const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  let page = null;

  const line = ({ label, kind, text }) => {
    const item = document.createElement("li");
    const dot = document.createElement("span");
    dot.className = kind ? `fp-dot fp-kind-${kind}` : "fp-dot";
    const name = document.createElement("strong");
    name.textContent = label;
    item.append(dot, name, ` ${text}`);
    return item;
  };

  const show = (step) => {
    if (!page) return;
    slider.value = step;
    const at = (millis) => luxon.DateTime.fromMillis(millis, { zone: page.zone, locale });
    const start = page.start + step * page.step_seconds * 1000;
    const until = at(start + page.step_seconds * 1000).toFormat("HH:mm");
    moment.textContent = `${at(start).toFormat("ccc d LLL, HH:mm")} – ${until}`;
    slider.setAttribute("aria-valuetext", moment.textContent);
    list.replaceChildren(...page.steps[step].map(line));
  };

  const load = async () => {
    try {
      const response = await fetch(place.dataset.reasons, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      page = await response.json();
    } catch (error) {
      list.textContent = document.querySelector("#toast").dataset.failed;
      return;
    }
    if (!page.steps.length) {
      list.textContent = place.dataset.none;
      return;
    }
    slider.max = page.steps.length - 1;
    slider.disabled = false;
    const now = Math.floor((Date.now() - page.start) / (page.step_seconds * 1000));
    show(now >= 0 && now < page.steps.length ? now : 0);
  };

  slider.addEventListener("input", () => show(Number(slider.value)));
  document.addEventListener("step", ({ detail }) => { if (page && detail.start === page.start) show(detail.step); });
  load();
})();
