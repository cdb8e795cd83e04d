// The order button says how many products are ticked; "select all" ticks them all. The words come from the page.
for (const button of document.querySelectorAll("[data-count-label]")) {
  const form = button.form;
  const boxes = () => [...form.elements].filter((element) => "selectable" in element.dataset);
  const all = form?.querySelector("[data-select-all]");
  const update = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    const words = chosen === 0 ? button.dataset.none : chosen === 1 ? button.dataset.one : button.dataset.many;
    if (all) all.textContent = boxes().every((box) => box.checked) ? all.dataset.clear : all.dataset.all;
    button.querySelector("[data-count-text]").textContent = words.replace("%d", String(chosen));
  };
  form?.addEventListener("change", update);
  if (form) update();
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const tick = boxes().some((box) => !box.checked);
      for (const box of boxes()) box.checked = tick;
      update();
    });
  }
}
