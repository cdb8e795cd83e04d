// The hand-held: the scan field always has focus, and the last scan's outcome is heard and felt as well as seen.
// A page at home has other things to do than to scan: its field is only filled in by the camera.
const field = document.querySelector("[data-scan]:not([data-at-home])");
const typing = (element) => element?.matches?.("input, textarea, select") && element !== field;
if (field) {
  field.focus();
  const refocus = () => setTimeout(() => typing(document.activeElement) || document.querySelector("details[open]") || field.focus(), 400);
  field.addEventListener("blur", refocus);
  document.addEventListener("visibilitychange", refocus);
  document.addEventListener("keydown", (event) => {
    // Scanners send the separator of GS1 codes as Ctrl and "]", or as F8; text fields drop both.
    if (document.activeElement === field && ((event.ctrlKey && event.key === "]") || event.key === "F8")) {
      event.preventDefault();
      field.setRangeText("\x1d", field.selectionStart, field.selectionEnd, "end");
      return;
    }
    // A scanner types wherever the focus is: its first character takes the focus with it.
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1 || event.key === " ") return;
    if (document.activeElement !== field && !typing(document.activeElement)) field.focus();
  });
}

const store = (value) => {
  try {
    if (value) localStorage.setItem("scan-sound", value);
    return localStorage.getItem("scan-sound");
  } catch {
    return value;
  }
};
const soundButton = document.querySelector("[data-sound]");
const isLoud = () => store() !== "off";
if (soundButton) {
  soundButton.hidden = false;
  soundButton.setAttribute("aria-pressed", String(isLoud()));
  soundButton.addEventListener("click", () => {
    store(isLoud() ? "off" : "on");
    soundButton.setAttribute("aria-pressed", String(isLoud()));
    field?.focus();
  });
}

let sound;
const play = (right) => {
  if (!isLoud()) return;
  try {
    sound ??= new AudioContext();
    sound.resume();
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = right ? 330 : 1200;
    volume.gain.setValueAtTime(0.15, sound.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + (right ? 0.18 : 0.5));
    tone.connect(volume).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.55);
  } catch {
    // A browser without sound still shows the colour and the words.
  }
};
const tell = (outcome) => {
  const right = outcome === "ok";
  if (navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(right ? 60 : [120, 60, 120]);
  play(right);
};
const outcome = document.querySelector("[data-scan-result]")?.dataset.scanResult;
if (outcome) tell(outcome);
document.addEventListener("scan-outcome", (event) => tell(event.detail));
