// How much of a credit note is still to be shared out, in öre. The server counts again, and is the one that is believed.
for (const form of document.querySelectorAll("form[data-credit]")) {
  const amount = form.querySelector("[data-credit-amount]");
  const shares = [...form.querySelectorAll("[data-credit-share]")];
  const rest = form.querySelector("[data-credit-rest]");
  const money = new Intl.NumberFormat(document.documentElement.lang === "en" ? "en-GB" : "sv-SE", { style: "currency", currency: "SEK", currencyDisplay: document.documentElement.lang === "en" ? "code" : "symbol" });
  const ore = (text) => {
    let digits = text.replace(/\s|kr|sek|:-/gi, "");
    if (digits.includes(",") && digits.includes(".")) {
      digits = digits.replaceAll(digits.lastIndexOf(",") > digits.lastIndexOf(".") ? "." : ",", "");
    }
    const found = /^(\d{1,10})(?:[.,](\d{1,2}))?$/.exec(digits);
    return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : 0;
  };
  const update = () => {
    const left = ore(amount.value) - shares.reduce((sum, field) => sum + ore(field.value), 0);
    const words = left > 0 ? form.dataset.left : left < 0 ? form.dataset.over : form.dataset.done;
    rest.hidden = amount.value.trim() === "" && shares.every((field) => field.value.trim() === "");
    rest.textContent = words.replace("%s", money.format(Math.abs(left) / 100));
    rest.dataset.tone = left === 0 ? "success" : "attention";
  };
  for (const field of shares) {
    const all = field.parentElement.querySelector("[data-credit-all]");
    all.hidden = false;
    all.addEventListener("click", () => {
      field.value = field.dataset.creditShare.replace(".", document.documentElement.lang === "en" ? "." : ",");
      update();
    });
  }
  form.addEventListener("input", update);
  update();
}
