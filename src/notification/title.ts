/**
 * The title of a message: its first line, made from a template. `[{identity}] {symbol}{subject}`
 * becomes `[jump] ❌ Backup failed`. No side effects.
 *
 * @module
 */

import { nearest } from "../base/nearest.ts";
import type { Notification, Severity } from "./notification.ts";

/**
 * The symbols of the severities. The invisible variation selector in the symbol of a warning lets
 * clients show it as an emoji (Unicode Technical Standard 51).
 */
const SEVERITY_SYMBOLS: Readonly<Record<Severity, string>> = {
  info: "",
  warning: "⚠️",
  error: "❌",
  critical: "🚨",
};

/** The default template. */
export const DEFAULT_TITLE = "[{identity}] {symbol}{subject}";

/** The default template for services that show a priority. Their titles do not need a symbol. */
export const TITLE_WITHOUT_SYMBOL = "[{identity}] {subject}";

/** Options of {@linkcode formatTitle}. */
export interface TitleOptions {
  /** The name of this host. */
  readonly identity: string;
  /** The template. @default {@linkcode DEFAULT_TITLE} */
  readonly titleTemplate?: string;
}

/**
 * Returns the symbol that shows the severity of a notification. Returns an empty text in three
 * cases: the severity is info, the subject already begins with the symbol, or the notification
 * resolves an incident (the subject then begins with "✅ Resolved").
 */
export function severitySymbol(
  { severity, resolves, subject }: Pick<Notification, "severity" | "resolves" | "subject">,
): string {
  const symbol = SEVERITY_SYMBOLS[severity];
  return resolves || subject.startsWith(symbol.replace("\ufe0f", "")) ? "" : symbol;
}

/** Returns the value of each placeholder. */
function valuesOf(notification: Pick<Notification, TitleField>, identity: string) {
  const { origin = "", key = "", severity, subject } = notification;
  const symbol = severitySymbol(notification);
  return { identity, symbol: symbol && `${symbol} `, subject, severity, origin, key };
}

type TitleField = "subject" | "severity" | "resolves" | "origin" | "key";
type Placeholder = keyof ReturnType<typeof valuesOf>;

const PLACEHOLDERS: readonly Placeholder[] = ["identity", "symbol", "subject", "severity", "origin", "key"];

const PLACEHOLDER_REGEXP = /\{[^{}]*\}/g;

/**
 * Matches a placeholder. If a pair of brackets contains only the placeholder, the match includes
 * the brackets.
 */
const OPTIONAL_REGEXP = /\[\{[^{}]*\}\]|\(\{[^{}]*\}\)|\{[^{}]*\}/g;

/**
 * Formats the title of a notification. If a placeholder has no value, the brackets around it are
 * left out too. The value of `symbol` ends with a space.
 *
 * @example
 * ```ts
 * import { formatTitle } from "./title.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const failed = { subject: "Backup failed", severity: "error" } as const;
 * assertEquals(formatTitle(failed, { identity: "jump" }), "[jump] ❌ Backup failed");
 * assertEquals(formatTitle(failed, { identity: "jump", titleTemplate: "({origin}) {subject}" }), "Backup failed");
 * ```
 */
export function formatTitle(
  notification: Pick<Notification, TitleField>,
  { identity, titleTemplate = DEFAULT_TITLE }: TitleOptions,
): string {
  const values: Readonly<Record<string, string>> = valuesOf(notification, identity);
  // Remove superfluous spaces only from the template. The subject is shown as it was written.
  return titleTemplate.replace(OPTIONAL_REGEXP, (match) => values[nameIn(match)] === "" ? "" : match)
    .replace(/ {2,}/g, " ").trim()
    .replace(PLACEHOLDER_REGEXP, (match) => values[nameIn(match)])
    .trimEnd();
}

/** Returns the name of the placeholder in a match of {@linkcode OPTIONAL_REGEXP}. */
function nameIn(match: string): string {
  return match.slice(match.indexOf("{") + 1, match.indexOf("}"));
}

/**
 * Formats a title for a message that already shows the subject in its text. The title does not
 * contain the subject. If only `[jump]` is left, the brackets are removed: `jump`.
 */
export function formatTitleBesideSubject(notification: Pick<Notification, TitleField>, options: TitleOptions): string {
  const title = formatTitle({ ...notification, subject: "" }, options);
  return title.replace(/^\[([^[\]]*)\]$/, "$1") || options.identity;
}

/** Checks a template. Returns the problem with a hint; undefined if the template is valid. */
export function titleProblem(template: string): { readonly problem: string; readonly hint: string } | undefined {
  const known = PLACEHOLDERS.map((name) => `{${name}}`).join(", ");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f\u2028\u2029]/.test(template)) {
    return { problem: "it must be one line without control characters", hint: `write it as "${DEFAULT_TITLE}"` };
  }
  for (const [whole, name] of template.matchAll(/\{([^{}]*)\}/g)) {
    if (PLACEHOLDERS.some((placeholder) => placeholder === name)) continue;
    const near = nearest(name.trim().toLowerCase(), PLACEHOLDERS);
    return {
      problem: `${whole} is not a known placeholder`,
      hint: near === undefined ? `known placeholders: ${known}` : `did you mean {${near}}?`,
    };
  }
  if (/[{}]/.test(template.replace(/\{[^{}]*\}/g, ""))) {
    return { problem: "it has a brace that does not belong to a placeholder", hint: `known placeholders: ${known}` };
  }
  if (template.includes("{subject}")) return undefined;
  return { problem: "it does not contain {subject}", hint: "without {subject}, readers do not see the subject" };
}
