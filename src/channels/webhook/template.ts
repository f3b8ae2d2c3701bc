/**
 * The template of a webhook's body: JSON whose texts contain placeholders. Placeholders are
 * replaced after the JSON is parsed, so a subject cannot change the structure of the JSON.
 *
 * @module
 */

import type { Fields } from "../../base/fields.ts";
import { nearest } from "../../base/nearest.ts";

/** The values of the placeholders. */
export interface Values {
  /** The id of the notification, which is the same for every attempt. */
  readonly id: string;
  /** The name of the host. */
  readonly identity: string;
  readonly origin: string | null;
  readonly severity: string;
  readonly subject: string;
  /** The title: the subject with the name of the host and a symbol for the severity. */
  readonly title: string;
  /** The message as plain text. */
  readonly message: string;
  /** The complete text: title, message, link and note, as plain text. */
  readonly text: string;
  readonly link: string | null;
  readonly key: string | null;
  /** True if the notification resolves its incident. */
  readonly resolves: boolean;
  readonly silent: boolean;
  /** The time when the notification was created, in ISO 8601 with the offset. */
  readonly time: string;
  /** The time when the notification was created, in seconds since 1970. */
  readonly unix: number;
  /**
   * Notes about a delay or about replaced notifications, one note per line. Null if there are no
   * notes.
   */
  readonly note: string | null;
}

/** A JSON value whose texts may contain placeholders. */
export type Template = null | boolean | number | string | readonly Template[] | { readonly [key: string]: Template };

/** The default body. */
export const DEFAULT_BODY: Template = {
  ...{ id: "{{id}}", identity: "{{identity}}", origin: "{{origin}}", severity: "{{severity}}", key: "{{key}}" },
  ...{ resolves: "{{resolves}}", title: "{{title}}", subject: "{{subject}}", message: "{{message}}" },
  ...{ link: "{{link}}", silent: "{{silent}}", time: "{{time}}", note: "{{note}}" },
};

const NAMES: ReadonlySet<string> = new Set<keyof Values>([
  ...["id", "identity", "origin", "severity", "subject", "title", "message", "text", "link", "key", "silent"] as const,
  ...["resolves", "time", "unix", "note"] as const,
]);

const PLACEHOLDER_REGEXP = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Reads a template.
 *
 * @throws {ConfigError} if the value is not a JSON object or array, or contains an unknown
 * placeholder
 */
export function readTemplate(fields: Fields, key: string): Template | undefined {
  const value = fields.value(key);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) {
    throw fields.error(
      key,
      "it must be a JSON object or array",
      'write it without quotes around it, for example { "text": "{{subject}}" }',
    );
  }
  return check(value, (problem, hint) => fields.error(key, problem, hint));
}

/**
 * Replaces the placeholders. If a text is only a placeholder, the result is the value itself: a
 * text, number, boolean or null.
 */
export function fillTemplate(template: Template, values: Values): Template {
  if (typeof template === "string") return fillText(template, values);
  if (isList(template)) return template.map((part) => fillTemplate(part, values));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, fillTemplate(part, values)]));
}

function fillText(text: string, values: Values): Template {
  const valueOf = (name: string) => values[name as keyof Values];
  const [whole, name] = new RegExp(PLACEHOLDER_REGEXP.source).exec(text) ?? [];
  if (whole === text && name !== undefined) return valueOf(name);
  return text.replace(PLACEHOLDER_REGEXP, (_, name) => String(valueOf(name) ?? ""));
}

/** Checks a template. A program that uses the library may pass a value that is not JSON. */
function check(value: unknown, error: (problem: string, hint?: string) => Error): Template {
  if (typeof value === "string") return checkText(value, error);
  if (value === null || typeof value === "boolean" || typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((part) => check(part, error));
  if (typeof value === "object" && !("toJSON" in value)) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, check(part, error)]));
  }
  throw error(`${typeof value === "object" ? "an object with toJSON()" : String(value)} in it is not JSON`);
}

function checkText(text: string, error: (problem: string, hint?: string) => Error): string {
  for (const [whole, name] of text.matchAll(PLACEHOLDER_REGEXP)) {
    if (NAMES.has(name)) continue;
    const near = nearest(name, NAMES);
    throw error(
      `${whole} is not a known placeholder`,
      near ? `did you mean {{${near}}}?` : `known: ${[...NAMES].join(", ")}`,
    );
  }
  if (text.replace(PLACEHOLDER_REGEXP, "").includes("{{")) {
    throw error('it contains a "{{" without a "}}"', "a placeholder is written as {{subject}}");
  }
  return text;
}

/** Checks for an array. The type of `Array.isArray` does not support readonly arrays. */
function isList(template: Template): template is readonly Template[] {
  return Array.isArray(template);
}
