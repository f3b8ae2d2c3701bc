/**
 * Stages the attachments of a notification: copies them to the state directory before the
 * notification is queued. From then on the original files are not needed.
 *
 * @module
 */

import { StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { splitAttachments } from "../notification/attachment_mode.ts";
import { type FileSource, openSources } from "../notification/attachments/source.ts";
import type { Attachment, AttachmentInput } from "../notification/notification.ts";
import type { StagedFiles } from "../queue/attachments/store.ts";
import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { FallbackEnvelope, Plan } from "../routing/route.ts";

/** Attachments in the state directory. Disposing of them removes those that no entry needs. */
export class StagedAttachments implements Disposable {
  readonly #files: StagedFiles;
  readonly #attachments: readonly Attachment[];

  constructor(files: StagedFiles, attachments: readonly Attachment[]) {
    this.#files = files;
    this.#attachments = attachments;
  }

  /** Adds the attachments to a plan, in the mode of each channel. */
  addTo(plan: Plan, channels: ReadonlyMap<string, Channel>): Plan {
    const findMode = ({ channel }: Envelope) => channels.get(channel)?.attachmentMode;
    const split = (envelope: Envelope) => {
      const notification = { ...envelope.notification, attachments: this.#attachments };
      return splitAttachments(notification, findMode(envelope))
        .map((each, attachmentIndex): Envelope => ({
          ...envelope,
          notification: each,
          ...(attachmentIndex > 0 ? { attachmentIndex } : {}),
        }));
    };
    const parts = new Map(plan.envelopes.map((envelope) => [envelope, split(envelope)]));
    /**
     * Finds the parts that an envelope is a fallback for: all parts if it has its attachments
     * inline, else the text, or the same attachment.
     */
    const findPrimaries = (envelope: Envelope, primary: Envelope) => {
      const all = parts.get(primary) ?? [];
      return findMode(envelope) === "inline" ? all : [all[envelope.attachmentIndex ?? 0] ?? all[0]];
    };
    const fallbacks = plan.fallbacks.flatMap(({ envelope, primaries }) =>
      split(envelope).map((each): FallbackEnvelope => ({
        envelope: each,
        primaries: primaries.flatMap(({ envelope, afterMs }) =>
          findPrimaries(each, envelope).map((primary) => ({ envelope: primary, afterMs }))
        ),
      }))
    );
    return { ...plan, envelopes: [...parts.values()].flat(), fallbacks };
  }

  /** Keeps the attachments that queued entries need. */
  commit(entries: readonly Entry[]): void {
    this.#files.keep(entries.flatMap(({ files = [] }) => files));
  }

  /** Removes the attachments that {@linkcode StagedAttachments.commit} did not keep. */
  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/**
 * Writes attachments to the state directory, durably.
 *
 * @param inputs the attachments of the caller
 * @param queue the queue whose state directory takes them
 * @throws {InvalidNotificationError} if one cannot be used; then none is stored
 * @throws {StorageError} if they cannot be stored, or exceed the size limit
 */
export async function stageAttachments(inputs: readonly AttachmentInput[], queue: Queue): Promise<StagedAttachments> {
  using open = new DisposableStack();
  const sources = openSources(inputs).map((source) => open.use(source));
  try {
    queue.prepare();
    await removeLeftovers(queue);
    return write(sources, await queue.stageFiles());
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const hint = error.code === "permission-denied" ? { hint: error.hint } : {};
    throw new StorageError("attachments-not-stored", error.message, { cause: error, ...hint });
  }
}

function write(sources: readonly FileSource[], files: StagedFiles): StagedAttachments {
  try {
    const attachments = sources.map((source): Attachment => {
      const { name: content, size } = files.write(source.chunks(), source.name);
      return { name: source.name, type: source.type, size, ...source.imageSize, content };
    });
    files.confirm();
    return new StagedAttachments(files, attachments);
  } catch (error) {
    files[Symbol.dispose]();
    throw error;
  }
}

/** Removes the files of senders that were killed, because they count against the size limit. */
async function removeLeftovers(queue: Queue): Promise<void> {
  try {
    await queue.sweepAttachments();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
