/**
 * Decrypts an uploaded file (Client-Server API, "Sending encrypted attachments"). matrix-commander
 * encrypts every file, even for rooms without encryption. The message contains the key. This module
 * is loaded only when an encrypted file arrives.
 *
 * @module
 */

import type { AttachmentInput, NotificationInput } from "../../../notification/notification.ts";
import { propertyOf, textAt } from "../values.ts";

/**
 * Replaces the attachment of a notification with the decrypted file.
 *
 * @param file the field `file` of the message
 * @param read returns the bytes of an upload
 */
export async function withDecryptedFile(
  { attachments: [attachment, ...others] = [], ...input }: NotificationInput,
  file: unknown,
  read: (path: string) => Uint8Array<ArrayBuffer>,
): Promise<NotificationInput> {
  if (attachment?.path === undefined) return input;
  const { path, ...rest } = attachment;
  try {
    const decrypted: AttachmentInput = { ...rest, bytes: await decrypt(read(path), file) };
    return { ...input, attachments: [decrypted, ...others] };
  } catch {
    const problems = [...input.problems ?? [], `Cannot attach ${rest.name}: it cannot be decrypted`];
    return { ...input, ...others.length === 0 ? {} : { attachments: others }, problems };
  }
}

async function decrypt(bytes: Uint8Array<ArrayBuffer>, file: unknown): Promise<Uint8Array> {
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64({ omitPadding: true });
  if (sha256 !== withoutPadding(textAt(propertyOf(file, "hashes"), "sha256"))) throw new Error("The hash is wrong");
  const k = withoutPadding(textAt(propertyOf(file, "key"), "k"));
  const key = await crypto.subtle.importKey("jwk", { kty: "oct", alg: "A256CTR", k }, "AES-CTR", false, ["decrypt"]);
  const counter = Uint8Array.fromBase64(withoutPadding(textAt(file, "iv")));
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, key, bytes));
}

function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, "");
}
