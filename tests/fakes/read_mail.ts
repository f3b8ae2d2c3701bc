/** Parses mails with a parser that is not ours: the one of Python. */

import { findPython } from "../../scripts/python/python.ts";
import { run } from "../../scripts/std/command.ts";

/** A parsed mail. */
export interface ReadMail {
  /** The headers by their names in lower case, decoded. */
  readonly headers: Readonly<Record<string, string>>;
  /** The texts by their types. */
  readonly parts: Readonly<Record<string, string>>;
  /** The attachments: name, type, content in base64. */
  readonly files: readonly (readonly [name: string, type: string, base64: string])[];
}

const SCRIPT = `
import base64, email, email.policy, json, sys
mail = email.message_from_bytes(open(sys.argv[1], "rb").read(), policy=email.policy.default)
assert not mail.defects, mail.defects
parts = {p.get_content_type(): p.get_content().replace("\\r\\n", "\\n").rstrip("\\n") for p in mail.walk() if p.get_content_maintype() == "text" and not p.is_attachment()}
files = [(p.get_filename(), p.get_content_type(), base64.b64encode(p.get_payload(decode=True)).decode()) for p in mail.iter_attachments()] if mail.is_multipart() else []
files = [f for f in files if f[0]]
print(json.dumps({"headers": {k.lower(): str(v) for k, v in mail.items()}, "parts": parts, "files": files}))
`;

/** Parses a mail. @throws {Error} if it is malformed */
export async function readMail(data: string): Promise<ReadMail> {
  const { command } = await findPython();
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, data);
  const { success, stdout, stderr } = await run(command, ["-I", "-c", SCRIPT, path]);
  await Deno.remove(path);
  if (!success) throw new Error(`Cannot read the mail: ${stderr}`);
  return JSON.parse(stdout);
}
