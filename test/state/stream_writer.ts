// Stream writer: streams as another program may write them, record by record.
// Holds   the bytes so far.
// Never   checks what it is told to write.
// Source  the XenStore protocol, migration stream.

export class StreamWriter {
  #parts: Buffer[] = [];

  /** Begins with the head; `version` and `flags` are big endian. */
  constructor(version = 2, flags = 0) {
    const head = Buffer.alloc(16);
    head.write("xenstore", 0, "latin1");
    head.writeUInt32BE(version, 8);
    head.writeUInt32BE(flags, 12);
    this.#parts.push(head);
  }

  /** A record with its body padded; `len` lies about its length. */
  record(type: number, body: Uint8Array, len?: number): this {
    const padded = Math.ceil(body.length / 8) * 8;
    const record = Buffer.alloc(8 + padded);
    record.writeUInt32LE(type, 0);
    record.writeUInt32LE(len ?? padded, 4);
    record.set(body, 8);
    this.#parts.push(record);
    return this;
  }

  global(socket: number, events: number): this {
    return this.record(1, i32(socket, events));
  }

  /** A client with a descriptor; `cut` bytes of `out` finish a message that has begun to leave. */
  socket(conn: number, fd: number, received = "", out = "", cut = 0): this {
    const head = Buffer.concat([u32(conn), u16(1, 0), i32(fd, 0), u16(received.length, cut)]);
    return this.record(2, Buffer.concat([head, u32(out.length), text(received + out)]));
  }

  /** A guest's ring; the newest writer adds a number that tells domains apart. */
  ring(conn: number, domid: number, port: number, received = "", out = "", unique?: bigint): this {
    const flags = unique === undefined ? 0 : 1;
    const head = Buffer.concat([u32(conn), u16(0, flags, domid, 0x7ff4), u32(port)]);
    const lengths = Buffer.concat([u16(received.length, 0), u32(out.length)]);
    const body = Buffer.concat([head, lengths, text(received + out)]);
    const tail = Buffer.alloc(Math.ceil(body.length / 8) * 8 - body.length + (flags ? 8 : 0));
    if (unique !== undefined) tail.writeBigUInt64LE(unique, tail.length - 8);
    return this.record(2, Buffer.concat([body, tail]));
  }

  watch(conn: number, path: string, token: string): this {
    const head = Buffer.concat([u32(conn), u16(path.length + 1, token.length + 1)]);
    return this.record(3, Buffer.concat([head, text(`${path}\0${token}\0`)]));
  }

  /** A watch with a depth, as the format says. */
  deep(conn: number, path: string, token: string, depth: number): this {
    const head = Buffer.concat([u32(conn), u16(path.length + 1, token.length + 1, depth, 0)]);
    return this.record(8, Buffer.concat([head, text(`${path}\0${token}\0`)]));
  }

  /** The same as one writer does it: without the depth, and with the length it would have. */
  shallow(conn: number, path: string, token: string): this {
    const strings = text(`${path}\0${token}\0`);
    const head = Buffer.concat([u32(conn), u16(path.length + 1, token.length + 1)]);
    const len = Math.ceil((12 + strings.length) / 8) * 8;
    return this.record(8, Buffer.concat([head, strings]), len);
  }

  transaction(conn: number, id: number): this {
    return this.record(4, u32(conn, id));
  }

  /** `perms` as in a request, as "n0,r3"; "~" in front of an entry makes it inert. */
  node(path: string, perms: string, value = ""): this {
    const entries = perms.split(",").map((entry) => {
      const inert = entry.startsWith("~");
      const plain = inert ? entry.slice(1) : entry;
      const bytes = Buffer.from([plain.charCodeAt(0), inert ? 1 : 0]);
      return Buffer.concat([bytes, u16(Number(plain.slice(1)))]);
    });
    const lengths = u16(path.length + 1, value.length, 0, entries.length);
    const head = Buffer.concat([u32(0, 0), lengths, ...entries]);
    return this.record(5, Buffer.concat([head, text(`${path}\0${value}`)]));
  }

  /** Values of quotas by name: of the whole store, or of a domain with its features. */
  quotas(values: Readonly<Record<string, number>>, domain?: readonly [number, number]): this {
    const names = Object.keys(values);
    const tail = [u32(...Object.values(values)), text(names.map((name) => `${name}\0`).join(""))];
    if (!domain) return this.record(6, Buffer.concat([u16(names.length, 0), ...tail]));
    const head = [u16(domain[0], names.length), u32(domain[1])];
    return this.record(7, Buffer.concat([...head, ...tail]));
  }

  /** All of it, with its end. */
  end(): Uint8Array {
    return Buffer.concat([...this.#parts, u32(0, 0)]);
  }
}

function numbers(size: number, put: (to: Buffer, value: number, at: number) => void) {
  return (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * size);
    values.forEach((value, index) => {
      put(bytes, value, index * size);
    });
    return bytes;
  };
}

const u16 = numbers(2, (to, value, at) => to.writeUInt16LE(value, at));
const u32 = numbers(4, (to, value, at) => to.writeUInt32LE(value, at));
const i32 = numbers(4, (to, value, at) => to.writeInt32LE(value, at));

function text(value: string): Buffer {
  return Buffer.from(value, "latin1");
}
