// Share: sending what is here, and keeping it: links, files, the sessions of this browser.
// Holds   the view; its parts are in share_link.tsx, share_files.tsx and share_kept.tsx.
// Never   sends anything: a link holds everything in itself.
// Source  our own; "The playground" in ARCHITECTURE.md.

import { ShareFiles, ShareOpen } from "./share_files.tsx";
import { ShareKept } from "./share_kept.tsx";
import { ShareLink } from "./share_link.tsx";

export function Share() {
  return (
    <div class="share">
      <ShareLink />
      <ShareFiles />
      <ShareOpen />
      <ShareKept />
    </div>
  );
}
