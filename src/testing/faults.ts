/**
 * The faults that all loopback servers support. A fault is a named error that a test server
 * simulates. This file also chooses the fault for each request. Faults that only one kind of server
 * supports are in the files of that server.
 *
 * @module
 */

import { type Answer, pageAnswer } from "./answer.ts";
import type { ReceivedRequest } from "./request_log.ts";

/** Parameters that some faults (simulated errors) have. */
export interface FaultDetails {
  /**
   * The time that the client must wait, in milliseconds. Used by the faults that send a
   * waiting time with status 429 or 503.
   * @default {2000}
   */
  readonly retryAfterMs?: number;
  /** The delay of the slow faults, in milliseconds. @default {1000} */
  readonly delayMs?: number;
  /** If set, the slow faults wait for this promise, and ignore `delayMs`. */
  readonly until?: Promise<unknown>;
  /**
   * The URL to which the fault `redirect` redirects. By default, the URL of a sign-in page that
   * does not exist.
   */
  readonly location?: string;
}

/** The conditions under which a fault (a simulated error) applies. */
export interface FaultOptions<RouteName extends string = string> extends FaultDetails {
  /** The maximum number of requests that get the fault. Unlimited by default. */
  readonly times?: number;
  /**
   * With 1, every matching request gets the fault. With 2, every second matching request gets the
   * fault. Larger numbers work in the same way.
   * @default {1}
   */
  readonly every?: number;
  /**
   * The endpoint to which the fault applies, or `"any"` for all endpoints and unknown paths. By
   * default, the endpoint that accepts messages, or the token endpoint of an authorization server.
   */
  readonly on?: RouteName | "any";
  /**
   * A function that returns true for the requests to which the fault applies. By default, all
   * requests.
   */
  readonly where?: (request: ReceivedRequest<RouteName>) => boolean;
}

/** A fault that a test has set. */
export interface Fault<FaultName extends string = string> {
  /** The name of the fault. */
  readonly name: FaultName;
  /** The number of requests that got the fault so far. */
  readonly applied: number;
}

/** The effects of a fault. */
export interface FaultPlan {
  /** True if the server processes the request before the client notices the fault. */
  readonly acts: boolean;
  /**
   * The result for the client. With `cut`, the connection ends without an answer. With `hang`, the
   * connection stays open without an answer. With `late`, the normal answer arrives after a delay.
   * With `refuse`, the port is closed. If the value is a function, the client gets the answer of
   * this function instead of the normal answer.
   */
  readonly outcome: "cut" | "hang" | "late" | "refuse" | ((details: FaultDetails, now: number) => Answer);
}

/** An active fault. */
export interface FaultRule<FaultName extends string, RouteName extends string> {
  readonly name: FaultName;
  readonly options: FaultOptions<RouteName>;
  /**
   * A promise that resolves when the test ends the fault. The server then ends the requests that
   * are still open because of the fault.
   */
  readonly cleared: Promise<void>;
  readonly clear: () => void;
  seen: number;
  applied: number;
}

/** The active faults, in the order in which the test set them. */
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
   * Finds the first rule that applies to a request. Later rules do not count this request for their
   * options `times` and `every`.
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
 * The name of a fault that all loopback servers have. If the name contains `after-persisting`, the
 * server stores the message before the client notices the fault.
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
  | "redirect"
  | "endless-body"
  | "unfinished-body";

/**
 * The faults that all loopback servers have. These faults simulate problems of the network, of
 * proxies and of captive portals.
 */
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
  "endless-body": { acts: false, outcome: () => streamAnswer((controller) => controller.enqueue(blanks(65_536))) },
  "unfinished-body": { acts: false, outcome: () => streamAnswer(sendOnce()) },
};

/** Creates an answer whose header announces JSON. Its body contains only blanks, and never ends. */
function streamAnswer(pull: (controller: BodyController) => void | Promise<void>): Answer {
  return { status: 200, headers: { "content-type": "application/json" }, body: new ReadableStream({ pull }) };
}

type BodyController = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

/** Returns a function that sends one byte, and then nothing more. */
function sendOnce(): (controller: BodyController) => void | Promise<void> {
  let isSent = false;
  return (controller) => {
    if (isSent) return new Promise(() => {});
    isSent = true;
    controller.enqueue(blanks(1));
  };
}

function blanks(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(count).fill(32);
}

/**
 * Creates a fault in which the client gets `answer`, and the server does not process the request.
 */
export function instead(answer: Answer): FaultPlan {
  return { acts: false, outcome: () => answer };
}

/** Creates a fault in which the server processes the request, but the client gets `answer`. */
export function afterwards(answer: Answer): FaultPlan {
  return { acts: true, outcome: () => answer };
}

/** Returns the time that a client must wait after status 429, in milliseconds. */
export function waitMs({ retryAfterMs = 2000 }: FaultDetails): number {
  return retryAfterMs;
}

/** Creates the header `Retry-After`. Its value is in seconds, rounded up. */
export function retryAfterSeconds(details: FaultDetails): { readonly "retry-after": string } {
  return { "retry-after": String(Math.ceil(waitMs(details) / 1000)) };
}

function redirect({ location = "http://portal.invalid/login" }: FaultDetails): Answer {
  return { ...pageAnswer(302, "302 Found"), headers: { location } };
}
