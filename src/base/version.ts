/** The version of matrix-notify, which is defined in deno.json. */

import manifest from "../../deno.json" with { type: "json" };

/** The version: `0.1.0`. */
export const VERSION: string = manifest.version;

/** The `User-Agent` header of the requests that this program sends. */
export const USER_AGENT: string = `matrix-notify/${VERSION}`;
