// State: what the page knows, as signals that views read.
// Holds   what the engine has sent last, what is selected, what the consoles show.
// Never   draws anything.
// Source  our own; Preact's signals.

import { batch, computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { addLines, type ConsoleLog, clearLog, EMPTY_LOG } from "../model/console_log.ts";
import { isNamed } from "../model/domain_help.ts";
import type {
  ConsoleLine,
  DomainInfo,
  HistoryInfo,
  Notice,
  OpName,
  Ops,
  Seen,
  SessionInfo,
} from "../model/protocol.ts";
import type { ViewName } from "../model/scenario.ts";
import { EngineError, EngineLink } from "./engine.ts";

type SeenSignals = { readonly [K in keyof Seen]-?: Signal<Seen[K] | undefined> };

/** What the engine has sent last of each part; undefined until it has. */
export const seen: SeenSignals = {
  session: signal<SessionInfo | undefined>(undefined),
  domains: signal<readonly DomainInfo[] | undefined>(undefined),
  history: signal<HistoryInfo | undefined>(undefined),
  tree: signal(undefined),
  node: signal(undefined),
  packets: signal(undefined),
  timeline: signal(undefined),
  ring: signal(undefined),
  transactions: signal(undefined),
  quotas: signal(undefined),
};

/** The view that is open beside the tree; on a narrow screen "tree" is one of them. */
export const view = signal<ViewName | "tree">("domains");
/** The node that is selected in the tree. */
export const selected = signal("/");
/** As which domain the tree is seen; null: as it is. */
export const lens = signal<number | null>(null);
/** The domain whose console and ring are in view. */
export const focused = signal(0);
/** The packet whose particulars are shown; 0: none. */
export const packet = signal(0);
export const notices = signal<readonly (Notice & { readonly id: number })[]>([]);
/** Set when the worker is gone: the page can't go on without a reload. */
export const ended = signal<string | null>(null);

/** Whether a moment that is past is shown: nothing can be changed then. */
export const past = computed(() => (seen.history.value?.at ?? null) !== null);

const colours = computed(() => {
  return new Map(seen.domains.value?.map(({ domid, colour }) => [domid, `dom dom${colour}`]));
});
const names = computed(() => {
  return new Map(seen.domains.value?.map(({ domid, name }) => [domid, name]));
});

/** The classes that give a domain's text its colour; without one where it is not known. */
export function domClass(domid: number): string {
  return colours.value.get(domid) ?? "dom";
}

/** "dom3", and its name where that says more, as "Domain-3" does not. */
export function domLabel(domid: number): string {
  const name = names.value.get(domid) ?? "";
  return isNamed({ domid, name }) ? `dom${domid} ${name}` : `dom${domid}`;
}

const WAITING_MAX = 4096;
const consoles = new Map<number, Signal<ConsoleLog>>();

/** What a domain's console shows. */
export function consoleOf(domid: number): Signal<ConsoleLog> {
  let found = consoles.get(domid);
  if (!found) {
    found = signal(EMPTY_LOG);
    consoles.set(domid, found);
  }
  return found;
}

/** What the address gives to open; "": nothing. */
export const fragment = location.hash.slice(1);

/** Where the tab remembers its session. */
const REMEMBERED = "xenstore-playground:session";

export const link = new EngineLink(
  new Worker(new URL("./engine.js", import.meta.url), { type: "module", name: arrival() }),
);

/** What the worker is to begin with, told in its name: that is there before any message. */
function arrival(): string {
  return JSON.stringify({ link: fragment !== "", session: tabSession() });
}

/** The session that this tab had before it was loaded again. */
function tabSession(): string | null {
  try {
    return sessionStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function rememberSession(id: string): void {
  try {
    sessionStorage.setItem(REMEMBERED, id);
  } catch {
    // Storage may be blocked: a reload then begins with what was changed last.
  }
}

/** Has the engine do something; see Ops. Errors: EngineError. */
export function call<K extends OpName>(
  op: K,
  args: Parameters<Ops[K]>[0],
  transfer: Transferable[] = [],
): Promise<ReturnType<Ops[K]>> {
  return link.call(op, args, transfer);
}

/** As `call`, for handlers of buttons: what goes wrong is told as a notice. Returns success. */
export async function act<K extends OpName>(op: K, args: Parameters<Ops[K]>[0]): Promise<boolean> {
  try {
    await call(op, args);
    return true;
  } catch (error) {
    tell("error", error instanceof EngineError ? error.message : String(error));
    return false;
  }
}

let noticeCount = 0;

/** Shows a notice; those of kind "info" go by themselves. */
export function tell(kind: Notice["kind"], text: string): void {
  const id = ++noticeCount;
  notices.value = [...notices.value.slice(-3), { kind, text, id }];
  if (kind === "info") setTimeout(() => dismiss(id), 6000);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Empties a console. */
export function clearConsole(domid: number): void {
  showLines();
  consoleOf(domid).value = clearLog(consoleOf(domid).value);
}

let session = "";

link.onSeen = (news) => {
  batch(() => {
    if (news.session && news.session.id !== session) opened(news.session.id);
    for (const key of Object.keys(news) as (keyof Seen)[]) {
      (seen[key] as Signal<unknown>).value = news[key];
    }
  });
};
link.onConsole = queue;
link.onNotice = ({ kind, text }) => tell(kind, text);
link.onEnd = (reason) => {
  ended.value = reason;
};

/** Calls back whenever another session has been opened, and for the first. */
export function onSession(call: () => void): void {
  let known = "";
  effect(() => {
    const id = seen.session.value?.id ?? "";
    if (id === known) return;
    known = id;
    untracked(() => batch(call));
  });
}

/** Another session: nothing of the one before is shown any more. */
function opened(id: string): void {
  if (session !== "") {
    waiting = [];
    for (const log of consoles.values()) log.value = EMPTY_LOG;
    lens.value = null;
    focused.value = 0;
    packet.value = 0;
    selected.value = "/";
  }
  session = id;
  rememberSession(id);
}

let waiting: ConsoleLine[] = [];

/**
 * Lines are shown together once a frame: a watch may print thousands a second. Also for lines that
 * come from the page itself.
 */
export function queue(line: ConsoleLine): void {
  waiting.push(line);
  if (waiting.length === WAITING_MAX) showLines();
  if (waiting.length !== 1) return;
  // No frames are drawn while the page is hidden.
  if (document.hidden) setTimeout(showLines, 250);
  else requestAnimationFrame(showLines);
}

function showLines(): void {
  const byDomain = new Map<number, ConsoleLine[]>();
  for (const line of waiting) {
    const lines = byDomain.get(line.domid);
    if (lines) lines.push(line);
    else byDomain.set(line.domid, [line]);
  }
  waiting = [];
  batch(() => {
    for (const [domid, lines] of byDomain) {
      const log = consoleOf(domid);
      log.value = addLines(log.value, lines);
    }
  });
}
