/** Which version this is. The number stands in deno.json and nowhere else. */

import manifest from "../../deno.json" with { type: "json" };

/** The version: `0.1.0`. */
export const VERSION: string = manifest.version;

/** How our requests name themselves. */
export const USER_AGENT: string = `matrix-notify/${VERSION}`;
