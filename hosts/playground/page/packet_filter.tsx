// Packet filter: which messages are listed.
// Holds   the fields of the filter, how many it lets through, whether the newest are followed.
// Never   filters: the engine does.
// Source  our own.

import { computed } from "@preact/signals";
import { TYPES } from "../model/packet.ts";
import { KIND_WORDS, number } from "./packet_parts.tsx";
import {
  ALL,
  filter,
  follow,
  KINDS,
  listed,
  narrowed,
  pause,
  resume,
  room,
  setFilter,
  since,
} from "./packet_state.ts";

const NAMES = TYPES.filter((name) => name !== "RESTRICT").sort();

export function PacketFilterBar() {
  const { text, type } = filter.value;
  return (
    <search class="bar packets-filter" aria-label="Messages to list">
      <input
        type="search"
        class="packets-text"
        placeholder="Path, payload or error"
        aria-label="Text in path, payload or error"
        data-testid="packets-text"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => setFilter({ text: currentTarget.value })}
      />
      <Conns />
      <select
        aria-label="Type"
        data-testid="packets-type"
        value={type}
        onChange={({ currentTarget }) => setFilter({ type: currentTarget.value })}
      >
        <option value="">All types</option>
        {NAMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <Times />
      <Kinds />
      {narrowed.value && (
        <button type="button" data-testid="packets-clear" onClick={() => setFilter(ALL)}>
          Clear
        </button>
      )}
      <span class="grow" />
      <Count />
      <Follow />
    </search>
  );
}

/** As one text: it is the same for most frames. */
const connNames = computed(() => listed.value?.conns.join(" ") ?? "");

function Conns() {
  const { conn } = filter.value;
  const found = connNames.value === "" ? [] : connNames.value.split(" ");
  const conns = conn === "" || found.includes(conn) ? found : [conn, ...found];
  return (
    <select
      aria-label="Connection"
      data-testid="packets-conn"
      value={conn}
      onChange={({ currentTarget }) => setFilter({ conn: currentTarget.value })}
    >
      <option value="">All connections</option>
      {conns.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Kinds() {
  const { kinds } = filter.value;
  return (
    <fieldset class="packets-kinds">
      <legend class="said">Kinds</legend>
      {KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          aria-pressed={kinds.includes(kind)}
          data-testid={`packets-kind-${kind}`}
          onClick={() => {
            const wanted = (one: string) => kinds.includes(one as typeof kind) !== (one === kind);
            setFilter({ kinds: KINDS.filter(wanted) });
          }}
        >
          <span aria-hidden="true">{KIND_WORDS[kind].mark}</span> {KIND_WORDS[kind].many}
        </button>
      ))}
    </fieldset>
  );
}

/** Shown at once, and said aloud only once it has come to rest. */
function Count() {
  const window = listed.value;
  if (!window) return null;
  const { total, all } = window;
  const text = total === all ? `${number(all)} messages` : `${number(total)} of ${number(all)}`;
  return (
    <output class="dim packets-count" aria-live={follow.value ? "off" : "polite"}>
      {text}
    </output>
  );
}

function Times() {
  return (
    <select
      class="packets-times"
      aria-label="Times"
      value={since.value}
      onChange={({ currentTarget }) => {
        since.value = currentTarget.value === "previous" ? "previous" : "start";
      }}
    >
      <option value="start">Since start</option>
      <option value="previous">Since previous</option>
    </select>
  );
}

function Follow() {
  return (
    <button
      type="button"
      aria-pressed={follow.value}
      data-testid="packets-follow"
      title="Keep the newest messages in view"
      onClick={() => {
        if (follow.peek()) pause((listed.peek()?.total ?? 0) - room.peek());
        else resume();
      }}
    >
      Follow
    </button>
  );
}
