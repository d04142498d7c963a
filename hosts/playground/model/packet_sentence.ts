// Packet sentence: what a message says, in one sentence.
// Holds   a sentence for each type of request, reply and event.
// Never   takes a payload apart itself.
// Source  the XenStore protocol, Operations.

import { type Decoded, decode, type Packet } from "./packet.ts";
import { depthNote, domainWords, errorWords, featureWords } from "./packet_words.ts";

type Say = (get: (name: string) => string, decoded: Decoded, packet: Packet) => string;

const REQUESTS: Readonly<Record<string, Say>> = {
  CONTROL: (get, { fields }) => {
    const rest = fields.slice(1).map(({ text }) => text);
    return `Tells the daemon itself: ${short([get("command"), ...rest].join(" "))}.`;
  },
  DIRECTORY: (get) => `Asks for the names of the children of ${get("path")}.`,
  READ: (get) => `Asks for the value of ${get("path")}.`,
  GET_PERMS: (get) => `Asks for the permissions of ${get("path")}.`,
  WATCH: (get, { fields }) => {
    const depth = fields.find(({ name }) => name === "depth");
    const what = WATCHED[get("path")] ?? `changes of ${get("path")}`;
    if (get("path").startsWith("@")) return `Asks to hear of ${what}.`;
    return `Asks to hear of ${what}: ${depth ? depthNote(depth.text) : "the node and all below it"}.`;
  },
  UNWATCH: (get) => `Takes back the watch of ${get("path")} with the token "${get("token")}".`,
  TRANSACTION_START: () => "Begins a transaction.",
  TRANSACTION_END: (get, _, { txId }) => {
    if (get("end") === "T") return `Commits transaction ${txId}: all of it, or nothing and EAGAIN.`;
    return get("end") === "F"
      ? `Gives transaction ${txId} up: nothing of it happens.`
      : `Ends transaction ${txId}, but says neither T nor F.`;
  },
  INTRODUCE: (get) => `Connects ${domainWords(get("domid"))} by its ring and event channel.`,
  RELEASE: (get) => `Disconnects ${domainWords(get("domid"))}.`,
  GET_DOMAIN_PATH: (get) => `Asks for the home of ${domainWords(get("domid"))}.`,
  WRITE: (get, { fields }) => {
    const value = fields.find(({ name }) => name === "value");
    if (value === undefined) return `Writes to ${get("path")}.`;
    if (value.note.endsWith("not all text")) return `Writes ${value.note} to ${get("path")}.`;
    return `Writes "${short(value.text)}" to ${get("path")}.`;
  },
  MKDIR: (get) => `Makes the node ${get("path")} unless it is there.`,
  RM: (get) => `Removes ${get("path")} and all below it.`,
  SET_PERMS: (get) => `Sets the permissions of ${get("path")}: ${get("owner note")}.`,
  IS_DOMAIN_INTRODUCED: (get) => `Asks whether ${domainWords(get("domid"))} is connected.`,
  RESUME: (get) => `Says that ${domainWords(get("domid"))} runs again after it had shut down.`,
  SET_TARGET: (get) =>
    `Lets ${domainWords(get("domid"))} do what ${domainWords(get("target"))} may do.`,
  RESET_WATCHES: () => "Drops all watches and transactions of this connection.",
  DIRECTORY_PART: (get) =>
    `Asks for the names of the children of ${get("path")}, from byte ${get("offset")} of the list.`,
  GET_FEATURE: (get, { fields }) =>
    `Asks which features ${fields.length ? domainWords(get("domid")) : "the sender"} is offered.`,
  SET_FEATURE: (get) =>
    `Offers ${domainWords(get("domid"))} only: ${featureWords(get("features"))}.`,
  GET_QUOTA: (get, { fields }) => {
    if (fields.length === 0) return "Asks for the names of all quotas.";
    const whose = fields.length === 2 ? ` of ${domainWords(get("domid"))}` : "";
    return `Asks for the quota "${get("quota")}"${whose}.`;
  },
  SET_QUOTA: (get, { fields }) => {
    const whose = fields.length === 3 ? ` of ${domainWords(get("domid"))}` : "";
    return `Sets the quota "${get("quota")}"${whose} to ${get("value")}.`;
  },
};

const WATCHED: Readonly<Record<string, string>> = {
  "@introduceDomain": "domains that are connected",
  "@releaseDomain": "domains that shut down or are gone",
};

const REPLIES: Readonly<Record<string, Say>> = {
  CONTROL: (get) => `The daemon's answer: ${short(get("text").replaceAll("\\x0a", " "))}`,
  DIRECTORY: (_, { fields }) => count(fields.length, "child", "children"),
  READ: (get, { fields }) => {
    const note = fields[0]?.note ?? "empty";
    if (note === "empty") return "The value is empty.";
    return note.endsWith("not all text")
      ? `The value has ${note}.`
      : `The value is "${short(get("value"))}".`;
  },
  GET_PERMS: (get, { fields }) => {
    const more = fields.length - 1;
    return `${capital(get("owner note"))}${more > 0 ? `; ${count(more, "more entry", "more entries")}` : "."}`;
  },
  TRANSACTION_START: (get) => `The transaction has the id ${get("transaction")}.`,
  GET_DOMAIN_PATH: (get) => `The home is ${get("path")}.`,
  IS_DOMAIN_INTRODUCED: (get) =>
    get("introduced") === "T" ? "It is connected." : "It is not connected.",
  DIRECTORY_PART: (_, { fields }) => {
    const names = fields.filter(({ name }) => name === "name").length;
    const end = fields.some(({ name }) => name === "end of the list");
    return `${count(names, "name", "names").slice(0, -1)}${end ? ", to the end of the list." : "; more follow."}`;
  },
  GET_FEATURE: (get) => `Offered: ${featureWords(get("features"))}.`,
  GET_QUOTA: (get) =>
    /^\d+$/.test(get("quota")) ? `The quota is ${get("quota")}.` : "The names of the quotas.",
};

/** What the message says. `request`: of a reply, the type of what it answers, where known. */
export function sentenceOf(packet: Packet, request = packet.type): string {
  const decoded = decode(packet, request);
  const get = (name: string) => {
    const note = name.endsWith(" note");
    const found = decoded.fields.find((field) => field.name === (note ? name.slice(0, -5) : name));
    if (found === undefined) return "(nothing)";
    return note ? found.note : found.text;
  };
  if (packet.kind === "event") return eventSentence(get("path"), get("token"));
  if (packet.type === "ERROR" && packet.kind === "reply") {
    return `Refused with ${get("error")}: ${errorWords(get("error"), request)}`;
  }
  const say = (packet.kind === "reply" ? REPLIES : REQUESTS)[packet.type];
  if (say) return say(get, decoded, packet);
  return packet.kind === "reply" ? "Carried out." : (decoded.problem ?? "");
}

function eventSentence(path: string, token: string): string {
  const what =
    path === "@introduceDomain"
      ? "a domain was connected"
      : path.startsWith("@releaseDomain")
        ? "a domain shut down or is gone"
        : `${path} changed, or the watch was just set`;
  return `Tells the watch with the token "${short(token)}": ${what}.`;
}

function count(number: number, single: string, many: string): string {
  return number === 0 ? `No ${many}.` : `${number} ${number === 1 ? single : many}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const SHORT = 60;

function short(text: string): string {
  const letters = Array.from(text);
  return letters.length <= SHORT ? text : `${letters.slice(0, SHORT).join("")}...`;
}
