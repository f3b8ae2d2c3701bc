/** Which rules a notification comes to, and why. */

import { type Notification, SEVERITIES, type Severity } from "../notification/notification.ts";
import type { Pattern } from "./pattern.ts";
import { type Rule, TEXT_FIELDS, type When } from "./rule.ts";

/** What became of a rule. */
export interface EvaluatedRule {
  /** Where it stands in the configuration: `routes[2]`. */
  readonly rule: string;
  /** Whether it is for the notification; `not reached` when an earlier one took it. */
  readonly result: "matches" | "passed over" | "not reached";
  /** For people. */
  readonly why: string;
}

/** Those that a notification comes to, in their order. */
export interface RuleEvaluation {
  readonly matching: readonly Rule[];
  /** All of them. */
  readonly rules: readonly EvaluatedRule[];
}

/** Asks the rules, up to the first that matches and does not say that others follow. */
export function evaluateRules(rules: readonly Rule[], notification: Notification): RuleEvaluation {
  const matching: Rule[] = [];
  let last: Rule | undefined;
  const judged = rules.map((rule): EvaluatedRule => {
    if (last !== undefined) return { rule: rule.path, result: "not reached", why: `${last.path} matched before` };
    const conditions = conditionsOf(rule.when, notification);
    const failed = conditions.find(({ holds }) => !holds);
    if (failed !== undefined) return { rule: rule.path, result: "passed over", why: failed.why };
    matching.push(rule);
    if (!rule.continues) last = rule;
    const why = conditions.length === 0 ? "it is for everything" : conditions.map(({ why }) => why).join(", ");
    return { rule: rule.path, result: "matches", why };
  });
  return { matching, rules: judged };
}

interface JudgedCondition {
  readonly holds: boolean;
  readonly why: string;
}

function conditionsOf({ texts, severities }: When, notification: Notification): JudgedCondition[] {
  const conditions = TEXT_FIELDS.flatMap((field): JudgedCondition[] => {
    const patterns = texts[field];
    if (patterns === undefined) return [];
    const text = notification[field] ?? "";
    const pattern = patterns.find((one) => one.matches(text));
    const subject = text === "" ? `it has no ${field}` : `${field} is "${text}"`;
    if (pattern === undefined) {
      return [{ holds: false, why: text === "" ? subject : `${subject}, not ${listOf(patterns)}` }];
    }
    return [{ holds: true, why: pattern.isWord ? subject : `${subject}, as ${pattern.text}` }];
  });
  if (severities === undefined) return conditions;
  const { severity } = notification;
  const holds = severities.includes(severity);
  return [...conditions, { holds, why: `severity is ${severity}${holds ? "" : `, not ${severityList(severities)}`}` }];
}

function listOf(patterns: readonly Pattern[]): string {
  return patterns.map(({ text, isWord }) => isWord ? `"${text}"` : text).join(" or ");
}

function severityList(severities: readonly Severity[]): string {
  return SEVERITIES.filter((severity) => severities.includes(severity)).join(" or ");
}

/** Whether a rule is never asked, because an earlier one takes all that would come to it. What it answers with `true` is so; not all that is so is seen. */
export function isCoveredBy(rule: Rule, earlier: Rule): boolean {
  if (earlier.continues) return false;
  const { texts, severities } = earlier.when;
  return TEXT_FIELDS.every((field) => coversTexts(texts[field], rule.when.texts[field])) &&
    (severities === undefined || (rule.when.severities ?? SEVERITIES).every((one) => severities.includes(one)));
}

/** Whether whatever the inner ones match is matched by the outer ones. */
function coversTexts(outer: readonly Pattern[] | undefined, inner: readonly Pattern[] | undefined): boolean {
  if (outer === undefined || outer.some(({ isAnything }) => isAnything)) return true;
  return inner !== undefined &&
    inner.every((one) => outer.some((other) => other.text === one.text || (one.isWord && other.matches(one.text))));
}
