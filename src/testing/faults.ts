/** Named faults: which request meets which, and when. What each does is a table of the server's own. */

import type { Answer } from "./answer.ts";
import type { ReceivedRequest } from "./request_log.ts";

/** The details of some faults. */
export interface FaultDetails {
  /** For the faults with status 429: how long the client shall wait, in milliseconds; 2000 by default. */
  readonly retryAfterMs?: number;
  /** For the slow faults: how long the server takes, in milliseconds by its `sleep`; 1000 by default. */
  readonly delayMs?: number;
  /** For the slow faults: the server takes until this promise resolves, in place of `delayMs`. */
  readonly until?: Promise<unknown>;
  /** For `redirect`: where to; a sign-in page that does not exist by default. */
  readonly location?: string;
}

/** When a fault applies. */
export interface FaultOptions<RouteName extends string = string> extends FaultDetails {
  /** How many requests meet the fault before it is over; without limit by default. */
  readonly times?: number;
  /** Every how many matching requests one meets the fault: 2 spares the first and hits the second; 1 by default. */
  readonly every?: number;
  /** The endpoint that has the fault, or `"any"` for all and for unknown paths. By default the one that delivers. */
  readonly on?: RouteName | "any";
  /** A further condition, for example on the path, the method or the token; none by default. */
  readonly where?: (request: ReceivedRequest<RouteName>) => boolean;
}

/** A fault that was set. */
export interface Fault<FaultName extends string = string> {
  /** The name of the fault. */
  readonly name: FaultName;
  /** How many requests have met it so far. */
  readonly applied: number;
}

/** What a fault does. */
export interface FaultPlan {
  /** Whether the server does what the request asks for, although the client does not hear of it. */
  readonly acts: boolean;
  /** What the client sees. `late` is the true answer after a delay, `refuse` a closed port. */
  readonly outcome: "cut" | "hang" | "late" | "refuse" | ((details: FaultDetails, now: number) => Answer);
}

/** A fault that is in force. */
export interface FaultRule<FaultName extends string, RouteName extends string> {
  readonly name: FaultName;
  readonly options: FaultOptions<RouteName>;
  /** Resolves when the fault is cleared: hung requests end then. */
  readonly cleared: Promise<void>;
  readonly clear: () => void;
  seen: number;
  applied: number;
}

/** The faults in force, in the order in which they were set. */
export class FaultBook<FaultName extends string, RouteName extends string> {
  readonly #defaultRoute: RouteName;
  #rules: FaultRule<FaultName, RouteName>[] = [];

  constructor(defaultRoute: RouteName) {
    this.#defaultRoute = defaultRoute;
  }

  add(name: FaultName, options: FaultOptions<RouteName>): Fault<FaultName> {
    for (const [key, value] of [["times", options.times], ["every", options.every]] as const) {
      if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
        throw new RangeError(`Cannot set the fault ${name}: ${key} is ${value} instead of a whole number from 1`);
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const rule: FaultRule<FaultName, RouteName> = {
      name,
      options,
      cleared: promise,
      clear: resolve,
      seen: 0,
      applied: 0,
    };
    this.#rules.push(rule);
    return rule;
  }

  clear(): void {
    for (const rule of this.#rules) rule.clear();
    this.#rules = [];
  }

  /** The fault that this request meets: the first that is due. A rule counts only what the rules before it let pass. */
  next(request: ReceivedRequest<RouteName>): FaultRule<FaultName, RouteName> | undefined {
    for (const rule of this.#rules) {
      if (!this.#matches(rule, request)) continue;
      rule.seen++;
      if (rule.seen % (rule.options.every ?? 1) !== 0) continue;
      rule.applied++;
      return rule;
    }
    return undefined;
  }

  #matches(rule: FaultRule<FaultName, RouteName>, request: ReceivedRequest<RouteName>): boolean {
    const { times = Infinity, on = this.#defaultRoute, where } = rule.options;
    return rule.applied < times && (on === "any" || on === request.route) && (where?.(request) ?? true);
  }
}
