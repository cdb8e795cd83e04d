// A phone's camera as a scanner: what it reads is put into the scan field as if it had been typed.
const opener = document.querySelector("[data-camera-open]");
const scanField = document.querySelector("[data-scan]");
if (opener && scanField && navigator.mediaDevices?.getUserMedia && window.Worker) {
  const frame = document.querySelector("[data-camera]");
  const video = frame.querySelector("video");
  const said = document.querySelector("[data-camera-said]");
  const canvas = document.createElement("canvas");
  const outOfSight = 900;
  let stream, worker, timer;
  let lastCode = "", lastSeen = 0;

  const close = () => {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    worker?.terminate();
    stream = worker = undefined;
    frame.hidden = true;
    opener.hidden = false;
    scanField.focus();
  };
  const look = () => {
    if (!worker) return;
    if (!video.videoWidth) return void (timer = setTimeout(look, 100));
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(video, 0, 0);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    worker.postMessage(picture, [picture.data.buffer]);
  };
  const read = ({ data }) => {
    if (data.problem) {
      close();
      said.textContent = opener.dataset.failed;
      return;
    }
    const code = data.codes[0];
    const now = Date.now();
    // The same code counts again once it has been out of sight: the next package looks just the same.
    if (code && (code !== lastCode || now - lastSeen > outOfSight)) {
      scanField.value = code;
      scanField.form.requestSubmit();
    }
    if (code) [lastCode, lastSeen] = [code, now];
    timer = setTimeout(look, 120);
  };

  opener.hidden = false;
  opener.addEventListener("click", async () => {
    said.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
      video.srcObject = stream;
      await video.play();
    } catch {
      said.textContent = opener.dataset.failed;
      return;
    }
    opener.hidden = true;
    frame.hidden = false;
    worker = new Worker(opener.dataset.worker);
    worker.addEventListener("message", read);
    worker.addEventListener("error", () => read({ data: { problem: "worker" } }));
    look();
  });
  document.querySelector("[data-camera-close]").addEventListener("click", close);
  document.addEventListener("visibilitychange", () => document.hidden && stream && close());
}
