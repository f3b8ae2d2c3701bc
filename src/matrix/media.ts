/** The content repository (Client-Server API, "Content repository"). */

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
 * Uploads a file: `POST /_matrix/media/v3/upload`. It has no transaction id: a second upload
 * creates a second copy.
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
 * Reads the largest upload that the server accepts, in bytes: `GET
 * /_matrix/client/v1/media/config`, or its older path.
 *
 * @returns undefined if the server does not say
 * @throws the errors of {@linkcode request}, except those for a missing endpoint
 */
export async function maxUploadBytes(client: MatrixClient, options: RequestOptions): Promise<number | undefined> {
  for (const api of ["/_matrix/client/v1/media", "/_matrix/media/v3"]) {
    try {
      const size = (await request(client, { ...options, method: "GET", api, path: ["config"] }))["m.upload.size"];
      return typeof size === "number" && size > 0 ? size : undefined;
    } catch (error) {
      // Servers before v1.11 of the specification have the older path only, and some proxies do not
      // forward it.
      const { status } = error instanceof MatrixError || error instanceof NotTheServiceError ? error : { status: 0 };
      if (![403, 404, 405].includes(status)) throw error;
    }
  }
}

/** The content of an `m.room.message` event that shows a file. */
export interface MediaContent {
  readonly msgtype: "m.image" | "m.audio" | "m.video" | "m.file";
  /** The same as `filename`, which means that there is no caption. */
  readonly body: string;
  readonly filename: string;
  /** `mxc://` */
  readonly url: string;
  readonly info: {
    readonly mimetype: string;
    readonly size: number;
    readonly w?: number;
    readonly h?: number;
  };
  /** Always present, so that no client searches the body for names. */
  readonly "m.mentions": Readonly<Record<string, unknown>>;
  /** Our own id, by which `findEvent` finds the event. */
  readonly "dev.matrix-notify.id": string;
}
