/** The endpoints of the content repository. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { TokenAsk, World } from "./world.ts";

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
