// A second press of a button that is already sending does nothing. The server is the one that makes sure; this is courtesy.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || "many" in form.dataset || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Back from the next page: the browser shows the page as it was left, and the button must work again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
