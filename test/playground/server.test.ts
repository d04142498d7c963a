// Server: the playground's files over HTTP: types, headers, and nothing from beside its folder.
// Holds   a folder made for the test, and addresses that try to leave it.
// Never   needs the built page.
// Source  our own; HTTP.

import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serverOf } from "../../hosts/prepare/serve.mjs";

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "playground-"));
const site = path.join(folder, "site");
const server = serverOf(site);
let port = 0;

beforeAll(async () => {
  fs.mkdirSync(path.join(site, "sub"), { recursive: true });
  fs.writeFileSync(path.join(site, "index.html"), "<p>page</p>");
  fs.writeFileSync(path.join(site, "page.js"), "1;".repeat(1000));
  fs.writeFileSync(path.join(site, "xenstore.wasm"), Uint8Array.of(0, 97, 115, 109));
  fs.writeFileSync(path.join(site, "odd name"), "odd");
  fs.writeFileSync(path.join(folder, "secret"), "secret");
  fs.mkdirSync(`${site}-other`);
  fs.writeFileSync(path.join(`${site}-other`, "secret"), "secret");
  fs.symlinkSync(path.join(folder, "secret"), path.join(site, "link"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function ask(target: string, options: http.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: "127.0.0.1", path: target, ...options }, (got) => {
      const parts: Buffer[] = [];
      got.on("data", (part: Buffer) => parts.push(part));
      got.on("end", () => {
        const body = Buffer.concat(parts);
        resolve({ status: got.statusCode ?? 0, headers: got.headers, body });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

test("types and headers", async () => {
  const types: [string, string][] = [
    ["/", "text/html; charset=utf-8"],
    ["/index.html?x=1", "text/html; charset=utf-8"],
    ["/page.js", "text/javascript; charset=utf-8"],
    ["/xenstore.wasm", "application/wasm"],
    ["/odd%20name", "application/octet-stream"],
  ];
  for (const [target, type] of types) {
    const { status, headers, body } = await ask(target);
    expect([target, status, headers["content-type"]]).toEqual([target, 200, type]);
    expect(headers["content-length"]).toBe(`${body.length}`);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
    expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
    expect(headers["content-security-policy"]).toContain("connect-src 'self'");
  }
});

test("nothing from beside the folder, and nothing stops it", async () => {
  const targets = [
    ...["/../secret", "/..%2fsecret", "/%2e%2e/secret", "/sub/../../secret", "//etc/passwd"],
    ...["/..\\secret", "/..%5csecret", "/link", "/../site-other/secret", "/secret%00", "/%"],
    ...["/sub", "/sub/", "/missing", "/%c0%ae%c0%ae/secret", "*", "http://[/", "/page.js/"],
  ];
  for (const target of targets) {
    const { status, body, headers } = await ask(target);
    expect([target, status, body.toString()]).toEqual([target, 404, "not found\n"]);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
  }
  expect((await ask("/")).status).toBe(200);
});

test("HEAD has the headers of GET and no body; other methods are refused", async () => {
  const [get, head] = [await ask("/page.js"), await ask("/page.js", { method: "HEAD" })];
  expect(head.status).toBe(200);
  expect(head.body.length).toBe(0);
  expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
  expect((await ask("/missing", { method: "HEAD" })).body.length).toBe(0);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, headers } = await ask("/", { method });
    expect([method, status, headers.allow]).toEqual([method, 405, "GET, HEAD"]);
  }
});

test("packed by gzip for those that take it", async () => {
  const plain = (await ask("/page.js")).body;
  for (const accepted of ["gzip", "br, gzip;q=0.5", "GZIP, deflate"]) {
    const { headers, body } = await ask("/page.js", { headers: { "accept-encoding": accepted } });
    expect([accepted, headers["content-encoding"], headers.vary]).toEqual([
      ...[accepted, "gzip", "accept-encoding"],
    ]);
    expect(gunzipSync(body).equals(plain)).toBe(true);
    expect(body.length).toBeLessThan(plain.length / 10);
  }
  for (const refused of ["", "br", "gzip;q=0", "xgzip"]) {
    const { headers, body } = await ask("/page.js", { headers: { "accept-encoding": refused } });
    expect([refused, headers["content-encoding"]]).toEqual([refused, undefined]);
    expect(body.equals(plain)).toBe(true);
  }
});

test("a file that is known is not sent again, one that has changed is", async () => {
  const first = await ask("/page.js");
  const tag = `${first.headers.etag}`;
  expect(first.headers["cache-control"]).toBe("no-cache");
  for (const has of [tag, `W/${tag}`, `"other", ${tag}`]) {
    const { status, body } = await ask("/page.js", { headers: { "if-none-match": has } });
    expect([status, body.length]).toEqual([304, 0]);
  }
  fs.writeFileSync(path.join(site, "page.js"), "2;");
  const { status, body } = await ask("/page.js", { headers: { "if-none-match": tag } });
  expect([status, body.toString()]).toEqual([200, "2;"]);
});

test("the page says the same rules of itself as the server does", async () => {
  const page = fs.readFileSync("hosts/playground/index.html", "utf8");
  const own = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1];
  const told = (await ask("/")).headers["content-security-policy"];
  // A meta element can't say who may frame the page.
  expect(told).toBe(`${own}; frame-ancestors 'none'`);
});
