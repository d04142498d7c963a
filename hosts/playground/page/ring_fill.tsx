// Ring fill: a queue as the circle that it is, with its fill and both positions.
// Holds   arcs.
// Never   says what its text beside it does not.
// Source  our own.

import { QUEUE_SIZE, type Queue } from "../model/ring_bytes.ts";

const MIDDLE = 26;
const RADIUS = 20;

export function Fill({ queue }: { readonly queue: Queue }) {
  const { cons, prod, fill, broken } = queue;
  const share = broken ? 1 : fill / QUEUE_SIZE;
  const length = 2 * Math.PI * RADIUS;
  const from = ((cons % QUEUE_SIZE) / QUEUE_SIZE) * 360 - 90;
  return (
    <svg
      class={`ring-fill${broken ? " ring-fill-broken" : ""}`}
      viewBox="0 0 52 52"
      aria-hidden="true"
    >
      <circle class="ring-fill-all" cx={MIDDLE} cy={MIDDLE} r={RADIUS} />
      {share > 0 && (
        <circle
          class="ring-fill-part"
          cx={MIDDLE}
          cy={MIDDLE}
          r={RADIUS}
          stroke-dasharray={`${share * length} ${length}`}
          transform={`rotate(${from} ${MIDDLE} ${MIDDLE})`}
        />
      )}
      <Hand position={cons} kind="cons" />
      <Hand position={prod} kind="prod" />
    </svg>
  );
}

function Hand({ position, kind }: { readonly position: number; readonly kind: "cons" | "prod" }) {
  const turn = ((position % QUEUE_SIZE) / QUEUE_SIZE) * 360;
  const [near, far] = kind === "cons" ? [8, RADIUS - 4] : [RADIUS + 3, RADIUS + 6];
  return (
    <line
      class={`ring-hand-${kind}`}
      x1={MIDDLE}
      x2={MIDDLE}
      y1={MIDDLE - near}
      y2={MIDDLE - far}
      transform={`rotate(${turn} ${MIDDLE} ${MIDDLE})`}
    />
  );
}
