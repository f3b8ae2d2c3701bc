/** Uploads to the homeserver (Client-Server API, "Content repository"). */

import { NotTheServiceError } from "../base/errors.ts";
import { MatrixError, missingField } from "./errors.ts";
import { type MatrixClient, request, type RequestOptions } from "./request.ts";

/** A file to upload. */
export interface Upload {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The media type. */
  readonly type: string;
  /** The file name. */
  readonly name: string;
}

/**
 * Uploads a file: `POST /_matrix/media/v3/upload`. The request does not have a transaction id, so a
 * repeated upload creates a second copy.
 *
 * @returns the `mxc://` URI
 * @throws the errors of {@linkcode request}
 */
export async function uploadMedia(client: MatrixClient, upload: Upload, options: RequestOptions): Promise<string> {
  const { bytes, type, name } = upload;
  const answer = await request(client, {
    ...options,
    method: "POST",
    api: "/_matrix/media/v3",
    path: ["upload"],
    query: { filename: name },
    file: { bytes, type },
  });
  const uri = answer.content_uri;
  if (typeof uri === "string" && /^mxc:\/\/[^/\s]{1,255}\/[-\w]{1,255}$/.test(uri)) return uri;
  throw missingField("content_uri");
}

/**
 * Asks the server for the maximum size of an upload, in bytes: `GET
 * /_matrix/client/v1/media/config`, or the older path of this endpoint.
 *
 * @returns undefined if the server does not report a maximum
 * @throws the errors of {@linkcode request}, except the errors of a missing endpoint
 */
export async function maxUploadBytes(client: MatrixClient, options: RequestOptions): Promise<number | undefined> {
  for (const api of ["/_matrix/client/v1/media", "/_matrix/media/v3"]) {
    try {
      const size = (await request(client, { ...options, method: "GET", api, path: ["config"] }))["m.upload.size"];
      return typeof size === "number" && size > 0 ? size : undefined;
    } catch (error) {
      // Servers that support only versions of the specification before 1.11 have only the older
      // path. Some proxies do not forward requests for the newer path.
      const { status } = error instanceof MatrixError || error instanceof NotTheServiceError ? error : { status: 0 };
      if (![403, 404, 405].includes(status)) throw error;
    }
  }
}
