/**
 * The uploaded files of a loopback homeserver. The server requires a `Content-Length` header for
 * uploads and a token for downloads, as Synapse does.
 */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { Token } from "./homeserver_types.ts";

/** The default maximum size of an upload in Synapse. */
const DEFAULT_MAX_UPLOAD_BYTES = 50 * 2 ** 20;

/** An uploaded file. */
export interface UploadedMedia {
  /** The `mxc://` URI of the file. */
  readonly uri: string;
  /** The user id of the uploader. */
  readonly sender: string;
  /** The media type. */
  readonly type: string;
  /** The file name. */
  readonly filename: string | undefined;
  /** The content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Stores all uploaded files. */
export class MediaRepository {
  readonly maxUploadBytes: number;
  readonly #uploads = new Map<string, UploadedMedia>();

  constructor(maxUploadBytes: number = DEFAULT_MAX_UPLOAD_BYTES) {
    this.maxUploadBytes = maxUploadBytes;
  }

  /** Returns all files, in the order of their upload. */
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

/** The state that the endpoints for files use. */
interface MediaState {
  readonly media: MediaRepository;
  readonly serverName: string;
}

/** The parts of a request that the endpoints for files use. */
interface MediaRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly token: Token;
}

export function upload({ media, serverName }: MediaState, { bytes, headers, query, token }: MediaRequest): Answer {
  if (headers.get("content-length") === null) {
    return matrixError(400, "M_UNKNOWN", "Request must specify a Content-Length");
  }
  if (bytes.length > media.maxUploadBytes) return matrixError(413, "M_TOO_LARGE", "Upload request body is too large");
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

export function mediaConfig({ media }: MediaState): Answer {
  return jsonAnswer(200, { "m.upload.size": media.maxUploadBytes });
}

export function download({ media }: MediaState, { params }: MediaRequest): Answer {
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
