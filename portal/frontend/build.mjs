// Builds everything the browser fetches into build/assets: one stylesheet, one script, icons and fonts,
// each under a name that carries its content's hash, and manifest.json from plain name to hashed name.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const sources = join(here, "..", "static");
const target = join(here, "..", "..", "build", "assets");
const cssLimit = 40 * 1024;

// The parts of the design system that the component macros use; the rest is left out of the bundle.
const designSystemParts = [
  "alert", "badge", "button", "card", "details", "divider", "error-summary", "field", "fieldset", "heading",
  "input", "label", "link", "list", "paragraph", "table", "tag", "validation-message",
];
const fonts = { "inter-latin.woff2": "inter-latin-wght-normal.woff2", "inter-latin-ext.woff2": "inter-latin-ext-wght-normal.woff2" };
// The documents' fonts: fpdf2 reads TrueType only, and names come in every script.
const documentFonts = { "document-regular.ttf": "DejaVuSans.ttf", "document-bold.ttf": "DejaVuSans-Bold.ttf" };
const fontRanges = {
  "inter-latin.woff2":
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD",
  "inter-latin-ext.woff2":
    "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF",
};

const theme = JSON.parse(readFileSync(join(here, "theme.json"), "utf8"));
const work = mkdtempSync(join(tmpdir(), "portal-assets-"));
const staging = join(work, "assets");
const manifest = {};

function publish(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const extension = extname(name);
  const hashed = `${basename(name, extension)}.${hash}${extension}`;
  writeFileSync(join(staging, hashed), content);
  manifest[name] = hashed;
  return hashed;
}

function filesIn(folder, extension) {
  return readdirSync(join(sources, folder))
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => [basename(name, extension), readFileSync(join(sources, folder, name), "utf8")]);
}

function generatedTokens() {
  const config = join(work, "designsystemet.config.json");
  writeFileSync(config, JSON.stringify({ outDir: "tokens", themes: { portal: theme.designsystem } }));
  const generator = join(modules, "@digdir", "designsystemet", "dist", "bin", "designsystemet.js");
  const run = (...words) => execFileSync(process.execPath, [generator, "tokens", ...words], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
  run("create", "--config", config);
  run("build", "--tokens", "tokens", "--out-dir", "tokens-css", "--config", config);
  return readFileSync(join(work, "tokens-css", "portal.css"), "utf8").replace('@charset "UTF-8";', "");
}

function ownTokens() {
  const lines = (group) => Object.entries(theme.own[group]).map(([name, value]) => `--${name}:${value};`).join("");
  return (
    `@layer tokens{:root{${lines("both")}${lines("light")}}` +
    `[data-color-scheme="dark"]{${lines("dark")}}` +
    `@media (prefers-color-scheme:dark){[data-color-scheme="auto"]{${lines("dark")}}}}`
  );
}

function fontFaces() {
  return Object.keys(fonts).map((name) =>
    `@font-face{font-family:Inter;font-style:normal;font-display:swap;font-weight:100 900;` +
    `src:url(${manifest[name]}) format("woff2");unicode-range:${fontRanges[name]}}`).join("");
}

// 00-reset.css lies below the design system; every other file of ours lies above it.
function layerOf(name) {
  const word = name.replace(/^\d+-/, "");
  return word === "reset" ? word : `portal.${word}`;
}

function stylesheet() {
  const part = (name) => readFileSync(join(modules, "@digdir", "designsystemet-css", "dist", "src", `${name}.css`), "utf8");
  const css = [
    "@layer reset,ds.theme,ds.base,ds.components,tokens,portal;",
    fontFaces(),
    generatedTokens(),
    ownTokens(),
    `@layer ds.base{${part("base")}}`,
    ...designSystemParts.map((name) => `@layer ds.components{${part(name)}}`),
    ...filesIn("css", ".css").map(([name, text]) => `@layer ${layerOf(name)}{${text}}`),
  ].join("\n");
  return css.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\n\s*/g, "\n").replace(/\n{2,}/g, "\n");
}

// Each script file gets a block of its own, so that their names do not meet; none of them imports another.
function script() {
  return filesIn("js", ".js").map(([, text]) => `{\n${text}}\n`).join("");
}

// The camera's code reader runs in a worker of its own: the package's script, then ours, which is told the name of the WebAssembly file.
function cameraWorker(wasm) {
  const reader = readFileSync(join(modules, "barcode-detector", "dist", "iife", "ponyfill.js"), "utf8");
  return `${reader}\n${readFileSync(join(sources, "js", "worker", "camera.js"), "utf8").replace("CODE_READER", wasm)}`;
}

function sprite() {
  const symbols = filesIn("img", ".svg").map(([name, text]) => {
    const box = /viewBox="([^"]+)"/.exec(text)[1];
    const inside = text.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").trim();
    return `<symbol id="${name}" viewBox="${box}">${inside}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

try {
  mkdirSync(staging, { recursive: true });
  for (const [name, file] of Object.entries(fonts)) {
    publish(name, readFileSync(join(modules, "@fontsource-variable", "inter", "files", file)));
  }
  for (const [name, file] of Object.entries(documentFonts)) publish(name, readFileSync(join(modules, "dejavu-fonts-ttf", "ttf", file)));
  const css = stylesheet();
  const cssSize = gzipSync(css).length;
  if (cssSize > cssLimit) throw new Error(`app.css is ${cssSize} bytes gzipped; the limit is ${cssLimit}`);
  publish("app.css", css);
  publish("app.js", script());
  publish("camera-worker.js", cameraWorker(publish("code-reader.wasm", readFileSync(join(modules, "zxing-wasm", "dist", "reader", "zxing_reader.wasm")))));
  publish("icons.svg", sprite());
  publish("mark.svg", readFileSync(join(sources, "img", "mark.svg"), "utf8").replace("<path", `<path fill="${theme.designsystem.colors.main.accent}"`));
  writeFileSync(join(staging, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
  mkdirSync(dirname(target), { recursive: true });
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next);
  for (const name of readdirSync(staging)) writeFileSync(join(next, name), readFileSync(join(staging, name)));
  rmSync(target, { recursive: true, force: true });
  renameSync(next, target);
  console.log(`Assets built: ${Object.keys(manifest).length} files, app.css ${(cssSize / 1024).toFixed(1)} KB gzipped.`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
