// Echo: messages that come back as they went, over a Unix socket: what a transport costs by itself.
// Holds   the server, a process of its own, and a socket with a number of messages on their way.
// Never   looks into a message.
// Source  our own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const BUFFER = new Uint8Array(65_536);
const SOON = Promise.resolve();

const SERVER = `
require("node:net").createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (bytes) => socket.write(bytes));
}).listen(process.argv[1], () => console.log("listening"));
`;

/** A process that sends back what it gets. */
export class EchoServer {
  readonly socket: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, socket: string) {
    this.#child = child;
    this.#folder = folder;
    this.pid = child.pid as number;
    this.socket = socket;
  }

  static async start(): Promise<EchoServer> {
    const folder = fs.mkdtempSync(join(tmpdir(), "xse-"));
    const socket = join(folder, "echo");
    const child = spawn(process.execPath, ["-e", SERVER, socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    process.once("exit", () => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    return new EchoServer(child, folder, socket);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A socket to an echo, and messages of one size on their way. */
export class EchoClient {
  readonly #socket: net.Socket;
  readonly #size: number;
  readonly #flush = () => this.#flushed();
  /** Those who await a message, in order. */
  #awaited: (() => void)[] = [];
  #taken = 0;
  #rest = 0;
  /** Takes what comes, when nobody awaits single messages. */
  #piece: ((count: number) => void) | null = null;
  /** Messages that leave with the next write. */
  #due = 0;

  private constructor(path: string, size: number) {
    this.#size = size;
    const callback = (len: number) => {
      this.#came(len);
      return true;
    };
    const onread = { buffer: BUFFER, callback };
    this.#socket = net.connect({ path, onread } as net.IpcNetConnectOpts);
  }

  /** @param size  bytes of each message */
  static async connect(path: string, size: number): Promise<EchoClient> {
    const client = new EchoClient(path, size);
    await once(client.#socket, "connect");
    return client;
  }

  /** Sends a message, with those of the same turn; resolves when it is back. */
  echo(): Promise<void> {
    if (this.#due++ === 0) SOON.then(this.#flush);
    return new Promise((resolve) => this.#awaited.push(resolve));
  }

  /** Keeps `inFlight` messages on their way, as whole pieces that nobody awaits one by one. */
  pieces(inFlight: number, more: () => boolean): Promise<void> {
    this.#write(inFlight);
    return new Promise((done) => {
      let out = inFlight;
      this.#piece = (count) => {
        let again = 0;
        for (let i = 0; i < count; i++) if (more()) again++;
        out += again - count;
        this.#write(again);
        if (out > 0) return;
        this.#piece = null;
        done();
      };
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #flushed(): void {
    const count = this.#due;
    this.#due = 0;
    this.#write(count);
  }

  #write(count: number): void {
    if (count > 0) this.#socket.write(new Uint8Array(count * this.#size));
  }

  #came(len: number): void {
    const whole = Math.floor((this.#rest + len) / this.#size);
    this.#rest += len - whole * this.#size;
    if (this.#piece !== null) {
      this.#piece(whole);
      return;
    }
    for (let i = 0; i < whole; i++) (this.#awaited[this.#taken++] as () => void)();
    if (this.#taken < 1024) return;
    this.#awaited = this.#awaited.slice(this.#taken);
    this.#taken = 0;
  }
}
