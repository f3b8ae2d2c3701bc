/**
 * Tests the Gotify receiver of `serve` with curl, as Gotify's documentation shows it ("Push
 * messages"), and with Python's gotify. The module of Gotify's own command line cannot be had from
 * the Go module proxy, so its request is repeated (gotify/cli, `command/push.go`).
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { clientSuite, installPythonClients } from "./install.ts";

let python = "";
const clientTest = await clientSuite("Python's gotify", async () => python = await installPythonClients());

/** Command lines with the messages in the room. */
const EXAMPLES: readonly (readonly [line: string, text: string])[] = [
  [
    'curl "$GOTIFY/message?token=$TOKEN" -F "title=my title" -F "message=my message" -F "priority=5"',
    "[jump] my title\n\nmy message",
  ],
  [
    'curl -H "X-Gotify-Key: $TOKEN" -d "title=Form&message=my+message&priority=8" $GOTIFY/message',
    "[jump] ❌ Form\n\nmy message",
  ],
  [
    'curl -H "Authorization: Bearer $TOKEN" --json \'{"title": "JSON", "message": "text"}\' $GOTIFY/message',
    "[jump] JSON\n\ntext",
  ],
  ['curl -u "user:$TOKEN" --json \'{"message": "A login", "appid": 5}\' $GOTIFY/message', "[jump] A login"],
  ['curl -X POST "$GOTIFY/message?token=$TOKEN&message=A+query&title=Query&priority=0"', "[jump] Query\n\nA query"],
  [
    `curl -H "X-Gotify-Key: $TOKEN" --json '{"message": "**bold**", "title": "Extras", "priority": 10, "extras": {
      "client::display": { "contentType": "text/markdown" },
      "client::notification": { "click": { "url": "https://a.example/" }, "bigImageUrl": "https://a.example/i.png" },
      "home::appliances::lighting::on": { "brightness": 15 } } }' $GOTIFY/message`,
    '[jump] 🚨 Extras\n\n**bold**\n\nImage: https://a.example/i.png\nhome::appliances::lighting::on: {"brightness":15}\n\n🔗 https://a.example/',
  ],
  [
    `curl -H "X-Gotify-Key: $TOKEN" --json '{"message": "Intent", "extras": {
      "android::action": { "onReceive": { "intentUrl": "https://a.example/intent" } } } }' $GOTIFY/message`,
    "[jump] Intent\n\n🔗 https://a.example/intent",
  ],
  // gotify push --title "A title" --clickUrl https://a.example/ "A push"
  [
    `curl -H "X-Gotify-Key: $TOKEN" -H "Content-Type: application/json" -H "Accept: application/json" -d '{"date": "0001-01-01T00:00:00.000Z",
      "extras": { "client::notification": { "click": { "url": "https://a.example/" } } }, "id": 0, "message": "A push",
      "title": "A title" }' $GOTIFY/message`,
    "[jump] A title\n\nA push\n\n🔗 https://a.example/",
  ],
];

const PROGRAM = `
import os
from gotify import Gotify
token = os.environ["TOKEN"]
client = Gotify(base_url=os.environ["GOTIFY"], app_token=token, client_token=token)
assert client.get_health()["health"] == "green", client.get_version()
client.create_message("Plain")
client.create_message("sda1", title="Disk full", priority=8, extras={
    "client::notification": {"click": {"url": "https://a.example/"}}, "home::site": {"name": "attic"}})
`;

clientTest("curl and Python's gotify send every example of Gotify's documentation", async (server) => {
  const env = { GOTIFY: server.url, TOKEN: server.token };
  const script = ['set -e; curl() { command curl -sSf "$@"; }', ...EXAMPLES.map(([line]) => line)].join("\n");
  await server.run("sh", ["-c", script], env);
  assertEquals(await server.arrived(), EXAMPLES.map(([, text]) => text));
  await server.run(python, ["-c", PROGRAM], env);
  assertEquals(await server.arrived(), [
    "[jump] Plain",
    '[jump] ❌ Disk full\n\nsda1\n\nhome::site: {"name":"attic"}\n\n🔗 https://a.example/',
  ]);
});
