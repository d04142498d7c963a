// Packets: every message there was, taken apart.
// Holds   the list with its filter above, and the particulars of the selected one below.
// Never   has more than a part of the messages.
// Source  our own.

import { useEffect } from "preact/hooks";
import { PacketDetail } from "./packet_detail.tsx";
import { PacketFilterBar } from "./packet_filter.tsx";
import { PacketList } from "./packet_list.tsx";
import { listed, mountPackets } from "./packet_state.ts";
import { TraceButtons } from "./packet_trace.tsx";
import { Split } from "./split.tsx";
import { packet } from "./state.ts";

export function Packets() {
  useEffect(mountPackets, []);
  const open = packet.value !== 0;
  return (
    <div class={`packets${open ? " packets-open" : ""}`}>
      <PacketFilterBar />
      <div class="packets-main">
        <PacketList />
        <Empty />
        {open && <Split name="packets" label="Room for the list" axis="y" initial={48} />}
        <PacketDetail />
      </div>
      <TraceButtons />
    </div>
  );
}

function Empty() {
  const window = listed.value;
  if (!window || window.total > 0) return null;
  return (
    <p class="packets-empty dim">
      {window.all === 0
        ? "No messages yet. Run a command in a domain's console, such as: write key value"
        : "No message fits the filter."}
    </p>
  );
}
