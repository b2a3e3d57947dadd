// A slider over the times at which something new was known: <input type="range" data-known-at="#id_known_at">.
// Its places are the elements with [data-issued] of the page, the newest first, and now.
"use strict";

(() => {
  document.querySelectorAll("input[data-known-at]").forEach((slider) => {
    const field = document.querySelector(slider.dataset.knownAt);
    const told = document.querySelector(slider.dataset.told);
    const places = [...document.querySelectorAll("[data-issued]")].reverse()
      .map((each) => ({ value: each.dataset.issued, label: each.textContent.trim() }));
    if (!field || !places.length) return;
    places.push({ value: "", label: slider.dataset.now });
    slider.max = places.length - 1;
    const known = (place) => place.value && place.value <= field.value;
    const chosen = field.value ? places.filter(known).length - 1 : places.length - 1;
    slider.value = Math.max(chosen, 0);
    const show = () => {
      const { label } = places[slider.value];
      told.textContent = label;
      slider.setAttribute("aria-valuetext", label);
    };
    slider.addEventListener("input", show);
    slider.addEventListener("change", () => {
      field.value = places[slider.value].value;
      field.form.requestSubmit();
    });
    if (!field.value || chosen >= 0) show();
    slider.closest("[hidden]").hidden = false;
  });
})();
