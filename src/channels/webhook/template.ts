/**
 * The template of a webhook's body: JSON whose texts contain placeholders. Placeholders are
 * replaced as values, never as pieces of JSON, so a subject cannot change the structure around it.
 *
 * @module
 */

import type { Fields } from "../../base/fields.ts";
import { nearest } from "../../base/nearest.ts";

/** The values of the placeholders. */
export interface Values {
  /** The same on every try. */
  readonly id: string;
  /** The host's name. */
  readonly identity: string;
  readonly origin: string | null;
  readonly severity: string;
  readonly subject: string;
  /** The message as plain text. */
  readonly message: string;
  /** The whole as plain text: subject, message, link, note. */
  readonly text: string;
  readonly link: string | null;
  readonly key: string | null;
  /** Whether the notification resolves its incident. */
  readonly resolves: boolean;
  readonly silent: boolean;
  /** When the notification was created, in ISO 8601. */
  readonly time: string;
  /** The same in seconds since 1970. */
  readonly unix: number;
  /**
   * Notes for the reader, a line each: how late it is, what it replaces. Null if there are none.
   */
  readonly note: string | null;
}

/** A JSON value whose texts may contain placeholders. */
export type Template = null | boolean | number | string | readonly Template[] | { readonly [key: string]: Template };

/** The body, if none is configured. */
export const DEFAULT_BODY: Template = {
  ...{ id: "{{id}}", identity: "{{identity}}", origin: "{{origin}}", severity: "{{severity}}" },
  ...{ subject: "{{subject}}", message: "{{message}}", link: "{{link}}", silent: "{{silent}}" },
  ...{ time: "{{time}}", note: "{{note}}" },
};

const NAMES: ReadonlySet<string> = new Set<keyof Values>([
  ...["id", "identity", "origin", "severity", "subject", "message", "text", "link", "key", "silent"] as const,
  ...["resolves", "time", "unix", "note"] as const,
]);

const PLACEHOLDER_REGEXP = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Reads a template.
 *
 * @throws {ConfigError} if it is not a JSON object or array, or has an unknown placeholder
 */
export function readTemplate(fields: Fields, key: string): Template | undefined {
  const value = fields.value(key);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) {
    throw fields.error(key, "it must be a JSON object or array", "write it as JSON, not as a text with JSON in it");
  }
  return check(value, (problem, hint) => fields.error(key, problem, hint));
}

/**
 * Replaces the placeholders. A text that is only a placeholder becomes its value, which may be a
 * number, true, false or null.
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

/** A value that is not JSON can come from a program that uses the library. */
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
      `there is no placeholder ${whole}`,
      near ? `did you mean {{${near}}}?` : `known: ${[...NAMES].join(", ")}`,
    );
  }
  if (text.replace(PLACEHOLDER_REGEXP, "").includes("{{")) {
    throw error('there is a "{{" without its "}}" in it', "a placeholder is written as {{subject}}");
  }
  return text;
}

/** `Array.isArray` does not know readonly arrays. */
function isList(template: Template): template is readonly Template[] {
  return Array.isArray(template);
}
