/** A loopback service that accepts any JSON. */

import { type Answer, jsonAnswer, pageAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, type FaultPlan, instead, retryAfterSeconds } from "./faults.ts";
import { type Call, type LoopbackOptions, LoopbackServer } from "./server.ts";

/**
 * The name of the only endpoint of {@linkcode LoopbackWebhook}. Requests to all paths reach this
 * endpoint.
 */
export type WebhookRouteName = "hook";

/** The name of a fault (a simulated error) of {@linkcode LoopbackWebhook}. */
export type WebhookFaultName =
  | CommonFaultName
  | "400"
  | "401"
  | "404"
  | "405"
  | "409"
  | "410"
  | "500"
  | "429-retry-after-seconds"
  | "503-retry-after-seconds";

/** The settings of a {@linkcode LoopbackWebhook}. */
export interface WebhookOptions extends LoopbackOptions {
  /**
   * True if the service stores only the first of several requests with the same
   * `Idempotency-Key`.
   * @default {false}
   */
  readonly isIdempotent?: boolean;
}

/** A request with JSON that the service accepted. */
export interface WebhookDelivery {
  /** The method, in capitals. */
  readonly method: string;
  /** The path. */
  readonly path: string;
  /** The headers. */
  readonly headers: Headers;
  /** The parsed JSON. */
  readonly body: unknown;
}

const FAULTS: Readonly<Record<WebhookFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "400": instead(jsonAnswer(400, { error: "invalid_payload" })),
  "401": instead(jsonAnswer(401, { error: "unauthorized" })),
  "404": instead(pageAnswer(404, "404 Not Found")),
  "405": instead({ ...pageAnswer(405, "405 Method Not Allowed"), headers: { allow: "PUT" } }),
  "409": instead(jsonAnswer(409, { error: "a request with this key is under way" })),
  "410": instead(jsonAnswer(410, { error: "no_service" })),
  "500": instead(jsonAnswer(500, { error: "internal" })),
  "429-retry-after-seconds": retryLater(429),
  "503-retry-after-seconds": retryLater(503),
};

/**
 * A service on 127.0.0.1. It answers with status 202 to JSON, and with status 400 to any other
 * body.
 */
export class LoopbackWebhook extends LoopbackServer<WebhookFaultName, WebhookRouteName> {
  readonly #deliveries: WebhookDelivery[];

  private constructor(options: WebhookOptions) {
    const deliveries: WebhookDelivery[] = [];
    const handle = (call: Call<WebhookRouteName>) => accept(call, deliveries, options);
    super({ faults: FAULTS, defaultRoute: "hook", route: () => "hook", handle }, options);
    this.#deliveries = deliveries;
  }

  /**
   * Starts a service.
   *
   * @throws {Deno.errors.AddrInUse} if the port is in use
   */
  static start(options: WebhookOptions = {}): Promise<LoopbackWebhook> {
    return Promise.try(() => new LoopbackWebhook(options));
  }

  /** Returns all accepted requests, in order. */
  get deliveries(): readonly WebhookDelivery[] {
    return this.#deliveries;
  }
}

function retryLater(status: number): FaultPlan {
  const outcome: FaultPlan["outcome"] = (details) =>
    jsonAnswer(status, { error: "slow down" }, retryAfterSeconds(details));
  return { acts: false, outcome };
}

async function accept(
  { ready, method, path, headers, bytes }: Call,
  deliveries: WebhookDelivery[],
  { isIdempotent = false }: WebhookOptions,
): Promise<Answer> {
  await ready();
  const key = headers.get("idempotency-key");
  if (isIdempotent && deliveries.some((other) => other.headers.get("idempotency-key") === key)) {
    return { status: 202, body: "" };
  }
  try {
    const body: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    deliveries.push({ method, path, headers, body });
    return { status: 202, body: "" };
  } catch {
    return jsonAnswer(400, { error: "invalid_json" });
  }
}
