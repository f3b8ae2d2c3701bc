/**
 * A file in a Matrix room: uploaded, then shown by an event. The upload may be repeated, since nobody sees a copy that no event shows; the event has the
 * entry's transaction id.
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

/** How to upload. */
export interface UploadOptions extends Pick<SendOptions, "txnId" | "timeoutMs" | "signal"> {
  readonly files: FileReader;
}

/**
 * Uploads a file.
 *
 * @returns the content of the event that shows it
 * @throws {InvalidNotificationError} when there is nothing to upload any more, or it is larger than the server takes
 * @throws {ResponseError} when the server refuses it; what it refuses for good says so
 * @throws whatever a request throws
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

/** What is refused for good says so: then the file is not sent, and what is behind it goes on. The text before it went the same way, and was taken. */
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
  // A proxy that does not pass uploads on has its own words for it.
  if (error instanceof NotTheServiceError) return [403, 404, 405, 413].includes(status);
  if (status < 400 || status >= 500 || status === 408 || error.failureClass === "rate-limited") return false;
  // A limit of the server, such as a quota for media, must not hold the texts behind this file.
  return error.failureClass !== "credentials" || error.errcode === "M_RESOURCE_LIMIT_EXCEEDED";
}

function msgtypeOf(type: string): MediaContent["msgtype"] {
  // What is an image for a browser may be a program: clients show the common ones alone.
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
