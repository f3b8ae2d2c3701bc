/** Tests the receivers of `serve` with Apprise, which sends to servers of many kinds. */

import { assertEquals } from "@std/assert";
import { clientSuite, installPythonClients } from "./install.ts";

let python = "";
const clientTest = await clientSuite("Apprise", async () => python = await installPythonClients());

/** The file that is attached, and its content. */
const FILE = "disk.txt", CONTENT = "sda1 100%";

/**
 * Addresses with the messages that they bring to the room. `TOKEN` and `HOST` stand for those of
 * `serve`.
 */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "ntfy://TOKEN@HOST/alerts": ["[jump] Disk full\n\nsda1 is full: ü <b>&"],
  "ntfy://user:TOKEN@HOST/alerts?priority=5&xtags=warning,site&click=https://example.org/&delay=1h": [
    "[jump] 🚨 ⚠️ Disk full\n\nsda1 is full: ü <b>&\n\nTags: site\n\n🔗 https://example.org/\n\n" +
    '✂ Cannot delay the notification until "1h": it was sent at once',
  ],
  "gotify://HOST/TOKEN": ["[jump] Disk full\n\nsda1 is full: ü <b>&"],
  "gotify://HOST/TOKEN?priority=high": ["[jump] ❌ Disk full\n\nsda1 is full: ü <b>&"],
  "json://HOST/notify?+Authorization=Bearer%20TOKEN": ["[jump] ❌ Disk full\n\nsda1 is full: ü <b>&"],
  "json://user:TOKEN@HOST/notify?:site=home": ["[jump] ❌ Disk full\n\nsda1 is full: ü <b>&\n\nsite: home"],
  "form://user:TOKEN@HOST/notify": ["[jump] ❌ Disk full\n\nsda1 is full: ü <b>&"],
  "xml://user:TOKEN@HOST/notify": ["[jump] ❌ Disk full\n\nsda1 is full: ü <b>&"],
};

/** Sends to each address among the arguments. */
const PROGRAM = `
import apprise, sys
title, body, file, *urls = sys.argv[1:]
for url in urls:
    sender = apprise.Apprise()
    sender.add(url)
    attach = file if file and not url.startswith("gotify") else None
    print(sender.notify(title=title, body=body, notify_type="failure", attach=attach), url)
`;

clientTest("the command line of Apprise sends with ntfy://", async (server) => {
  const url = `ntfy://${server.token}@${server.host}/alerts`;
  await server.run(python, [python.replace(/python$/, "apprise"), "-t", "Disk full", "-b", "sda1", url]);
  assertEquals(await server.arrived(), ["[jump] Disk full\n\nsda1"]);
});

clientTest("Apprise sends with ntfy://, gotify://, json://, form:// and xml://", async (server) => {
  const urls = Object.keys(ADDRESSES).map((url) => url.replace("TOKEN", server.token).replace("HOST", server.host));
  const send = (file: string) =>
    server.run(python, ["-c", PROGRAM, "Disk full", "sda1 is full: ü <b>&", file, ...urls]);
  await send("");
  assertEquals(await server.arrived(), Object.values(ADDRESSES).flat());
  await Deno.writeTextFile(`${server.directory}/${FILE}`, CONTENT);
  await send(FILE);
  const expected = Object.entries(ADDRESSES).flatMap(([url, texts]) =>
    url.startsWith("gotify") ? texts : [...texts, FILE]
  );
  assertEquals(await server.arrived(), expected);
  const files = server.homeserver.uploads().map(({ bytes }) => new TextDecoder().decode(bytes));
  assertEquals(files, Array(6).fill(CONTENT));
});
