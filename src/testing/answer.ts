/** Functions that create the HTTP answers of loopback servers. */

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Creates an answer with JSON. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/** Creates an answer with an HTML page. Proxies and captive portals send such pages. */
export function pageAnswer(status: number, title: string): Answer {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  return { status, headers: { "content-type": "text/html; charset=utf-8" }, body };
}

/** Creates an error of the Client-Server API: `{errcode, error}` and the fields of `more`. */
export function matrixError(status: number, errcode: string, error: string, more: object = {}): Answer {
  return jsonAnswer(status, { errcode, error, ...more });
}
