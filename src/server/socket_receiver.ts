/**
 * The receiver for a local socket: `POST /send` with the fields of `matrix-notify send`. The file
 * mode of the socket decides which users can send, so there are no tokens. `serve` cannot
 * distinguish the users of one socket. But each group of users can have a separate socket, with its
 * own origin and channels.
 *
 * @module
 */

import { formatBytes } from "../base/count.ts";
import { firstChars } from "../base/printable.ts";
import { defaultSocketPath } from "../config/paths.ts";
import { DEFAULT_RATE_LIMIT, type SocketSettings } from "../config/serve.ts";
import { RefusedError, toAnswer, toErrorAnswer } from "../ingest/send/answer.ts";
import { readSendRequest, type SendRequest } from "../ingest/send/request.ts";
import type { ReadBody } from "./body_reader.ts";
import { RateLimiter, RefusalLog } from "./guards.ts";
import type { Receiver, ReceiverContext } from "./receiver.ts";

/** The longest time that a sender can wait for a delivery, in milliseconds. */
const MAX_WAIT_MS = 600_000;

/** A sender can try again after this time if the memory for requests is full, in milliseconds. */
const FULL_RETRY_MS = 5_000;

/**
 * The maximum length of the reason of a refusal in the log, in characters. A reason can contain a
 * long value of the request.
 */
const MAX_REASON_CHARS = 300;

/** Creates the receiver of a socket. */
export function createSocketReceiver(name: string, settings: SocketSettings): Receiver {
  const { path = defaultSocketPath(name), group, maxBytes, rateLimit } = settings;
  let limiter: RateLimiter | undefined, refusals: RefusalLog | undefined;
  return {
    name: `socket ${name}`,
    address: { transport: "unix", path, group },
    async handle(request, _, context) {
      limiter ??= new RateLimiter(rateLimit || DEFAULT_RATE_LIMIT, context.runtime.now);
      try {
        return await answer(request, { name, settings, limiter, maxBytes, context });
      } catch (error) {
        const refusal = toErrorAnswer(error);
        if (refusal === undefined) throw error;
        const reason = error instanceof Error ? firstChars(error.message, MAX_REASON_CHARS) : error;
        refusals ??= new RefusalLog(context);
        refusals.add(String(refusal.status), `socket ${name}: refused: ${reason}`);
        return refusal;
      }
    },
  };
}

interface SocketContext {
  readonly name: string;
  readonly settings: SocketSettings;
  readonly limiter: RateLimiter;
  readonly maxBytes: number;
  readonly context: ReceiverContext;
}

async function answer(request: Request, { name, settings, limiter, maxBytes, context }: SocketContext) {
  const { pathname } = new URL(request.url);
  if (pathname !== "/send" && pathname !== "/incident") {
    throw new RefusedError(`Cannot use ${pathname}: there is only POST /send`, 404);
  }
  if (request.method !== "POST" && request.method !== "PUT") {
    throw new RefusedError(`Cannot use ${request.method}: use POST`, 405);
  }
  const waitMs = limiter.take(name);
  if (waitMs > 0) {
    throw new RefusedError("Cannot accept the notification: too many notifications came through this socket", 429, {
      hint: "try again later, or raise rateLimit of the socket",
      retryAfterMs: waitMs,
    });
  }
  using body = await context.bodies.read(request, maxBytes);
  if (typeof body.bytes === "string") throw toRefusal(body.bytes, body.maxBytes);
  const asked = readSendRequest(body.bytes, request.headers.get("content-type") ?? "");
  const { input, options } = restrict(asked, name, settings);
  const sender = `socket ${name}`;
  if (pathname === "/incident") return Response.json({ open: context.hasOpenIncident(input, { ...options, sender }) });
  // The sender can wait for minutes. Meanwhile, others can use the memory of its request.
  const onStored = () => body[Symbol.dispose]();
  const waits = { waitMs: Math.min(options.waitMs ?? 0, MAX_WAIT_MS), onStored };
  return toAnswer(await context.accept(input, { ...options, ...waits, sender }));
}

/** Returns the error for the sender of a body that could not be read. */
function toRefusal(reason: Exclude<ReadBody["bytes"], Uint8Array>, maxBytes: number): RefusedError {
  if (reason === "too-large") {
    return new RefusedError(`Cannot accept the notification: it is larger than ${formatBytes(maxBytes)}`, 413, {
      hint: "send smaller files, or raise maxBytes of the socket",
    });
  }
  return reason === "too-slow"
    ? new RefusedError("Cannot accept the notification: it arrived too slowly, or not in full", 408)
    : new RefusedError("Cannot accept the notification: other requests use all memory for requests", 503, {
      hint: "try again in a few seconds",
      retryAfterMs: FULL_RETRY_MS,
    });
}

/** Applies the settings of a socket to a request. */
function restrict({ input, options }: SendRequest, name: string, { origin, channels }: SocketSettings): SendRequest {
  if (channels.length > 0) {
    const other = options.channels?.find((channel) => !channels.includes(channel));
    if (other !== undefined || options.room !== undefined) {
      const what = other === undefined ? "a room" : `channel "${other}"`;
      throw new RefusedError(`Cannot use ${what}: socket ${name} allows only ${channels.join(", ")}`, 403);
    }
  }
  return {
    input: { ...input, origin: origin ?? input.origin },
    options: {
      ...options,
      channels: options.channels ?? (channels.length > 0 ? channels : undefined),
    },
  };
}
