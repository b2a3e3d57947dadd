// Ticks every box of a form at once: <input type="checkbox" data-select-all="offers">; counts what is ticked.
"use strict";

(() => {
  document.querySelectorAll("[data-select-all]").forEach((all) => {
    const boxes = [...all.form.querySelectorAll(`input[name="${all.dataset.selectAll}"]`)];
    const count = all.form.querySelector("[data-selected]");
    const shown = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      if (count) count.textContent = ticked;
      all.form.querySelectorAll("[data-needs-selection]").forEach((button) => { button.disabled = ticked === 0; });
    };
    all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); shown(); });
    boxes.forEach((box) => box.addEventListener("change", shown));
    shown();
  });
})();
