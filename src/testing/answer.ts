/** What a loopback server answers, before it becomes bytes. */

/** A whole HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** An answer in JSON. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/** A page for people, as proxies and captive portals serve it. */
export function pageAnswer(status: number, title: string): Answer {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  return { status, headers: { "content-type": "text/html; charset=utf-8" }, body };
}

/** An error of the Client-Server API: `{errcode, error}` and what else belongs to it. */
export function matrixError(status: number, errcode: string, error: string, more: object = {}): Answer {
  return jsonAnswer(status, { errcode, error, ...more });
}
