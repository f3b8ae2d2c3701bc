/**
 * Mappings from the JSON of any sender to a notification. A mapping is a part of the configuration:
 *
 * ```json
 * { "hooks": {
 *   "backup": { "subject": "{{job.name}} ended", "message": "{{job.log}}", "key": "{{job.id}}" }
 * } }
 * ```
 *
 * @module
 */

import type { HookPreset } from "../../config/serve.ts";
import { FORMATS, type NotificationInput } from "../../notification/notification.ts";
import { type Body, readBody } from "./body.ts";
import { readNotification, splitSubject } from "./notify.ts";
import { idempotencyKey, type IncomingNotification, jsonAnswer, type Protocol, refuseAsJson } from "./request.ts";
import { decodeEntities, isTrue, propertyOf, severityOf, textOf } from "./values.ts";

/** The mapping of one hook. The texts are templates with placeholders such as `{{job.name}}`. */
export interface HookMapping {
  readonly subject?: string;
  readonly message?: string;
  readonly severity?: string;
  readonly origin?: string;
  readonly link?: string;
  readonly key?: string;
  readonly id?: string;
  readonly silent?: string;
  readonly format?: string;
  /**
   * True if the sender escapes its text for HTML, as in messages to Slack and Mattermost.
   *
   * @default {false}
   */
  readonly isEscaped?: boolean;
  /** The values that mean that the problem is over. The key of the map is the path of the field. */
  readonly resolves?: ReadonlyMap<string, readonly string[]>;
}

/** Mappings for well-known programs. */
export const HOOK_PRESETS = {
  /**
   * Proxmox VE and Backup Server. The administrator writes the body of the webhook; `docs/serve.md`
   * shows the body that this mapping reads. The key needs `job-id`, which only notifications about
   * jobs contain. Other notifications get no key.
   */
  proxmox: {
    subject: "{{title}}",
    message: "{{message}}",
    severity: "{{severity}}",
    origin: "{{fields.hostname}}",
    key: "{{fields.type}}/{{fields.hostname}}/{{fields.job-id}}",
    resolves: new Map([["severity", ["info", "notice"]]]),
    format: "code",
  },
  /** TrueNAS, whose alert services "Slack" and "Mattermost" can post to any address. */
  truenas: { message: "{{text}}", severity: "warning", origin: "truenas", isEscaped: true },
} as const satisfies Readonly<Record<HookPreset, HookMapping>>;

/** Creates the protocol of a hook. */
export function hookProtocol(name: string, mapping: HookMapping): Protocol {
  return {
    name: `hooks/${name}`,
    read(request) {
      const body = readBody(request, () => true);
      const notification = body.fields === undefined ? undefined : applyMapping(body.fields, mapping, body);
      const id = idempotencyKey(request) ?? notification?.id;
      const found = notification?.input ?? readNotification(request, body).input;
      const input = { ...found, origin: found.origin ?? name };
      return {
        notifications: [id === undefined ? { input } : { input, id }],
        answer: (ids) => jsonAnswer(202, { ids }),
      };
    },
    refuse: refuseAsJson,
  };
}

/** Matches a placeholder: `{{fields.job-id}}`, `{{alerts.0.name}}`. */
const PLACEHOLDER_REGEXP = /\{\{\s*([^{}]+?)\s*\}\}/g;

/**
 * Applies a mapping. Returns undefined if all placeholders in the subject and in the message are
 * empty.
 */
function applyMapping(
  fields: ReadonlyMap<string, unknown>,
  mapping: HookMapping,
  { files }: Body,
): IncomingNotification | undefined {
  const find = (path: string) => findValue(fields, path);
  const fill = (template = "") => template.replace(PLACEHOLDER_REGEXP, (_, path) => textOf(find(path)));
  // A key or an id is left out if one of its placeholders has no value. Otherwise, different
  // problems could have the same key.
  const fillWhole = (template = "") =>
    [...template.matchAll(PLACEHOLDER_REGEXP)].every(([, path]) => textOf(find(path)).trim() !== "")
      ? fill(template).trim()
      : "";
  const texts = [fill(mapping.subject).trim(), fill(mapping.message)];
  const [title, text] = mapping.isEscaped ? texts.map(decodeEntities) : texts;
  const { subject, message } = splitSubject(title, text);
  const hasContent = [mapping.subject, mapping.message].some((template = "") =>
    [...template.matchAll(PLACEHOLDER_REGEXP)].some(([, path]) => textOf(find(path)).trim() !== "")
  );
  if (!hasContent) return undefined;
  const given = fill(mapping.severity).trim(), severity = severityOf(given);
  const origin = fill(mapping.origin).trim(), link = fill(mapping.link).trim(), key = fillWhole(mapping.key);
  const format = FORMATS.find((known) => known === fill(mapping.format).trim());
  const resolves = key !== "" &&
    [...mapping.resolves ?? []].some(([path, values]) =>
      values.some((value) => value.toLowerCase() === textOf(find(path)).trim().toLowerCase())
    );
  const input: NotificationInput = {
    subject,
    message,
    ...severity === undefined ? {} : { severity },
    ...origin === "" ? {} : { origin },
    ...link === "" ? {} : { link },
    ...key === "" ? {} : { key },
    ...resolves ? { resolves } : {},
    ...isTrue(fill(mapping.silent)) ? { silent: true } : {},
    ...format === undefined ? {} : { format },
    ...files.length === 0 ? {} : { attachments: files },
    ...given !== "" && severity === undefined ? { problems: [`Cannot use severity "${given}": it is not known`] } : {},
  };
  const id = fillWhole(mapping.id);
  return id === "" ? { input } : { input, id };
}

/** Finds the value at a path such as `job.name`. A field with exactly this name has priority. */
function findValue(fields: ReadonlyMap<string, unknown>, path: string): unknown {
  if (fields.has(path)) return fields.get(path);
  const [first, ...rest] = path.split(".");
  return rest.reduce((value: unknown, name) => propertyOf(value, name), fields.get(first));
}
