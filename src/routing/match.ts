/** Finds the rules that match a notification, and explains why each rule matches or not. */

import { type Notification, SEVERITIES, type Severity } from "../notification/notification.ts";
import type { Pattern } from "./pattern.ts";
import { type Rule, TEXT_FIELDS, type When } from "./rule.ts";

/** The result of one rule. */
export interface EvaluatedRule {
  /** The path of the rule in the configuration: `routes[2]`. */
  readonly rule: string;
  /**
   * The result. `passed over`: a condition of this rule failed. `not reached`: an earlier rule
   * matched, and no further rules were checked.
   */
  readonly result: "matches" | "passed over" | "not reached";
  /** The reason, as a text for people. */
  readonly why: string;
}

/** The results of all rules. */
export interface RuleEvaluation {
  /** The matching rules, in the order of the configuration. */
  readonly matching: readonly Rule[];
  readonly rules: readonly EvaluatedRule[];
}

/** Checks the rules in order. Stops after the first matching rule whose `continues` is false. */
export function evaluateRules(rules: readonly Rule[], notification: Notification): RuleEvaluation {
  const matching: Rule[] = [];
  let last: Rule | undefined;
  const evaluated = rules.map((rule): EvaluatedRule => {
    if (last !== undefined) return { rule: rule.path, result: "not reached", why: `${last.path} matched before` };
    const conditions = evaluateConditions(rule.when, notification);
    const failed = conditions.find(({ holds }) => !holds);
    if (failed !== undefined) return { rule: rule.path, result: "passed over", why: failed.why };
    matching.push(rule);
    if (!rule.continues) last = rule;
    const why = conditions.length === 0 ? "it matches every notification" : conditions.map(({ why }) => why).join(", ");
    return { rule: rule.path, result: "matches", why };
  });
  return { matching, rules: evaluated };
}

interface EvaluatedCondition {
  readonly holds: boolean;
  readonly why: string;
}

function evaluateConditions({ texts, severities }: When, notification: Notification): EvaluatedCondition[] {
  const conditions = TEXT_FIELDS.flatMap((field): EvaluatedCondition[] => {
    const patterns = texts[field];
    if (patterns === undefined) return [];
    const text = notification[field] ?? "";
    const pattern = patterns.find((one) => one.matches(text));
    const subject = text === "" ? `it has no ${field}` : `${field} is "${text}"`;
    if (pattern === undefined) {
      return [{ holds: false, why: text === "" ? subject : `${subject}, not ${formatPatterns(patterns)}` }];
    }
    return [{ holds: true, why: pattern.isWord ? subject : `${subject} and matches ${pattern.text}` }];
  });
  if (severities === undefined) return conditions;
  const { severity } = notification;
  const holds = severities.includes(severity);
  return [...conditions, {
    holds,
    why: `severity is ${severity}${holds ? "" : `, not ${formatSeverities(severities)}`}`,
  }];
}

function formatPatterns(patterns: readonly Pattern[]): string {
  return patterns.map(({ text, isWord }) => isWord ? `"${text}"` : text).join(" or ");
}

function formatSeverities(severities: readonly Severity[]): string {
  return SEVERITIES.filter((severity) => severities.includes(severity)).join(" or ");
}

/**
 * Returns true if `rule` has no effect, because `earlier` matches every notification that `rule`
 * matches. The result can be false although `rule` has no effect, because this function checks only
 * simple cases.
 */
export function isCoveredBy(rule: Rule, earlier: Rule): boolean {
  if (earlier.continues) return false;
  const { texts, severities } = earlier.when;
  return TEXT_FIELDS.every((field) => coversTexts(texts[field], rule.when.texts[field])) &&
    (severities === undefined || (rule.when.severities ?? SEVERITIES).every((one) => severities.includes(one)));
}

/**
 * Returns true if the patterns in `outer` match every text that the patterns in `inner` match.
 * Checks only simple cases.
 */
function coversTexts(outer: readonly Pattern[] | undefined, inner: readonly Pattern[] | undefined): boolean {
  if (outer === undefined || outer.some(({ isAnything }) => isAnything)) return true;
  return inner !== undefined &&
    inner.every((one) => outer.some((other) => other.text === one.text || (one.isWord && other.matches(one.text))));
}
