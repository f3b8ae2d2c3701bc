/** The settings of a webhook channel. */

import { Fields } from "../../base/fields.ts";
import type { Secret } from "../../base/secret.ts";
import { insecureHttp, readSecret, SECRET_FORMS, secretUrl } from "../fields/server.ts";
import { choice, integer, setting, type SettingsOf } from "../fields/setting.ts";
import { DEFAULT_BODY, readTemplate, type Template } from "./template.ts";

/** The pattern of the name of a header (RFC 9110, section 5.6.2). */
const NAME_REGEXP = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;

/** The headers that matrix-notify or the HTTP client sets. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "trailer"],
  "idempotency-key",
]);

/** The table of settings. */
export const WEBHOOK_SETTINGS = {
  url: secretUrl({
    help: "the complete address; it is treated as a secret",
    examples: ["https://example.org/hook"],
  }),
  insecureHttp: insecureHttp(),
  method: choice({ help: "the HTTP method", examples: ["PUT"], values: ["POST", "PUT"], default: "POST" }),
  headers: setting<ReadonlyMap<string, Secret>>({
    help: "HTTP headers, by name",
    examples: [{ "X-Team": "ops" }],
    optional: true,
    isSecret: true,
    schema: {
      type: "object",
      propertyNames: { pattern: NAME_REGEXP.source },
      additionalProperties: { type: "string", pattern: SECRET_FORMS.header.pattern },
    },
    read: readHeaders,
  }),
  headerFiles: setting<void>({
    help: "files that contain the values of HTTP headers, by the name of the header",
    examples: [{ Authorization: "/etc/matrix-notify/authorization" }],
    optional: true,
    schema: {
      type: "object",
      propertyNames: { pattern: NAME_REGEXP.source },
      additionalProperties: { type: "string", pattern: "\\S" },
    },
    // This parser does nothing, because the parser of `headers` also reads the files of
    // `headerFiles`.
    read() {},
  }),
  body: setting<Template>({
    help: "the JSON to send; its texts may contain placeholders such as `{{subject}}`",
    examples: [{ text: "{{text}}" }],
    optional: true,
    mayContainSecrets: true,
    schema: { type: ["object", "array"] },
    read: (fields, key) => readTemplate(fields, key) ?? DEFAULT_BODY,
  }),
  maxChars: integer({
    help: "the longest `{{message}}` and `{{text}}`, in UTF-16 code units; a longer text is cut, with a note",
    examples: [2000],
    // A smaller limit would not leave enough space for the note that says how much was cut. In
    // {{text}}, the subject and the link also need space.
    min: 100,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
  }),
};

/** The parsed settings. */
export type WebhookSettings = SettingsOf<typeof WEBHOOK_SETTINGS>;

/** Reads `headers` and `headerFiles`. */
function readHeaders(fields: Fields): ReadonlyMap<string, Secret> {
  const values = Object.fromEntries(fields.objects("headers"));
  const files = Object.fromEntries(fields.objects("headerFiles"));
  const headers = new Map<string, Secret>();
  for (const name of new Set([...Object.keys(values), ...Object.keys(files)])) {
    const key = name in values ? "headers" : "headerFiles";
    if (!NAME_REGEXP.test(name)) throw fields.error(key, `"${name}" is not the name of a header`);
    if (RESERVED.has(name.toLowerCase())) throw fields.error(key, `${name} cannot be set`);
    if ([...headers.keys()].some((other) => other.toLowerCase() === name.toLowerCase())) {
      throw fields.error(key, `${name} is set twice`);
    }
    const names = { [`${name}File`]: `${fields.formatName("headerFiles")}.${name}` };
    const header = new Fields(
      { [name]: values[name], [`${name}File`]: files[name] },
      fields.formatName("headers"),
      names,
    );
    const secret = readSecret(header, name, SECRET_FORMS.header.problemOf);
    if (secret !== undefined) headers.set(name, secret);
  }
  return headers;
}
