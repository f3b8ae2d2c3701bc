/**
 * Explains why an ntfy server refused a file with the error code 41301. Either the file is larger
 * than the limit for one file, or the space for files or the daily volume is used up. The limits
 * come from `GET /v1/account` (ntfy API).
 */

import { formatBytes } from "../../base/count.ts";
import { ResponseError } from "../../base/errors.ts";
import { isObject, parseJsonObject } from "../../base/fields.ts";
import { formatDuration } from "../../base/duration.ts";
import type { Attachment } from "../../notification/notification.ts";
import { exchange, type HttpRequest, type HttpRuntime, readDuration } from "../../runtime/http.ts";

/** A refused file, and the options of the request that asks for the limits of the user. */
export interface RefusedFile extends Pick<HttpRequest, "url" | "headers" | "timeoutMs" | "signal"> {
  readonly file: Pick<Attachment, "name" | "size">;
  readonly error: ResponseError;
}

/**
 * Creates the error for a refused file. The class of this error is `rejected`, so that later
 * messages do not wait for the file. If the limits cannot be read, returns the error of the server.
 */
export async function explainRefusedFile(runtime: HttpRuntime, refused: RefusedFile): Promise<ResponseError> {
  const { file, error, ...request } = refused;
  const answer = await exchange(runtime, { method: "GET", ...request }).catch(() => undefined);
  const { limits, stats } = parseJsonObject(answer?.text ?? "") ?? {};
  const maxBytes = numberOf(limits, "attachment_file_size");
  const leftBytes = numberOf(stats, "attachment_total_size_remaining");
  const expiryMs = readDuration(numberOf(limits, "attachment_expiry_duration"), 1000);
  if (maxBytes === undefined || leftBytes === undefined || expiryMs === undefined) return error;
  const what = `Cannot send ${file.name} (${formatBytes(file.size)})`;
  const again = "then run: matrix-notify queue retry";
  const [state, hint] = file.size > maxBytes
    ? [`the limit of the server is ${formatBytes(maxBytes)} per file`, "send a smaller file"]
    : file.size > leftBytes
    ? [
      `only ${formatBytes(leftBytes)} of the space for files is free on the server`,
      `files are deleted after ${formatDuration(expiryMs)}; ${again}`,
    ]
    : ["the daily volume of files, or the space of the server, is used up", `wait until tomorrow, ${again}`];
  const { status, errcode } = error;
  return new ResponseError(`${what}: ${state}`, { status, errcode, failureClass: "rejected", hint }, { cause: error });
}

/** Returns a number of bytes or seconds; undefined if the server sent something else. */
function numberOf(value: unknown, key: string): number | undefined {
  const number = isObject(value) ? value[key] : undefined;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
