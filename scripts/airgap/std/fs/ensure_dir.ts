/** Makes a folder, and those it lies in, unless it is there already. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

/** Makes a folder, and those it lies in, unless it is there already. */
export function ensureDirSync(dir: string | URL): void {
  Deno.mkdirSync(dir, { recursive: true });
}
