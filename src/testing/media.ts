/** The content repository of a loopback homeserver, as strict as Synapse's: uploads with a length, downloads with a token. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { TokenAsk, World } from "./world.ts";

/** What Synapse takes when nobody says otherwise. */
export const DEFAULT_MAX_UPLOAD_BYTES: number = 50 * 2 ** 20;

/** A file in the content repository. */
export interface UploadedMedia {
  /** Its `mxc://` address. */
  readonly uri: string;
  /** The user id of whoever uploaded it. */
  readonly sender: string;
  /** The media type that it was uploaded with. */
  readonly type: string;
  /** The name that it was uploaded with. */
  readonly filename: string | undefined;
  /** What is in it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The content repository. */
export class MediaRepository {
  readonly maxUploadBytes: number;
  readonly #uploads = new Map<string, UploadedMedia>();

  constructor(maxUploadBytes: number = DEFAULT_MAX_UPLOAD_BYTES) {
    this.maxUploadBytes = maxUploadBytes;
  }

  /** All that was uploaded, in order. */
  get uploads(): readonly UploadedMedia[] {
    return [...this.#uploads.values()];
  }

  add(upload: UploadedMedia): void {
    this.#uploads.set(upload.uri, upload);
  }

  get(uri: string): UploadedMedia | undefined {
    return this.#uploads.get(uri);
  }
}

export function upload({ media, serverName }: World, { bytes, headers, query, token }: TokenAsk): Answer {
  if (headers.get("content-length") === null) {
    return matrixError(400, "M_UNKNOWN", "Request must specify a Content-Length");
  }
  if (bytes.length > media.maxUploadBytes) return matrixError(413, "M_TOO_LARGE", "Upload request body is too large");
  if (bytes.length === 0) return matrixError(400, "M_UNKNOWN", "Content must not be empty");
  const uri = `mxc://${serverName}/${"media".padEnd(20, "x")}${media.uploads.length + 1}`;
  media.add({
    uri,
    sender: token.userId,
    type: headers.get("content-type") ?? "application/octet-stream",
    filename: query.get("filename") ?? undefined,
    bytes,
  });
  return jsonAnswer(200, { content_uri: uri });
}

export function mediaConfig({ media }: World): Answer {
  return jsonAnswer(200, { "m.upload.size": media.maxUploadBytes });
}

export function download({ media }: World, { params }: TokenAsk): Answer {
  const found = media.get(`mxc://${params.serverName}/${params.mediaId}`);
  if (found === undefined) return matrixError(404, "M_NOT_FOUND", "Not found");
  const name = encodeURIComponent(params.fileName ?? found.filename ?? "");
  const disposition = `inline${name === "" ? "" : `; filename*=utf-8''${name}`}`;
  return {
    status: 200,
    headers: { "content-type": found.type, "content-disposition": disposition },
    body: found.bytes,
  };
}
