/**
 * The few requests with which a test prepares a homeserver and checks the result. They use no code
 * of the program under test, so a fault there cannot hide itself here.
 *
 * @module
 */

/** A request that takes longer hangs. */
const REQUEST_LIMIT_MS = 30_000;

/** A user of the homeserver. */
export interface SynapseUser {
  /** The full id: `@alice:synapse.test`. */
  readonly userId: string;
  /** A token that does not expire. */
  readonly accessToken: string;
  /** The device that the token belongs to. */
  readonly deviceId: string;
  /** The password, for another login. */
  readonly password: string;
}

/** The room to create. */
export interface RoomOptions {
  /** Users to invite. */
  readonly invite?: readonly SynapseUser[];
  /** The local part of an alias: `alerts` for `#alerts:synapse.test`. */
  readonly alias?: string;
  /** The name that people see. */
  readonly name?: string;
  /** Who may join. @default {"private_chat"}: the invited users */
  readonly preset?: "private_chat" | "public_chat" | "trusted_private_chat";
}

/** An event as the homeserver returns it. */
export interface RoomEvent {
  /** The id that a PUT returns: `$…`. */
  readonly event_id: string;
  /** `m.room.message` */
  readonly type: string;
  /** The full id of the user who sent it. */
  readonly sender: string;
  /** When the homeserver accepted it, milliseconds since 1970. */
  readonly origin_server_ts: number;
  /** The content that was sent, unchanged. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Added by the homeserver: the edit that replaces it, the thread that starts with it. */
  readonly unsigned?: {
    readonly "m.relations"?: {
      readonly "m.replace"?: { readonly event_id: string };
      readonly "m.thread"?: { readonly count: number };
    };
  };
}

/** A request to the homeserver. */
export interface ApiRequest {
  /** @default `GET`, or `POST` with a body */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** The user who sends it. @default none */
  readonly user?: Pick<SynapseUser, "accessToken">;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** A page of events. */
interface Page {
  readonly chunk: readonly RoomEvent[];
  readonly end?: string;
}

/** The Client-Server API and the admin API of one homeserver. */
export class SynapseApi {
  readonly #url: string;
  readonly #secret: string;
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

  constructor(url: string, registrationSecret: string) {
    this.#url = url;
    this.#secret = registrationSecret;
  }

  /** Closes the HTTP client. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  /**
   * Sends a request and returns the JSON of the answer.
   *
   * @throws {Error} if the status is not 2xx, with the status and the body; if there is no answer
   * within 30 s
   */
  async request<T>(path: string, request: ApiRequest = {}): Promise<T> {
    const { body, user, method = body === undefined ? "GET" : "POST" } = request;
    const response = await fetch(this.#url + path, {
      method,
      client: this.#client,
      headers: user ? { authorization: `Bearer ${user.accessToken}` } : {},
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot ${method} ${path}: the answer is ${response.status} ${text}`);
    return JSON.parse(text);
  }

  /**
   * Registers a user with the shared secret. The HMAC over the server's nonce proves that we know
   * it.
   */
  async registerUser(localpart: string, admin: boolean): Promise<SynapseUser> {
    const path = "/_synapse/admin/v1/register";
    const { nonce } = await this.request<{ nonce: string }>(path);
    const password = `password-of-${localpart}`;
    const mac = await hmacSha1(this.#secret, [nonce, localpart, password, admin ? "admin" : "notadmin"].join("\0"));
    const body = { nonce, username: localpart, password, admin, mac };
    const answer = await this.request<{ user_id: string; access_token: string; device_id: string }>(path, { body });
    return { userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id, password };
  }

  /** Creates a room and returns its id. */
  async createRoom(user: SynapseUser, options: RoomOptions): Promise<string> {
    const { invite = [], alias, name, preset = "private_chat" } = options;
    const body = { preset, name, room_alias_name: alias, invite: invite.map(({ userId }) => userId) };
    const answer = await this.request<{ room_id: string }>("/_matrix/client/v3/createRoom", { user, body });
    return answer.room_id;
  }

  /** Joins a room, by id or alias. */
  async joinRoom(user: SynapseUser, room: string): Promise<void> {
    await this.request(`/_matrix/client/v3/join/${encodeURIComponent(room)}`, { user, body: {} });
  }

  /**
   * Lists all messages of a room that the user may see, oldest first. The last page may have an
   * `end` too.
   */
  async messages(user: SynapseUser, roomId: string): Promise<RoomEvent[]> {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=100`;
    const events: RoomEvent[] = [];
    let from = "";
    while (true) {
      const page: Page = await this.request(path + from, { user });
      events.push(...page.chunk);
      if (page.end === undefined) break;
      from = `&from=${encodeURIComponent(page.end)}`;
    }
    return events.filter(({ type }) => type === "m.room.message");
  }
}

async function hmacSha1(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))).toHex();
}
