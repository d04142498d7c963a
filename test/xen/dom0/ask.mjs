// Ask: one request over the daemon's socket, for those that no tool sends.
// Holds   nothing.
// Never   waits for anything but the one reply.
// Source  the XenStore protocol, message format.
//
//   node ask.mjs TYPE STRING...    prints the reply: OK, ERROR and its name, or another text

import net from "node:net";
import process from "node:process";

const HEADER_SIZE = 16;

const [, , type, ...strings] = process.argv;
const payload = Buffer.from(strings.map((text) => `${text}\0`).join(""));
const header = Buffer.alloc(HEADER_SIZE);
header.writeUInt32LE(Number(type), 0);
header.writeUInt32LE(payload.length, 12);

const socket = net.connect("/var/run/xenstored/socket");
socket.write(Buffer.concat([header, payload]));
let reply = Buffer.alloc(0);
for await (const chunk of socket) {
  reply = Buffer.concat([reply, chunk]);
  if (reply.length < HEADER_SIZE) continue;
  const end = HEADER_SIZE + reply.readUInt32LE(12);
  if (reply.length >= end) {
    console.log(reply.toString("latin1", HEADER_SIZE, end).replaceAll("\0", ""));
    break;
  }
}
