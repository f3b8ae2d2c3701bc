/** The files of a notification, on the disk before it is taken: from then on the originals may vanish. */

import { type FileSource, openSources } from "../notification/attachments/source.ts";
import { splitAttachments } from "../notification/attachment_mode.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import type { FallbackEnvelope, Plan } from "../routing/route.ts";
import { StorageError } from "../base/errors.ts";
import type { Attachment, AttachmentInput } from "../notification/notification.ts";
import type { Entry } from "../queue/entry.ts";
import type { StagedFiles } from "../queue/attachments/store.ts";
import type { Queue } from "../queue/queue.ts";

/** Files that are on the disk, and gone again unless entries need them. */
export class StagedAttachments implements Disposable {
  readonly #incoming: StagedFiles;
  readonly #attachments: readonly Attachment[];

  constructor(incoming: StagedFiles, attachments: readonly Attachment[]) {
    this.#incoming = incoming;
    this.#attachments = attachments;
  }

  /** The plan with the files in it, as each channel takes them. */
  addTo(plan: Plan, channels: ReadonlyMap<string, Channel>): Plan {
    const modeOf = ({ channel }: Envelope) => channels.get(channel)?.attachmentMode;
    const split = (envelope: Envelope) => {
      const notification = { ...envelope.notification, attachments: this.#attachments };
      return splitAttachments(notification, modeOf(envelope))
        .map((each, attachmentIndex): Envelope => ({
          ...envelope,
          notification: each,
          ...(attachmentIndex > 0 ? { attachmentIndex } : {}),
        }));
    };
    const parts = new Map(plan.envelopes.map((envelope) => [envelope, split(envelope)]));
    /** What an envelope stands in for: all of a notification where it carries all of it, else its text, or the same file. */
    const primariesFor = (envelope: Envelope, primary: Envelope) => {
      const all = parts.get(primary) ?? [];
      return modeOf(envelope) === "inline" ? all : [all[envelope.attachmentIndex ?? 0] ?? all[0]];
    };
    const fallbacks = plan.fallbacks.flatMap(({ envelope, primaries }) =>
      split(envelope).map((each): FallbackEnvelope => ({
        envelope: each,
        primaries: primaries.flatMap(({ envelope, afterMs }) =>
          primariesFor(each, envelope).map((primary) => ({ envelope: primary, afterMs }))
        ),
      }))
    );
    return { ...plan, envelopes: [...parts.values()].flat(), fallbacks };
  }

  /** Entries that came in need their files; what none of them names is removed. */
  commit(entries: readonly Entry[]): void {
    this.#incoming.keep(entries.flatMap(({ files = [] }) => files));
  }

  /** Removes what nobody was said to need. */
  [Symbol.dispose](): void {
    this.#incoming[Symbol.dispose]();
  }
}

/**
 * Writes files to the state directory, durably.
 *
 * @throws {InvalidNotificationError} when one cannot be taken; then none is
 * @throws {StorageError} when the disk does not take them, or has as many as it may have
 */
export async function stageAttachments(inputs: readonly AttachmentInput[], queue: Queue): Promise<StagedAttachments> {
  using open = new DisposableStack();
  const sources = openSources(inputs).map((source) => open.use(source));
  try {
    queue.prepare();
    await makeRoom(queue);
    return write(sources, await queue.stageFiles());
  } catch (error) {
    throw error instanceof StorageError
      ? new StorageError("attachments-not-stored", error.message, { cause: error })
      : error;
  }
}

function write(sources: readonly FileSource[], incoming: StagedFiles): StagedAttachments {
  try {
    const attachments = sources.map((source): Attachment => {
      const { name: content, size } = incoming.write(source.chunks(), source.name);
      return { name: source.name, type: source.type, size, ...source.imageSize, content };
    });
    incoming.confirm();
    return new StagedAttachments(incoming, attachments);
  } catch (error) {
    incoming[Symbol.dispose]();
    throw error;
  }
}

/** What was left behind by whoever was killed must not be in the way. */
async function makeRoom(queue: Queue): Promise<void> {
  try {
    await queue.sweepAttachments();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
