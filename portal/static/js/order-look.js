// The review page shows how the order comes anew, in place, when that changes: what is typed stays, and so does the focus.
const order = document.querySelector("form#order");
const place = order?.querySelector("[data-deliveries]");
if (place) {
  let latest = 0;
  const fresh = async (button) => {
    const turn = (latest += 1);
    const fields = new FormData(order);
    fields.set("do", button?.value ?? "look");
    place.setAttribute("aria-busy", "true");
    const answer = await fetch(order.action, { method: "POST", body: fields, headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error("not the page");
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-deliveries]");
    if (!found) throw new Error("not the page");
    if (turn === latest) show(found, button);
  };
  const show = (found, button) => {
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    // What was written while the answer was on its way is newer than the answer.
    for (const field of place.querySelectorAll("input:not([type=hidden], [type=radio]), textarea")) {
      const same = found.querySelector(`#${CSS.escape(field.id)}`);
      if (same && field.dataset.before !== undefined && field.value !== field.dataset.before) same.value = field.value;
    }
    place.replaceChildren(...found.childNodes);
    place.removeAttribute("aria-busy");
    if (button) place.querySelector(".points:not([hidden]) legend, #deliveries-heading")?.scrollIntoView({ block: "nearest" });
    (document.getElementById(focused) ?? (button || focused ? document.getElementById("deliveries-heading") : null))?.focus({ preventScroll: true });
    place.querySelector("[data-deliveries-said]").textContent = [...place.querySelectorAll("h2, .delivery h3, [role=status]:not([data-deliveries-said]), .notice p")]
      .map((said) => said.textContent.trim()).join(". ");
    ready();
  };
  const ready = () => {
    for (const button of place.querySelectorAll(".no-script")) button.hidden = true;
    for (const field of place.querySelectorAll("input, textarea")) field.dataset.before = field.value;
  };
  const refresh = (button) => fresh(button).catch(() => {
    // Logged out, or no network: the whole page says what there is to say.
    order.dataset.whole = "1";
    if (button?.isConnected) order.requestSubmit(button);
    else place.removeAttribute("aria-busy");
  });
  order.addEventListener("submit", (event) => {
    if (order.dataset.whole || event.submitter?.dataset.swap === undefined) return;
    event.preventDefault();
    refresh(event.submitter);
  });
  order.addEventListener("change", (event) => {
    if (event.target.closest("[data-refresh]") || event.target.matches("input[name=item]")) refresh(null);
  });
  ready();
}
