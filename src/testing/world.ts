/** What the endpoints of a loopback homeserver get: the world they work on, and what is asked of them. */

import type { Accounts } from "./accounts.ts";
import type { Delegation } from "./delegation.ts";
import type { Answer } from "./answer.ts";
import type { JsonBody, JsonObject } from "./content.ts";
import type { HomeserverSoftware, Token } from "./homeserver_types.ts";
import type { Logins } from "./logins.ts";
import type { MediaRepository } from "./media.ts";
import type { RateLimiter } from "./rate_limit.ts";
import type { Rooms } from "./rooms.ts";
import type { Transactions } from "./transactions.ts";

/** What the endpoints work on. */
export interface World {
  readonly software: HomeserverSoftware;
  readonly serverName: string;
  readonly now: () => number;
  readonly accounts: Accounts;
  /** Where accounts live when they do not live here. */
  readonly delegation: Delegation | undefined;
  readonly logins: Logins;
  readonly rooms: Rooms;
  /** The content repository. */
  readonly media: MediaRepository;
  readonly transactions: Transactions;
  /** Account data by user and type. */
  readonly accountData: AccountData;
  /** The names that people see, by user id. */
  readonly displayNames: Map<string, string>;
  /** First answers to `GET /sync`, by what was asked. */
  readonly firstSyncs: Map<string, FirstSync>;
  readonly limiter: RateLimiter;
}

/** An answer that is given again for a while. */
export interface FirstSync {
  readonly at: number;
  readonly answer: Answer;
}

/** Account data, by user id and type. */
export type AccountData = Map<string, Map<string, JsonObject>>;

/** A request that passed the checks that all endpoints share. */
export interface Ask {
  /** The parameters in the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The authority the client used, to build URLs from. */
  readonly host: string;
  readonly headers: Headers;
  /** The body of a POST or PUT; an empty object for a GET, and for a file. */
  readonly body: JsonBody;
  /** The body as it came over the wire. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Resolves when the server gets round to the request. */
  readonly ready: () => Promise<void>;
  /** Waits so many milliseconds, or until something happens earlier. */
  readonly pause: (ms: number, earlier: Promise<unknown>) => Promise<void>;
}

/** A request with a valid token. */
export interface TokenAsk extends Ask {
  readonly token: Token;
}
