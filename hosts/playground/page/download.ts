// Download: hands a file to the browser, to be saved.
// Holds   nothing.
// Never   sends anything anywhere.
// Source  our own; the File API.

/** Has the browser save a file of this name. */
export function download(name: string, contents: string | Uint8Array): void {
  const file = new Blob([contents as BlobPart], { type: "application/octet-stream" });
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers begin to read it only after this.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
