// The hand-held: the scan field always has focus, and the last scan's outcome is heard and felt as well as seen.
const field = document.querySelector("[data-scan]");
if (field) {
  field.focus();
  const typing = (element) => element?.matches?.("input, textarea, select") && element !== field;
  const refocus = () => setTimeout(() => typing(document.activeElement) || document.querySelector("details[open]") || field.focus(), 400);
  field.addEventListener("blur", refocus);
  document.addEventListener("visibilitychange", refocus);
}

const outcome = document.querySelector("[data-scan-result]")?.dataset.scanResult;
if (outcome) {
  const right = outcome === "ok";
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(right ? 60 : [120, 60, 120]);
  try {
    const sound = new AudioContext();
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
}
