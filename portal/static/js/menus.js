// Open menus close on Escape, giving focus back, and on a press outside.
const openMenus = () => document.querySelectorAll("details[data-menu][open]:not(.confirm)");

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("pointerdown", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
