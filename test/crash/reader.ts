// Reader: a program of the control domain that looks: all nodes with their values and permissions.
// Holds   the requests that wait, in order.
// Never   changes anything unless it is told to.
// Source  the XenStore protocol, Operations.

import { ERROR, encode, type Message, typeName, typeNumber, WATCH_EVENT } from "../message.ts";
import { SocketLine } from "./line.ts";
import { brief, leaf, type Node } from "./tree.ts";

interface Waiting {
  reqId: number;
  resolve(message: Message): void;
  reject(error: Error): void;
}

/** Requests under way at once. */
const MANY = 200;

export class Reader {
  #line: SocketLine;
  #waiting: Waiting[] = [];
  #lastId = 0;
  #lost = false;

  private constructor(line: SocketLine) {
    this.#line = line;
    line.listen(
      (message) => this.#came(message),
      () => this.#end(),
    );
  }

  static async open(socket: string): Promise<Reader> {
    return new Reader(await SocketLine.open(socket));
  }

  close(): void {
    this.#line.close();
  }

  /** Sends a request; returns the payload. Rejects with the error's name, or when it is lost. */
  async ask(type: string, payload: string): Promise<string> {
    const reply = await this.#send(type, payload);
    if (reply.type === ERROR) {
      throw new Error(`${type} ${brief(payload)}: ${reply.payload.replace("\0", "")}`);
    }
    return reply.payload;
  }

  /** As `ask`, but an error is returned like a payload. */
  async answer(type: string, payload: string): Promise<string> {
    const reply = await this.#send(type, payload);
    return reply.payload.replace("\0", "");
  }

  /** The node at a path with all that is below. */
  async tree(path: string): Promise<Node> {
    const root = leaf("", "");
    const open: [string, Node][] = [[path, root]];
    while (open.length > 0) {
      const some = open.splice(0, MANY / 4);
      for (const more of await Promise.all(some.map(([name, node]) => this.#look(name, node)))) {
        open.push(...more);
      }
    }
    return root;
  }

  /** Fills a node; returns its children, which are empty yet. */
  async #look(path: string, node: Node): Promise<[string, Node][]> {
    const [value, perms, names] = await Promise.all([
      this.ask("READ", `${path}\0`),
      this.ask("GET_PERMS", `${path}\0`),
      this.ask("DIRECTORY", `${path}\0`),
    ]);
    node.value = value;
    node.perms = perms;
    const prefix = path === "/" ? "/" : `${path}/`;
    return names
      .split("\0")
      .slice(0, -1)
      .map((name) => {
        const child = leaf("", "");
        node.children.set(name, child);
        return [prefix + name, child];
      });
  }

  #send(type: string, payload: string): Promise<Message> {
    if (this.#lost) return Promise.reject(new Error("the store hung up"));
    return new Promise((resolve, reject) => {
      const reqId = ++this.#lastId;
      this.#waiting.push({ reqId, resolve, reject });
      this.#line.send(encode({ type: typeNumber(type), reqId, txId: 0, payload }));
    });
  }

  #came(message: Message): void {
    if (message.type === WATCH_EVENT) return;
    const first = this.#waiting.shift();
    if (first?.reqId === message.reqId) first.resolve(message);
    else first?.reject(new Error(`a reply to ${message.reqId} (${typeName(message.type)}) came`));
  }

  #end(): void {
    this.#lost = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the store hung up"));
  }
}
