// Printing is the browser's own: the button is there only for those who do not find it in a menu.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
