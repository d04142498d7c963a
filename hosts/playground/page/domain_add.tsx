// Domain add: the form that makes a domain.
// Holds   number, name and home of a domain to be.
// Never   keeps a number that was not chosen: the next free one is taken.
// Source  our own.

import { useId, useState } from "preact/hooks";
import { HOMES, nextDomid } from "../model/domain_help.ts";
import { showConsole } from "./console_open.ts";
import { done, helped } from "./domain_said.ts";
import { EngineError } from "./engine.ts";
import { call, focused, past, seen, tell } from "./state.ts";

/** Numbers from here on stand for something else. */
const DOMID_MAX = 0x7ff0 - 1;

const HELP = {
  own: { label: "A home of its own", help: HOMES[0].help },
  xl: { label: "A home as xl makes it", help: HOMES[1].help },
};

export function AddDomain() {
  const help = useId();
  const [domid, setDomid] = useState("");
  const [name, setName] = useState("");
  const [home, setHome] = useState<(typeof HOMES)[number]["home"]>("own");
  const [busy, setBusy] = useState(false);
  const next = nextDomid(seen.domains.value ?? []);
  const add = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const chosen = domid === "" ? {} : { domid: Number(domid) };
      const named = name.trim() === "" ? {} : { name: name.trim() };
      const made = await call("domain.add", { ...chosen, ...named, home });
      done.value = `Domain ${made} is there, and introduced.`;
      setDomid("");
      setName("");
      showConsole(made);
      focused.value = made;
    } catch (error) {
      tell("error", error instanceof EngineError ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <form class="domains-add" data-testid="domain-add" aria-label="Add domain" onSubmit={add}>
      <label>
        Number
        <input
          type="number"
          name="domid"
          min={1}
          max={DOMID_MAX}
          placeholder={`${next}`}
          value={domid}
          onInput={(event) => setDomid(event.currentTarget.value)}
        />
      </label>
      <label class="domains-add-name">
        Name
        <input
          name="name"
          maxLength={60}
          autocomplete="off"
          placeholder={`dom${domid || next}`}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label>
        Home
        <select
          name="home"
          aria-describedby={help}
          value={home}
          onFocus={() => {
            helped.value = HELP[home];
          }}
          onBlur={() => {
            helped.value = null;
          }}
          onChange={(event) => {
            const next = event.currentTarget.value as typeof home;
            setHome(next);
            helped.value = HELP[next];
          }}
        >
          {HOMES.map((one) => (
            <option key={one.home} value={one.home}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      <button
        type="submit"
        class="primary"
        data-testid="domain-add-submit"
        disabled={busy || past.value}
      >
        Add domain
      </button>
      <p id={help} class="said">
        {HELP[home].help}
      </p>
    </form>
  );
}
