// Reads the codes in one picture at a time. The reader above is the packaged one; its WebAssembly comes from where this script came from.
BarcodeDetectionAPI.prepareZXingModule({ overrides: { locateFile: () => new URL("CODE_READER", self.location.href).href } });
const reader = new BarcodeDetectionAPI.BarcodeDetector({ formats: ["data_matrix", "qr_code", "code_128", "ean_13", "ean_8", "upc_a"] });
self.addEventListener("message", async ({ data: picture }) => {
  try {
    const found = await reader.detect(picture);
    self.postMessage({ codes: found.map((code) => code.rawValue) });
  } catch (problem) {
    self.postMessage({ problem: String(problem) });
  }
});
