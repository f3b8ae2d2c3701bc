import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { requireSecretFile, requireTrustedFile } from "../../src/runtime/secret_file.ts";

/** Runs a test with a file that every user can read. */
function withExposedFile(body: (path: string, folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/token`;
  Deno.writeTextFileSync(path, "s3cr3t");
  Deno.chmodSync(path, 0o644);
  try {
    body(path, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("requireSecretFile() refuses a file that every user can read, with the chmod that fixes it", () => {
  withExposedFile((path) => {
    const { message, hint } = assertThrows(() => requireSecretFile(path, "tokenFile"), ConfigError);
    assertEquals(
      message,
      `Cannot use tokenFile ${path}: it contains a secret, but every user of this host can read it`,
    );
    assertEquals(hint, `run: chmod 600 ${path}`);
    for (const mode of [0o600, 0o640, 0o400]) {
      Deno.chmodSync(path, mode);
      assertEquals(requireSecretFile(path, "tokenFile"), "s3cr3t");
    }
  });
});

Deno.test("requireSecretFile() accepts any mode in CREDENTIALS_DIRECTORY, also through a link", () => {
  const before = Deno.env.get("CREDENTIALS_DIRECTORY");
  withExposedFile((path, folder) => {
    Deno.symlinkSync(path, `${folder}-link`);
    Deno.env.set("CREDENTIALS_DIRECTORY", folder);
    try {
      assertEquals(requireSecretFile(path, "tokenFile"), "s3cr3t");
      assertEquals(requireSecretFile(`${folder}-link`, "tokenFile"), "s3cr3t");
      Deno.env.set("CREDENTIALS_DIRECTORY", `${folder}/other`);
      assertThrows(() => requireSecretFile(path, "tokenFile"), ConfigError);
    } finally {
      if (before === undefined) Deno.env.delete("CREDENTIALS_DIRECTORY");
      else Deno.env.set("CREDENTIALS_DIRECTORY", before);
      Deno.removeSync(`${folder}-link`);
    }
  });
});

/** Runs commands of root with mounts of their own. */
async function runWithMounts(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const args = ["--mount", "sh", "-ec", script];
  const { stdout } = await new Deno.Command("unshare", { args, env: { ...env }, stderr: "inherit" }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "requireSecretFile() accepts any mode in /run/secrets and on a read-only mount, also for other users",
  ignore: Deno.uid() !== 0,
  async fn() {
    const folder = Deno.makeTempDirSync();
    const module = new URL("../../src/runtime/secret_file.ts", import.meta.url);
    const code = `import { requireSecretFile, requireTrustedFile } from "${module}";
      for (const path of Deno.args) {
        try { console.log(requireSecretFile(path, "tokenFile")); } catch (error) { console.log(error.name); }
      }`;
    Deno.writeTextFileSync(`${folder}/check.ts`, code);
    const program = `"$DENO" run -A -q --no-lock "$FOLDER/check.ts"`;
    try {
      const output = await runWithMounts(
        `
          mkdir "$FOLDER/secrets" "$FOLDER/writable" "$FOLDER/frozen"
          echo 1 > "$FOLDER/writable/token"; chmod 644 "$FOLDER/writable/token"; chmod 755 "$FOLDER"
          mount --bind "$FOLDER/writable" "$FOLDER/frozen"; mount -o remount,bind,ro "$FOLDER/frozen"
          mount -t tmpfs none /run; mkdir /run/secrets; echo 2 > /run/secrets/token; chmod 644 /run/secrets/token
          chown 4242 "$FOLDER/writable/token" /run/secrets/token
          ${program} "$FOLDER/writable/token" "$FOLDER/frozen/token" /run/secrets/token
        `,
        { FOLDER: folder, DENO: Deno.execPath(), DENO_DIR: `${folder}/deno` },
      );
      assertEquals(output, "ConfigError\n1\n\n2\n\n");
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

Deno.test("requireSecretFile() refuses a pipe, and a file that another user can change", () => {
  withExposedFile((path, folder) => {
    Deno.chmodSync(path, 0o620);
    const { message, hint } = assertThrows(() => requireSecretFile(path, "tokenFile"), ConfigError);
    assertEquals(message, `Cannot use tokenFile ${path}: other users can write to it (its mode is 0620)`);
    assertEquals(hint, `run: chmod go-w ${path}`);
    new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).outputSync();
    assertThrows(() => requireSecretFile(`${folder}/pipe`, "tokenFile"), ConfigError, "it is a pipe");
    assertThrows(() => requireTrustedFile(`${folder}/pipe`, "caFile"), ConfigError, "it is a pipe");
    Deno.chmodSync(path, 0o600);
    if (Deno.uid() !== 0) return;
    Deno.chownSync(path, 4242, 4242);
    for (const read of [requireSecretFile, requireTrustedFile]) {
      const { message } = assertThrows(() => read(path, "tokenFile"), ConfigError);
      assertEquals(message, `Cannot use tokenFile ${path}: it belongs to another user (uid 4242)`);
    }
  });
});
