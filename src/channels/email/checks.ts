/** The checks of an email channel. These checks connect and log in, but do not send a mail. */

import { ResponseError } from "../../base/errors.ts";
import { type Check, type CheckContext, failure, ok } from "../check.ts";
import type { EmailSettings } from "./settings.ts";
import { loadSmtp, type SmtpServer, toSmtpServer } from "./smtp_server.ts";

const ENCRYPTION = {
  starttls: "is encrypted by STARTTLS",
  tls: "is encrypted from the first byte",
  none: "is not encrypted",
} as const;

/** Creates the checks. */
export function createChecks({ runtime, limits }: CheckContext, settings: EmailSettings): readonly Check[] {
  const greet = async (server: SmtpServer) => {
    await (await loadSmtp()).greet(server, { timeout: runtime.timeout, ...limits });
  };
  return [
    {
      name: "connection",
      async *look() {
        const server = toSmtpServer({ ...settings, password: undefined }, runtime.hostname());
        try {
          await greet(server);
          yield ok(`${server.host}:${server.port} answers, and the connection ${ENCRYPTION[server.security]}`);
        } catch (error) {
          if (!(error instanceof ResponseError)) throw error;
          yield failure(error.message, error.hint);
        }
      },
    },
    {
      name: "login",
      needs: ["connection"],
      async *look() {
        const server = toSmtpServer(settings, runtime.hostname());
        if (server.login === undefined) {
          yield ok("the channel does not log in, because no password is configured");
          return;
        }
        try {
          await greet(server);
          yield ok(`${server.login.user} is logged in`);
        } catch (error) {
          if (!(error instanceof ResponseError) || error.failureClass !== "credentials") throw error;
          yield failure(error.message, error.hint);
        }
      },
    },
  ];
}
