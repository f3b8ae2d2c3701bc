/**
 * Named faults: the faults that all servers have, and the rules that decide which request meets
 * which fault. Each server adds faults of its own.
 *
 * @module
 */

import { type Answer, pageAnswer } from "./answer.ts";
import type { ReceivedRequest } from "./request_log.ts";

/** Details of some faults. */
export interface FaultDetails {
  /**
   * For the faults with status 429: how long the client must wait, in milliseconds. @default {2000}
   */
  readonly retryAfterMs?: number;
  /** For the slow faults: how long the server takes, in milliseconds. @default {1000} */
  readonly delayMs?: number;
  /** For the slow faults, instead of `delayMs`: the server waits until this promise resolves. */
  readonly until?: Promise<unknown>;
  /** For `redirect`: the target. By default a sign-in page that does not exist. */
  readonly location?: string;
}

/** When a fault applies. */
export interface FaultOptions<RouteName extends string = string> extends FaultDetails {
  /** How many requests meet the fault; unlimited by default. */
  readonly times?: number;
  /**
   * Every n-th matching request meets the fault. With 2 it is the second, the fourth, and so on.
   * @default {1}
   */
  readonly every?: number;
  /**
   * The endpoint, or `"any"` for all endpoints and unknown paths. By default the endpoint that
   * delivers messages.
   */
  readonly on?: RouteName | "any";
  /** A further condition on the request; none by default. */
  readonly where?: (request: ReceivedRequest<RouteName>) => boolean;
}

/** A fault that was set. */
export interface Fault<FaultName extends string = string> {
  /** Its name. */
  readonly name: FaultName;
  /** How many requests have met it so far. */
  readonly applied: number;
}

/** What a fault does. */
export interface FaultPlan {
  /** Whether the server processes the request, although the client gets no normal answer. */
  readonly acts: boolean;
  /** What the client sees. `late` is the normal answer after a delay, `refuse` a closed port. */
  readonly outcome: "cut" | "hang" | "late" | "refuse" | ((details: FaultDetails, now: number) => Answer);
}

/** An active fault. */
export interface FaultRule<FaultName extends string, RouteName extends string> {
  readonly name: FaultName;
  readonly options: FaultOptions<RouteName>;
  /** Resolves when the fault is cleared. Requests that hang end then. */
  readonly cleared: Promise<void>;
  readonly clear: () => void;
  seen: number;
  applied: number;
}

/** The active faults, in the order in which they were set. */
export class FaultRules<FaultName extends string, RouteName extends string> {
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

  /**
   * Finds the fault that a request meets: the first that is due. A rule counts only requests that
   * met no earlier rule.
   */
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

/**
 * The name of a fault that all loopback servers have. `after-persisting` means that the server
 * stored the message although the client does not get a success.
 */
export type CommonFaultName =
  | "refuse"
  | "hang"
  | "hang-after-persisting"
  | "drop-before-persisting"
  | "drop-after-persisting"
  | "slow"
  | "slow-after-persisting"
  | "502"
  | "502-after-persisting"
  | "504-after-persisting"
  | "too-large-page"
  | "captive-portal"
  | "redirect";

/** The faults that all loopback servers have: of the network, of proxies, of captive portals. */
export const COMMON_FAULTS: Readonly<Record<CommonFaultName, FaultPlan>> = {
  "refuse": { acts: false, outcome: "refuse" },
  "hang": { acts: false, outcome: "hang" },
  "hang-after-persisting": { acts: true, outcome: "hang" },
  "drop-before-persisting": { acts: false, outcome: "cut" },
  "drop-after-persisting": { acts: true, outcome: "cut" },
  "slow": { acts: false, outcome: "late" },
  "slow-after-persisting": { acts: true, outcome: "late" },
  "502": instead(pageAnswer(502, "502 Bad Gateway")),
  "502-after-persisting": afterwards(pageAnswer(502, "502 Bad Gateway")),
  "504-after-persisting": afterwards(pageAnswer(504, "504 Gateway Time-out")),
  "too-large-page": instead(pageAnswer(413, "413 Request Entity Too Large")),
  "captive-portal": instead(pageAnswer(200, "Sign in to the network")),
  "redirect": { acts: false, outcome: redirect },
};

/** Creates a fault: the client gets this answer, and the server does not process the request. */
export function instead(answer: Answer): FaultPlan {
  return { acts: false, outcome: () => answer };
}

/** Creates a fault: the server processes the request, but the client gets this answer. */
export function afterwards(answer: Answer): FaultPlan {
  return { acts: true, outcome: () => answer };
}

/** Returns how long a client must wait after a 429, in milliseconds. */
export function waitMs({ retryAfterMs = 2000 }: FaultDetails): number {
  return retryAfterMs;
}

/** Returns the header `Retry-After` in seconds, rounded up. */
export function retryAfterSeconds(details: FaultDetails): { readonly "retry-after": string } {
  return { "retry-after": String(Math.ceil(waitMs(details) / 1000)) };
}

function redirect({ location = "http://portal.invalid/login" }: FaultDetails): Answer {
  return { ...pageAnswer(302, "302 Found"), headers: { location } };
}
