/** Endpoints of what an account keeps on the server: account data and its name. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { Ask, TokenAsk, World } from "./world.ts";

export function getAccountData({ accountData }: World, { params, token }: TokenAsk): Answer {
  const { userId = "", type = "" } = params;
  if (userId !== token.userId) return matrixError(403, "M_FORBIDDEN", "Cannot get account data for other users.");
  const content = accountData.get(userId)?.get(type);
  if (content === undefined) return matrixError(404, "M_NOT_FOUND", "Account data not found");
  return jsonAnswer(200, content);
}

export function putAccountData({ accountData }: World, { params, token, body }: TokenAsk): Answer {
  const { userId = "", type = "" } = params;
  if (userId !== token.userId) return matrixError(403, "M_FORBIDDEN", "Cannot add account data for other users.");
  const own = accountData.get(userId) ?? new Map();
  accountData.set(userId, own.set(type, body.value));
  return jsonAnswer(200, {});
}

export function getDisplayName({ displayNames }: World, { params }: Ask): Answer {
  const displayname = displayNames.get(params.userId ?? "");
  return displayname === undefined
    ? matrixError(404, "M_NOT_FOUND", "Profile was not found")
    : jsonAnswer(200, { displayname });
}

export function setDisplayName({ displayNames }: World, { params, token, body }: TokenAsk): Answer {
  const { userId = "" } = params;
  const { displayname } = body.value;
  // Synapse says so with 400.
  if (userId !== token.userId) return matrixError(400, "M_FORBIDDEN", "Cannot set another user's displayname");
  if (typeof displayname !== "string") return matrixError(400, "M_BAD_JSON", "Missing key 'displayname'");
  displayNames.set(userId, displayname);
  return jsonAnswer(200, {});
}
