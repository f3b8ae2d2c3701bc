/**
 * Copies the attachments of a notification to the state directory, before the notification is
 * queued. Later attempts read the copies, so the user can delete the original files.
 *
 * @module
 */

import { InvalidNotificationError, StorageError } from "../base/errors.ts";
import type { Channel, Envelope } from "../channels/channel.ts";
import { splitAttachments } from "../notification/attachment_mode.ts";
import { type FileSource, openSources } from "../notification/attachments/source.ts";
import { cutToBytes } from "../notification/cut.ts";
import { type Attachment, type AttachmentInput, withProblems } from "../notification/notification.ts";
import type { StagedFiles } from "../queue/attachments/store.ts";
import type { Entry } from "../queue/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { FallbackEnvelope, Plan } from "../routing/route.ts";
import { type FullText, type FullTextInput, isTooLongToQueue } from "./full_text.ts";

/**
 * The copied attachments in the state directory. Disposing of this object deletes the attachments
 * that no queued entry needs.
 */
export class StagedAttachments implements Disposable {
  readonly #files: StagedFiles | undefined;
  readonly #parts: PlanFiles;

  /** @param files the stored attachments; undefined if no file can be stored */
  constructor(files: StagedFiles | undefined, parts: PlanFiles) {
    this.#files = files;
    this.#parts = parts;
  }

  /**
   * Adds the attachments to a plan. Depending on the channel, each attachment becomes part of the
   * message or a separate message. Also adds a problem for each file that could not be attached.
   */
  addTo(plan: Plan, channels: ReadonlyMap<string, Channel>): Plan {
    return splitPlan(plan, this.#parts, channels);
  }

  /** Keeps the attachments that queued entries need. */
  commit(entries: readonly Entry[]): void {
    this.#files?.keep(entries.flatMap(({ files = [] }) => files));
  }

  /** Deletes the attachments that {@linkcode StagedAttachments.commit} did not keep. */
  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
  }
}

/**
 * Writes attachments to the state directory, and syncs them to disk. Leaves out the files that
 * cannot be used or stored. The notification is then sent without these files.
 *
 * @param inputs the attachments from the caller
 * @param findFullText a function that returns the whole message if it must be sent as a file,
 * because the notification with these problems is too long
 * @param queue the queue in whose state directory the attachments are stored
 * @param warn a function that is called with a sentence about each file that is left out
 */
export async function stageAttachments(
  { attachments: inputs, findFullText }: {
    readonly attachments: readonly AttachmentInput[];
    readonly findFullText: (problems: readonly string[]) => Promise<FullTextInput | undefined>;
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
  const text = await findFullText(problems);
  const files = await prepare(queue);
  if (files instanceof StorageError) {
    for (const { name } of [...text ? [text.file] : [], ...sources]) report(`Cannot attach ${name}: ${files.message}`);
    return new StagedAttachments(undefined, { attachments: [], problems });
  }
  const writeText = ({ file, channels }: FullTextInput): FullText | undefined => {
    const [written] = write(openSources([file], report), files, report);
    return written && { file: written, channels };
  };
  // The whole message is written first, because it is more important than the attachments.
  let fullText = text && writeText(text);
  const known = problems.length;
  const attachments = write(sources, files, report);
  if (problems.length > known) {
    // The new problems make the message longer, so more channels may send it as a file.
    const longer = await findFullText(problems);
    if (text === undefined) fullText = longer && writeText(longer);
    else if (fullText && longer) fullText = { ...fullText, channels: longer.channels };
  }
  if (!reportFailure(report, () => files.confirm())) return new StagedAttachments(files, { attachments: [], problems });
  return new StagedAttachments(files, { attachments, problems, fullText });
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

/** Runs file operations. If an operation fails, reports the reason and returns false. */
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

/**
 * Deletes attachments that killed processes left behind, because these files count towards the size
 * limit.
 */
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
  /** The file with the whole message, if the message is too long for the queue or for a service. */
  readonly fullText?: FullText;
}

/** The length of the excerpt of a message whose full text is stored as a file, in UTF-8 bytes. */
const EXCERPT_BYTES = 8 * 1024;

/**
 * Adds stored files to a plan. Depending on the channel, each file becomes part of the message or a
 * separate message.
 */
export function splitPlan(
  plan: Plan,
  { attachments: given, problems: ofFiles = [], fullText }: PlanFiles,
  channels: ReadonlyMap<string, Pick<Channel, "attachmentMode">>,
): Plan {
  const findMode = ({ channel }: Envelope) => channels.get(channel)?.attachmentMode;
  const split = (envelope: Envelope) => {
    const isCut = fullText?.channels.has(envelope.channel);
    const isLong = fullText !== undefined && isTooLongToQueue(envelope.notification);
    const attachments = fullText && isCut ? [fullText.file, ...given] : given;
    const notification = {
      ...withProblems(envelope.notification, ofFiles),
      ...(fullText && (isCut || isLong) ? { fullText: fullText.file } : {}),
      ...(isLong ? { message: cutToBytes(envelope.notification.message, EXCERPT_BYTES) } : {}),
      ...(attachments.length === 0 ? {} : { attachments }),
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
   * Finds the messages that a fallback message replaces, among the messages of a primary envelope.
   * If the fallback channel sends text and attachments in one message, that message replaces all
   * messages. Otherwise, a text replaces the text, and an attachment replaces the same attachment.
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
