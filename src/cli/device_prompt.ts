/** What a person sees who logs in with a browser: an address, a code, and on a terminal a QR code. */

import { loadLate } from "../base/late_modules.ts";
import type { DevicePrompt } from "../accounts/device_login.ts";
import { formatDuration } from "../base/duration.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Ui } from "./ui.ts";

/** So long a person waits for a QR code that must be downloaded first. */
const LOAD_LIMIT_MS = 5_000;

/** Shows where to confirm a login. Whoever reads no QR code types the short address and the code. */
export async function showDevicePrompt(prompt: DevicePrompt, runtime: Runtime, ui: Ui): Promise<void> {
  const { verificationUri, verificationUriComplete, userCode, expiresAt } = prompt;
  const rest = formatDuration(expiresAt - runtime.now()), address = verificationUriComplete ?? verificationUri;
  const drawing = runtime.stdio.stderrIsTerminal() ? await draw(address, runtime) : undefined;
  if (drawing !== undefined) ui.picture(drawing);
  ui.tell("To log in, open this address in a browser anywhere:", `  ${address}`);
  if (verificationUriComplete === undefined) ui.tell("and enter there:", `  ${userCode}`);
  else ui.tell(`or ${verificationUri}, and enter there ${userCode}. The page must show this code too.`);
  ui.tell(`It is good for ${rest}. Waiting for you to confirm it …`);
}

/** The address stands there too, so that a QR code that cannot be drawn is no trouble: its library may be out of reach, and a firewall says nothing. */
async function draw(text: string, runtime: Runtime): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  runtime.timeout(LOAD_LIMIT_MS).addEventListener("abort", () => resolve(undefined));
  return await Promise.race([late, tryToDraw(text, !runtime.env("NO_COLOR"))]);
}

async function tryToDraw(text: string, colours: boolean): Promise<string | undefined> {
  try {
    const { drawQrCode } = await loadLate<typeof import("./qr_code.ts")>("cli/qr_code.ts");
    return drawQrCode(text, { colours });
  } catch {
    return undefined;
  }
}
