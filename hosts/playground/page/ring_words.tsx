// Ring words: the words of a ring's page, what they mean, and writing them as a broken guest would.
// Holds   the table, the form of a poke.
// Never   checks what is written: the store must stand it.
// Source  the XenStore protocol, ring (Layout).

import { useState } from "preact/hooks";
import type { RingWords } from "../model/protocol.ts";
import { WORDS, wordWords } from "../model/ring_texts.ts";
import { act, past } from "./state.ts";

const U32_MAX = 0xffff_ffff;

interface WordsProps {
  readonly domid: number;
  readonly words: RingWords;
}

export function RingWordsTable({ domid, words }: WordsProps) {
  return (
    <section class="ring-part" aria-label="Words of the page">
      <h2>Words of the page</h2>
      <table class="data ring-words">
        <thead>
          <tr>
            <th scope="col">Word</th>
            <th scope="col">Value</th>
            <th scope="col">Means</th>
            <th scope="col">Written by</th>
          </tr>
        </thead>
        <tbody>
          {WORDS.map(({ word, name, writer, text }) => (
            <tr key={word} title={text}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class="mono" data-testid={`ring-${word}`}>
                {words[word]}
              </td>
              <td class={word === "error" && words.error !== 0 ? "bad" : undefined}>
                {wordWords(word, words[word])}
              </td>
              <td class="dim">{writer}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Poke domid={domid} words={words} />
    </section>
  );
}

/** Writes any word, whoever it belongs to. */
function Poke({ domid, words }: WordsProps) {
  const [word, setWord] = useState<keyof RingWords>("reqProd");
  const [value, setValue] = useState("0");
  const number = Number(value);
  const wrong = !/^\d+$/.test(value.trim()) || number > U32_MAX;
  const poke = async (event: Event) => {
    event.preventDefault();
    if (!wrong) await act("ring.poke", { domid, word, value: number });
  };
  return (
    <form class="ring-form" aria-label="Write a word" onSubmit={poke}>
      <label>
        Write into
        <select
          data-testid="ring-poke-word"
          value={word}
          onChange={(event) => {
            const next = event.currentTarget.value as keyof RingWords;
            setWord(next);
            setValue(`${words[next]}`);
          }}
        >
          {WORDS.map(({ word: one, name }) => (
            <option key={one} value={one}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        the number
        <input
          class="mono"
          inputMode="numeric"
          data-testid="ring-poke-value"
          aria-invalid={wrong}
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </label>
      <button type="submit" data-testid="ring-poke" disabled={wrong || past.value}>
        Write
      </button>
      <button
        type="button"
        data-testid="ring-notify"
        disabled={past.value}
        onClick={() => void act("ring.notify", { domid })}
      >
        Notify the store
      </button>
      <p class="dim">
        {wrong
          ? "A word holds a number from 0 to 4294967295."
          : "The store looks at the page when it is notified, and before each use of the ring."}
      </p>
    </form>
  );
}
