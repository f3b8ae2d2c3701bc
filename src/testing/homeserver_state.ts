/** The types of the state of a loopback homeserver, and of the requests to its endpoints. */

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
  /**
   * The connection to the authorization server. Undefined if the homeserver itself manages the
   * logins.
   */
  readonly delegation: Delegation | undefined;
  readonly logins: Logins;
  readonly rooms: Rooms;
  readonly media: MediaRepository;
  readonly transactions: Transactions;
  readonly accountData: AccountData;
  /** The display name of each user id. */
  readonly displayNames: Map<string, string>;
  /** The cached answers to initial syncs. The key contains the parameters of the request. */
  readonly firstSyncs: Map<string, FirstSync>;
  readonly limiter: RateLimiter;
}

/** A cached answer to an initial sync. */
export interface FirstSync {
  readonly at: number;
  readonly answer: Answer;
}

/** The account data. The outer key is the user id, and the inner key is the type of the data. */
export type AccountData = Map<string, Map<string, JsonObject>>;

/** A request that passed the checks that all endpoints need. */
export interface EndpointRequest {
  /** The parameters in the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The value of the `Host` header, from which URLs are built. */
  readonly host: string;
  readonly headers: Headers;
  /** The JSON body of a POST or PUT request. An empty object for a GET request or an upload. */
  readonly body: JsonBody;
  /** The raw body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Waits for the delay of the fault (simulated error) `slow`, if this fault applies to the
   * request. Otherwise resolves immediately.
   */
  readonly ready: () => Promise<void>;
  /** Waits for `ms` milliseconds, or until `earlier` resolves. */
  readonly pause: (ms: number, earlier: Promise<unknown>) => Promise<void>;
}

/** A request with a valid access token. */
export interface AuthenticatedRequest extends EndpointRequest {
  readonly token: Token;
}
