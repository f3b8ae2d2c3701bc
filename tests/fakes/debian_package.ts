import { buildBundle } from "../../scripts/build/bundle_files.ts";
import { packDeb } from "../../scripts/build/deb.ts";

/**
 * Makes a Debian package quickly.
 *
 * @param runtime the Deno in the package, or another small program of this machine
 */
export async function packForTest(path: string, runtime: string, epoch?: number): Promise<void> {
  const out = await Deno.makeTempDir();
  try {
    await buildBundle(out);
    const sums = (await Deno.readTextFile(`${out}/SHA256SUMS`)).trimEnd().split("\n");
    const files = sums.map((line) => line.split(/ +/)[1]);
    const name = await packDeb({ out, program: { files, runtime }, epoch, compression: "quick" });
    await Deno.copyFile(`${out}/${name}`, path);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}
