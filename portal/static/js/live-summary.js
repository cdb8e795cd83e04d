// A prescription's terms in a sentence that follows what is typed. The server writes it, in the reader's language.
for (const form of document.querySelectorAll("form[data-summary]")) {
  const text = form.querySelector("[data-summary-text]");
  let waiting;
  let latest = 0;
  const update = async () => {
    const mine = ++latest;
    try {
      const answer = await fetch(form.dataset.summary, { method: "POST", body: new FormData(form) });
      const sentence = answer.ok && !answer.redirected ? await answer.text() : "";
      if (mine !== latest) return;
      text.textContent = sentence;
      text.hidden = !sentence;
    } catch {
      // Without a connection the next page says it.
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 250);
  });
}
