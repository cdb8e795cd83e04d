// The consultant's board with the keyboard, and several cases at once. Without this every link, box and button works all the same.
const cases = document.querySelector("[data-board-list]");
const keys = document.querySelector("[data-keys]");
const KEYS_OFF = "board-keys-off";
const keysAreOff = () => {
  try {
    return localStorage.getItem(KEYS_OFF) === "1";
  } catch {
    return false;
  }
};

const bulk = document.querySelector("[data-bulk]");
if (bulk) {
  const boxes = () => [...document.querySelectorAll("input.board-choose")];
  const words = bulk.querySelector("[data-chosen]");
  const count = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    bulk.hidden = chosen === 0;
    words.textContent = words.dataset.chosen.replace("{}", chosen);
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("input.board-choose")) count();
  });
  // Back from another page the browser may have kept what was chosen.
  window.addEventListener("pageshow", count);
  count();
}

const narrow = document.querySelector("[data-narrow]");
if (narrow) {
  narrow.dataset.atOnce = "1";
  narrow.addEventListener("change", () => narrow.requestSubmit());
}

if (keys) {
  const links = () => [...(cases?.querySelectorAll(".board-row > a") ?? [])];
  const here = () => {
    const all = links();
    const focused = all.findIndex((link) => link.closest(".board-row").contains(document.activeElement));
    return focused >= 0 ? focused : all.findIndex((link) => link.getAttribute("aria-current") === "true");
  };
  const isReading = Boolean(document.querySelector(".board-reading"));
  const move = (by) => {
    const all = links();
    if (!all.length) return;
    const from = here();
    const next = all[from < 0 ? 0 : Math.min(all.length - 1, Math.max(0, from + by))];
    if (isReading) {
      if (next.getAttribute("aria-current") !== "true") next.click();
      return;
    }
    next.focus();
    next.closest(".board-row").scrollIntoView({ block: "nearest" });
  };
  // A decision is made on the case's own page: from the list it is opened there.
  const decide = (id, selector) => {
    const field = document.querySelector(selector);
    if (isReading) {
      const fold = field?.closest("details");
      if (fold) fold.open = true;
      field?.focus();
      field?.scrollIntoView({ block: "center" });
      return;
    }
    const link = links()[here()];
    if (link) location.assign(`${link.href}#${id}`);
  };
  const show = () => keys.showModal();
  const acts = {
    j: () => move(1),
    k: () => move(-1),
    o: () => links()[here()]?.click(),
    x: () => links()[here()]?.closest(".board-row").querySelector("input.board-choose")?.click(),
    r: () => decide("replace", "#replace input[name=packages]"),
    d: () => decide("decline", "#decline textarea"),
    a: () => (isReading ? decide("act-assigning", "#act-assigning select") : document.querySelector("#bulk-colleague")?.focus()),
    u: () => document.querySelector("[data-back]")?.click(),
    "/": () => document.querySelector("#find")?.focus(),
    "?": show,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keys.open || keysAreOff()) return;
    const isBox = event.target.matches?.("input[type=checkbox]");
    if (!isBox && event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  // The address says which decision one came for.
  const wanted = { "#replace": "#replace input[name=packages]", "#decline": "#decline textarea" }[location.hash];
  if (isReading && wanted) document.querySelector(wanted)?.focus();

  const button = document.querySelector("[data-keys-show]");
  button.hidden = false;
  button.addEventListener("click", show);
  const turn = keys.querySelector("[data-keys-turn]");
  const label = () => (turn.querySelector("span").textContent = keysAreOff() ? turn.dataset.on : turn.dataset.off);
  turn.addEventListener("click", () => {
    try {
      localStorage.setItem(KEYS_OFF, keysAreOff() ? "0" : "1");
    } catch {
      // Nowhere to remember it: they stay on.
    }
    label();
  });
  label();
}
