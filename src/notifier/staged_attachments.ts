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
import { cutToBytes } from "../notification/cut.ts";
import type { Attachment, AttachmentInput } from "../notification/notification.ts";
import { limitProblems } from "../notification/repair.ts";
import type { StagedFiles } from "../queue/attachments/store.ts";
import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { FallbackEnvelope, Plan } from "../routing/route.ts";
import { type FullText, isTooLongToQueue } from "./full_text.ts";

/**
 * The copied attachments in the state directory. Disposing of this object deletes the attachments
 * that no queued entry needs.
 */
export class StagedAttachments implements Disposable {
  readonly #files: StagedFiles | undefined;
  readonly #parts: PlanFiles;

  /** @param files undefined if no file can be stored */
  constructor(files: StagedFiles | undefined, parts: PlanFiles) {
    this.#files = files;
    this.#parts = parts;
  }

  /**
   * Adds the attachments to a plan: to the message itself or as separate messages, depending on the
   * channel. Also adds a problem for each file that could not be attached.
   */
  addTo(plan: Plan, channels: ReadonlyMap<string, Channel>): Plan {
    return splitPlan(plan, this.#parts, channels);
  }

  /** Marks the attachments that queued entries need, so that they are not deleted. */
  commit(entries: readonly Entry[]): void {
    this.#files?.keep(entries.flatMap(({ files = [] }) => files));
  }

  /** Deletes the attachments that {@linkcode StagedAttachments.commit} did not mark. */
  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
  }
}

/**
 * Writes attachments to the state directory, and syncs them to disk. Leaves out the files that
 * cannot be used or stored. Then the notification is sent without them.
 *
 * @param inputs the attachments from the caller, and the whole message if it needs a file
 * @param queue the queue in whose state directory the attachments are stored
 * @param warn gets a sentence about each file that is left out
 */
export async function stageAttachments(
  { attachments: inputs, fullText }: {
    readonly attachments: readonly AttachmentInput[];
    readonly fullText?: { readonly file: AttachmentInput; readonly channels: ReadonlySet<string> };
  },
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
  const textSources = fullText === undefined ? [] : openSources([fullText.file], report);
  const files = await prepare(queue);
  if (files instanceof StorageError) {
    for (const { name } of [...textSources, ...sources]) report(`Cannot attach ${name}: ${files.message}`);
    return new StagedAttachments(undefined, { attachments: [], problems });
  }
  const [file] = write(textSources, files, report);
  const attachments = write(sources, files, report);
  if (!reportFailure(report, () => files.confirm())) return new StagedAttachments(files, { attachments: [], problems });
  return new StagedAttachments(files, {
    ...{ attachments, problems },
    ...(fullText && file ? { fullText: { ...fullText, file } } : {}),
  });
}

async function prepare(queue: Queue): Promise<StagedFiles | StorageError> {
  try {
    queue.prepare();
    await removeLeftovers(queue);
    return await queue.stageFiles();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

function write(
  sources: readonly FileSource[],
  files: StagedFiles,
  report: (problem: string) => void,
): readonly Attachment[] {
  const attachments: Attachment[] = [];
  for (const source of sources) {
    reportFailure(report, () => {
      const { name: content, size } = files.write(source.chunks(), source.name);
      attachments.push({ name: source.name, type: source.type, size, ...source.imageSize, content });
    });
  }
  return attachments;
}

/** Runs file operations. If they fail, reports the reason and returns false. */
function reportFailure(report: (problem: string) => void, operations: () => void): boolean {
  try {
    operations();
    return true;
  } catch (error) {
    if (!(error instanceof InvalidNotificationError || error instanceof StorageError)) throw error;
    report(error.message);
    return false;
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

/** The stored files of a plan. */
export interface PlanFiles {
  readonly attachments: readonly Attachment[];
  /** A problem for each file that could not be attached. @default none */
  readonly problems?: readonly string[];
  /** The whole message, if it needs a file. */
  readonly fullText?: FullText;
}

/** The length of the excerpt of a message that is stored as a file, in UTF-8 bytes. */
const EXCERPT_BYTES = 8 * 1024;

/**
 * Adds stored files to a plan: to the message itself or as separate messages, depending on the
 * channel.
 */
export function splitPlan(
  plan: Plan,
  { attachments: given, problems: ofFiles = [], fullText }: PlanFiles,
  channels: ReadonlyMap<string, Pick<Channel, "attachmentMode">>,
): Plan {
  const findMode = ({ channel }: Envelope) => channels.get(channel)?.attachmentMode;
  const split = (envelope: Envelope) => {
    const problems = [...envelope.notification.problems ?? [], ...ofFiles];
    const isCut = fullText?.channels.has(envelope.channel);
    const isLong = fullText !== undefined && isTooLongToQueue(envelope.notification);
    const attachments = fullText && isCut ? [fullText.file, ...given] : given;
    const notification = {
      ...envelope.notification,
      ...(fullText && (isCut || isLong) ? { fullText: fullText.file } : {}),
      ...(isLong ? { message: cutToBytes(envelope.notification.message, EXCERPT_BYTES) } : {}),
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
    if (findMode(envelope) === "inline") return all;
    const { content } = envelope.notification.file ?? {};
    return [all.find(({ notification: { file } }) => content !== undefined && file?.content === content) ?? all[0]];
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
