// Worker port: a worker of Node as a port: it has `on` in place of `addEventListener`.
// Holds   who listens to the worker.
// Never   ends the worker: it is not the connection's.
// Source  our own; Node, worker_threads.

import type { PortLike } from "./port_channel.ts";

/** What every port does: it sends. */
interface Sender {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** A port whose events are those of the web. */
export interface EventPort extends Sender {
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
  start?(): void;
  close?(): void;
}

/** What is used of a Worker of Node. */
export interface EmitterPort extends Sender {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  close?(): void;
}

/** The port itself, or a worker made one. */
export function eventPort(port: PortLike): EventPort {
  return "addEventListener" in port ? port : new WorkerPort(port);
}

class WorkerPort implements EventPort {
  readonly #worker: EmitterPort;
  readonly #calls = new Map<(event: Event) => void, (value: unknown) => void>();

  constructor(worker: EmitterPort) {
    this.#worker = worker;
  }

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Each listener is for one type. */
  addEventListener(type: string, listener: (event: Event) => void): void {
    const call = (value: unknown) => listener({ data: value } as MessageEvent);
    this.#calls.set(listener, call);
    this.#worker.on(nameOf(type), call);
  }

  removeEventListener(type: string, listener: (event: Event) => void): void {
    const call = this.#calls.get(listener);
    this.#calls.delete(listener);
    if (call) this.#worker.off(nameOf(type), call);
  }
}

/** A worker does not close, it exits. */
function nameOf(type: string): string {
  return type === "close" ? "exit" : type;
}
