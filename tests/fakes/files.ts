/** Files of notifications without a disk: what is in one is the text that it is called by. */

import type { FileReader } from "../../src/channels/kind.ts";
import type { Attachment } from "../../src/notification/notification.ts";

/** A file with this content. */
export function testFile(name: string, type: string, content: string): Attachment {
  return { name, type, size: new TextEncoder().encode(content).length, content };
}

/** Reads such files. */
export const TEST_FILES: FileReader = {
  read: ({ content }) => Promise.resolve(new TextEncoder().encode(content)),
  pathOf: ({ content }) => Promise.resolve(`/state/attachments/${content}`),
};
