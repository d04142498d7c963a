// Pack: text in few characters that an address can hold.
// Holds   the form of a link's fragment.
// Never   unpacks more than a session may have: what is small can be made to grow without end.
// Source  our own; RFC 1951 (deflate), RFC 4648 (base64url).

const MARK = "s1.";
/** Bytes of a session in a link, unpacked. */
export const UNPACKED_MAX = 64 * 1024 * 1024;

/** Packs text: the fragment without "#". */
export async function pack(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  const base64 = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return MARK + base64;
}

/**
 * The text of a fragment.
 * @throws Error of one sentence that says what is wrong and what to do
 */
export async function unpack(fragment: string): Promise<string> {
  const given = fragment.replace(/^#/, "");
  if (!given.startsWith(MARK)) {
    throw new Error(
      "The link has no session of this playground in it: ask for it to be sent again.",
    );
  }
  const broken =
    "The link is not whole: it was cut or changed on its way. Ask for it again, or for a file.";
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const base64 = given.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/");
    bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch (error) {
    throw new Error(broken, { cause: error });
  }
  return await inflated(bytes, "deflate-raw", { broken, what: "The link" });
}

/**
 * Text that was packed.
 * @param words  `broken`: what is said when it is not whole; `what`: what it is called
 * @throws Error of one or two sentences
 */
export async function inflated(
  bytes: Uint8Array<ArrayBuffer>,
  format: CompressionFormat,
  { broken, what }: { readonly broken: string; readonly what: string },
): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      size += piece.value.length;
      if (size > UNPACKED_MAX) break;
      text += decoder.decode(piece.value, { stream: true });
    }
  } catch (error) {
    throw new Error(broken, { cause: error });
  }
  if (size > UNPACKED_MAX) {
    await reader.cancel();
    throw new Error(`${what} holds more than this page opens: 64 MiB.`);
  }
  return text + decoder.decode();
}
