/**
 * Creates batches with `"style": "lines"`. A batch is one message for several entries. With this
 * style, the message shows one line for each entry, and a file contains the full texts. If a
 * channel cannot send files, the message contains the full texts instead.
 *
 * @module
 */

import { InvalidNotificationError, StorageError } from "../base/errors.ts";
import { renderBatch } from "../channels/batch_message.ts";
import type { Channel } from "../channels/channel.ts";
import { renderMessage } from "../channels/message.ts";
import { createBatch } from "../notification/batch.ts";
import type { Attachment } from "../notification/notification.ts";
import type { BatchRequest } from "../queue/change_records.ts";
import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import { toBatchItems } from "./attempt.ts";

const FILE = { name: "notifications.txt", type: "text/plain" } as const;

/**
 * Creates batches with one line for each entry, and stores their full texts. Depending on the
 * channel, the file with the full texts is in the message, or in a separate message after the
 * batch.
 *
 * @returns false if the texts cannot be stored; then no batch is created
 */
export async function createLineBatches(
  groups: readonly (readonly Entry[])[],
  channel: Pick<Channel, "attachmentMode">,
  queue: Queue,
): Promise<boolean> {
  try {
    await createBatches(groups, channel, queue);
    return true;
  } catch (error) {
    if (error instanceof StorageError || error instanceof InvalidNotificationError) return false;
    throw error;
  }
}

async function createBatches(
  groups: readonly (readonly Entry[])[],
  { attachmentMode }: Pick<Channel, "attachmentMode">,
  queue: Queue,
): Promise<void> {
  using staged = await queue.stageFiles();
  const requests: BatchRequest[] = [];
  for (const entries of groups) {
    const batch = createBatch(toBatchItems(entries, (entry) => queue.state.findIncident(entry)));
    const { text } = await renderBatch(batch, (one) => renderMessage(one, () => {}));
    const bytes = new TextEncoder().encode(`${batch.subject}\n\n${text}\n`);
    const { name: content, size } = staged.write([bytes], FILE.name);
    const file: Attachment = { ...FILE, size, content };
    const { severity, silent, time, expires } = batch;
    const message = { subject: `📎 ${FILE.name}`, message: "", format: "text", severity, silent, time, expires, file };
    const inMessage = attachmentMode === "inline";
    requests.push({ entries, style: "lines", file, message: inMessage ? undefined : message });
  }
  staged.confirm();
  await queue.batch(requests);
  staged.keep(requests.flatMap(({ file }) => file === undefined ? [] : [file.content]));
}
