/** What reading a channel's configuration needs, where a test has none of its own. */

import { openSession } from "../../src/accounts/session.ts";
import type { ParseContext } from "../../src/channels/kind.ts";
import { secretOf } from "../../src/config/secrets.ts";

/** Real secrets, and nobody logged in. */
export const PARSE_CONTEXT: ParseContext = {
  insecureHttp: false,
  secret: secretOf,
  account: (userId) => openSession("/nowhere", userId, "test/1"),
};
