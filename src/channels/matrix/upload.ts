/**
 * Uploads a file for a Matrix room. Then an event with the transaction id of the entry shows the
 * file. Repeating an upload is harmless, because users do not see a file without an event.
 *
 * @module
 */

import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import { InvalidNotificationError, NotTheServiceError, ResponseError } from "../../base/errors.ts";
import { MatrixError } from "../../matrix/errors.ts";
import { maxUploadBytes, type MediaContent, uploadMedia } from "../../matrix/media.ts";
import type { MatrixClient } from "../../matrix/request.ts";
import type { Attachment } from "../../notification/notification.ts";
import { formatBytes } from "../../notification/render.ts";
import type { SendOptions } from "../channel.ts";
import type { FileReader } from "../kind.ts";

/** Options for an upload. */
export interface UploadOptions extends Pick<SendOptions, "txnId" | "timeoutMs" | "signal"> {
  readonly files: FileReader;
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
  { files, txnId, timeoutMs, signal }: UploadOptions,
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
    "dev.matrix-notify.id": txnId,
  };
}

/**
 * Uploads a file. If the server will never accept the file, the error has the class `rejected`, so
 * that later entries do not wait.
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
  // A proxy that blocks uploads does not answer like a homeserver.
  if (error instanceof NotTheServiceError) return [403, 404, 405, 413].includes(status);
  if (status < 400 || status >= 500 || status === 408 || error.failureClass === "rate-limited") return false;
  // A limit of the server, such as a quota for media, must not delay the texts after this file.
  return error.failureClass !== "credentials" || error.errcode === "M_RESOURCE_LIMIT_EXCEEDED";
}

function msgtypeOf(type: string): MediaContent["msgtype"] {
  // An SVG image can contain a script, and clients show only common image types. So an SVG image is
  // sent as a file.
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
