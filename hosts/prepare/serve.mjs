// Serve: the playground's files over HTTP, on loopback, with the headers that go with them.
// Holds   the types and headers; `npm run playground` runs it.
// Never   serves anything outside its folder, nor to another machine unless it is told to.
// Source  our own; HTTP.

import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";

const PORT = 8477;
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};
/**
 * The page says the same about itself in a meta element, for servers that send no such header; here
 * it holds for the engine's worker, too. Scripts of the user run from a blob, and inherit the
 * page's rules on every server: nothing they do leaves the browser.
 */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; " +
  "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'";
const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  // Kept, and asked about each time: a new build is seen at once.
  "cache-control": "no-cache",
  "content-security-policy": `${POLICY}; frame-ancestors 'none'`,
};

/** A server of the folder's files; it does not listen yet. */
export function serverOf(folder) {
  const known = new Map();
  return http.createServer((request, response) => {
    if (!["GET", "HEAD"].includes(request.method)) {
      refuse(response, 405, "only GET and HEAD", { allow: "GET, HEAD" });
      return;
    }
    const file = fileOf(folder, request.url);
    if (file === null) refuse(response, 404, "not found");
    else send(request, response, read(known, file));
  });
}

function refuse(response, status, why, more = {}) {
  const headers = { ...HEADERS, ...more, "content-type": "text/plain; charset=utf-8" };
  response.writeHead(status, headers).end(`${why}\n`);
}

/** The file that an address names; null: there is none, or none that may be served. */
function fileOf(folder, url) {
  try {
    const name = decodeURIComponent(url.replace(/[?#].*$/s, ""));
    if (!name.startsWith("/") || /[\0\\]/.test(name)) return null;
    const file = fs.realpathSync(path.join(folder, name.replace(/\/$/, "/index.html")));
    const inside = file.startsWith(path.join(fs.realpathSync(folder), path.sep));
    return inside && fs.statSync(file).isFile() ? file : null;
  } catch {
    // No such file, or an address that is none.
    return null;
  }
}

/** A file's contents, also packed; read again when it has changed. */
function read(known, file) {
  const { mtimeMs, size } = fs.statSync(file);
  const before = known.get(file);
  if (before?.mtimeMs === mtimeMs && before.size === size) return before;
  const plain = fs.readFileSync(file);
  const tag = createHash("sha256").update(plain).digest("base64url").slice(0, 22);
  const type = TYPES[path.extname(file)] ?? "application/octet-stream";
  const entry = { mtimeMs, size, plain, packed: gzipSync(plain), tag, type };
  known.set(file, entry);
  return entry;
}

function send(request, response, { plain, packed, tag, type }) {
  const gzip = takesGzip(`${request.headers["accept-encoding"] ?? ""}`);
  const etag = `"${tag}${gzip ? "-gzip" : ""}"`;
  const headers = { ...HEADERS, etag, vary: "accept-encoding" };
  const has = `${request.headers["if-none-match"] ?? ""}`.split(/\s*,\s*/);
  if (has.some((one) => one === "*" || one.replace(/^W\//, "") === etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const body = gzip ? packed : plain;
  headers["content-type"] = type;
  headers["content-length"] = body.length;
  if (gzip) headers["content-encoding"] = "gzip";
  response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : body);
}

function takesGzip(accepted) {
  const found = /(?:^|,)\s*gzip\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)/i.exec(accepted);
  return found !== null && Number(found[1] ?? 1) > 0;
}

const USAGE = `Usage: npm run playground -- [--port PORT] [--host ADDRESS]

Serves the playground on loopback; with --host also to others, who need https for it to keep
anything and to work offline.`;

function options(args) {
  const found = { port: PORT, host: "127.0.0.1" };
  for (let at = 0; at < args.length; at += 2) {
    const [name, value] = [args[at], args[at + 1]];
    if (name === "--help" || name === "-h") return null;
    if (name === "--host" && value) found.host = value;
    else if (name === "--port" && /^\d{1,5}$/.test(value ?? "") && Number(value) < 65_536) {
      found.port = Number(value);
    } else {
      const what = value === undefined ? name : `${name} ${value}`;
      throw new Error(`${what}: not understood\n${USAGE}`);
    }
  }
  return found;
}

async function main() {
  const wanted = options(process.argv.slice(2));
  if (wanted === null) return console.log(USAGE);
  const server = serverOf(path.resolve("build/playground"));
  server.on("error", (error) => {
    const next = `npm run playground -- --port ${wanted.port + 1}`;
    const other = error.code === "EADDRINUSE" ? `; choose another port: ${next}` : "";
    console.error(`playground: ${error.message}${other}`);
    process.exitCode = 1;
  });
  server.listen(wanted.port, wanted.host, () => {
    const { address, port } = server.address();
    const shown = address.includes(":") ? `[${address}]` : address;
    const name = address === "127.0.0.1" ? "localhost" : shown;
    console.log(`The playground is at http://${name}:${port}/ (Ctrl-C ends it).`);
    console.log("The files are in build/playground; any web server can serve them.");
  });
}

if (path.basename(process.argv[1] ?? "") === "serve.mjs") {
  await main().catch((error) => {
    console.error(`playground: ${error.message}`);
    process.exitCode = 1;
  });
}
