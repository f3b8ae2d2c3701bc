/**
 * Attachments without a disk: the field `content`, which names a file in the product, is the
 * content itself.
 */

import type { FileReader } from "../../src/channels/kind.ts";
import type { Attachment } from "../../src/notification/notification.ts";

/** Creates an attachment with this content. */
export function testFile(name: string, type: string, content: string): Attachment {
  return { name, type, size: new TextEncoder().encode(content).length, content };
}

/** Reads attachments of {@linkcode testFile}. */
export const TEST_FILES: FileReader = {
  read: ({ content }) => Promise.resolve(new TextEncoder().encode(content)),
  pathOf: ({ content }) => Promise.resolve(`/state/attachments/${content}`),
};
