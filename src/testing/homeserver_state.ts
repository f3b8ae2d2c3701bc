/** The state of a loopback homeserver, and the requests that its endpoints get. */

import type { Accounts, Delegation, Logins } from "./accounts.ts";
import type { Answer } from "./answer.ts";
import type { JsonBody, JsonObject } from "./content.ts";
import type { HomeserverSoftware, Token } from "./homeserver_types.ts";
import type { MediaRepository } from "./media.ts";
import type { RateLimiter } from "./rate_limit.ts";
import type { Rooms } from "./rooms.ts";
import type { Transactions } from "./transactions.ts";

/** The state that all endpoints share. */
export interface HomeserverState {
  readonly software: HomeserverSoftware;
  readonly serverName: string;
  readonly now: () => number;
  readonly accounts: Accounts;
  /** Set if logins are delegated to an authorization server. */
  readonly delegation: Delegation | undefined;
  readonly logins: Logins;
  readonly rooms: Rooms;
  readonly media: MediaRepository;
  readonly transactions: Transactions;
  readonly accountData: AccountData;
  /** Display names by user id. */
  readonly displayNames: Map<string, string>;
  /** Answers to initial syncs, by their parameters. */
  readonly firstSyncs: Map<string, FirstSync>;
  readonly limiter: RateLimiter;
}

/** An answer to an initial sync, which is repeated for a while. */
export interface FirstSync {
  readonly at: number;
  readonly answer: Answer;
}

/** Account data, by user id and type. */
export type AccountData = Map<string, Map<string, JsonObject>>;

/** A request after the checks that all endpoints share. */
export interface EndpointRequest {
  /** The parameters in the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The `Host` header, to build URLs. */
  readonly host: string;
  readonly headers: Headers;
  /** The JSON body of a POST or PUT; an empty object for a GET or an upload. */
  readonly body: JsonBody;
  /** The raw body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Resolves at once, or after the delay of the fault `slow`. */
  readonly ready: () => Promise<void>;
  /** Waits so many milliseconds, or until the promise resolves. */
  readonly pause: (ms: number, earlier: Promise<unknown>) => Promise<void>;
}

/** A request with a valid access token. */
export interface AuthenticatedRequest extends EndpointRequest {
  readonly token: Token;
}
