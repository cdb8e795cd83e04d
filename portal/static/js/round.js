// Scans on a round are kept in the browser until the server has answered, so that a lost connection or a reloaded page loses none.
const round = document.querySelector("[data-round]");
if (round) {
  const form = round.querySelector("[data-scan-form]");
  const field = form.querySelector("[data-scan]");
  const waiting = round.querySelector("[data-waiting]");
  const refused = round.querySelector("[data-refused]");
  const seen = round.querySelector("[data-refused-seen]");
  const loaded = Date.now();
  const late = 4000;
  const longestWait = 15000;
  const memory = {};
  // A scan that the server breaks on would hold up all that come after it: after so many answers it may be put aside by hand.
  const patience = 4;
  const aside = round.querySelector("[data-put-aside]");
  let isSending = false, pause = 0, timer, said = "", broken = { key: "", times: 0 };

  const kept = (name) => {
    try {
      return JSON.parse(localStorage.getItem(`${name}-${round.dataset.round}`) ?? "[]");
    } catch {
      return memory[name] ?? [];
    }
  };
  const keep = (name, list) => {
    memory[name] = list;
    try {
      if (list.length) localStorage.setItem(`${name}-${round.dataset.round}`, JSON.stringify(list));
      else localStorage.removeItem(`${name}-${round.dataset.round}`);
    } catch {
      // Without storage the scans live as long as the page.
    }
  };
  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const forget = () => document.querySelectorAll("[data-part] .scan-result").forEach((told) => told.remove());
  const show = () => {
    const count = kept("scans").length;
    const words = count === 1 ? round.dataset.one : round.dataset.many.replace("{n}", count);
    const isWaiting = count > 0 && (pause > 0 || !navigator.onLine);
    const text = isWaiting ? [words, said].filter(Boolean).join(" ") : "";
    if (waiting.textContent !== text) waiting.textContent = text;
    // What was said of the scan before is not about the one that waits.
    if (isWaiting) forget();
    const no = kept("refused");
    if (refused.childElementCount !== no.length) {
      refused.replaceChildren(...no.map((one) => {
        const box = round.querySelector("[data-refused-one]").content.firstElementChild.cloneNode(true);
        box.querySelector("strong").textContent = one.text;
        box.querySelector("span").textContent = [one.detail, one.scan].filter(Boolean).join(" · ");
        return box;
      }));
    }
    seen.hidden = no.length === 0;
    const first = kept("scans")[0];
    aside.hidden = !(first && first.key === broken.key && broken.times >= patience);
  };
  const redraw = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of document.querySelectorAll("[data-part]")) {
      const found = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!found) continue;
      part.replaceChildren(...found.childNodes);
      for (const button of part.querySelectorAll("[data-step]")) button.hidden = false;
    }
  };
  const answered = (scan, answer) => {
    keep("scans", kept("scans").filter((one) => one.key !== scan.key));
    // A package that was put in its box long before the answer came has to be found again: that is told until somebody has seen it.
    const isLate = !answer.page || scan.at < loaded || Date.now() - scan.at > late;
    if (answer.page) redraw(answer.page);
    if (answer.result === "wrong" && isLate) {
      forget();
      keep("refused", [...kept("refused"), { text: answer.text, detail: answer.detail, scan: scan.text }]);
    }
    document.dispatchEvent(new CustomEvent("scan-outcome", { detail: answer.result }));
  };
  const post = async (scan) => {
    const token = form.querySelector("[name=csrf_token]").value;
    const body = new URLSearchParams({ csrf_token: token, scan: scan.text, idempotency_key: scan.key });
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(longestWait) });
    if (response.headers.get("Content-Type")?.startsWith("application/json")) return response.json();
    // Logged out, or a page too old: only a new page helps.
    said = response.status < 500 ? round.dataset.reload : "";
    // A gateway says 502 to 504 when the portal is away: that is the network's fault and no scan's.
    if (response.status === 500) broken = { key: scan.key, times: (broken.key === scan.key ? broken.times : 0) + 1 };
    throw new Error(`no answer: ${response.status}`);
  };
  const send = async () => {
    clearTimeout(timer);
    if (isSending) return;
    isSending = true;
    try {
      for (let scan = kept("scans")[0]; scan; scan = kept("scans")[0]) {
        answered(scan, await post(scan));
        [pause, said] = [0, ""];
        show();
      }
    } catch {
      pause = Math.min(pause * 2 || 1000, longestWait);
      timer = setTimeout(send, pause);
    } finally {
      isSending = false;
      show();
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    field.value = "";
    field.focus();
    if (!text.trim()) return;
    keep("scans", [...kept("scans"), { key: newKey(), text, at: Date.now() }]);
    show();
    send();
  });
  // Whatever else is done here would be done to boxes that the server does not know yet.
  document.addEventListener("submit", (event) => {
    if (event.target === form || !kept("scans").length || !document.querySelector("main").contains(event.target)) return;
    event.preventDefault();
    said = round.dataset.first;
    pause ||= 1000;
    show();
    send();
  }, { capture: true });
  aside.addEventListener("click", () => {
    const [first, ...others] = kept("scans");
    if (!first || first.key !== broken.key) return;
    keep("refused", [...kept("refused"), { text: round.dataset.aside, detail: round.dataset.asideWhy, scan: first.text }]);
    keep("scans", others);
    [pause, said] = [0, ""];
    show();
    send();
    field.focus();
  });
  seen.addEventListener("click", () => {
    keep("refused", []);
    show();
    field.focus();
  });
  window.addEventListener("online", () => {
    pause = 0;
    send();
  });
  show();
  send();
}
