/** What a person sees who logs in with a browser: an address, a code, and on a terminal a QR code. */

import type { DevicePrompt } from "../accounts/device_login.ts";
import { formatDuration } from "../duration.ts";
import type { Runtime } from "../runtime.ts";
import type { Ui } from "./ui.ts";

/** Draws a text as a QR code. */
type DrawQrCode = (text: string, options: { readonly colours: boolean }) => string;

/** Shows where to confirm a login. Whoever reads no QR code types the short address and the code. */
export async function showDevicePrompt(prompt: DevicePrompt, runtime: Runtime, ui: Ui): Promise<void> {
  const { verificationUri, verificationUriComplete, userCode, expiresAt } = prompt;
  const rest = formatDuration(expiresAt - runtime.now());
  if (runtime.stdio.stderrIsTerminal()) {
    const drawing = await draw(verificationUriComplete ?? verificationUri, !runtime.env("NO_COLOR"));
    if (drawing !== undefined) ui.picture(drawing);
  }
  if (verificationUriComplete !== undefined) ui.warn(`To log in, open ${verificationUriComplete}`);
  ui.warn(
    `${verificationUriComplete === undefined ? "To log in, open" : "Or open"} ${verificationUri} and enter ${userCode}`,
  );
  ui.warn(`Waiting for the confirmation, at most ${rest}`);
}

/** The address stands there too, so that a QR code that cannot be drawn is no trouble: its library may be out of reach. */
async function draw(text: string, colours: boolean): Promise<string | undefined> {
  try {
    const { drawQrCode }: { readonly drawQrCode: DrawQrCode } = await import(
      new URL("./qr_code.ts", import.meta.url).href
    );
    return drawQrCode(text, { colours });
  } catch {
    return undefined;
  }
}
