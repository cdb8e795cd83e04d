// How many serial numbers are written so far, as the server counts them: one by one, and ranges like P100–P119.
for (const field of document.querySelectorAll("[data-serials]")) {
  const output = document.getElementById(field.dataset.serials);
  const update = () => {
    const pieces = field.value.trim().replace(/\s*(–|\.\.)\s*/g, "$1").split(/[\s,;]+/).filter(Boolean);
    const sum = pieces.reduce((total, piece) => {
      const range = /^(\S*?)(\d{1,15})(?:–|\.\.|-)(\S*?)(\d{1,15})$/.exec(piece);
      const isRange = range && ["", range[1]].includes(range[3]) && range[2].length === range[4].length && Number(range[4]) > Number(range[2]);
      return total + (isRange ? Number(range[4]) - Number(range[2]) + 1 : 1);
    }, 0);
    output.textContent = sum === 0 ? "" : sum === 1 ? output.dataset.textOne : output.dataset.text.replace("%d", String(sum));
  };
  field.addEventListener("input", update);
  update();
}
