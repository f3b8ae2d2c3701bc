/** Tests the ntfy receiver of `serve` with python-ntfy, and with the package `ntfy` of npm. */

import { assertEquals } from "@std/assert";
import { clientSuite, installNodePackages, installPythonClients } from "./install.ts";

let python = "", packages = "";
const pythonTest = await clientSuite("python-ntfy", async () => python = await installPythonClients());
const nodeTest = await clientSuite(
  "the npm package ntfy",
  async () => packages = await installNodePackages([{ name: "ntfy", version: "1.15.6" }]),
);

const PYTHON_PROGRAM = `
import datetime, os
from python_ntfy import NtfyClient
from python_ntfy._send_functions import BroadcastAction, HttpAction, MessagePriority, ViewAction
client = NtfyClient(topic="alerts", server=os.environ["NTFY"], auth=os.environ["TOKEN"])
client.send("Plain")
client.send("Text", title="Disk full", priority=MessagePriority.URGENT, tags=["warning", "site"], actions=[
    ViewAction("Open", "https://example.org/"),
    HttpAction("Clean", "https://example.org/clean", method="PUT", headers={"Authorization": "secret"}, body="now"),
    BroadcastAction("Picture", extras={"cmd": "pic"})])
client.send("**bold**", title="Report", format_as_markdown=True, email="a@example.org",
    schedule=datetime.datetime.fromtimestamp(1900000000))
open("disk.log", "w").write("sda1 100%")
client.send_file("disk.log", title="Log", priority=MessagePriority.LOW, tags=["cd"])
`;

pythonTest("python-ntfy sends texts, actions and a file", async (server) => {
  await server.run(python, ["-c", PYTHON_PROGRAM], { NTFY: server.url, TOKEN: server.token });
  assertEquals(await server.arrived(), [
    "[jump] Plain",
    "[jump] 🚨 ⚠️ Disk full\n\nText\n\nTags: site\n\n→ Open: https://example.org/\n" +
    "→ Clean: PUT https://example.org/clean: now\n→ Picture: broadcast",
    '[jump] Report\n\n**bold**\n\n✂ Cannot delay the notification until "1900000000": it was sent at once\n\n' +
    "✂ Cannot send a mail to a@example.org: configure a channel for it",
    "[jump] 💿 Log\n\nFile: disk.log",
    "disk.log",
  ]);
});

const NODE_PROGRAM = `
import { writeFile } from "node:fs/promises";
const { NtfyClient } = await import(process.env.PACKAGES + "/node_modules/ntfy/dist/index.js");
const client = new NtfyClient({ server: process.env.NTFY, topic: "alerts", authorization: process.env.TOKEN });
await client.publish({ message: "Größe 😀", title: "Größe", priority: 4, tags: ["warning", "site"],
  iconURL: "https://a.example/i.png", actions: [
    { type: "view", label: "Open", url: "https://a.example/", clear: true },
    { type: "http", label: "Clean", url: "https://a.example/clean", method: "PUT", headers: { Authorization: "secret" }, body: "now" },
    { type: "broadcast", label: "Picture", extras: { cmd: "pic" } }] });
await client.publish({ message: "**bold**", markdown: true, delay: "1h", emailAddress: "a@example.org", disableCache: true,
  disableFirebase: true, fileURL: { url: "https://a.example/f.pdf", filename: "f.pdf" } });
await writeFile("disk.log", "sda1 100%");
await client.publish({ fileAttachment: "disk.log", title: "Log",
  authorization: { username: "any", password: process.env.TOKEN } });
`;

nodeTest("the npm package ntfy sends texts, actions and a file", async (server) => {
  const env = { NTFY: server.url, TOKEN: server.token, PACKAGES: packages };
  await server.run("node", ["--input-type=module", "--eval", NODE_PROGRAM], env);
  assertEquals(await server.arrived(), [
    "[jump] ⚠️ Größe\n\nGröße 😀\n\nTags: site\n\n→ Open: https://a.example/\n" +
    "→ Clean: PUT https://a.example/clean: now\n→ Picture",
    "[jump] alerts\n\n**bold**\n\nAttachment: f.pdf https://a.example/f.pdf\n\n" +
    '✂ Cannot delay the notification until "1h": it was sent at once\n\n' +
    "✂ Cannot send a mail to a@example.org: configure a channel for it",
    "[jump] Log\n\nsda1 100%",
  ]);
});
