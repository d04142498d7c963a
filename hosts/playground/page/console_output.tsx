// Console output: what the commands of one domain printed, newest last.
// Holds   the scrolling, which sticks to the end until one scrolls up.
// Never   draws again what has not changed: blocks and pieces are drawn once.
// Source  our own; WAI-ARIA, log.

import { Component } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ConsoleBlock, ConsolePiece } from "../model/console_log.ts";
import { examplesFor } from "./console_words.ts";
import { consoleOf, domClass, domLabel, seen } from "./state.ts";

interface OutputProps {
  readonly domid: number;
  readonly onRun: (line: string) => void;
}

/** The exit code of what Ctrl+C has ended. */
const STOPPED = "130";
/** More lines than this in a second are not read out. */
const SPOKEN_MAX = 20;

export function ConsoleOutput({ domid, onRun }: OutputProps) {
  const log = consoleOf(domid).value;
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const [behind, setBehind] = useState(false);
  const fast = useFast(log.lines + log.dropped);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (stuck.current) element.scrollTop = element.scrollHeight;
    else setBehind(true);
  }, [log]);
  const toEnd = () => {
    stuck.current = true;
    setBehind(false);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  return (
    <div class="console-middle">
      <div
        ref={box}
        class="console-output"
        data-testid="console-output"
        role="log"
        aria-live={fast ? "off" : "polite"}
        aria-label={`Output of ${domLabel(domid)}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
        onScroll={({ currentTarget: at }) => {
          stuck.current = at.scrollHeight - at.scrollTop - at.clientHeight < 24;
          if (stuck.current && behind) setBehind(false);
        }}
      >
        {log.dropped > 0 && (
          <p class="dim console-dropped">The first {log.dropped} lines are not kept any more.</p>
        )}
        {log.blocks.map((block) => (
          <Block key={block.key} domid={domid} block={block} />
        ))}
        {log.blocks.length === 0 && <Examples domid={domid} onRun={onRun} />}
      </div>
      {behind && (
        <button type="button" class="console-more" onClick={toEnd}>
          More below
        </button>
      )}
      <p class="said" role="status">
        {fast ? "Output comes fast: it is not read out." : ""}
      </p>
    </div>
  );
}

/** Whether lines come too fast to be read out. */
function useFast(lines: number): boolean {
  const before = useRef(lines);
  const now = useRef(lines);
  now.current = lines;
  const [fast, setFast] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => {
      setFast(now.current - before.current > SPOKEN_MAX);
      before.current = now.current;
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return fast;
}

function Examples({ domid, onRun }: OutputProps) {
  const guest = seen.domains.value?.find((one) => one.domid !== 0)?.domid ?? null;
  return (
    <div class="console-examples">
      <p class="dim">
        Commands of <span class={domClass(domid)}>{domLabel(domid)}</span> run here. Try one, or
        type <code>help</code>. Tab completes, Up brings lines back.
      </p>
      {examplesFor(domid, guest).map(({ line, what }) => (
        <p key={line}>
          <button
            type="button"
            class="mono"
            data-testid="console-example"
            onClick={() => onRun(line)}
          >
            {line}
          </button>{" "}
          <span class="dim">{what}</span>
        </p>
      ))}
    </div>
  );
}

class Block extends Component<{ readonly domid: number; readonly block: ConsoleBlock }> {
  override shouldComponentUpdate(next: { readonly block: ConsoleBlock }): boolean {
    return next.block !== this.props.block;
  }

  override render() {
    const { block, domid } = this.props;
    const { begins, line, pieces, code, run } = block;
    return (
      <div class={`console-block console-${begins}`} data-run={run}>
        {begins === "start" && (
          <div class="console-command">
            <Prompt domid={domid} /> <span class="console-line">{line}</span>
          </div>
        )}
        {begins === "again" && (
          <div class="console-command console-from dim">
            from <span class="console-line">{line}</span>
          </div>
        )}
        {pieces.map((piece) => (
          <Text key={piece.key} piece={piece} />
        ))}
        {code === STOPPED && <div class="console-code dim">stopped, exit code {code}</div>}
        {code !== null && code !== "0" && code !== STOPPED && (
          <div class="console-code bad">exit code {code}</div>
        )}
        {code === "0" && begins !== "start" && <div class="console-code dim">has ended</div>}
      </div>
    );
  }
}

class Text extends Component<{ readonly piece: ConsolePiece }> {
  override shouldComponentUpdate(next: { readonly piece: ConsolePiece }): boolean {
    return next.piece !== this.props.piece;
  }

  override render() {
    const { error, text } = this.props.piece;
    if (!error) return <span class="console-piece">{text}</span>;
    return (
      <div class="console-error">
        <span class="console-stderr">stderr</span> {text.replace(/\n$/, "")}
      </div>
    );
  }
}

export function Prompt({ domid }: { readonly domid: number }) {
  return <span class={`console-prompt ${domClass(domid)}`}>dom{domid}$</span>;
}
