/** The default context for parsing the configuration of a channel. */

import { openSession } from "../../src/accounts/session.ts";
import type { ParseContext } from "../../src/channels/fields/setting.ts";

/** Reads real secrets; no account is logged in. */
export const PARSE_CONTEXT: ParseContext = {
  insecureHttp: false,
  account: (userId) => openSession("/nowhere", userId, "test/1"),
};
