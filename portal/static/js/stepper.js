// Minus and plus beside a number; a sum shown elsewhere follows (data-sum-of names the fields, data-sum-text the words).
for (const stepper of document.querySelectorAll("[data-stepper]")) {
  const input = stepper.querySelector("input");
  for (const button of stepper.querySelectorAll("[data-step]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (button.dataset.step === "1") input.stepUp();
      else input.stepDown();
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}

for (const output of document.querySelectorAll("[data-sum-of]")) {
  const fields = [...document.querySelectorAll(`[data-sum="${output.dataset.sumOf}"]`)];
  const update = () => {
    const sum = fields.reduce((total, field) => total + (Number.parseInt(field.value, 10) || 0), 0);
    output.textContent = output.dataset.sumText.replace("%d", String(sum));
    output.toggleAttribute("data-over", sum > Number(output.dataset.sumLimit));
    output.dataset.sumOver = String(Math.max(0, sum - Number(output.dataset.sumLimit)));
  };
  for (const field of fields) field.addEventListener("input", update);
  if (fields.length) update();
}

// While a ticked product has too many, the order cannot be confirmed, and a line beside the button says how many.
const note = document.querySelector("[data-sum-note]");
if (note) {
  const confirm = note.closest("form");
  const button = confirm.querySelector("[data-confirm]");
  const update = () => {
    const over = [...confirm.querySelectorAll("output[data-sum-over]")]
      .filter((output) => output.closest("li")?.querySelector("input[name=item]")?.checked ?? true)
      .reduce((total, output) => total + Number(output.dataset.sumOver), 0);
    button.disabled = over > 0;
    note.textContent = over === 0 ? "" : over === 1 ? note.dataset.one : note.dataset.many.replace("%d", String(over));
  };
  confirm.addEventListener("input", update);
  confirm.addEventListener("change", update);
  update();
}
