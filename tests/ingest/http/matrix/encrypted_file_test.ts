import { assertEquals } from "@std/assert";
import { withDecryptedFile } from "../../../../src/ingest/http/matrix/encrypted_file.ts";

const INPUT = {
  ...{ subject: "File: a.txt", message: "" },
  attachments: [{ path: "/uploads/1", name: "a.txt", type: "text/plain" }],
};

/**
 * Encrypts a file as a client does. Returns the field `file`, and the bytes that the client
 * uploads.
 */
async function encrypt(text: string) {
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  const counter = new Uint8Array(16).fill(7, 0, 8);
  const algorithm = { name: "AES-CTR", counter, length: 64 };
  const bytes = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, new TextEncoder().encode(text)));
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64({ omitPadding: true });
  const { k } = await crypto.subtle.exportKey("jwk", key);
  const file = {
    ...{ v: "v2", url: "mxc://matrix-notify/1", iv: counter.toBase64({ omitPadding: true }), hashes: { sha256 } },
    key: { kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"], k },
  };
  return { file, bytes };
}

Deno.test("withDecryptedFile() attaches the decrypted file", async () => {
  const { file, bytes } = await encrypt("Hello");
  const { attachments, problems } = await withDecryptedFile(INPUT, file, () => bytes);
  assertEquals(attachments, [{ name: "a.txt", type: "text/plain", bytes: new TextEncoder().encode("Hello") }]);
  assertEquals(problems, undefined);
});

Deno.test("withDecryptedFile() shows that a file cannot be decrypted", async () => {
  const { file, bytes } = await encrypt("Hello");
  const cases: readonly (readonly [file: unknown, bytes: Uint8Array<ArrayBuffer>])[] = [
    [file, Uint8Array.of(...bytes, 0)],
    [{ ...file, iv: "AAAA" }, bytes],
    [{ ...file, key: { k: "AAAA" } }, bytes],
    ["text", bytes],
    [null, bytes],
  ];
  for (const [file, bytes] of cases) {
    assertEquals(await withDecryptedFile(INPUT, file, () => bytes), {
      ...{ subject: "File: a.txt", message: "", problems: ["Cannot attach a.txt: it cannot be decrypted"] },
    });
  }
});
