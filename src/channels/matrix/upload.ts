/**
 * Uploads a file for a Matrix room. After the upload, matrix-notify sends an event that shows the
 * file. Repeating an upload is harmless, because users see a file only if an event refers to it.
 *
 * @module
 */

import { formatBytes } from "../../base/count.ts";
import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { InvalidNotificationError, NotTheServiceError, ResponseError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { maxUploadBytes, type MediaContent, type OwnFields, uploadMedia } from "../../matrix/events.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import type { Attachment } from "../../notification/notification.ts";
import type { SendOptions } from "../channel.ts";
import type { FileReader } from "../kind.ts";

/** Options for an upload. */
export interface UploadOptions extends Pick<SendOptions, "timeoutMs" | "signal"> {
  readonly files: FileReader;
  /** The fields of the event for programs. */
  readonly own: OwnFields;
}

/**
 * Uploads a file.
 *
 * @returns the content of the event that shows the file
 * @throws {InvalidNotificationError} if the file is missing or has changed, or if it is larger than
 * the server accepts
 * @throws {ResponseError} if the server refuses the file; the class is `rejected` if the refusal is
 * permanent
 * @throws any error of a request
 */
export async function uploadedContent(
  client: MatrixClient,
  file: Attachment,
  { files, own, timeoutMs, signal }: UploadOptions,
): Promise<MediaContent> {
  const { name, type, size, width, height } = file;
  const bytes = await files.read(file);
  const most = await maxUploadBytes(client, { timeoutMs, signal });
  if (most !== undefined && size > most) {
    const host = new URL(client.baseUrl).host;
    throw new InvalidNotificationError(
      `Cannot send ${name}: its size is ${formatBytes(size)}, and ${host} accepts at most ${formatBytes(most)}`,
    );
  }
  const patience = { timeoutMs: timeoutWithAttachments(timeoutMs, [file]), signal };
  const url = await upload(client, { bytes, type, name }, patience);
  return {
    msgtype: msgtypeOf(type),
    body: name,
    filename: name,
    url,
    info: { mimetype: type, size, ...(width === undefined ? {} : { w: width, h: height }) },
    "m.mentions": {},
    ...own,
  };
}

/**
 * Uploads a file. If the server will never accept the file, throws an error of the class
 * `rejected`. Such an error does not delay later notifications.
 */
async function upload(...[client, file, options]: Parameters<typeof uploadMedia>): Promise<string> {
  try {
    return await uploadMedia(client, file, options);
  } catch (error) {
    if (!(error instanceof MatrixError || error instanceof NotTheServiceError) || !isForGood(error)) throw error;
    const refusal = {
      status: error.status,
      errcode: "errcode" in error ? error.errcode : undefined,
      failureClass: "rejected",
    } as const;
    throw new ResponseError(`Cannot upload ${file.name}: ${error.message}`, refusal, { cause: error });
  }
}

function isForGood(error: MatrixError | NotTheServiceError): boolean {
  const { status } = error;
  // A proxy between this host and the homeserver may block uploads. Its answer is not JSON from
  // Matrix.
  if (error instanceof NotTheServiceError) return [403, 404, 405, 413].includes(status);
  if (status < 400 || status >= 500 || status === 408 || error.failureClass === "rate-limited") return false;
  // If the server limits uploads (for example, by a quota for media), the file is rejected. The
  // text messages after this file are not delayed.
  return error.failureClass !== "credentials" || error.errcode === "M_RESOURCE_LIMIT_EXCEEDED";
}

function msgtypeOf(type: string): MediaContent["msgtype"] {
  // An SVG image is sent as an ordinary file, because it can contain a script.
  if (type === "image/svg+xml") return "m.file";
  switch (type.split("/")[0]) {
    case "image":
      return "m.image";
    case "audio":
      return "m.audio";
    case "video":
      return "m.video";
    default:
      return "m.file";
  }
}
