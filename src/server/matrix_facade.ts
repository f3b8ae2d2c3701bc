/**
 * Answers all requests of Matrix clients, except messages: logins, uploads, and the requests that
 * `ingest/http/matrix/questions.ts` describes.
 *
 * @module
 */

import { formatError, StorageError } from "../base/errors.ts";
import { matrixError, refuseAsMatrix } from "../ingest/http/matrix/message.ts";
import {
  answerCaller,
  answerLogin,
  answerOpenly,
  answerUpload,
  type Caller,
  isLogin,
  readLogin,
  refuseUnknown,
  UPLOAD_REGEXP,
  userIdOf,
  waitOf,
} from "../ingest/http/matrix/questions.ts";
import { joinedRooms } from "../ingest/http/matrix/rooms.ts";
import { plainPath } from "../ingest/http/protocols.ts";
import { type Answer, MAX_REQUEST_BYTES, type Refusal } from "../ingest/http/request.ts";
import { BodyReader } from "./body_reader.ts";
import type { RateLimiter } from "./guards.ts";
import { createLogin } from "./logins.ts";
import type { Peer, ReceiverContext } from "./receiver.ts";
import { logName, type Sender, type Senders, usableChannels } from "./senders.ts";
import { Uploads } from "./uploads.ts";

/** What the façade shares with the rest of the receiver. */
export interface FacadeParts {
  readonly context: ReceiverContext;
  readonly senders: Senders;
  readonly limiter: RateLimiter;
}

/** The maximum size of the body of a login, in bytes. */
const MAX_LOGIN_BYTES = 64 * 1024;

/** The memory for the bodies of all logins, in bytes. */
const MAX_LOGINS_BYTES = 1024 * 1024;

/** The Matrix façade of a receiver. */
export class MatrixFacade {
  readonly #parts: FacadeParts;
  readonly #logins: BodyReader;

  constructor(parts: FacadeParts) {
    this.#parts = parts;
    this.#logins = new BodyReader(parts.context.runtime, { maxTotalBytes: MAX_LOGINS_BYTES });
  }

  /**
   * Answers a request that is not a message.
   *
   * @param sender the sender of the request, or the reason why it has none
   */
  async answer(request: Request, sender: Sender | Refusal, peer: Peer): Promise<Answer> {
    const { pathname, searchParams: query } = new URL(request.url);
    const { method } = request, path = plainPath(pathname);
    const open = answerOpenly({ method, path }, httpsAddress(request));
    if (open !== undefined) return open;
    if (isLogin(method, path)) return await this.#login(request, peer);
    const { context } = this.#parts;
    const waitMs = this.#take(sender, peer);
    if (waitMs > 0) return refuseAsMatrix("too-many", waitMs);
    const unknown = refuseUnknown({ method, path });
    if (unknown !== undefined) return unknown;
    if (typeof sender === "string") return refuseAsMatrix(sender);
    using body = await context.bodies.read(request, MAX_REQUEST_BYTES);
    if (typeof body.bytes === "string") return refuseAsMatrix(body.bytes);
    if (method === "POST" && UPLOAD_REGEXP.test(path)) return this.#upload(body.bytes, sender);
    const pauseMs = waitOf({ method, path, query });
    if (pauseMs > 0) await context.runtime.sleep(pauseMs, request.signal).catch(() => {});
    const rooms = joinedRooms(usableChannels(sender, context.channels()));
    return answerCaller({ method, path, body: body.bytes }, { ...userOf(sender), rooms });
  }

  async #login(request: Request, peer: Peer): Promise<Answer> {
    const { context, senders } = this.#parts;
    using body = await this.#logins.read(request, MAX_LOGIN_BYTES);
    if (typeof body.bytes === "string") return refuseAsMatrix(body.bytes);
    const login = readLogin(body.bytes);
    if ("status" in login) return login;
    const sender = await senders.identify([login.password], peer);
    const waitMs = this.#take(sender, peer);
    if (waitMs > 0) return refuseAsMatrix("too-many", waitMs);
    if (typeof sender === "string") {
      return matrixError(403, "M_FORBIDDEN", "the password is not the token of a sender, or the network is wrong");
    }
    const deviceId = login.deviceId ?? context.runtime.uuid();
    const token = await createLogin(deviceId, sender.token?.reveal() ?? "");
    return answerLogin({ ...userOf(sender), deviceId }, token);
  }

  #upload(bytes: Uint8Array, sender: Sender): Answer {
    const { context: { runtime, stateDir, log } } = this.#parts;
    try {
      return answerUpload(new Uploads(stateDir()).store(bytes, { now: runtime.now(), uuid: runtime.uuid() }));
    } catch (error) {
      log(`${logName(sender)}: ${formatError(error)}`);
      return refuseAsMatrix(error instanceof StorageError ? "unavailable" : "failed");
    }
  }

  /**
   * Counts a request. Returns the time that the client must wait, in milliseconds, or 0 if the
   * request is allowed now. Notifications have a separate limit.
   */
  #take(sender: Sender | string, { ip }: Peer): number {
    return this.#parts.limiter.take(typeof sender === "string" ? `refused ${ip}` : `matrix ${sender.name} ${ip}`);
  }
}

function userOf({ name, device }: Sender): Omit<Caller, "rooms"> {
  return { userId: userIdOf(name), deviceId: device ?? name };
}

/**
 * Returns the address that a client used, if the client used `https`. Behind a proxy, the header
 * `X-Forwarded-Proto` contains the protocol that the client used.
 */
function httpsAddress(request: Request): string | undefined {
  const { protocol } = new URL(request.url), host = request.headers.get("host") ?? "";
  const isHttps = protocol === "https:" || request.headers.get("x-forwarded-proto") === "https";
  return isHttps && URL.canParse(`https://${host}`) && /^[\w.:[\]-]+$/.test(host) ? `https://${host}` : undefined;
}
