/** The content repository (Client-Server API, "Content repository"). */

import { NotTheServiceError } from "../base/errors.ts";
import { MatrixError, missingField } from "./errors.ts";
import { type MatrixClient, type MatrixRequest, request } from "./request.ts";

/** A file to be uploaded. */
export interface Upload {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its media type. */
  readonly type: string;
  /** How it is called. */
  readonly name: string;
}

type Patience = Pick<MatrixRequest, "timeoutMs" | "signal">;

/**
 * Uploads a file: `POST /_matrix/media/v3/upload`. There is no transaction: whoever uploads again has another copy there, which nobody sees.
 *
 * @returns its `mxc://` address
 * @throws whatever {@linkcode request} throws
 */
export async function uploadMedia(client: MatrixClient, upload: Upload, options: Patience): Promise<string> {
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
 * The largest upload that the server takes, in bytes: `GET /_matrix/client/v1/media/config`, or its older place.
 *
 * @returns undefined when it does not say
 * @throws whatever {@linkcode request} throws, but for what says that there is nothing of that kind
 */
export async function maxUploadBytes(client: MatrixClient, options: Patience): Promise<number | undefined> {
  for (const api of ["/_matrix/client/v1/media", "/_matrix/media/v3"]) {
    try {
      const size = (await request(client, { ...options, method: "GET", api, path: ["config"] }))["m.upload.size"];
      return typeof size === "number" && size > 0 ? size : undefined;
    } catch (error) {
      // Servers before v1.11 of the specification know the older place alone, and some proxies do not pass it on.
      const { status } = error instanceof MatrixError || error instanceof NotTheServiceError ? error : { status: 0 };
      if (![403, 404, 405].includes(status)) throw error;
    }
  }
}

/** The content of an `m.room.message` event that shows a file. */
export interface MediaContent {
  readonly msgtype: "m.image" | "m.audio" | "m.video" | "m.file";
  /** The same as `filename`: there is no caption. */
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
  /** Always there, so that no client looks for names in the body. */
  readonly "m.mentions": Readonly<Record<string, unknown>>;
  /** Our own id, by which an event is found again in a room. */
  readonly "dev.matrix-notify.id": string;
}
