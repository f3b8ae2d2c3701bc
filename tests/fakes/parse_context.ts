/** The default context for parsing the configuration of a channel. */

import { openSession } from "../../src/accounts/session.ts";
import type { ParseContext } from "../../src/channels/kind.ts";
import { secretOf } from "../../src/config/secrets.ts";

/** Reads real secrets; no account is logged in. */
export const PARSE_CONTEXT: ParseContext = {
  insecureHttp: false,
  secret: secretOf,
  account: (userId) => openSession("/nowhere", userId, "test/1"),
};
