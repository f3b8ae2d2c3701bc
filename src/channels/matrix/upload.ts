/**
 * Sends a file to a Matrix room: it is uploaded, then an event shows it. An upload may be repeated,
 * because a copy without an event is invisible. The event has the transaction id of the entry.
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
 * @returns the content of the event that shows it
 * @throws {InvalidNotificationError} if the file is gone, or larger than the server accepts
 * @throws {ResponseError} if the server refuses it; with the class `rejected` if it always will
 * @throws what a request throws
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
      `Cannot send ${name}: it has ${formatBytes(size)}, and ${host} takes ${formatBytes(most)} at most`,
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
 * A file that the server will never accept is rejected, so that later entries go on. The text
 * before it was accepted.
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
  // A proxy that blocks uploads answers in its own way.
  if (error instanceof NotTheServiceError) return [403, 404, 405, 413].includes(status);
  if (status < 400 || status >= 500 || status === 408 || error.failureClass === "rate-limited") return false;
  // A limit of the server, such as a quota for media, must not hold the texts behind this file.
  return error.failureClass !== "credentials" || error.errcode === "M_RESOURCE_LIMIT_EXCEEDED";
}

function msgtypeOf(type: string): MediaContent["msgtype"] {
  // An SVG can contain a program, and clients show only the common image types.
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
