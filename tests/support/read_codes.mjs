// Reads the codes of a grey picture with ZBar: argv is the path of its package, width and height, stdin one byte per pixel.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , zbar, width, height] = process.argv;
const { scanGrayBuffer } = await import(pathToFileURL(zbar).href);
const pixels = readFileSync(0);
const picture = pixels.buffer.slice(pixels.byteOffset, pixels.byteOffset + pixels.byteLength);
const found = await scanGrayBuffer(picture, Number(width), Number(height));
process.stdout.write(JSON.stringify(found.map((symbol) => ({ kind: symbol.typeName, text: symbol.decode("utf-8") }))));
