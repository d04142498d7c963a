// Guide text: text with `code` in backquotes.
// Holds   nothing.
// Never   takes text for HTML.
// Source  our own.

export function Rich({ text }: { readonly text: string }) {
  return (
    <>
      {text.split("`").map((piece, at) => (at % 2 === 1 ? <code key={at}>{piece}</code> : piece))}
    </>
  );
}
