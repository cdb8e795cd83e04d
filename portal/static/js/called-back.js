// A recall that is opened while somebody picks is told on the open page: it asks now and then, as long as somebody can see it.
const place = () => document.querySelector("[data-called-back]");
if (place()) {
  const every = 15000;
  const longestWait = 10000;
  let timer, isAsking = false, isOver = false;

  const show = (shown, answer) => {
    // A scan that was answered meanwhile has drawn the page anew, and knows as much.
    if (place() !== shown || answer.mark === shown.dataset.mark) return;
    shown.dataset.mark = answer.mark;
    shown.replaceChildren(...new DOMParser().parseFromString(answer.html, "text/html").body.childNodes);
    if (!answer.mark) return;
    // What was right a moment ago is not what matters now.
    document.querySelectorAll("main [data-scan-result]").forEach((told) => told.remove());
    shown.scrollIntoView({ block: "start" });
    document.dispatchEvent(new CustomEvent("scan-outcome", { detail: "wrong" }));
  };
  const ask = async () => {
    clearTimeout(timer);
    const shown = place();
    if (isAsking || isOver || !shown) return;
    isAsking = true;
    try {
      if (document.visibilityState === "visible" && navigator.onLine) {
        const url = new URL(shown.dataset.calledBack, location.href);
        if (shown.dataset.lot) url.searchParams.set("lot", shown.dataset.lot);
        const response = await fetch(url, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(longestWait) });
        // Logged out, or no longer in one's hands: whatever is done next on the page says so.
        isOver = response.redirected || response.status === 403 || response.status === 404;
        if (response.ok && !isOver) show(shown, await response.json());
      }
    } catch {
      // No network: the scans on the page say that.
    } finally {
      isAsking = false;
      if (!isOver) timer = setTimeout(ask, every);
    }
  };
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("online", ask);
  timer = setTimeout(ask, every);
}
