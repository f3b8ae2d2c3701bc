/** A file in an ntfy topic (its documentation, "Attach local file"): the request's body; what else is said stands in the query, which knows every character. */

import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import type { HttpRequest } from "../../runtime/http.ts";
import type { Attachment } from "../../notification/notification.ts";
import type { FileReader } from "../kind.ts";

/** What is known of the file and where it goes. */
export interface NtfyFile {
  readonly file: Attachment;
  readonly files: FileReader;
  readonly title: string;
  readonly priority: number;
  /** The same on every try. */
  readonly txnId: string;
  readonly timeoutMs: number;
}

/**
 * The request that publishes a file.
 *
 * @param topicUrl the topic's address
 * @throws {InvalidNotificationError} when it is not there any more
 */
export async function fileRequest(
  topicUrl: string,
  { file, files, title, priority, txnId, timeoutMs }: NtfyFile,
): Promise<Pick<HttpRequest, "method" | "url" | "headers" | "body" | "timeoutMs">> {
  const query = new URLSearchParams({ filename: file.name, title, priority: String(priority), sequence_id: txnId });
  return {
    method: "PUT",
    url: `${topicUrl}?${query}`,
    headers: { "Content-Type": file.type },
    body: await files.read(file),
    timeoutMs: timeoutWithAttachments(timeoutMs, [file]),
  };
}
