/**
 * The device of a state directory: every login from here is on the same one, so that a second login replaces the first session and none piles up in the list that
 * people see.
 */

import { ConfigError, StorageError } from "../base/errors.ts";
import { parseJsonObject } from "../base/fields.ts";
import { denoFiles, type Files, replaceFile } from "../runtime/files.ts";
import { FileLock } from "../runtime/file_lock.ts";
import { mapFileErrors } from "../runtime/file_errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * Gives the device_id of a state directory; the first time it is made up. It suits the scopes of OAuth 2.0 too, which want ten characters or more.
 *
 * @throws {StorageError} when it cannot be written down
 */
export function stableDeviceId(
  stateDir: string,
  runtime: Pick<Runtime, "uuid">,
  files: Files = denoFiles,
): string {
  const path = `${stateDir}/device.json`;
  mapFileErrors(`make the folder ${stateDir}`, () => files.makeDirectory(stateDir));
  const lock = new FileLock(files, `${stateDir}/device.lock`);
  if (!lock.tryAcquire()) throw new StorageError("busy", `Cannot name this device: another login is under way`);
  try {
    const known = readDeviceId(path);
    if (known !== undefined) return known;
    const deviceId = runtime.uuid().replaceAll("-", "").slice(0, 16).toUpperCase();
    mapFileErrors(
      `save ${path}`,
      () => replaceFile(files, path, `${JSON.stringify({ version: 1, deviceId })}\n`),
      "unwritten",
    );
    return deviceId;
  } finally {
    lock.release();
  }
}

/** How people see the device in the list of their sessions. */
export function deviceName(runtime: Pick<Runtime, "hostname">): string {
  return `matrix-notify on ${runtime.hostname()}`;
}

function readDeviceId(path: string): string | undefined {
  let text;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot use ${path}: it cannot be read`, { cause: error });
  }
  const deviceId = parseJsonObject(text)?.deviceId;
  if (typeof deviceId === "string" && /^[\w.~-]{10,255}$/.test(deviceId)) return deviceId;
  throw new ConfigError(`Cannot use ${path}: it is damaged`, { hint: `remove it; the next login makes a new device` });
}
