// A fault report survives a lost connection: what is typed is kept here and as a draft, photos go one by one, and sending waits for the network.
const report = document.querySelector("[data-draft]");
if (report) {
  const words = report.dataset;
  const said = report.querySelector("[data-draft-said]");
  const photoSaid = report.querySelector("[data-photo-problem]");
  const list = report.querySelector("[data-photos]");
  const picker = report.querySelector("input[type=file]");
  const store = `report-${words.key}`;
  const pause = 1500, retry = 3000, longSide = 2000, largest = 30 * 1024 * 1024;
  const waitingPhotos = [];
  let timer, isSaving = false, isSending = false, isUploading = false, isDirty = false;

  const typed = () => [...new FormData(report)].filter(([name, value]) => typeof value === "string" && !["csrf_token", "idempotency_key", "do"].includes(name));
  const keepHere = () => {
    try {
      sessionStorage.setItem(store, JSON.stringify(typed()));
    } catch {
      // Without storage the draft on the server is what is kept.
    }
  };
  const forget = () => {
    try {
      sessionStorage.removeItem(store);
    } catch {
      // Nothing was kept.
    }
  };
  const restore = () => {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(store) ?? "null");
    } catch {
      return;
    }
    // After a refusal the page already shows what was sent.
    if (!kept || report.querySelector("[data-error-summary]")) return;
    for (const field of report.elements) {
      if (!field.name || ["hidden", "file", "submit"].includes(field.type)) continue;
      const values = kept.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
    }
    isDirty = true;
  };
  const tell = (text) => {
    if (said.textContent !== text) said.textContent = text;
  };

  const post = async (form) => {
    const answer = await fetch(report.action, { method: "POST", body: form, headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.headers.get("Content-Type")?.startsWith("application/json")) return { status: answer.status, isLost: true, place: answer.redirected ? answer.url : "" };
    return { status: answer.status, ...(await answer.json()) };
  };
  const textForm = (act) => {
    const form = new FormData(report);
    form.delete("photos");
    if (act) form.set("do", act);
    return form;
  };
  const draw = (photos) => {
    list.replaceChildren(...photos.map((photo, place) => {
      const item = document.createElement("li");
      const link = Object.assign(document.createElement("a"), { href: photo.url });
      link.append(Object.assign(new Image(), { src: photo.url, alt: words.photoLabel.replace("{n}", place + 1) }));
      const remove = report.querySelector("[data-remove-one]").content.firstElementChild.cloneNode(true);
      remove.value = `remove-${photo.id}`;
      remove.setAttribute("aria-label", words.removeLabel.replace("{n}", place + 1));
      item.append(link, remove);
      return item;
    }));
  };

  const save = async () => {
    clearTimeout(timer);
    if (isSaving || isSending) return;
    isSaving = true;
    isDirty = false;
    try {
      const answer = await post(textForm("keep"));
      if (answer.isLost && !isSending) tell(words.expired);
      else if (!isSending) tell(words.saved);
    } catch {
      isDirty = true;
      if (!isSending) tell(words.offline);
      later(retry);
    }
    isSaving = false;
    if (isDirty) later(pause);
  };
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(save, milliseconds);
  };
  report.addEventListener("input", (event) => {
    if (event.target === picker) return;
    isDirty = true;
    keepHere();
    later(pause);
  });

  // A phone's photo is made smaller before it is sent; one that this browser cannot open is sent as it is.
  const smaller = async (file) => {
    try {
      const picture = await createImageBitmap(file);
      const scale = Math.min(1, longSide / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
      const pen = canvas.getContext("2d");
      pen.fillStyle = "white";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
      return blob && blob.size < file.size ? blob : file;
    } catch {
      return file;
    }
  };
  const upload = async () => {
    if (isUploading) return;
    isUploading = true;
    while (waitingPhotos.length) {
      const form = textForm("keep");
      form.append("photos", waitingPhotos[0], "photo.jpg");
      try {
        if (waitingPhotos[0].size > largest) {
          photoSaid.textContent = words.tooLarge;
        } else {
          tell(words.sendingPhoto);
          const answer = await post(form);
          if (answer.isLost) {
            tell(words.expired);
            break;
          }
          photoSaid.textContent = answer.problem ?? "";
          if (answer.photos) draw(answer.photos);
        }
        waitingPhotos.shift();
        tell(words.saved);
      } catch {
        tell(words.photoWaiting);
        setTimeout(upload, retry);
        break;
      }
    }
    isUploading = false;
    if (isSending && !waitingPhotos.length) send();
  };
  picker.closest("fieldset").classList.add("with-script");
  picker.addEventListener("change", async () => {
    const chosen = [...picker.files];
    picker.value = "";
    photoSaid.textContent = "";
    for (const file of chosen) waitingPhotos.push(await smaller(file));
    upload();
  });

  const send = async () => {
    isSending = true;
    clearTimeout(timer);
    keepHere();
    if (waitingPhotos.length) return void upload();
    try {
      const answer = await post(textForm());
      if (answer.url) {
        forget();
        location.assign(answer.url);
      } else if (answer.place) {
        // Logged out meanwhile: what was typed has been kept there, and is shown again after logging in.
        location.assign(answer.place);
      } else {
        // What has to be corrected stands on the page that the form itself leads to; nothing was filed.
        forget();
        report.submit();
      }
    } catch {
      tell(words.waiting);
      setTimeout(send, retry);
    }
  };
  report.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const act = event.submitter?.name === "do" ? event.submitter.value : "";
    if (!act) return void (isSending || (event.submitter?.setAttribute("aria-busy", "true"), send()));
    try {
      const answer = await post(textForm(act));
      if (answer.isLost) tell(words.expired);
      else {
        draw(answer.photos);
        tell(words.saved);
      }
    } catch {
      tell(words.offline);
    }
  });
  addEventListener("online", () => {
    if (isSending) send();
    else if (waitingPhotos.length) upload();
    else if (isDirty) save();
  });
  addEventListener("offline", () => tell(isSending ? words.waiting : words.offline));
  restore();
  if (isDirty) later(pause);
}

// Nothing of it is left on this device for whoever logs in next.
document.addEventListener("submit", (event) => {
  if (!event.target.action?.endsWith("/log-out")) return;
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith("report-")) sessionStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
});
