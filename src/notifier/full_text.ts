/**
 * Long messages. A message that is too long for the queue is stored as a file. If a message is too
 * long for a service, the channel sends a cut message. If the channel can send files, it also sends
 * the whole message as a file.
 *
 * ```text
 * up to the limit of the service   the channel sends the message
 * longer                           the channel sends a cut message, and the whole message as a file
 * more than 48 KiB                 the queue contains an excerpt, and the name of the stored file
 * ```
 *
 * @module
 */

import type { Channel, Envelope } from "../channels/channel.ts";
import { type RenderedMessage, renderMessage } from "../channels/message.ts";
import { estimateTextChars, MAX_HTML_CHARS } from "../markup/markup.ts";
import { byteLength, cutToBytes } from "../notification/cut.ts";
import { withResolution } from "../notification/incident.ts";
import { type Attachment, type AttachmentInput, MAX_QUEUED_BYTES, withProblems } from "../notification/notification.ts";
import type { Format, Notification } from "../notification/notification.ts";
import type { Plan } from "../routing/route.ts";

/** A stored message, and the channels that send it as a file. */
export interface FullText {
  readonly file: Attachment;
  readonly channels: ReadonlySet<string>;
}

/** A whole message, and the channels that send it as a file. */
export interface FullTextInput {
  readonly file: AttachmentInput & { readonly name: string };
  readonly channels: ReadonlySet<string>;
}

/** The duration of an incident that has the longest text: `99999 d 23 h`. */
const LONGEST_INCIDENT_MS = (99_999 * 24 + 23) * 3_600_000;

/** The file name and the media type for a whole message, by the format of the message. */
const FILES: Readonly<Record<Format, { readonly name: string; readonly type: string }>> = {
  text: { name: "message.txt", type: "text/plain" },
  code: { name: "output.txt", type: "text/plain" },
  markdown: { name: "message.md", type: "text/markdown" },
  html: { name: "message.html", type: "text/html" },
};

/** Creates the file with the whole message of a notification. */
export function toFullTextFile({ message, format }: Notification): FullTextInput["file"] {
  return { bytes: new TextEncoder().encode(message), ...FILES[format] };
}

/** Returns true if the message of a notification is too long for the queue. */
export function isTooLongToQueue({ message }: Notification): boolean {
  return 3 * message.length > MAX_QUEUED_BYTES && byteLength(message) > MAX_QUEUED_BYTES;
}

/** Cuts the messages of a plan that are too long for the queue. */
export function cutToQueue(plan: Plan): Plan {
  const cut = (envelope: Envelope): Envelope => {
    const message = cutToBytes(envelope.notification.message, MAX_QUEUED_BYTES);
    return { ...envelope, notification: { ...envelope.notification, message } };
  };
  const envelopes = new Map(plan.envelopes.map((envelope) => [envelope, cut(envelope)]));
  const fallbacks = plan.fallbacks.map(({ envelope, primaries }) => ({
    envelope: cut(envelope),
    primaries: primaries.map((primary) => ({
      ...primary,
      envelope: envelopes.get(primary.envelope) ?? primary.envelope,
    })),
  }));
  return { ...plan, envelopes: [...envelopes.values()], fallbacks };
}

/**
 * Finds the channels that cut the message of a plan and can send the whole message as a file.
 *
 * @param problems the problems that the notifications will show besides their own
 */
export async function findChannelsThatCut(
  { envelopes, fallbacks }: Plan,
  channels: ReadonlyMap<string, Channel>,
  problems: readonly string[] = [],
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>(), cut = new Set<string>();
  let estimate: RenderedMessage | undefined, rendered: RenderedMessage | undefined;
  for (const { channel: name, notification } of [...envelopes, ...fallbacks.map(({ envelope }) => envelope)]) {
    const channel = channels.get(name);
    if (channel === undefined || seen.has(name) || notification.message === "") continue;
    seen.add(name);
    if (channel.attachmentMode === undefined || channel.refusesFiles?.()) continue;
    const longest = withResolution(withProblems(notification, problems), LONGEST_INCIDENT_MS);
    estimate ??= estimateText(notification);
    if (estimate !== undefined && channel.hasRoomFor(longest, estimate)) continue;
    // HTML is rendered only now. Otherwise, the alert would reach the disk only after the library
    // for HTML was loaded. In the other formats, the estimate is exact.
    if (notification.format === "html") {
      rendered ??= await renderMessage(notification, () => {});
      if (channel.hasRoomFor(longest, rendered)) continue;
    }
    cut.add(name);
  }
  return cut;
}

/**
 * Returns a message whose text is at least as long as the plain text of a notification: its source,
 * or a longer text for HTML. Returns undefined if the HTML must be rendered, because its text may be
 * very long.
 */
function estimateText({ message, format }: Notification): RenderedMessage | undefined {
  if (format !== "html") return { text: message, html: "" };
  const chars = estimateTextChars(message);
  return chars <= MAX_HTML_CHARS ? { text: message.padEnd(chars), html: "" } : undefined;
}
