// Minus and plus beside a number; a sum shown elsewhere follows (data-sum-of names the fields, data-sum-text the words).
for (const button of document.querySelectorAll("[data-stepper] [data-step]")) button.hidden = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-stepper] [data-step]");
  if (!button) return;
  const input = button.closest("[data-stepper]").querySelector("input");
  if (button.dataset.step === "1") input.stepUp();
  else input.stepDown();
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

const note = document.querySelector("[data-sum-note]");
const tooMany = (over) => (over === 0 || !note ? "" : over === 1 ? note.dataset.one : note.dataset.many.replace("%d", String(over)));

for (const output of document.querySelectorAll("[data-sum-of]")) {
  const fields = [...document.querySelectorAll(`[data-sum="${output.dataset.sumOf}"]`)];
  const update = () => {
    const sum = fields.reduce((total, field) => total + (Number.parseInt(field.value, 10) || 0), 0);
    const over = Math.max(0, sum - Number(output.dataset.sumLimit));
    // An output element is read aloud when it changes.
    output.textContent = [output.dataset.sumText.replace("%d", String(sum)), tooMany(over)].filter(Boolean).join(". ");
    output.toggleAttribute("data-over", over > 0);
    output.dataset.sumOver = String(over);
  };
  for (const field of fields) field.addEventListener("input", update);
  if (fields.length) update();
}

// While a ticked product has too many, the order cannot be confirmed, and a line beside the button says how many.
if (note) {
  const confirm = note.closest("form");
  const button = confirm.querySelector("[data-confirm]");
  const update = () => {
    const over = [...confirm.querySelectorAll("output[data-sum-over]")]
      .filter((output) => output.closest("li")?.querySelector("input[name=item]")?.checked ?? true)
      .reduce((total, output) => total + Number(output.dataset.sumOver), 0);
    button.disabled = over > 0;
    note.textContent = tooMany(over);
  };
  confirm.addEventListener("input", update);
  confirm.addEventListener("change", update);
  update();
}
