/**
 * Copies the attachments of a notification to the state directory, before the notification is
 * queued. Afterwards the original files are not needed.
 *
 * @module
 */

import { InvalidNotificationError, StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { splitAttachments } from "../notification/attachment_mode.ts";
import { type FileSource, openSources } from "../notification/attachments/source.ts";
import type { Attachment, AttachmentInput } from "../notification/notification.ts";
import { limitProblems } from "../notification/repair.ts";
import type { StagedFiles } from "../queue/attachments/store.ts";
import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { FallbackEnvelope, Plan } from "../routing/route.ts";

/**
 * The copied attachments in the state directory. Disposing of this object deletes the attachments
 * that no queued entry needs.
 */
export class StagedAttachments implements Disposable {
  readonly #files: StagedFiles;
  readonly #attachments: readonly Attachment[];
  readonly #problems: readonly string[];

  constructor(files: StagedFiles, attachments: readonly Attachment[], problems: readonly string[]) {
    this.#files = files;
    this.#attachments = attachments;
    this.#problems = problems;
  }

  /**
   * Adds the attachments to a plan: to the message itself or as separate messages, depending on the
   * channel. Also adds a problem for each file that could not be attached.
   */
  addTo(plan: Plan, channels: ReadonlyMap<string, Channel>): Plan {
    return splitPlan(plan, { attachments: this.#attachments, problems: this.#problems }, channels);
  }

  /** Marks the attachments that queued entries need, so that they are not deleted. */
  commit(entries: readonly Entry[]): void {
    this.#files.keep(entries.flatMap(({ files = [] }) => files));
  }

  /** Deletes the attachments that {@linkcode StagedAttachments.commit} did not mark. */
  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

/**
 * Writes attachments to the state directory, and syncs them to disk. Leaves out the files that
 * cannot be used.
 *
 * @param inputs the attachments from the caller
 * @param queue the queue in whose state directory the attachments are stored
 * @param warn gets a sentence about each file that is left out
 * @throws {StorageError} if the attachments cannot be stored, or exceed the size limit
 */
export async function stageAttachments(
  inputs: readonly AttachmentInput[],
  queue: Queue,
  warn: (problem: string) => void,
): Promise<StagedAttachments> {
  using open = new DisposableStack();
  const problems: string[] = [];
  const report = (problem: string) => {
    problems.push(problem);
    warn(problem);
  };
  const sources = openSources(inputs, report).map((source) => open.use(source));
  try {
    queue.prepare();
    await removeLeftovers(queue);
    const files = await queue.stageFiles();
    return new StagedAttachments(files, write(sources, files, report), problems);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const hint = error.code === "permission-denied" ? { hint: error.hint } : {};
    throw new StorageError("attachments-not-stored", error.message, { cause: error, ...hint });
  }
}

function write(
  sources: readonly FileSource[],
  files: StagedFiles,
  report: (problem: string) => void,
): readonly Attachment[] {
  try {
    const attachments = sources.flatMap((source): Attachment[] => {
      try {
        const { name: content, size } = files.write(source.chunks(), source.name);
        return [{ name: source.name, type: source.type, size, ...source.imageSize, content }];
      } catch (error) {
        if (!(error instanceof InvalidNotificationError)) throw error;
        report(error.message);
        return [];
      }
    });
    files.confirm();
    return attachments;
  } catch (error) {
    files[Symbol.dispose]();
    throw error;
  }
}

/** Deletes attachments of killed senders, because these files count towards the size limit. */
async function removeLeftovers(queue: Queue): Promise<void> {
  try {
    await queue.sweepAttachments();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

/**
 * Adds stored attachments to a plan: to the message itself or as separate messages, depending on
 * the channel.
 *
 * @param files the attachments, and a problem for each file that could not be attached
 */
export function splitPlan(
  plan: Plan,
  files: {
    readonly attachments: readonly Attachment[];
    readonly problems?: readonly string[];
  },
  channels: ReadonlyMap<string, Pick<Channel, "attachmentMode">>,
): Plan {
  const { attachments, problems: ofFiles = [] } = files;
  const findMode = ({ channel }: Envelope) => channels.get(channel)?.attachmentMode;
  const split = (envelope: Envelope) => {
    const problems = [...envelope.notification.problems ?? [], ...ofFiles];
    const notification = {
      ...envelope.notification,
      ...(attachments.length === 0 ? {} : { attachments }),
      ...(problems.length === 0 ? {} : { problems: limitProblems(problems) }),
    };
    return splitAttachments(notification, findMode(envelope))
      .map((each, attachmentIndex): Envelope => ({
        ...envelope,
        notification: each,
        ...(attachmentIndex > 0 ? { attachmentIndex } : {}),
      }));
  };
  const parts = new Map(plan.envelopes.map((envelope) => [envelope, split(envelope)]));
  /**
   * Finds the messages that a fallback message replaces. A message with inline attachments
   * replaces all messages. A text replaces only the text. A separate attachment message replaces
   * only the message with the same attachment.
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
