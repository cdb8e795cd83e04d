// An order whose answer is awaited: the page is asked for now and then, and shown anew only when it says something else.
const awaited = document.querySelector("[data-awaited]");
if (awaited) {
  const every = 1000 * Number(awaited.dataset.every);
  // Ten minutes at most: a page that is left open is not to keep its reader logged in.
  let looks = Math.ceil(600000 / every);
  const look = async () => {
    if (!document.hidden) {
      looks -= 1;
      try {
        const answer = await fetch(location.href, { redirect: "manual" });
        const moved = answer.type === "opaqueredirect";
        if (moved || (answer.ok && !(await answer.text()).includes("data-awaited"))) return location.reload();
      } catch {
        // Without a connection the next look says it.
      }
    }
    if (looks > 0) setTimeout(look, every);
  };
  setTimeout(look, every);
}
