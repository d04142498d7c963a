// Dialog: a modal dialog with a heading and a way out.
// Holds   the browser's dialog, which keeps the focus inside and gives it back.
// Never   draws its contents while it is closed.
// Source  HTML, the dialog element; the ARIA Authoring Practices, Dialog (Modal).

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly testid?: string;
  /** A button beside the one that closes it. */
  readonly action?: ComponentChildren;
  /** Words of the button that closes it. */
  readonly close?: string;
  readonly closeTestid?: string;
}

/** Mount it to open it. */
export function Dialog(props: DialogProps) {
  const { title, onClose, children, testid, action, close = "Close", closeTestid } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // Where there is nothing to decide, reading begins at the top.
    const decides = element?.querySelector<HTMLElement>(".dialog-ways > .primary");
    (decides ?? element?.querySelector<HTMLElement>("h2"))?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  // A click beside it closes it.
  const beside = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it already
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      data-testid={testid}
      onClick={beside}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id={id} tabIndex={-1}>
          {title}
        </h2>
        {children}
        <p class="dialog-ways">
          <button type="button" data-testid={closeTestid} onClick={onClose}>
            {close}
          </button>
          {action}
        </p>
      </div>
    </dialog>
  );
}
