/**
 * The template of a webhook's body: JSON whose texts hold placeholders. They are filled in as values and never as pieces of JSON, so that no subject can
 * change what is said around it.
 *
 * @module
 */

import type { Fields } from "../../base/fields.ts";
import { nearest } from "../../base/nearest.ts";

/** What placeholders stand for. */
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
  /** Everything as plain text: subject, message, link, note on lateness. */
  readonly text: string;
  readonly link: string | null;
  readonly key: string | null;
  /** Whether what the key is about is over. */
  readonly resolves: boolean;
  readonly silent: boolean;
  /** When it was said, as ISO 8601. */
  readonly time: string;
  /** The same in seconds since 1970. */
  readonly unix: number;
  /** What its reader must know besides, a line each: since when it waited, what it took the place of. Null when there is nothing. */
  readonly note: string | null;
}

/** A JSON value whose texts may hold placeholders. */
export type Template = null | boolean | number | string | readonly Template[] | { readonly [key: string]: Template };

/** What is sent when no body is configured. */
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
 * @throws {ConfigError} when it makes no JSON object or array, or names a placeholder that there is not
 */
export function templateField(fields: Fields, key: string): Template | undefined {
  const value = fields.value(key);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) {
    throw fields.error(key, "it must be a JSON object or array", "write it as JSON, not as a text that holds JSON");
  }
  return check(value, (problem, hint) => fields.error(key, problem, hint));
}

/** Fills in a template. A text that is nothing but a placeholder becomes its value, be that a number, true, false or null. */
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

/** Only programs can hand us what is no JSON; a file cannot. */
function check(value: unknown, error: (problem: string, hint?: string) => Error): Template {
  if (typeof value === "string") return checkText(value, error);
  if (value === null || typeof value === "boolean" || typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((part) => check(part, error));
  if (typeof value === "object" && !("toJSON" in value)) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, check(part, error)]));
  }
  throw error(`${typeof value === "object" ? "an object with toJSON()" : String(value)} in it is no JSON`);
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
