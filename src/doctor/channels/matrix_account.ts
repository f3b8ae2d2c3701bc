/** A Matrix account: whether there is a token, whether it counts, and for how long. */

import { isTokenExpired } from "../../accounts/account.ts";
import { formatDuration } from "../../base/duration.ts";
import type { Check } from "../check.ts";
import { failure, ok, warning } from "../finding.ts";
import type { MatrixPatient } from "./patient.ts";

/** Whether there is a token at all. */
export const login: Check<MatrixPatient> = {
  name: "login",
  *look(patient) {
    const account = patient.account();
    patient.client.credentials?.accessToken();
    yield ok(account === undefined ? "an access token is configured" : `${account.userId} is logged in here`);
  },
};

/** Whom the token speaks for. A token that is over is renewed by the question, as by any other request. */
export const account: Check<MatrixPatient> = {
  name: "account",
  needs: ["versions"],
  async *look(patient) {
    const { userId } = await patient.whoami();
    if (patient.user !== undefined && userId !== patient.user) {
      yield failure(
        `the token speaks for ${userId}, and the channel's user is ${patient.user}`,
        `log in again: matrix-notify login ${patient.user}`,
      );
    } else yield ok(`the token speaks for ${userId}`);
  },
};

/** Homeservers remember transaction ids by device. */
export const device: Check<MatrixPatient> = {
  name: "device",
  needs: ["account"],
  async *look(patient) {
    const { userId, deviceId } = await patient.whoami();
    if (deviceId !== undefined) yield ok(deviceId);
    else {
      yield warning(
        "the token belongs to no device: Synapse remembers what it took only until it restarts, so that a message may come twice",
        `log in, and name the account as user: matrix-notify login ${userId}`,
      );
    }
  },
};

/** How long the token lives, and what comes then. */
export const renewal: Check<MatrixPatient> = {
  name: "renewal",
  needs: ["account"],
  *look(patient) {
    const kept = patient.account();
    const now = patient.context.runtime.now();
    if (kept === undefined) {
      yield ok("an access token that is configured is not renewed: it should be one that does not expire");
      return;
    }
    const { expiresAt, refreshToken, passwordFile, userId } = kept;
    if (expiresAt === undefined) yield ok("the token does not expire");
    else if (refreshToken !== undefined) {
      const left = isTokenExpired(kept, now) ? "is over" : `expires in ${formatDuration(expiresAt - now)}`;
      yield ok(`the token ${left}, and is renewed by whoever needs it`);
    } else if (passwordFile !== undefined) yield ok(`the token expires; then ${passwordFile} logs in again`);
    else {
      const left = expiresAt <= now ? "is over" : `expires in ${formatDuration(expiresAt - now)}`;
      yield warning(`the token ${left}, and nothing renews it`, `log in again: matrix-notify login ${userId}`);
    }
  },
};
