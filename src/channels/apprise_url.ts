/**
 * The URLs of Apprise (its documentation, "URL Basics"):
 * `schema://user:password@host:port/path?option=value`. They differ from RFC 3986: a `#` begins no
 * fragment, and a password may contain an `@`.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";

/**
 * Options of every service that have no meaning here: waiting, cutting, conversion of the input.
 */
const IGNORED_OPTIONS: ReadonlySet<string> = new Set([
  ...["format", "overflow", "emojis", "interpret", "store", "tz", "rto", "cto", "retry", "wait", "redirect"],
  ...["image", "avatar_url"],
]);

/** Separates names in a path and in lists. */
const LIST_REGEXP = /[\s,\\/]+/;

/** A parsed URL. Errors name the part and never show it, because most of it is secret. */
export class AppriseUrl {
  /** In lower case: `ntfys`. */
  readonly schema: string;
  readonly user?: string;
  readonly password?: string;
  readonly host: string;
  /** With its colon; empty if there is none. */
  readonly port: string;
  /** The path as it was written. */
  readonly path: string;
  readonly #options = new Map<string, string>();
  readonly #path: string;

  /**
   * @param text the URL
   * @param path its dotted path in the configuration, for errors
   * @throws {ConfigError} if it is not such a URL
   */
  constructor(text: string, path: string) {
    this.#path = path;
    const found = /^(?<schema>[a-z]+):\/\/(?<authority>[^/?]*)(?<path>[^?]*)(?:\?(?<query>.*))?$/isu.exec(text.trim());
    const { schema = "", authority = "", path: urlPath = "", query = "" } = found?.groups ?? {};
    if (found === null) throw this.error("it is neither an object nor an Apprise URL such as ntfys://host/topic");
    const at = authority.lastIndexOf("@");
    const login = at < 0 ? "" : authority.slice(0, at);
    const colon = login.indexOf(":");
    this.schema = schema.toLowerCase();
    [, this.host, this.port] = /^(.*?)(:\d+)?$/s.exec(authority.slice(at + 1)) ?? ["", "", ""];
    this.port ??= "";
    this.path = urlPath;
    for (const pair of query.split("&").filter((pair) => pair !== "")) this.#addOption(pair);
    this.user = this.option("user") ?? (this.#decode(colon < 0 ? login : login.slice(0, colon)) || undefined);
    this.password = this.option("pass") ?? (this.#decode(colon < 0 ? "" : login.slice(colon + 1)) || undefined);
  }

  /** The names in the path, in order. */
  get entries(): readonly string[] {
    return this.path.split(LIST_REGEXP).filter((entry) => entry !== "").map((entry) => this.#decode(entry));
  }

  /** `https://host:port`, or `http://…`. */
  server(isSecure: boolean): string {
    if (this.host === "") throw this.error("it names no host");
    return `${isSecure ? "https" : "http"}://${this.host}${this.port}`;
  }

  /** Reads an option; an empty one counts as absent. */
  option(name: string): string | undefined {
    const value = this.#options.get(name);
    this.#options.delete(name);
    return value || undefined;
  }

  /** Reads an option that is a list of names. */
  list(name: string): readonly string[] {
    return (this.option(name) ?? "").split(LIST_REGEXP).filter((entry) => entry !== "");
  }

  /**
   * Reads the options whose names begin with a sign: headers (`+`), parameters (`-`) or fields
   * (`:`).
   */
  options(sign: "+" | "-" | ":"): readonly (readonly [name: string, value: string])[] {
    const found = [...this.#options].filter(([name]) => name.startsWith(sign));
    for (const [name] of found) this.#options.delete(name);
    return found.map(([name, value]) => [name.slice(1), value]);
  }

  /**
   * Rejects options that are not read: Apprise would do something that this program does not.
   *
   * @param ignored options of this service that make no difference here
   */
  end(ignored: readonly string[] = []): void {
    const verify = this.option("verify");
    if (verify !== undefined && !isYes(verify)) {
      throw this.error("its option verify turns off the check of certificates, which is not supported", "leave it out");
    }
    for (const name of this.#options.keys()) {
      if (IGNORED_OPTIONS.has(name) || ignored.includes(name)) continue;
      throw this.error(`its option ${name} is not supported`, "leave it out, or write the channel as an object");
    }
  }

  /** An error about this URL. */
  error(state: string, hint?: string): ConfigError {
    return new ConfigError(`Cannot use ${this.#path}: ${state}`, { hint });
  }

  #addOption(pair: string): void {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    const key = this.#decode(name);
    this.#options.set(/^[-+:]/.test(key) ? key : key.toLowerCase(), this.#decode(value));
  }

  #decode(text: string): string {
    try {
      return decodeURIComponent(text);
    } catch {
      throw this.error("a % in it does not begin an escaped character", "write a % itself as %25");
    }
  }
}

/** What Apprise accepts as yes. */
export function isYes(value: string): boolean {
  return /^(y|t|1|on|en|allow|\+)/i.test(value.trim());
}
